require "greeting"
require "socket"

server = TCPServer.new(ENV.fetch("HOST"), ENV.fetch("PORT").to_i)
trap("TERM") { exit }

loop do
  client = server.accept
  Thread.new do
    nil until (line = client.gets).nil? || line.strip.empty?
    body = Greeting::WORDS
    client.write "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  ensure
    client.close
  end
end
