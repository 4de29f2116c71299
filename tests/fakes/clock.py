"""Time that passes when a test says so, or when everybody waits."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)

FAR_SECONDS, IDLE_SECONDS = 5.0, 0.5


class FakeClock:
    """A clock whose sleepers wake in order, as soon as nobody has anything else to do (``is_running``), or by ``advance``."""

    def __init__(self, *, is_running: bool = True) -> None:
        self.elapsed = 0.0
        self.jumped = timedelta()
        """How far somebody set the wall clock; what is measured stays."""
        self._is_running = is_running
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._last = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed) + self.jumped

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + max(seconds, 0), self._count, waiting))
        if self._is_running:
            self._last = asyncio.get_running_loop().time()
            asyncio.get_running_loop().call_later(0.002, self._wake_next)
        await waiting

    def _wake_next(self) -> None:
        loop = asyncio.get_running_loop()
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            return
        is_far = self._sleepers[0][0] - self.elapsed > FAR_SECONDS
        if self._is_running and is_far and loop.time() - self._last < IDLE_SECONDS:
            loop.call_later(IDLE_SECONDS, self._wake_next)  # somebody who sleeps for less may only be at the store
            return
        due, _, waiting = heapq.heappop(self._sleepers)
        self.elapsed = max(self.elapsed, due)
        waiting.set_result(None)

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; whoever is due wakes up."""
        until = self.elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self._wake_next()
            await asyncio.sleep(0)
        self.elapsed = until
        await asyncio.sleep(0)
