"""Answers that are kept between two writes: whatever is read while something is written, nobody gets what was before a finished write."""

import asyncio
from collections.abc import Callable
from itertools import product

import pytest

from rw_daemon.store.kept import LIMIT, Kept


class Source:
    """What is read: a value that writes raise. A read takes it at some moment, and comes back at a later one."""

    def __init__(self) -> None:
        self.value = self.reads = 0

    async def read(self) -> int:
        self.reads += 1
        return self.value


async def test_the_same_question_is_read_once_until_something_is_written() -> None:
    kept, source = Kept(), Source()
    assert [await kept.get("a", source.read) for _ in range(3)] == [0, 0, 0]
    assert await kept.get("b", source.read) == 0
    assert source.reads == 2
    with kept.writing():
        source.value = 1
    assert [await kept.get("a", source.read), await kept.get("a", source.read), source.reads] == [1, 1, 3]


async def test_it_does_not_grow_for_ever() -> None:
    kept, source = Kept(), Source()
    for number in range(LIMIT + 1):
        await kept.get(number, source.read)
    await kept.get(LIMIT, source.read)
    assert source.reads == LIMIT + 1
    await kept.get(0, source.read)
    assert source.reads == LIMIT + 2


class Play:
    """Reads and writes in one order: a read begins, takes what is there, and comes back; a write begins, commits, and ends."""

    def __init__(self) -> None:
        self.kept, self.source, self.written = Kept(), Source(), 0
        self.readings: list[tuple[int, list[asyncio.Event], asyncio.Task[int]]] = []
        self.writes: dict[str, list[Callable[[], None]]] = {}

    async def move(self, name: str) -> None:
        if name == "begin a read":
            go = [asyncio.Event(), asyncio.Event()]
            self.readings.append((self.written, go, asyncio.create_task(self.kept.get("it", lambda: self.slow(go)))))
        elif name == "go on with a read" and self.readings:
            began = self.readings[0][1][0]
            if began.is_set():
                await self.check(*self.readings.pop(0))
            began.set()
        elif name.startswith("go on with write"):
            steps = self.writes.get(name) or self.steps()
            steps.pop(0)()
            self.writes[name] = steps
        for _ in range(4):
            await asyncio.sleep(0)

    async def slow(self, go: list[asyncio.Event]) -> int:
        await go[0].wait()
        value = self.source.value
        await go[1].wait()
        return value

    def steps(self) -> list[Callable[[], None]]:
        writing, committed = self.kept.writing(), 0

        def commit() -> None:
            nonlocal committed
            committed = self.source.value = self.source.value + 1

        def end() -> None:
            writing.__exit__(None, None, None)
            self.written = max(self.written, committed)

        return [writing.__enter__, commit, end]

    async def check(self, least: int, go: list[asyncio.Event], task: asyncio.Task[int]) -> None:
        for one in go:
            one.set()
        assert await task >= least, "what was before a write that was finished when it was asked for"


BEGIN, GO_ON, ONE, TWO = "begin a read", "go on with a read", "go on with write 1", "go on with write 2"
OVERLAPPING = (ONE, TWO, ONE, ONE, BEGIN, GO_ON, GO_ON, TWO, TWO)


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param(list(product((BEGIN, GO_ON, ONE), repeat=7)), id="every order of reads and writes one after the other"),
        pytest.param([OVERLAPPING], id="one write ends while another has not committed"),
    ],
)
async def test_nobody_gets_what_was_before_a_finished_write(orders: list[tuple[str, ...]]) -> None:
    for order in orders:
        play = Play()
        for name in (*order, BEGIN):
            await play.move(name)
        for reading in play.readings:
            await play.check(*reading)
