"""Many WebSockets that are kept open, and opened again when they are closed: which release closed which, and when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

SPOKEN_EVERY_SECONDS = 5.0
OPENED_AT_ONCE = 20
LOOK_SECONDS = 1.0
"""A release's end of drain and its stop are a look of the daemon apart."""


@dataclass(frozen=True)
class Closing:
    """A WebSocket that was closed from the other side. :param at: seconds since 1970."""

    release: str
    at: float


def too_early(closings: Sequence[Closing], replaced: Mapping[str, float], *, drain_seconds: float) -> list[Closing]:
    """Return those that were closed by a release that served, or before its drain time was over.

    :param replaced: when a release was replaced for the last time, in seconds since 1970; it is not there while it serves.
    """
    return [one for one in closings if one.at < replaced.get(one.release, float("inf")) + drain_seconds - LOOK_SECONDS]


class Sockets:
    """Keeps ``count`` of them open while it is entered. :param url: of the service."""

    def __init__(self, url: str, count: int) -> None:
        parts = urlsplit(url)
        self._url, self._port, self._count = f"ws://{parts.netloc}/websocket", parts.port, count
        self._over = False
        self.opened = 0
        self.closings: list[Closing] = []
        self.refused: list[str] = []

    def __enter__(self) -> Sockets:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._keep_all()))
        self._thread.start()
        while self.opened < self._count:
            assert self._thread.is_alive()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()

    async def _keep_all(self) -> None:
        self._few = asyncio.Semaphore(OPENED_AT_ONCE)
        await asyncio.gather(*(self._keep() for _ in range(self._count)))

    async def _keep(self) -> None:
        while not self._over:
            try:
                async with self._few:
                    stream = await connect(self._url, host="127.0.0.1", port=self._port, compression=None, proxy=None, ping_interval=None)
                    release = str(await stream.recv())
                    self.opened += 1
            except (OSError, WebSocketException, TimeoutError) as error:
                self.refused.append(repr(error))
                await asyncio.sleep(SPOKEN_EVERY_SECONDS)
                continue
            async with stream:
                await self._speak(stream, release)

    async def _speak(self, stream: ClientConnection, release: str) -> None:
        with suppress(ConnectionClosed):
            while not self._over:
                await stream.send(release)
                assert await stream.recv() == release
                with suppress(TimeoutError):
                    await asyncio.wait_for(stream.wait_closed(), SPOKEN_EVERY_SECONDS)
        if not self._over:
            self.closings.append(Closing(release, time.time()))
