"""Deadlines of steps whose length nobody knows: they may take as long as they make progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rw_shared.errors import DeadlineError


@asynccontextmanager
async def moving(step: str, *, seconds: float) -> AsyncIterator[Callable[[], None]]:
    """Give the body up after ``seconds`` in which what this yields was not called; ``DeadlineError``. The wall clock does not matter."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds) as deadline:
            yield lambda: deadline.reschedule(loop.time() + seconds)
    except TimeoutError:
        raise DeadlineError(step, seconds=seconds) from None
