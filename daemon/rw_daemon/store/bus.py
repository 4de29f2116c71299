"""Committed events to their subscribers: each has a bounded queue, and one that lags reads the kept rows instead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from weakref import WeakSet

from rw_shared.events import StoredEvent

QUEUE_EVENTS = 1000  # beyond, a subscriber is sent to the table: memory stays bounded and nothing is lost
PAGE_EVENTS = 500

Fetch = Callable[[int, int], Awaitable[list[StoredEvent]]]
"""Returns at most so many (second) kept events after a sequence number (first), in order."""


class Subscription(AsyncIterator[StoredEvent]):
    """The events after ``cursor``: kept rows first, then new ones, each once and in order. Ends when the bus is closed."""

    def __init__(self, fetch: Fetch, *, cursor: int, is_behind: bool) -> None:
        self._fetch, self._cursor, self._is_behind = fetch, cursor, is_behind
        self._page: deque[StoredEvent] = deque()
        self._queue: deque[StoredEvent] = deque()
        self._bell = asyncio.Event()
        self._is_closed = False

    def push(self, events: Sequence[StoredEvent]) -> None:
        """Take new events; when the queue is full they are read from the table later."""
        if self._is_behind:
            return  # the page that is read next has them: they were committed before this call
        self._queue.extend(events)
        if len(self._queue) > QUEUE_EVENTS:
            self._queue.clear()
            self._is_behind = True
        self._bell.set()

    def close(self) -> None:
        """End the iteration after what is at hand."""
        self._is_closed = True
        self._bell.set()

    async def __anext__(self) -> StoredEvent:
        while True:
            waiting = self._page or self._queue
            if self._is_closed and not waiting:
                raise StopAsyncIteration
            if self._is_behind and not self._page:
                await self._catch_up()
            elif waiting:
                event = waiting.popleft()
                if event.sequence > self._cursor:  # a row may come from the table and from the queue
                    self._cursor = event.sequence
                    return event
            else:
                self._bell.clear()
                await self._bell.wait()

    async def _catch_up(self) -> None:
        # from here on new events are queued again: what is committed while the page is read is in one of the two, or in both
        self._queue.clear()
        self._is_behind = False
        try:
            page = await self._fetch(self._cursor, PAGE_EVENTS)
        except BaseException:
            self._is_behind = True
            raise
        if len(page) == PAGE_EVENTS:
            self._is_behind = True
        self._page.extend(page)


class Bus:
    """Tells subscribers what was committed. Lives on the event loop; dropped subscriptions are forgotten."""

    def __init__(self, fetch: Fetch, *, last: int) -> None:
        self._fetch, self._last = fetch, last
        self._subscriptions: WeakSet[Subscription] = WeakSet()
        self._is_closed = False

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """Hand on what was just committed; to be called in the order of the commits."""
        if events:
            self._last = events[-1].sequence
        for subscription in list(self._subscriptions):
            subscription.push(events)

    def subscribe(self, *, after: int | None) -> Subscription:
        """Return a subscription that starts after ``after``, or with the next event that is published."""
        is_behind = after is not None and after < self._last
        subscription = Subscription(self._fetch, cursor=self._last if after is None else after, is_behind=is_behind)
        self._subscriptions.add(subscription)
        if self._is_closed:
            subscription.close()
        return subscription

    def close(self) -> None:
        """End all subscriptions."""
        self._is_closed = True
        for subscription in list(self._subscriptions):
            subscription.close()
