"""Tasks that nobody awaits: each has a name, none fails in silence, and what should run for ever is started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from rw_daemon.clock import Clock

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.5
LAST_PAUSE_SECONDS = 30.0
CLOSE_SECONDS = 0.5  # what a cancelled task may use to let go of its things; the process has two seconds in all


class Tasks:
    """Owns the daemon's tasks. Everything still running is cancelled by ``close``; that undoes nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._failure: asyncio.Future[str] | None = None

    @property
    def names(self) -> list[str]:
        """The names of what runs now, sorted."""
        return sorted(task.get_name() for task in self._running)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` once. An exception is logged with its traceback and goes no further."""
        return self._start(name, self._once(name, work), work)

    def keep(self, name: str, work: Callable[[], Awaitable[None]], *, is_vital: bool = False) -> asyncio.Task[None]:
        """Run ``work()`` until it returns; after an exception again, with pauses from 0.5 s doubling to 30 s.

        :param is_vital: an exception is not tried again: it ends the process (see ``failed``).
        """
        return self._start(name, self._again(name, work, is_vital=is_vital))

    async def failed(self) -> str:
        """Return the name of the first vital task that failed, once one does."""
        return await asyncio.shield(self._broken())

    async def close(self) -> None:
        """Cancel everything, also what a cancelled task starts as its last act, and wait for it, at most half a second."""
        self._is_closing = True
        for task in self._running:
            task.cancel()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=CLOSE_SECONDS)
            for task in late:
                log.warning("task %s does not end", task.get_name())

    def _start(self, name: str, guarded: Coroutine[Any, Any, None], inner: Coroutine[Any, Any, None] | None = None) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(guarded, name=name)
        self._running.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._running.discard(done)
            if inner is not None:
                inner.close()  # cancelled before its first step: nobody awaited it

        task.add_done_callback(ended)
        if self._is_closing:
            task.cancel()
        return task

    async def _once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("task %s failed", name)

    async def _again(self, name: str, work: Callable[[], Awaitable[None]], *, is_vital: bool) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = self._clock.monotonic()
            try:
                await work()
            except Exception:
                log.exception("task %s failed", name)
            else:
                return
            if is_vital:
                self._give_up(name)
                return
            if self._clock.monotonic() - began > LAST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS  # it ran well for a while: not the same trouble again
            await self._clock.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _broken(self) -> asyncio.Future[str]:
        if self._failure is None:
            self._failure = asyncio.get_running_loop().create_future()
        return self._failure

    def _give_up(self, name: str) -> None:
        if not self._broken().done():
            self._broken().set_result(name)


async def to_its_end(work: Awaitable[T]) -> T:
    """Return what ``work`` returns, or raise what it raises. A cancelled caller waits for its end, then is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen: the cancelled caller does not ask for it
        raise
