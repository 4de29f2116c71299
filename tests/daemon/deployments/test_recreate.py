"""Releases that must never run at once: the old one stops first, and comes back when the new one comes to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, World

from rw_daemon.edge.edge import Endpoint
from rw_daemon.runtimes.runtime import Exit
from rw_shared.models import Deployment, StepName

RECREATE = '[deploy.rollout]\nstrategy = "recreate"\n'
NOBODY = (Endpoint("127.0.0.1", 1),)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def files(version: int) -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": RECREATE}


def done(world: World) -> list[str]:
    return [line for line in world.log if line.startswith(("start v", "stop v"))]


def asked(world: World) -> tuple[str, tuple[Endpoint, ...]]:
    (upstream,) = world.edge.routes[0].upstreams
    return upstream.release, upstream.endpoints


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
    assert asked(world) == ((await newest(world)).id, NOBODY)
    world.runtime.port = port
    await world.settled(operation)
    assert await world.statuses() == ["failed", "active"]


async def test_one_that_crashes_brings_the_old_one_back(world: World) -> None:
    await world.up(files(1))
    world.log.clear()
    world.runtime.exit_at_start = Exit(1)
    operation = await world.start(files=files(2))
    await world.until(lambda: _is_proving(world))
    world.runtime.exit_at_start = None
    await world.settled(operation)
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
