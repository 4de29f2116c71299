"""Time as something that is handed in, so that tests decide how late it is."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the daemon knows of time."""

    def now(self) -> datetime:
        """Return the wall clock's time, UTC: for people and events, never for measuring."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some point; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...


async def rest(clock: Clock, seconds: float, *, unless: asyncio.Event) -> None:
    """Return after ``seconds``, or as soon as the event is set."""
    both = {asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(unless.wait())}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in both:
            one.cancel()


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the wall clock's time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic clock, seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(seconds)
