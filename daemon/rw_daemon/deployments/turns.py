"""Who builds next: a bounded number at once, and of those that wait the most urgent first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from itertools import count

from rw_shared.models import DEFAULT_ENVIRONMENT, OperationKind


class Urgency(IntEnum):
    """The lower, the sooner."""

    ROLLBACK = 0
    """Users meet the release that is to be left."""
    DEFAULT = 1
    """The environment that is meant where none is named: production."""
    OTHER = 2


def urgency(kind: OperationKind, environment: str) -> Urgency:
    """Return how urgent the builds of an operation are."""
    if kind is OperationKind.ROLLBACK:
        return Urgency.ROLLBACK
    return Urgency.DEFAULT if environment == DEFAULT_ENVIRONMENT else Urgency.OTHER


class Turns:
    """A semaphore whose waiters are woken by urgency; equally urgent ones in the order in which they came."""

    def __init__(self, at_once: int) -> None:
        """:param at_once: how many have a turn at the same time; one at least, whatever is said."""
        self._free = max(at_once, 1)
        self._came = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, how: int, *, waits: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Run the body when it is its turn.

        :param waits: awaited first where nothing is free, to tell so. Whoever is cancelled while waiting loses nobody's turn.
        """
        if self._free == 0:
            await waits()
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(how)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, how: int) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (how, next(self._came), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called in the same moment: the next one goes instead
                self._next()
            raise

    def _next(self) -> None:
        while self._waiting:
            called = heapq.heappop(self._waiting)[-1]
            if not called.done():
                called.set_result(None)  # the turn is handed over: it is never free in between
                return
        self._free += 1
