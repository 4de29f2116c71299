"""Hands new lines to readers. Each has a queue of its own: one that lags loses lines, is told how many, and slows nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Literal

from rw_daemon.logs.query import LogQuery
from rw_shared.models import Model

Row = dict[str, Any]


class Gap(Model):
    """Lines that a slow reader missed."""

    type: Literal["gap"] = "gap"
    missed: int


class Reader:
    """One reader's queue."""

    def __init__(self, query: LogQuery, *, limit: int) -> None:
        self._query, self._limit = query, limit
        self._rows: deque[Row] = deque()
        self._missed = 0
        self._wake = asyncio.Event()

    def offer(self, rows: list[Row]) -> None:
        """Take the lines that the reader wants, as far as its queue holds them."""
        for row in rows:
            if self._query.takes(row):
                if len(self._rows) >= self._limit:
                    self._missed += 1
                else:
                    self._rows.append(row)
        if self._rows or self._missed:
            self._wake.set()

    async def take(self) -> tuple[list[Row], int]:
        """Return what came, and how many lines were lost after it; waits until there is something."""
        await self._wake.wait()
        self._wake.clear()
        rows, missed = list(self._rows), self._missed
        self._rows.clear()
        self._missed = 0
        return rows, missed


class Hub:
    """All readers."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._readers: set[Reader] = set()

    def join(self, query: LogQuery) -> Reader:
        """Return a new reader; it gets every line that is published from now on."""
        reader = Reader(query, limit=self._limit)
        self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    def publish(self, rows: list[Row]) -> None:
        """Offer lines to everybody."""
        for reader in self._readers:
            reader.offer(rows)
