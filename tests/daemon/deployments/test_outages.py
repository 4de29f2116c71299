"""What releases run on goes away and comes back: the machine, the engine. No app is blamed for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.runtimes.runtime import Exit
from rw_shared.models import DeploymentStatus, OperationKind

LOST = Exit(code=0, with_host=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def running(world: World) -> list[int]:
    return sorted(one.index for one in world.runtime.instances.values() if one.is_running)


async def is_running_again(world: World, old: str) -> bool:
    return running(world) == [0] and old not in world.runtime.instances


@pytest.mark.parametrize("policy", ["restartPolicyMaxRetries = 0", 'restartPolicyType = "NEVER"'])
async def test_replica_that_went_down_with_its_host_starts_again_and_nothing_is_counted(world: World, policy: str) -> None:
    await world.up({**FLASK, "railway.toml": f"[deploy]\n{policy}\n"})
    alarm = world.rooms.exits.alarm((await world.deployments())[0].id)
    for _ in range(3):
        (old,) = world.runtime.instances.values()
        world.runtime.end(old, LOST)
        await world.until(lambda identity=old.id: is_running_again(world, identity))
    assert await world.statuses() == ["active"]
    assert not alarm.done(), "a release that is watched is not taken back for it"


async def test_end_that_was_told_just_before_the_engine_went_away_is_not_forgotten(world: World) -> None:
    await world.up()
    (old,) = world.runtime.instances.values()
    world.runtime.is_away = True
    world.runtime.end(old, Exit(code=1))
    for _ in range(5):
        await world.clock.sleep(60)
    world.runtime.is_away = False
    began = world.clock.elapsed
    await world.until(lambda: is_running_again(world, old.id))
    assert world.clock.elapsed - began < 10


@pytest.mark.parametrize("days", [-400, 400])
async def test_clock_that_is_set_neither_spends_nor_fills_the_restarts(world: World, days: int) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy]\nrestartPolicyMaxRetries = 2\n"})
    for _ in range(2):
        (old,) = world.runtime.instances.values()
        world.clock.jumped += timedelta(days=days)
        world.runtime.end(old, Exit(code=1))
        await world.until(lambda identity=old.id: is_running_again(world, identity))
    (last,) = world.runtime.instances.values()
    world.clock.jumped += timedelta(days=days)
    world.runtime.end(last, Exit(code=1))
    await world.until(lambda: has_crashed(world))
    assert world.clock.elapsed < 60


async def has_crashed(world: World) -> bool:
    return await world.statuses() == ["crashed"]


async def test_engine_that_answers_after_the_daemon_began_gets_its_part_then(world: World) -> None:
    await world.up()
    world.runtime.instances.clear()
    world.runtime.is_away = True
    await world.restart()
    await world.clock.sleep(300)
    assert running(world) == []
    world.runtime.is_away = False
    began, routes = world.clock.elapsed, len(world.log)
    await world.until(lambda: is_running_again(world, ""))
    await world.until(lambda: is_routed(world, routes))
    assert world.clock.elapsed - began < 10


async def test_daemon_that_starts_while_the_engine_is_away_leaves_requests_where_they_go(world: World) -> None:
    await world.up()
    before = world.edge.routes
    assert before[0].upstreams
    world.runtime.is_away = True
    await world.restart()
    assert world.edge.routes == before


async def is_routed(world: World, since: int) -> bool:
    return any(word.startswith("route") for word in world.log[since:])


async def test_what_the_store_knows_of_an_environment_is_said_without_its_target(world: World) -> None:
    await world.up()
    world.runtime.is_away = True
    asked, told = await world.rooms.status.read(SCOPE), await world.rooms.status.read(SCOPE, is_live=False)
    assert (asked.services[0].reason, asked.edge) == ("The target cannot be reached: what runs is not known.", "running")
    assert (told.services[0].reason, told.services[0].replicas, told.edge) == ("", (), "")
    assert told.services[0].urls == asked.services[0].urls != ()


async def test_edge_is_tended_while_the_engine_is_away(world: World) -> None:
    world.settings = replace(world.settings, liveness_period_seconds=5.0)
    await world.restart()
    await world.up()
    world.runtime.is_away = True
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    world.tasks.keep("edge's care", world.rooms.tending.keep)
    before = world.clock.elapsed
    await world.until(lambda: was_tended(world, 20))
    assert (world.clock.elapsed - before) / world.edge.tended < 6, "each 5 s, without the pauses of a task that failed"


async def was_tended(world: World, times: int) -> bool:
    return world.edge.tended >= times


async def test_replica_whose_replacement_was_cut_off_by_a_kill_is_started(world: World) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy]\nnumReplicas = 3\n"})
    lost = next(one for one in world.runtime.instances.values() if one.index == 1)
    del world.runtime.instances[lost.id]
    await world.restart()
    assert running(world) == [0, 1, 2]
    assert (await world.deployments())[0].status is DeploymentStatus.ACTIVE


@pytest.mark.parametrize("number", [1, 3])
async def test_number_that_was_said_last_is_the_one_that_comes_back(world: World, number: int) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy]\nnumReplicas = 2\n"})
    await world.settled(await world.start(OperationKind.SCALE, scale={"web": number}))
    await world.restart()
    assert running(world) == list(range(number))
    world.runtime.instances.clear()
    await world.restart()
    assert running(world) == list(range(number))


async def test_replica_that_somebody_removed_is_missed_and_started_once(world: World) -> None:
    world.settings = replace(world.settings, liveness_period_seconds=5.0)
    await world.restart()
    await world.up({**FLASK, "railway.toml": "[deploy]\nnumReplicas = 2\n"})
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    for gone in (lambda one: one.index == 1, lambda _: True):
        for one in [one for one in world.runtime.instances.values() if gone(one)]:
            del world.runtime.instances[one.id]
        await world.until(lambda: are_running(world, [0, 1]))
    await world.clock.sleep(60)
    assert running(world) == [0, 1]


async def are_running(world: World, indexes: list[int]) -> bool:
    return running(world) == indexes
