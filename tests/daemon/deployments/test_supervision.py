"""Replicas that end or hang for good: their places are given up, and what runs goes on serving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.edge.edge import Endpoint
from rw_daemon.runtimes.runtime import Exit, Instance
from rw_shared.models import Deployment, DeploymentStatus, OperationKind, Service, TargetKind

KILLED = Exit(code=137, signal=9)
NOBODY = 1  # a port at which nobody listens


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.settings = replace(made.settings, liveness_period_seconds=5.0, probe_timeout_seconds=1.0)
    yield await made.open()
    await made.close()


def app(deploy: str) -> Mapping[str, str]:
    return {**FLASK, "railway.toml": f"[deploy]\n{deploy}\n"}


async def two(world: World, deploy: str = "restartPolicyMaxRetries = 2") -> None:
    done = await world.up(app(f"numReplicas = 2\n{deploy}"))
    assert done.error is None


def at(world: World, index: int) -> Instance:
    return next(one for one in world.runtime.instances.values() if one.index == index)


def running(world: World) -> list[int]:
    return sorted(one.index for one in world.runtime.instances.values() if one.is_running)


def answering(world: World) -> int:
    return sum(len(one.endpoints) for one in world.edge.routes[0].upstreams)


async def service(world: World) -> Service:
    (found,) = (await world.rooms.status.read(SCOPE)).services
    return found


async def newest(world: World) -> Deployment:
    return (await world.deployments())[0]


async def renewed(world: World, old: Instance) -> None:
    """Return when another one has been proven in a replica's place."""

    async def is_renewed() -> bool:
        return old.index in running(world) and f"revive {old.id}" not in world.tasks.names and old.id not in world.runtime.instances

    await world.until(is_renewed)


async def told(world: World, words: str) -> None:
    async def is_told() -> bool:
        return words in (await service(world)).reason

    await world.until(is_told)


async def has_become(world: World, status: str) -> None:
    async def has() -> bool:
        return await world.statuses() == [status]

    await world.until(has)


async def use_up(world: World, index: int, *, restarts: int = 2) -> None:
    """Kill a replica and those that take its place, until none does any more."""
    for _ in range(restarts):
        old = at(world, index)
        world.runtime.end(old, KILLED)
        await renewed(world, old)
    world.runtime.end(at(world, index), KILLED)


async def test_replica_without_restarts_left_leaves_the_requests_to_the_others(world: World) -> None:
    await two(world)
    await use_up(world, 1)
    await told(world, "1 of 2 replicas runs. Replica 1 was killed by SIGKILL after 2 restarts and is given up.")
    assert await world.statuses() == ["active"]
    assert (running(world), answering(world)) == ([0], 1)
    await world.clock.sleep(120)
    assert running(world) == [0]


async def test_release_has_crashed_with_the_last_of_its_replicas(world: World) -> None:
    await two(world)
    await use_up(world, 1)
    await told(world, "Replica 1 was killed")
    await use_up(world, 0)
    await has_become(world, "crashed")
    found = await newest(world)
    assert found.reason == "It was killed by SIGKILL after 2 restarts."
    assert found.error is not None
    assert found.error.code == "CRASHED"

    async def leads_nowhere() -> bool:
        return answering(world) == 0 and not world.runtime.instances

    await world.until(leads_nowhere)


async def test_replicas_that_end_together_end_the_release_once(world: World) -> None:
    await two(world, "restartPolicyMaxRetries = 0")
    for index in (0, 1):
        world.runtime.end(at(world, index), KILLED)
    await has_become(world, "crashed")
    moves = [one for one in await world.store.events(limit=1000) if one.name == "deployment.status_changed"]
    assert [one.data["after"] for one in moves].count("crashed") == 1


async def test_replica_that_is_never_restarted_leaves_the_requests_to_the_others(world: World) -> None:
    await two(world, 'restartPolicyType = "NEVER"')
    world.runtime.end(at(world, 0), Exit(code=3))
    await told(world, "1 of 2 replicas runs. Replica 0 ended with exit code 3 and is given up.")
    assert await world.statuses() == ["active"]
    assert (running(world), answering(world)) == ([1], 1)
    world.runtime.end(at(world, 1), Exit(code=3))
    await has_become(world, "crashed")


async def test_place_that_was_given_up_is_filled_again_by_a_restart_and_has_all_its_restarts(world: World) -> None:
    await two(world)
    await use_up(world, 1)
    await told(world, "is given up")
    await world.settled(await world.start(OperationKind.RESTART))
    assert running(world) == [0, 1]
    assert (await service(world)).reason == ""
    await use_up(world, 1)
    await told(world, "after 2 restarts and is given up")
    assert await world.statuses() == ["active"]


