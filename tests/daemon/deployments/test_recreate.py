"""Releases that must never run at once: the old one stops first, and comes back when the new one comes to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, World

from rw_daemon.deployments.router import NOBODY
from rw_daemon.edge.edge import Lead
from rw_daemon.runtimes.runtime import Exit
from rw_shared.models import Deployment, Operation, StepName

RECREATE = '[deploy.rollout]\nstrategy = "recreate"\n'
KEY = "shop/production/web"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    await made.rooms.recovery.run()
    yield made
    await made.close()


def files(version: int, *, more: str = "") -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": RECREATE + more}


def done(world: World) -> list[str]:
    return [line for line in world.log if line.startswith(("start v", "stop v"))]


def asked(world: World) -> tuple[str, bool]:
    """Which release requests go to, and whether they are held."""
    route = next(one for one in world.edge.routes if one.key == KEY)
    return route.upstreams[0].release, route.is_held


async def lead(world: World) -> Lead:
    """What a request that is held is answered at last."""
    async with asyncio.timeout(10):
        return await world.rooms.sleeping.lead(KEY)


async def runs(world: World) -> list[int]:
    return sorted(one.key.version for one in await world.runtime.releases())


async def newest(world: World) -> Deployment:
    return (await world.deployments())[0]


async def test_old_release_stops_before_the_new_one_starts(world: World) -> None:
    await world.up(files(1))
    world.log.clear()
    await world.up(files(2))
    assert done(world)[:2] == ["stop v1", "start v2"]
    deployment = await newest(world)
    assert "; requests waited " in next(one.detail for one in deployment.steps if one.name is StepName.SHIFT)
    assert asked(world)[0] == deployment.id
    await world.until(lambda: _statuses(world, "active", "removed"))


async def _statuses(world: World, *wanted: str) -> bool:
    return await world.statuses() == list(wanted)


async def _is_proving(world: World) -> bool:
    return "start v2" in world.log


async def test_requests_wait_while_nothing_runs(world: World) -> None:
    await world.up(files(1))
    world.runtime.port, port = 1, world.runtime.port
    operation = await world.start(files=files(2))
    await world.until(lambda: _is_proving(world))
    await world.rooms.router.apply()  # whatever else changes meanwhile
    assert asked(world) == ((await newest(world)).id, True)
    held = [asyncio.create_task(lead(world)) for _ in range(3)]
    world.runtime.port = port
    await world.settled(operation)
    assert await world.statuses() == ["failed", "active"]
    assert await asyncio.gather(*held) == [Lead((await world.deployments())[1].id)] * 3


async def test_who_tries_again_waits_for_the_new_one_once_the_old_one_is_about_to_stop(world: World) -> None:
    await world.up(files(1))
    first = await newest(world)
    world.edge.connections = [1, 1]
    world.runtime.port, port = 1, world.runtime.port
    operation = await world.start(files=files(2))
    await world.until(lambda: _is_proving(world))
    route = next(one for one in world.edge.routes if one.key == KEY)
    assert [(one.release, one.endpoints) for one in route.gone] == [(first.id, (NOBODY,))]
    world.runtime.port = port
    await world.settled(operation)


async def test_nobody_is_sent_to_the_new_one_before_it_is_checked(world: World) -> None:
    await world.up(files(1))
    world.runtime.job_gate = asyncio.Event()
    operation = await world.start(files=files(2, more='check = "smoke"\n'))
    await world.until(lambda: _is_checked(world))
    deployment = await newest(world)
    held = asyncio.create_task(lead(world))
    assert asked(world) == (deployment.id, True)
    assert [one.upstreams[0].release for one in world.edge.routes if one.key == f"v2@{KEY}"] == [
        deployment.id
    ]  # at its own name it answers
    assert not held.done()
    world.runtime.job_gate.set()
    await world.settled(operation)
    assert await held == Lead(deployment.id)


async def _is_checked(world: World) -> bool:
    return any(one.name is StepName.CHECK for one in (await newest(world)).steps)


async def test_one_that_does_not_come_back_has_crashed_and_requests_are_told(world: World) -> None:
    await world.up(files(1))
    world.runtime.exit_at_start = Exit(1)
    await world.up(files(2))
    assert await world.statuses() == ["failed", "crashed"]
    assert "did not come up again" in (await world.deployments())[1].reason
    assert "has crashed" in (await lead(world)).words
    assert await runs(world) == []


async def ordered_to_crash(world: World) -> Operation:
    """A second release that ends at once; what starts after it does not."""
    world.log.clear()
    world.runtime.exit_at_start = Exit(1)
    operation = await world.start(files=files(2))
    await world.until(lambda: _is_proving(world))
    world.runtime.exit_at_start = None
    return operation


async def test_daemon_killed_before_the_old_one_is_back_brings_it_back(world: World) -> None:
    await world.up(files(1))
    operation = await ordered_to_crash(world)
    await world.until(lambda: _is_given_up(world))
    await world.restart()
    held = asyncio.create_task(lead(world))
    await world.settled(operation)
    await world.until(lambda: _statuses(world, "failed", "active"))
    assert await held == Lead((await world.deployments())[1].id)
    assert await runs(world) == [1]


async def _is_given_up(world: World) -> bool:
    return "stop v2" in world.log


async def test_one_that_crashes_brings_the_old_one_back(world: World) -> None:
    await world.up(files(1))
    await world.settled(await ordered_to_crash(world))
    assert done(world) == ["stop v1", "start v2", "stop v2", "start v1"]
    assert await world.statuses() == ["failed", "active"]
    assert await runs(world) == [1]
    assert asked(world)[0] == (await world.deployments())[1].id


async def test_daemon_killed_in_between_never_runs_both(world: World) -> None:
    await world.up(files(1))
    world.log.clear()
    world.runtime.port, port = 1, world.runtime.port
    operation = await world.start(files=files(2))
    await world.until(lambda: _is_proving(world))
    world.runtime.port = port
    world.runtime.instances = {name: one for name, one in world.runtime.instances.items() if one.key.version != 2}
    await world.restart()
    assert "start v1" not in world.log
    await world.settled(operation)
    assert "start v1" not in world.log
    assert (await world.statuses())[0] == "active"
    assert await runs(world) == [2]
