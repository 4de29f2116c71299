"""Who builds next, and what a new `up` does about those before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, World
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.turns import Turns, Urgency, urgency
from rw_shared.events import StoredEvent
from rw_shared.models import OperationKind, OperationOrder, Scope


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.settings = replace(made.settings, builds_at_once=1)
    yield await made.open()
    await made.close()


async def _nothing() -> None:
    pass


@given(
    at_once=st.integers(0, 3),
    asked=st.lists(st.tuples(st.sampled_from(Urgency), st.booleans()), min_size=1, max_size=12),
)
def test_never_more_than_said_and_the_most_urgent_that_waits_is_next(at_once: int, asked: list[tuple[Urgency, bool]]) -> None:
    """Some of those that wait are cancelled: nobody's turn is lost with them."""

    async def run() -> tuple[list[int], int]:
        turns, gate, begun, most = Turns(at_once), asyncio.Event(), list[int](), 0
        inside = 0

        async def one(number: int, how: Urgency) -> None:
            nonlocal inside, most
            async with turns.turn(how, waits=_nothing):
                begun.append(number)
                inside += 1
                most = max(most, inside)
                await gate.wait()
                await asyncio.sleep(0)
                inside -= 1

        tasks = [asyncio.create_task(one(number, how)) for number, (how, _) in enumerate(asked)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number, (_, is_cancelled) in enumerate(asked):
            if is_cancelled and number not in begun:
                tasks[number].cancel()
        gate.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
        return begun, most

    begun, most = asyncio.run(run())
    first = min(max(at_once, 1), len(asked))
    left = [number for number, (_, is_cancelled) in enumerate(asked) if number >= first and not is_cancelled]
    assert begun == [*range(first), *sorted(left, key=lambda number: (asked[number][0], number))]
    assert most <= max(at_once, 1)


async def test_whoever_is_cancelled_as_it_is_called_hands_its_turn_on() -> None:
    turns, order = Turns(1), list[str]()

    async def one(name: str) -> None:
        async with turns.turn(0, waits=_nothing):
            order.append(name)

    async with turns.turn(0, waits=_nothing):
        called, next_ = asyncio.create_task(one("called")), asyncio.create_task(one("next"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    called.cancel()
    await asyncio.wait_for(next_, timeout=5)
    assert order == ["next"]


def test_a_rollback_goes_before_all_and_production_before_the_others() -> None:
    assert urgency(OperationKind.ROLLBACK, "staging") < urgency(OperationKind.UP, "production") < urgency(OperationKind.UP, "staging")


async def test_a_build_that_has_to_wait_says_so_and_production_overtakes(world: World) -> None:
    world.builder.gate = asyncio.Event()

    async def start(environment: str, text: str) -> tuple[str, str]:
        snapshot = await world.snapshot({**FLASK, "app.py": FLASK["app.py"] + text})
        scope = Scope(project="shop", environment=environment)
        operation = await world.rooms.orders.start(scope, OperationOrder(kind=OperationKind.UP, snapshot=snapshot))
        return operation.id, operation.deployments[0]

    async def status(deployment: str) -> str:
        found = await world.store.deployment(deployment)
        assert found is not None
        return found.status.value

    async def moved(to: str) -> list[StoredEvent]:
        return [one for one in await world.store.events() if one.data.get("after") == to]

    async def until(deployment: str, wanted: str) -> None:
        async def reached() -> bool:
            return await status(deployment) == wanted

        await world.until(reached)

    first = await world.start(files={**FLASK, "app.py": FLASK["app.py"] + "# first\n"})
    await until(first.deployments[0], "building")
    _, staging = await start("staging", "# staging\n")
    await until(staging, "waiting")
    await world.rooms.orders.cancel(first.id)
    await until(staging, "building")  # the turn of one that was cancelled is the next one's
    _, preview = await start("preview", "# preview\n")
    await until(preview, "waiting")
    _, production = await start("production", "# production\n")
    await until(production, "waiting")
    assert {one.data["reason"] for one in await moved("waiting")} == {
        "As many builds as may run at once are running: 1 (RW_BUILDS_AT_ONCE)."
    }
    world.builder.gate.set()
    await until(preview, "active")
    assert [one.data["deployment"] for one in await moved("building")] == [first.deployments[0], staging, production, preview]


@pytest.mark.parametrize(
    ("queue", "codes"),
    [
        ("newest", ["succeeded", "SUPERSEDED", "succeeded"]),
        ("all", ["succeeded", "succeeded", "succeeded"]),
        ("interrupt", ["SUPERSEDED", "SUPERSEDED", "succeeded"]),
    ],
)
async def test_what_a_new_up_does_about_those_before_it_is_configured(world: World, queue: str, codes: list[str]) -> None:
    world.builder.gate = asyncio.Event()
    files = {**FLASK, "railway.toml": f'[deploy]\nqueue = "{queue}"\n'}
    operations = [await world.start(files=files)]

    async def builds() -> bool:
        return "build" in world.log

    await world.until(builds)
    operations += [await world.start(files={**files, "app.py": f"{FLASK['app.py']}# {number}\n"}) for number in (2, 3)]
    world.builder.gate.set()
    ended = [await world.settled(one) for one in operations]
    assert [one.error.code if one.error else one.status.value for one in ended] == codes
    assert (await world.deployments())[0].status.value == "active"