@pytest.mark.parametrize(("first", "status"), [(Exit(code=0), "completed"), (Exit(code=1), "crashed")])
async def test_release_is_completed_when_each_of_its_replicas_is_done(world: World, first: Exit, status: str) -> None:
    await two(world, "restartPolicyMaxRetries = 0")
    world.runtime.end(at(world, 0), first)
    await told(world, "1 of 2 replicas runs")
    assert await world.statuses() == ["active"]
    assert answering(world) == 1
    world.runtime.end(at(world, 1), Exit(code=0))
    await has_become(world, status)


async def test_restarts_are_full_again_after_ten_minutes_of_life(world: World) -> None:
    await world.up(app("restartPolicyMaxRetries = 1"))
    for seconds in (601, 601, 500):
        old = at(world, 0)
        world.runtime.end(old, KILLED)
        await renewed(world, old)
        world.clock.elapsed += seconds
    assert await world.statuses() == ["active"]
    world.runtime.end(at(world, 0), KILLED)
    await has_become(world, "crashed")


async def test_restarts_outlive_a_daemon_no_longer_than_the_daemon(world: World) -> None:
    await two(world)
    await use_up(world, 1)
    await told(world, "is given up")
    old = at(world, 1)
    await world.restart()
    await renewed(world, old)
    assert running(world) == [0, 1]


# --- liveness


class Hanging:
    """An app that answers for some seconds after each of its starts, and no more."""

    def __init__(self, world: World, *, seconds: float) -> None:
        self._world, self._seconds = world, seconds
        self._starts, self._since = 0, 0.0

    def __call__(self, path: str) -> tuple[int, str]:
        starts = sum(word.startswith(("start", "replace")) for word in self._world.log)
        if starts != self._starts:
            self._starts, self._since = starts, self._world.clock.elapsed
        return (200 if self._world.clock.elapsed - self._since < self._seconds else 500, path)


async def test_app_that_hangs_after_each_start_uses_up_its_restarts_with_pauses(world: World) -> None:
    world.page = Hanging(world, seconds=6)
    await world.up(app('healthcheckPath = "/health"\nrestartPolicyMaxRetries = 2'))
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    await has_become(world, "crashed")
    assert sum(word.startswith("replace") for word in world.log) == 2
    found = await newest(world)
    assert found.reason == "It does not answer any more after 2 restarts."

    async def is_stopped() -> bool:
        return not world.runtime.instances

    await world.until(is_stopped)


async def test_replica_that_hangs_for_good_is_stopped_and_the_others_go_on(world: World) -> None:
    await two(world, "restartPolicyMaxRetries = 1")
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    old = at(world, 1)
    world.runtime.instances[old.id] = replace(old, port=NOBODY)
    await renewed(world, old)
    world.runtime.instances[at(world, 1).id] = replace(at(world, 1), port=NOBODY)
    await told(world, "1 of 2 replicas runs. Replica 1 does not answer any more after 1 restart and is given up.")

    async def is_alone() -> bool:
        return running(world) == [0] and answering(world) == 1

    await world.until(is_alone)
    await world.clock.sleep(60)
    assert await world.statuses() == ["active"]


async def test_replica_that_hangs_gets_no_request_until_it_is_replaced_unless_no_other_is_left(world: World) -> None:
    world.settings = replace(world.settings, restart_first_seconds=60.0, restart_last_seconds=60.0)
    await world.restart()
    await two(world)
    hung = await hang(world, 1)
    assert [one.port for one in endpoints(world)] == [world.runtime.port]
    assert hung.id in world.runtime.instances
    await hang(world, 0)
    assert [one.port for one in endpoints(world)] == [NOBODY, NOBODY]
    await renewed(world, hung)
    assert {one.port for one in endpoints(world)} == {world.runtime.port}, "the other one may have come back as well"


def endpoints(world: World) -> list[Endpoint]:
    return [one for upstream in world.edge.routes[0].upstreams for one in upstream.endpoints]


async def hang(world: World, index: int) -> Instance:
    """Have a replica answer nothing more, until that is known and the edge was told."""
    old = replace(at(world, index), port=NOBODY)
    world.runtime.instances[old.id] = old
    routed = len(world.log)
    for _ in range(world.settings.liveness_failures):
        await world.rooms.liveness.look()

    async def is_told() -> bool:
        return any(one.startswith("route") for one in world.log[routed:])

    await world.until(is_told)
    return old


