"""The number of replicas follows the load, on a fake target and edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World
from fakes.targets import FakeRuntime

from rw_shared.errors import EngineUnreachableError, RwError, UsageError
from rw_shared.models import OperationKind, Scope

SCALED = {**FLASK, "railway.toml": "[deploy.scale]\nmin = 1\nmax = 5\nrequests = 10\n"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.settings = replace(made.settings, scale_window_seconds=10.0, scale_panic_seconds=2.0)
    yield await made.open()
    await made.close()


async def watch(world: World, *, seconds: int) -> None:
    """Look once a second, and let what a look begins come to its end."""
    for _ in range(seconds):
        world.clock.elapsed += 1.0
        await world.rooms.autoscaler.look()
        while any(name.startswith("scale ") for name in world.tasks.names):
            await asyncio.sleep(0.002)


async def scaled(world: World) -> list[tuple[int, str]]:
    return [(one.data["replicas"], one.data["reason"]) for one in await world.store.events(limit=1000) if one.name == "service.scaled"]


def answering(world: World) -> int:
    return len(world.edge.routes[0].upstreams[0].endpoints)


async def busy(world: World, in_flight: int) -> None:
    world.edge.open = {one.id: in_flight for one in await world.deployments()}


async def test_requests_in_flight_bring_replicas_and_their_end_takes_them_one_half_at_a_time(world: World) -> None:
    await world.up(SCALED)
    await busy(world, 38)
    await watch(world, seconds=4)
    assert (answering(world), len(world.runtime.instances)) == (4, 4)
    await busy(world, 0)
    await watch(world, seconds=11)
    assert answering(world) == 2
    await watch(world, seconds=11)
    assert answering(world) == 1
    (service,) = (await world.rooms.status.read(SCOPE)).services
    assert (service.replicas_min, service.replicas_wanted, service.replicas_max) == (1, 1, 5)
    assert await scaled(world) == [
        (4, "380% of the target by now, 380% at most"),
        (2, "0% of the target by now, 0% at most"),
        (1, "0% of the target by now, 0% at most"),
    ]


@pytest.mark.parametrize(
    ("said", "cpu", "memory"),
    [
        pytest.param("", 1.6, 0, id="CPU where no target is named"),
        pytest.param("cpu = 0.5", 1.2, 0, id="CPU"),
        pytest.param("memory = 0.8\n[deploy.limitOverride.containers]\nmemoryBytes = 1000", 0, 1700, id="memory"),
    ],
)
async def test_each_figure_can_ask_for_replicas(world: World, said: str, cpu: float, memory: int) -> None:
    await world.up({**FLASK, "railway.toml": f"[deploy.scale]\nmax = 3\n{said}\n"})
    world.runtime.memory_bytes = memory
    for _ in range(4):
        await watch(world, seconds=1)
        world.runtime.cpu_seconds += cpu
    assert answering(world) == 3


async def test_slow_engine_keeps_nobody_else_from_being_scaled(world: World) -> None:
    other = Scope(project="other", environment="production")
    world.engine = FakeRuntime(world.log)
    world.settings = replace(world.settings, answer_seconds=0.02)
    await world.kill()
    await world.open()
    world.engine.port = world.runtime.port
    await world.up(SCALED, target="docker", scope=other)
    await world.up(SCALED, target="process")
    world.edge.open = {one.id: 38 for scope in (SCOPE, other) for one in await world.deployments(scope)}
    world.engine.gate = asyncio.Event()
    await watch(world, seconds=4)
    assert (len(world.runtime.instances), len(world.engine.instances)) == (4, 1)
    world.engine.gate.set()
    await watch(world, seconds=4)
    assert len(world.engine.instances) == 4


async def test_a_new_release_takes_over_the_number_and_an_unchanged_one_is_not_deployed_again(world: World) -> None:
    await world.up(SCALED)
    await busy(world, 30)
    await watch(world, seconds=4)
    await world.up(SCALED)
    assert len(await world.deployments()) == 1
    await world.up({**SCALED, "app.py": FLASK["app.py"] + "# 2\n"})
    assert [one.replicas for one in await world.deployments()] == [3, 3]
    assert answering(world) == 3


async def test_nothing_is_scaled_while_an_operation_is_at_work(world: World) -> None:
    await world.up(SCALED)
    await busy(world, 50)

    async def meanwhile() -> None:
        await watch(world, seconds=5)
        assert answering(world) == 1

    assert await world.rooms.operations.between(f"{SCOPE}/web", meanwhile)
    await watch(world, seconds=1)
    assert answering(world) == 5


async def test_replicas_that_cannot_be_had_leave_the_ones_that_are_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.up(SCALED)
    await busy(world, 50)
    start, errors = world.runtime.start, [EngineUnreachableError("unix:///engine.sock", why="It is away.")]

    async def once_failing(spec):  # type: ignore[no-untyped-def] # the fake's own signature
        if errors:
            raise errors.pop()
        return await start(spec)

    monkeypatch.setattr(world.runtime, "start", once_failing)
    await watch(world, seconds=4)
    assert (answering(world), await scaled(world)) == (1, [])
    await watch(world, seconds=4)
    assert answering(world) == 5


async def test_a_number_by_hand_is_refused_with_what_to_do(world: World) -> None:
    await world.up(SCALED)
    with pytest.raises(UsageError, match="The load decides how many replicas web has: 1 to 5") as caught:
        await world.start(OperationKind.SCALE, scale={"web": 3})
    assert "[deploy.scale]" in caught.value.hint


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("min = 2", id="no max"),
        pytest.param("min = 3\nmax = 2", id="max below min"),
        pytest.param("min = 0\nmax = 0", id="max of nothing"),
        pytest.param("max = 2\ncpu = 0", id="a target of nothing"),
        pytest.param("max = 2\nmemory = 0.8", id="memory without a limit"),
        pytest.param("max = 2\nrequests = -1", id="a negative number"),
    ],
)
async def test_a_table_that_means_nothing_is_refused(world: World, table: str) -> None:
    with pytest.raises(RwError, match=r"railway\.toml"):
        await world.up({**FLASK, "railway.toml": f"[deploy.scale]\n{table}\n"})
