"""A port of this machine that leads to another address."""

from __future__ import annotations

import asyncio
import contextlib

from rw_cli.context.session import Session
from rw_shared.errors import ConflictError

BLOCK_BYTES = 64 * 1024


def forward(session: Session, service: str, host: str, port: int, *, local: int) -> None:
    """Accept connections on loopback and carry them to ``host:port`` until Ctrl-C. ``ConflictError``: the local port is taken."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(session, service, host, port, local))


async def _serve(session: Session, service: str, host: str, port: int, local: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(host, port)
        except OSError as error:
            session.say(f"{service}:{port} does not answer: {error.strerror or error}")
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    try:
        server = await asyncio.start_server(carry, "127.0.0.1", local)
    except OSError as error:
        raise ConflictError(f"Port {local} is taken.", why=str(error), hint="Leave --local out, or name another port.") from None
    async with server:
        chosen = server.sockets[0].getsockname()[1]
        address = f"127.0.0.1:{chosen}"
        session.result({"address": address, "service": service, "port": port}, f"{address} → {service}:{port}")
        session.flush()
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(BLOCK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        return
    writer.close()