PAIR = {
    **{f"{name}/{path}": text for name in ("slow", "swift") for path, text in FLASK.items()},
    "railway.toml": "".join(
        f'[services.{name}]\nsource = "{name}"\n[services.{name}.deploy]\nhealthcheckPath = "/{name}"\nhealthcheckTimeout = 3000\n'
        f"sleepApplication = true\nsleepAfterSeconds = 60\n[services.{name}.deploy.scale]\nmin = 1\nmax = 3\nrequests = 10\n"
        for name in ("slow", "swift")
    ),
}


async def test_replica_that_takes_long_to_come_back_keeps_nobody_from_being_looked_at(world: World) -> None:
    done = await world.up(PAIR)
    assert done.error is None
    frozen = {"/slow"}
    world.page = lambda path: (500 if path in frozen else 200, path)
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    world.tasks.keep("edge's care", world.rooms.tending.keep)
    before = {one.key.service: one for one in world.runtime.instances.values()}

    async def is_replaced(name: str) -> bool:
        return before[name].id not in world.runtime.instances

    await world.until(lambda: is_replaced("slow"))
    began, tended = world.clock.elapsed, world.edge.tended
    frozen.add("/swift")
    await world.until(lambda: is_replaced("swift"))
    assert world.clock.elapsed - began < 1000, "the other one has 3000 s, and the fake clock does not wait for a store"
    assert world.edge.tended - tended >= 3
    assert world.log.count(f"replace {before['slow'].id}") == 1
    assert sum(word.startswith("replace") for word in world.log) == 2, "one that has its time to become healthy is left to it"


@pytest.fixture
async def halved(world: World) -> World:
    """Two services of which a daemon that has just begun cannot read one, since its snapshot is gone."""
    await world.up(PAIR)
    await world.up({**PAIR, "swift/app.py": PAIR["swift/app.py"] + "# another one\n"}, services=("swift",))
    lost = next(one for one in await world.deployments() if one.service == "slow")
    assert lost.status is DeploymentStatus.ACTIVE
    (world.folder / "snapshots" / "manifests" / lost.snapshot.removeprefix("sha256:")).unlink()
    await world.kill()
    await world.open()
    await world.rooms.targets.get(TargetKind.PROCESS, {})
    return world


def of(world: World, name: str) -> list[Instance]:
    return [one for one in world.runtime.instances.values() if one.key.service == name]


async def test_service_whose_snapshot_is_gone_keeps_no_other_from_being_looked_at(halved: World) -> None:
    world = halved
    (before,) = [one for one in of(world, "swift") if one.key.version == 2]
    world.runtime.instances[before.id] = replace(before, port=NOBODY)
    world.tasks.keep("liveness", world.rooms.liveness.keep)
    await renewed_as(world, before)
    assert before.id not in world.runtime.instances


async def renewed_as(world: World, old: Instance) -> None:
    async def is_renewed() -> bool:
        return any(one.id != old.id and one.key == old.key for one in of(world, "swift"))

    await world.until(is_renewed)


async def test_service_that_cannot_be_read_is_left_out_of_scaling_and_sleeping(halved: World) -> None:
    world = halved
    world.edge.open = {one.id: 25 for one in await world.deployments()}
    for _ in range(30):
        world.clock.elapsed += 5.0
        await world.rooms.autoscaler.look()
        await world.rooms.sleeping.look()
        await asyncio.sleep(0.05)
    assert len([one for one in of(world, "swift") if one.key.version == 2]) == 3
    world.edge.open = {}
    for _ in range(3):
        await world.rooms.sleeping.look()
        world.clock.elapsed += 61
        await asyncio.sleep(0.05)

    async def is_asleep() -> bool:
        return (await world.deployments())[0].status is DeploymentStatus.SLEEPING

    await world.until(is_asleep)


@pytest.mark.parametrize(
    ("index", "kind", "options"),
    [
        pytest.param(0, OperationKind.RESTART, {}, id="restart"),
        pytest.param(1, OperationKind.SCALE, {"scale": {"web": 1}}, id="scale"),
    ],
)
async def test_replica_that_leaves_is_not_taken_for_one_that_hangs(
    world: World, index: int, kind: OperationKind, options: dict[str, object]
) -> None:
    await two(world)
    old = at(world, index)
    world.edge.connections = [1] * 200  # looks, at each of which a request is still open
    world.edge.looks.clear()
    operation = await world.start(kind, **options)

    async def is_leaving() -> bool:
        return bool(world.edge.looks)

    await world.until(is_leaving)
    world.runtime.instances[old.id] = replace(old, port=NOBODY)
    for _ in range(world.settings.liveness_failures):
        await world.rooms.liveness.look()
    assert world.edge.connections, "it left too early"
    assert (await world.settled(operation)).error is None
    assert old.id not in world.runtime.instances
    assert f"replace {old.id}" not in world.log
