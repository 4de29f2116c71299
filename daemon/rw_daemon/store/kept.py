"""What was read since the last write: between two events nothing changes, and the same rows are asked for again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

T = TypeVar("T")
LIMIT = 1000


class Kept:
    """Answers by their question, for one thread. They are handed out again and again, so nobody may change one.

    What is read while something is written is not kept: nobody knows whether it holds that already.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._writing = self._written = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Forget everything, and keep nothing until the body has ended."""
        self._found.clear()
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
            self._written += 1

    async def get(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return the kept answer, or what ``read`` returns."""
        if question in self._found:
            return cast("T", self._found[question])
        before = self._written
        found = await read()
        if not self._writing and before == self._written:
            if len(self._found) >= LIMIT:
                self._found.clear()
            self._found[question] = found
        return found
