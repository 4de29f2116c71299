defmodule Greeter do
  use Application

  @body "hello from elixir\n"

  def start(_type, _args) do
    {:ok, address} = "HOST" |> System.fetch_env!() |> String.to_charlist() |> :inet.parse_address()
    port = "PORT" |> System.fetch_env!() |> String.to_integer()
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true, ip: address]
    {:ok, listener} = :gen_tcp.listen(port, options)
    Supervisor.start_link([{Task, fn -> accept(listener) end}], strategy: :one_for_one)
  end

  defp accept(listener) do
    {:ok, client} = :gen_tcp.accept(listener)
    {:ok, answering} = Task.start(fn -> answer(client) end)
    :gen_tcp.controlling_process(client, answering)
    accept(listener)
  end

  defp answer(client) do
    case :gen_tcp.recv(client, 0) do
      {:ok, :http_eoh} ->
        :gen_tcp.send(client, [
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n",
          "Content-Length: #{byte_size(@body)}\r\n\r\n",
          @body
        ])

        :gen_tcp.close(client)

      {:ok, _line} ->
        answer(client)

      {:error, _reason} ->
        :gen_tcp.close(client)
    end
  end
end
