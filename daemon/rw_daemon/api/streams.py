"""WebSocket streams: one message a row, resumed by cursor, and an end that both sides notice at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from rw_daemon.api import errors
from rw_shared.errors import RwError
from rw_shared.models import Model

GOING_AWAY = 1001  # RFC 6455 section 7.4.1


async def pump(websocket: WebSocket, rows: AsyncIterator[Model]) -> None:
    """Send ``rows`` until they end, the client leaves or the daemon stops.

    A slow reader slows only itself: sending waits for its socket, and what ``rows`` does meanwhile is up to its bounded queue.
    Pings come from the server (server.py): a client that vanished without a word is noticed by them.
    """
    await websocket.accept()
    sending = asyncio.ensure_future(_send(websocket, rows))
    leaving = asyncio.ensure_future(_left(websocket))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and not leaving.done():
            await _finish(websocket, sending)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _send(websocket: WebSocket, rows: AsyncIterator[Model]) -> None:
    try:
        async for row in rows:
            await websocket.send_text(row.model_dump_json(by_alias=True))
    finally:
        close = getattr(rows, "aclose", None)
        if close is not None:
            await close()


async def _left(websocket: WebSocket) -> None:
    """Return when the client is gone; what it says meanwhile is not listened to."""
    with suppress(WebSocketDisconnect):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return


async def _finish(websocket: WebSocket, sending: asyncio.Future[None]) -> None:
    try:
        sending.result()
    except WebSocketDisconnect:
        return
    except RwError as error:
        await errors.close(websocket, error)
    except Exception as error:
        await errors.close(websocket, errors.unexpected(error))
    else:
        await websocket.close(GOING_AWAY)
