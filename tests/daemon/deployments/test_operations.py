"""The end of an operation: written once, whatever comes at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.deployments.claims import Claim
from rw_shared.errors import BuildFailedError, RwError
from rw_shared.models import Operation, OperationKind, OperationOrder, OperationStatus


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


async def accepted(world: World) -> Operation:
    """An operation that is written and has not begun."""
    operations, order = world.rooms.operations, OperationOrder(kind=OperationKind.UP)
    event = operations.created(operations.new_id(), SCOPE, order, services=("web",), actor="user")
    await world.store.append(event)
    return await operations.read(event.operation)


async def test_cancel_in_the_moment_of_the_order_ends_it_all_the_same(world: World) -> None:
    operations, operation = world.rooms.operations, await accepted(world)

    async def work() -> None:
        raise AssertionError("it was cancelled before it began")

    async def give_up(_: RwError) -> None:
        pass

    operations.begin(operation, work, give_up, claim=Claim(frozenset({f"{SCOPE}/web"})))
    async with asyncio.timeout(5):
        cancelled = await operations.cancel(operation.id)
    assert (cancelled.status, operations.are_running) == (OperationStatus.CANCELLED, False)


@pytest.mark.parametrize("fails", [True, False], ids=["as it fails", "as it succeeds"])
async def test_cancel_that_comes_too_late_does_not_leave_it_running_for_ever(world: World, fails: bool) -> None:
    operations, operation = world.rooms.operations, await accepted(world)
    ending, gate = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        if fails:
            raise BuildFailedError("install", exit_code=1, output="")
        ending.set()

    async def give_up(_: RwError) -> None:
        ending.set()
        await gate.wait()

    operations.begin(operation, work, give_up, claim=Claim(frozenset({f"{SCOPE}/web"})))
    await ending.wait()
    cancelling = asyncio.create_task(operations.cancel(operation.id))
    await asyncio.sleep(0)
    gate.set()
    cancelled = await asyncio.wait_for(cancelling, timeout=5)
    assert cancelled.status is (OperationStatus.FAILED if fails else OperationStatus.SUCCEEDED)
    assert (await operations.read(operation.id)).status is cancelled.status
    assert not operations.are_running


async def test_cancel_settles_what_nobody_works_on(world: World) -> None:
    await world.up(FLASK)
    world.builder.gate = asyncio.Event()
    operation = await world.start(files={**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: is_second_building(world))
    await world.kill()
    await world.open()  # and what was left behind is not taken up
    both = await asyncio.gather(world.rooms.orders.cancel(operation.id), world.rooms.orders.cancel(operation.id))
    assert [one.status for one in both] == [OperationStatus.CANCELLED] * 2
    assert await world.statuses() == ["cancelled", "active"]
    settled = [one for one in await world.store.events(limit=1000) if one.name == "operation.settled"]
    assert len([one for one in settled if one.operation == operation.id]) == 1


async def is_second_building(world: World) -> bool:
    return (await world.statuses())[0] == "building"
