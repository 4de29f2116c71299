"""Gradual releases on fakes: the shares at the edge, the verdicts, and the way back from anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, World

from rw_daemon.edge.edge import Traffic
from rw_shared.errors import EdgeFailedError
from rw_shared.events import StoredEvent
from rw_shared.models import Operation

GRADUAL = '[deploy.rollout]\nstrategy = "gradual"\n'
PER_SECOND = 100


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def files(version: int, *, rollout: str = GRADUAL) -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": rollout}


def shares(world: World) -> list[int]:
    return [one.weight for one in world.edge.routes[0].upstreams]


def failing(world: World, *, new: float) -> None:
    """From now on every release answers alike, but for the newest one, of whose requests a share fails."""
    since = world.clock.elapsed

    def traffic(release: str) -> Traffic:
        requests = round((world.clock.elapsed - since) * PER_SECOND)
        is_new = release == world.edge.routes[0].upstreams[-1].release and len(world.edge.routes[0].upstreams) > 1
        return Traffic(requests, round(requests * new) if is_new else 0)

    world.edge.traffic = traffic


async def told(world: World, operation: Operation, name: str) -> list[StoredEvent]:
    return [one for one in await world.store.events(operation=operation.id) if one.name == name]


async def in_the_middle(world: World) -> Operation:
    """Return the operation of a good release that has its first share."""
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.start(files=files(2))
    await world.until(lambda: told(world, operation, "rollout.shifted"))
    return operation


async def test_shares_grow_while_the_judge_is_content(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0)
    operation = await world.up(files(2))
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 25, 50]
    assert {one.data["verdict"] for one in await told(world, operation, "rollout.judged")} == {"good"}
    assert (await world.statuses())[0] == "active"
    assert shares(world) == [100]


async def test_first_deployment_skips_the_steps(world: World) -> None:
    assert await told(world, await world.up(files(1)), "rollout.shifted") == []


async def test_release_that_does_worse_is_taken_back(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0.05)
    operation = await world.up(files(2))
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")] == [10, 0]
    assert [one.data["verdict"] for one in await told(world, operation, "rollout.judged")] == ["suspicious", "bad"]
    newest, oldest = await world.deployments()
    assert (newest.status, oldest.status) == ("rolled_back", "active")
    assert newest.error is not None
    assert newest.error.code == "ROLLED_BACK"
    assert [one.release for one in world.edge.routes[0].upstreams] == [oldest.id]
    assert newest.id not in {one.key.deployment for one in await world.runtime.releases()}


async def test_half_of_the_requests_failing_waits_for_no_window(world: World) -> None:
    await world.up(files(1))
    failing(world, new=0.6)
    before = world.clock.elapsed
    await world.up(files(2))
    assert (await world.statuses())[0] == "rolled_back"
    assert world.clock.elapsed - before < 15


async def test_without_requests_the_steps_go_on_and_say_so(world: World) -> None:
    await world.up(files(1))
    operation = await world.up(files(2))
    assert [one.data["verdict"] for one in await told(world, operation, "rollout.judged")] == ["no data"] * 6
    assert (await world.statuses())[0] == "active"


async def test_what_cannot_be_measured_is_taken_back_after_all(world: World) -> None:
    await world.up(files(1))
    world.edge.blind = EdgeFailedError("no figures", log="envoy.log")
    operation = await world.up(files(2))
    assert [one.data["verdict"] for one in await told(world, operation, "rollout.judged")] == ["could not measure"] * 8
    assert (await world.statuses())[0] == "rolled_back"


async def test_cancelled_in_the_middle_gives_everything_back(world: World) -> None:
    operation = await in_the_middle(world)
    await world.rooms.orders.cancel(operation.id)
    await world.settled(operation)
    assert (await world.statuses())[0] == "cancelled"
    assert shares(world) == [100]


async def test_daemon_killed_in_the_middle_begins_the_steps_again(world: World) -> None:
    operation = await in_the_middle(world)
    await world.restart()
    await world.settled(operation)
    assert [one.data["share"] for one in await told(world, operation, "rollout.shifted")][-3:] == [10, 25, 50]
    assert (await world.statuses())[0] == "active"


async def test_share_stays_when_another_service_changes(world: World) -> None:
    operation = await in_the_middle(world)
    await world.rooms.router.apply()
    assert shares(world) in ([90, 10], [75, 25], [50, 50], [100])
    await asyncio.wait_for(world.settled(operation), 20)
