"""uvicorn on the socket that guard.py made: peers are checked when they connect, streams are told when the daemon stops."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from rw_daemon.api import errors
from rw_daemon.api.access import check_peer
from rw_shared.errors import NotAllowedError

PING_SECONDS = 20.0
PONG_SECONDS = 20.0  # a client that sleeps for longer is taken for gone; it resumes from its cursor
LAST_REQUESTS_SECONDS = 1  # of the two seconds that an orderly end may take in all
KEEP_ALIVE_SECONDS = 30
REFUSAL_SECONDS = 0.5  # that somebody else gets to read why he is refused


class OwnersProtocol(H11Protocol):
    """HTTP for the daemon's own user: anybody else gets one answer and no parser."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it."""
        try:
            check_peer(cast("socket.socket", transport.get_extra_info("socket")), owner=os.geteuid())
        except NotAllowedError as error:
            transport.write(refusal(error))
            transport.write_eof()
            # closed later: what the peer already sent and nobody read would make the kernel throw the answer away
            self.loop.call_later(REFUSAL_SECONDS, transport.abort)
            return
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what an accepted peer says."""
        if getattr(self, "transport", None) is not None:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget an accepted peer."""
        if getattr(self, "transport", None) is not None:
            super().connection_lost(exc)


def refusal(error: NotAllowedError) -> bytes:
    """Return a whole HTTP response that says why nothing more will come."""
    text = json.dumps(errors.body(error)).encode()
    head = (
        f"HTTP/1.1 {error.status} Forbidden\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + text


class Server(uvicorn.Server):
    """A server that waits for its end instead of looking for it ten times a second, and leaves signals to the process."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                cast("Any", app),
                http=OwnersProtocol,
                ws="websockets-sansio",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PONG_SECONDS,
            )
        )
        self._ending = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield

    async def main_loop(self) -> None:
        """Wait for ``stop``."""
        await self.on_tick(0)
        await self._ending.wait()

    def stop(self) -> None:
        """Stop accepting, tell streams (close code 1012), let requests finish for a moment."""
        self._ending.set()
