import asyncio
import os
import signal

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set_result, None)
    async with serve(echo, os.environ.get("HOST", "0.0.0.0"), int(os.environ["PORT"])):
        await stop


if __name__ == "__main__":
    asyncio.run(main())
