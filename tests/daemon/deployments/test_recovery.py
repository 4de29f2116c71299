"""The next daemon's start: what stands in the way of one service, or of one target, stands in nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from daemon.deployments.world import FLASK, SCOPE, World
from fakes.targets import FakeRuntime

from rw_daemon.edge.edge import Lead
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationKind, OperationStatus, Scope

OTHER, THIRD = Scope(project="other", environment="production"), Scope(project="third", environment="production")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def app(word: str, *, more: str = "") -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {word}\n", "railway.toml": more}


async def newest(world: World, scope: Scope = SCOPE) -> Deployment:
    return (await world.deployments(scope))[0]


def running(runtime: FakeRuntime) -> list[str]:
    return sorted(one.key.project for one in runtime.instances.values() if one.is_running)


async def lose_artifact(world: World) -> None:
    artifact = (await newest(world)).artifact
    assert artifact is not None
    world.runtime.lost.add(artifact.reference)


async def lose_snapshot(world: World) -> None:
    name = (await newest(world)).snapshot.removeprefix("sha256:")
    (world.folder / "snapshots" / "manifests" / name).unlink()


async def damage_snapshot(world: World) -> None:
    name = (await newest(world)).snapshot.removeprefix("sha256:")
    (world.folder / "snapshots" / "manifests" / name).write_text("nothing of this kind")


LOSSES = [lose_artifact, lose_snapshot, damage_snapshot]


@pytest.mark.parametrize("lose", LOSSES)
async def test_service_that_cannot_be_started_keeps_nothing_else_from_coming_back(
    world: World, lose: Callable[[World], Awaitable[None]]
) -> None:
    await world.up(app("lost"))
    await world.up(app("other"), scope=OTHER)
    world.builder.gate = asyncio.Event()
    unfinished = await world.start(files=app("third"), scope=THIRD)
    await world.until(lambda: is_building(world))
    await lose(world)
    world.builder.gate.set()
    world.runtime.instances.clear()
    await world.restart()
    lost = await newest(world)
    assert lost.status is DeploymentStatus.CRASHED
    assert "It could not be started again: " in lost.reason
    assert "`rw up`" in lost.reason
    (service,) = (await world.rooms.status.read(SCOPE)).services
    assert service.reason == lost.reason
    assert (await world.settled(unfinished)).status is OperationStatus.SUCCEEDED
    assert running(world.runtime) == ["other", "third"]
    lead = await asyncio.wait_for(world.rooms.sleeping.lead("shop/production/web"), 5)
    assert "has crashed" in lead.words
    assert await world.rooms.sleeping.lead("other/production/web") == Lead((await newest(world, OTHER)).id)


async def is_building(world: World) -> bool:
    return (await newest(world, THIRD)).status is DeploymentStatus.BUILDING


@pytest.mark.parametrize("version", [1, 2])
async def test_what_was_lost_comes_back_with_rw_up(world: World, version: int) -> None:
    await world.up(app("1"))
    await lose_snapshot(world)
    world.runtime.instances.clear()
    await world.restart()
    done = await world.up(app(str(version)))
    assert done.status is OperationStatus.SUCCEEDED, done.error
    assert (await newest(world)).status is DeploymentStatus.ACTIVE
    assert running(world.runtime) == ["shop"]


async def test_release_that_runs_serves_on_whatever_was_lost_of_it(world: World) -> None:
    await world.up(app("1", more="[deploy]\nnumReplicas = 2\n"))
    await lose_snapshot(world)
    await world.restart()
    assert await world.statuses() == ["active"]
    del world.runtime.instances[next(iter(world.runtime.instances))]
    await world.restart()
    assert await world.statuses() == ["active"]
    assert len(world.edge.routes[0].upstreams[0].endpoints) == 1
    await world.rooms.liveness.look()
    await world.rooms.sleeping.look()
    await world.rooms.autoscaler.look()


async def test_what_nobody_foresaw_is_tried_again_and_keeps_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.up(app("1"))
    world.builder.gate = asyncio.Event()
    unfinished = await world.start(files=app("2"))
    await world.kill()
    world.log.clear()
    world.runtime.instances.clear()
    await world.open()
    begin, tries = world.rooms.sleeping.begin, 0

    async def once() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise KeyError("nobody knows")
        await begin()

    monkeypatch.setattr(world.rooms.sleeping, "begin", once)
    with pytest.raises(ExceptionGroup):
        await world.rooms.recovery.run()
    await world.until(lambda: has_begun(world))
    await world.rooms.recovery.run()
    assert tries == 2
    world.builder.gate.set()
    assert (await world.settled(unfinished)).status is OperationStatus.SUCCEEDED
    assert world.log.count("build") == 1, "it was not taken up twice"


async def has_begun(world: World) -> bool:
    return "build" in world.log


@pytest.fixture
async def slow(world: World) -> World:
    """Services on processes and on an engine; the engine then says no more what runs, though it answers."""
    world.engine = FakeRuntime(world.log)
    world.settings = replace(world.settings, answer_seconds=0.02)
    await world.kill()
    await world.open()
    world.engine.port = world.runtime.port
    await world.up(app("1"), target="process")
    await world.up(app("other"), target="docker", scope=OTHER)
    world.engine.gate = asyncio.Event()
    return world


async def test_slow_engine_keeps_nobody_else_from_coming_back_and_has_its_part_later(slow: World) -> None:
    assert slow.engine is not None
    assert slow.engine.gate is not None
    slow.runtime.instances.clear()
    slow.engine.instances.clear()
    async with asyncio.timeout(5):
        await slow.kill()
        await slow.open()
        recovering = asyncio.create_task(slow.rooms.recovery.run())
        await recovering
    assert running(slow.runtime) == ["shop"]
    assert {one.key for one in slow.edge.routes if one.upstreams} == {"shop/production/web", "other/production/web"}
    slow.engine.gate.set()
    await slow.until(lambda: is_back(slow))


async def is_back(slow: World) -> bool:
    assert slow.engine is not None
    return running(slow.engine) == ["other"]


async def test_slow_engine_holds_up_no_deployment_elsewhere(slow: World) -> None:
    async with asyncio.timeout(5):
        done = await slow.up(app("2"), target="process")
    assert done.status is OperationStatus.SUCCEEDED
    route = next(one for one in slow.edge.routes if one.key == "shop/production/web")
    assert [one.release for one in route.upstreams] == [(await newest(slow)).id]


async def test_release_on_a_slow_engine_is_found_by_requests_and_what_was_missed_is_made_up_for(slow: World) -> None:
    assert slow.engine is not None
    assert slow.engine.gate is not None
    slow.engine.gate.set()
    await slow.up(app("other 2"), scope=OTHER)
    (one,) = [one for one in slow.engine.instances.values() if one.key.version == 2]
    slow.engine.gate.clear()
    slow.engine.instances[one.id] = replace(one, port=4711)
    await slow.rooms.router.apply()
    assert ports(slow) == [one.port]
    slow.engine.gate.set()
    await slow.rooms.tending.tend()
    assert ports(slow) == [4711]


def ports(world: World) -> list[int]:
    route = next(one for one in world.edge.routes if one.key == "other/production/web")
    return [one.port for upstream in route.upstreams for one in upstream.endpoints]


async def test_order_that_is_being_accepted_is_not_taken_for_one_that_was_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, store = world.rooms.orders, world.store
    accepted, looked, go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    claim, unsettled = orders._claim, store.unsettled_operations
    claims: list[Any] = []

    async def late(*about: Any) -> Any:
        claims.append(about)
        if len(claims) == 1:
            accepted.set()
            await go.wait()
        return await claim(*about)

    async def looking() -> list[Operation]:
        found = await unsettled()
        looked.set()
        return found

    monkeypatch.setattr(orders, "_claim", late)
    monkeypatch.setattr(store, "unsettled_operations", looking)
    ordering = asyncio.create_task(world.up(app("one")))
    await accepted.wait()
    recovering = asyncio.create_task(world.rooms.recovery.run())
    await looked.wait()
    await asyncio.wait({recovering}, timeout=0.3)  # it must wait for the order; one that took it up would be done by then
    go.set()
    done = await ordering
    await recovering
    assert (done.status, done.error) == (OperationStatus.SUCCEEDED, None)
    assert len(claims) == 1, "beginning it twice supersedes it by itself"


async def test_target_that_nobody_uses_is_asked_when_everything_else_is_done(world: World) -> None:
    world.engine = FakeRuntime(world.log)
    world.engine.gate = asyncio.Event()
    await world.up(app("1"), target="process")
    world.runtime.instances.clear()
    await world.kill()
    await world.open()
    recovering = asyncio.create_task(world.rooms.recovery.run())
    await world.until(lambda: is_served(world))
    assert (await world.settled(await world.start(OperationKind.RESTART))).status is OperationStatus.SUCCEEDED
    assert not recovering.done()
    world.engine.gate.set()
    await recovering


async def is_served(world: World) -> bool:
    return running(world.runtime) == ["shop"] and "edge" in world.rooms.__dict__ and not world.rooms.router._is_behind
