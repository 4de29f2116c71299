require "socket"

server = TCPServer.new(ENV.fetch("HOST"), ENV.fetch("PORT").to_i)
trap("TERM") { exit }
styles = File.read("app.css")

loop do
  client = server.accept
  nil until (line = client.gets).nil? || line.strip.empty?
  client.write "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: #{styles.bytesize}\r\nConnection: close\r\n\r\n#{styles}"
  client.close
end
