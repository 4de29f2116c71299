"""Services that nobody asks for sleep, and wake for the first request: on a fake target, edge and clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.deployments.sleeping import Quiet, heard
from rw_daemon.edge.edge import Lead, Traffic, Use
from rw_daemon.runtimes.runtime import Exit, Release, ReleaseSpec
from rw_shared.errors import EdgeFailedError, EngineUnreachableError
from rw_shared.models import Deployment, OperationKind, OperationStatus

KEY = "shop/production/web"
RAILWAY = "[deploy]\nsleepApplication = true\nsleepAfterSeconds = 60\n"
SLEEPY = {**FLASK, "railway.toml": RAILWAY}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    await made.rooms.recovery.run()
    yield made
    await made.close()


async def quiet(world: World, seconds: float) -> None:
    """Let time pass, with a look at each end, until what a look began has come to its end."""
    await world.rooms.sleeping.look()
    world.clock.elapsed += seconds
    await world.rooms.sleeping.look()
    while any(name.startswith("sleep ") for name in world.tasks.names):
        await asyncio.sleep(0.002)


async def asleep(world: World, files: dict[str, str] = SLEEPY) -> Deployment:
    await world.up(files)
    await quiet(world, 60)
    assert await world.statuses() == ["sleeping"]
    world.log.clear()
    return (await world.deployments())[0]


async def lead(world: World) -> Lead:
    async with asyncio.timeout(10):
        return await world.rooms.sleeping.lead(KEY)


async def reason(world: World) -> str:
    return (await world.rooms.status.read(SCOPE)).services[0].reason


def is_held(world: World) -> bool:
    return world.edge.routes[0].is_held


def done(world: World) -> list[str]:
    return [line for line in world.log if line.startswith(("start v", "stop v"))]


@pytest.mark.parametrize(
    ("requests", "in_flight", "since"),
    [pytest.param(7, 0, 10.0, id="nothing"), pytest.param(8, 0, 30.0, id="a request"), pytest.param(7, 1, 30.0, id="an open WebSocket"),
     pytest.param(0, 0, 30.0, id="the edge counts anew")],
)  # fmt: skip
def test_quiet_begins_anew_with_whatever_happens(requests: int, in_flight: int, since: float) -> None:
    assert heard(Quiet(10.0, 7), Use(requests, in_flight), at=30.0).since == since


# --- falling asleep


async def test_a_service_that_nobody_asks_for_is_held_then_stopped(world: World) -> None:
    await world.up(SLEEPY)
    await quiet(world, 59)
    assert await world.statuses() == ["active"]
    world.log.clear()
    await quiet(world, 1)
    assert await world.statuses() == ["sleeping"]
    assert [line.partition(" ")[0] for line in world.log] == ["route", "stop"], "held first, so that no request meets nobody"
    assert is_held(world)
    assert not world.runtime.instances
    assert await reason(world) == "Nobody asked for it for 60 s. The next request wakes it."


@pytest.mark.parametrize(
    "railway",
    [pytest.param("", id="nothing said"), pytest.param("[deploy]\nsleepApplication = false\nsleepAfterSeconds = 1\n", id="said so")],
)
async def test_others_never_sleep(world: World, railway: str) -> None:
    await world.up({**FLASK, "railway.toml": railway})
    await quiet(world, 1e6)
    assert await world.statuses() == ["active"]


async def test_a_scale_from_zero_sleeps_after_ten_minutes_and_is_awake_with_one(world: World) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy.scale]\nmin = 0\nmax = 3\n"})
    assert len(world.runtime.instances) == 1
    await quiet(world, 599)
    assert await world.statuses() == ["active"]
    await quiet(world, 1)
    assert await world.statuses() == ["sleeping"]
    assert (await lead(world)).release
    assert len(world.runtime.instances) == 1


async def test_a_request_and_an_open_websocket_keep_it_awake(world: World) -> None:
    await world.up(SLEEPY)
    deployment = (await world.deployments())[0]
    await quiet(world, 50)
    world.edge.traffic = lambda _: Traffic(requests=1)
    await quiet(world, 50)
    world.edge.open = {deployment.id: 1}
    await quiet(world, 1000)
    assert await world.statuses() == ["active"]
    world.edge.open = {}
    await quiet(world, 60)
    assert await world.statuses() == ["sleeping"]


async def test_what_cannot_be_counted_is_not_quiet(world: World) -> None:
    await world.up(SLEEPY)
    world.edge.blind = EdgeFailedError("no statistics", log="")
    await quiet(world, 1e6)
    assert await world.statuses() == ["active"]


async def test_nothing_falls_asleep_while_an_operation_is_at_work(world: World) -> None:
    await world.up(SLEEPY)

    async def meanwhile() -> None:
        await quiet(world, 60)
        assert await world.statuses() == ["active"]

    assert await world.rooms.operations.between(f"{SCOPE}/web", meanwhile)
    await quiet(world, 60)
    assert await world.statuses() == ["sleeping"]


async def test_a_release_that_is_watched_stays_awake(world: World) -> None:
    railway = f"{RAILWAY}[deploy.rollout]\nmonitorSeconds = 3600\n"
    world.clock = type(world.clock)(is_running=False)
    await world.kill()
    await world.open()
    await world.rooms.recovery.run()
    world.clock._is_running = True
    await world.up({**SLEEPY, "railway.toml": railway})
    await world.up({**SLEEPY, "railway.toml": railway, "app.py": FLASK["app.py"] + "# 2\n"})
    world.clock._is_running = False
    assert world.rooms.recovery._watches.going_on(SCOPE)
    await quiet(world, 60)
    assert (await world.statuses())[0] == "active"


async def test_an_edge_that_refuses_leaves_it_awake(world: World) -> None:
    await world.up(SLEEPY)
    await world.rooms.sleeping.look()
    world.edge.error = EdgeFailedError("refused", log="")
    await quiet(world, 60)
    assert await world.statuses() == ["active"]
    assert len(world.runtime.instances) == 1


# --- the race


async def held(world: World) -> bool:
    return is_held(world)


async def test_a_request_that_comes_while_it_falls_asleep_finds_it_as_it_was(world: World) -> None:
    await world.up(SLEEPY)
    (deployment,), (instance,) = await world.deployments(), world.runtime.instances
    await world.rooms.sleeping.look()
    world.log.clear()
    world.edge.gate = asyncio.Event()
    world.clock.elapsed += 60
    await world.rooms.sleeping.look()
    await world.until(lambda: _is(world, "sleeping"))
    world.edge.open = {deployment.id: 1}  # came by the old route
    world.edge.gate.set()
    await world.until(lambda: held(world))
    asking = asyncio.create_task(lead(world))  # came by the new one
    await asyncio.sleep(0.01)
    world.edge.open = {}
    assert await asking == Lead(deployment.id)
    assert await world.statuses() == ["active"]
    assert "stop v1" not in world.log
    assert [*world.runtime.instances] == [instance]


async def test_a_request_that_the_edge_asks_about_before_it_says_that_it_holds_them_wakes_the_service(world: World) -> None:
    deployment, gate = await falling_asleep(world)
    asking = asyncio.create_task(lead(world))
    await asyncio.sleep(0.01)
    assert not asking.done(), "what runs is about to be stopped"
    gate.set()
    assert await asking == Lead(deployment.id)
    assert await world.statuses() == ["active"]
    assert len(world.runtime.instances) == 1


async def _is(world: World, status: str) -> bool:
    return (await world.statuses())[0] == status


async def falling_asleep(world: World) -> tuple[Deployment, asyncio.Event]:
    """A release that is said to sleep, and the gate that keeps the edge from holding its requests."""
    await world.up(SLEEPY)
    deployment = (await world.deployments())[0]
    await world.rooms.sleeping.look()
    gate = world.edge.gate = asyncio.Event()
    world.clock.elapsed += 60
    await world.rooms.sleeping.look()
    await world.until(lambda: _is(world, "sleeping"))
    return deployment, gate


async def test_a_request_that_does_not_end_wakes_it_again(world: World) -> None:
    deployment, gate = await falling_asleep(world)
    world.edge.open = {deployment.id: 1}
    gate.set()
    await world.until(lambda: _is(world, "active"))
    assert await reason(world) == "A request was still open."
    assert len(world.runtime.instances) == 1
    assert not is_held(world)


# --- waking


async def test_twenty_requests_wake_it_once(world: World) -> None:
    deployment = await asleep(world)
    assert await asyncio.gather(*(lead(world) for _ in range(20))) == [Lead(deployment.id)] * 20
    assert done(world) == ["start v1"]
    assert await world.statuses() == ["active"]
    assert not is_held(world)
    assert (await reason(world)).startswith("Woken in ")
    why = [one.words for one in (await world.rooms.why.read((await world.deployments())[0])).items if "sleeping" in one.words]
    assert why[0].startswith("active → sleeping: Nobody asked for it")
    assert why[1].startswith("sleeping → active: Woken in ")


async def test_it_falls_asleep_again_and_wakes_again(world: World) -> None:
    deployment = await asleep(world)
    for _ in range(3):
        assert await lead(world) == Lead(deployment.id)
        await quiet(world, 60)
        assert await world.statuses() == ["sleeping"]


async def test_one_whose_start_fails_has_crashed_and_says_why(world: World) -> None:
    await asleep(world)
    world.runtime.exit_at_start = Exit(3)
    answers = await asyncio.gather(*(lead(world) for _ in range(5)))
    assert {one.release for one in answers} == {""}
    assert "web has crashed: It could not be woken: " in answers[0].words
    assert "exit code 3" in answers[0].words
    deployment = (await world.deployments())[0]
    assert (deployment.status, deployment.error.code if deployment.error else "") == ("crashed", "CRASHED")
    assert not world.runtime.instances
    assert not world.edge.routes[0].upstreams


async def test_one_that_does_not_become_healthy_in_time_has_crashed(world: World) -> None:
    await asleep(world)
    world.runtime.port = 1
    assert "could not be woken" in (await lead(world)).words
    assert await world.statuses() == ["crashed"]


async def test_an_engine_that_is_away_is_no_crash_and_the_next_request_wakes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = await asleep(world)

    async def away() -> str:
        raise EngineUnreachableError("unix:///engine.sock", why="It is away.")

    with monkeypatch.context() as patched:
        patched.setattr(world.runtime, "check", away)
        answer = await lead(world)
    assert answer.release == ""
    assert "web sleeps and could not be woken." in answer.words
    assert "It is away." in answer.words
    assert await world.statuses() == ["sleeping"]
    assert await lead(world) == Lead(deployment.id)


# --- a new daemon


async def test_a_new_daemon_leaves_it_asleep_and_wakes_it(world: World) -> None:
    deployment = await asleep(world)
    await world.restart()
    assert (await world.statuses(), done(world)) == (["sleeping"], [])
    assert is_held(world)
    assert await lead(world) == Lead(deployment.id)


async def test_a_daemon_that_is_killed_on_the_way_leaves_one_that_sleeps(world: World) -> None:
    deployment, _ = await falling_asleep(world)
    await world.kill()
    world.edge.gate = None
    assert len(world.runtime.instances) == 1
    await world.open()
    await world.rooms.recovery.run()

    async def stopped() -> bool:
        return not world.runtime.instances

    await world.until(stopped)
    assert is_held(world)
    assert await lead(world) == Lead(deployment.id)


# --- orders about what sleeps


async def test_an_unchanged_up_lets_it_sleep(world: World) -> None:
    await asleep(world)
    await world.up(SLEEPY)
    assert (await world.statuses(), done(world)) == (["sleeping"], [])


@pytest.mark.parametrize("strategy", ["replace", "gradual", "recreate"])
async def test_a_new_release_takes_the_place_of_one_that_sleeps(world: World, strategy: str) -> None:
    files = {**SLEEPY, "railway.toml": f'{RAILWAY}[deploy.rollout]\nstrategy = "{strategy}"\n'}
    await asleep(world, files)
    await world.up({**files, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _statuses(world, "active", "removed"))
    assert "start v1" not in world.log
    assert not is_held(world)
    await world.settled(await world.start(OperationKind.ROLLBACK))
    assert (await world.statuses())[0] == "active"


async def _statuses(world: World, *wanted: str) -> bool:
    return await world.statuses() == list(wanted)


@pytest.mark.parametrize("strategy", ["replace", "recreate"])
async def test_one_that_comes_to_nothing_leaves_the_old_one_to_be_woken(world: World, strategy: str) -> None:
    files = {**SLEEPY, "railway.toml": f'{RAILWAY}[deploy.rollout]\nstrategy = "{strategy}"\n'}
    old = await asleep(world, files)
    world.runtime.exit_at_start = Exit(1)
    operation = await world.start(files={**files, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _started(world, "start v2"))
    world.runtime.exit_at_start = None
    assert (await world.settled(operation)).status is OperationStatus.FAILED
    assert await lead(world) == Lead(old.id)
    assert await world.statuses() == ["failed", "active"]


async def _started(world: World, line: str) -> bool:
    return line in world.log


async def test_a_request_during_a_build_wakes_the_old_release(world: World) -> None:
    old = await asleep(world)
    world.builder.gate = asyncio.Event()
    operation = await world.start(files={**SLEEPY, "app.py": FLASK["app.py"] + "# 2\n"})
    assert await lead(world) == Lead(old.id)
    world.builder.gate.set()
    await world.settled(operation)
    await world.until(lambda: _statuses(world, "active", "removed"))
    assert {one.key.version for one in world.runtime.instances.values()} == {2}


async def test_a_request_that_waits_goes_to_the_release_that_came_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await asleep(world)
    start, gate = world.runtime.start, asyncio.Event()

    async def slowly(spec: ReleaseSpec) -> Release:
        release = await start(spec)
        if spec.key.version == 1:
            await gate.wait()
        return release

    monkeypatch.setattr(world.runtime, "start", slowly)
    asking = asyncio.create_task(lead(world))
    await world.until(lambda: _started(world, "start v1"))
    await world.up({**SLEEPY, "app.py": FLASK["app.py"] + "# 2\n"})
    new = (await world.deployments())[0]
    gate.set()
    assert await asking == Lead(new.id)
    await world.until(lambda: _statuses(world, "active", "removed"))
    assert {one.key.version for one in world.runtime.instances.values()} == {2}


async def test_one_that_is_being_woken_stops_before_a_release_that_must_run_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**SLEEPY, "railway.toml": f'{RAILWAY}[deploy.rollout]\nstrategy = "recreate"\n'}
    await asleep(world, files)
    start, gate = world.runtime.start, asyncio.Event()

    async def slowly(spec: ReleaseSpec) -> Release:
        if spec.key.version == 1:
            await gate.wait()
        return await start(spec)

    monkeypatch.setattr(world.runtime, "start", slowly)
    asking = asyncio.create_task(lead(world))
    operation = await world.start(files={**files, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _is(world, "deploying"))
    gate.set()
    await world.settled(operation)
    assert done(world)[:3] == ["start v1", "stop v1", "start v2"]
    assert (await asking).release
    await world.until(lambda: _statuses(world, "active", "removed"))


async def test_down_while_it_is_being_woken_leaves_nothing(world: World) -> None:
    await asleep(world, {**FLASK, "railway.toml": f"{RAILWAY}healthcheckTimeout = 3600\n"})  # the fake clock is fast: never by itself
    world.runtime.port = 1
    asking = asyncio.create_task(lead(world))
    await world.until(lambda: _started(world, "start v1"))
    await world.settled(await world.start(OperationKind.DOWN))
    assert (await asking).release == ""
    await world.until(lambda: _statuses(world, "removed"))
    assert not world.runtime.instances


@pytest.mark.parametrize(
    ("kind", "options", "replicas"),
    [pytest.param(OperationKind.RESTART, {}, 1, id="restart"), pytest.param(OperationKind.WAKE, {}, 1, id="wake"),
     pytest.param(OperationKind.SCALE, {"scale": {"web": 3}}, 3, id="scale")],
)  # fmt: skip
async def test_orders_wake_it(world: World, kind: OperationKind, options: dict[str, object], replicas: int) -> None:
    await asleep(world)
    found = await world.settled(await world.start(kind, **options))
    assert found.status is OperationStatus.SUCCEEDED
    assert (await world.statuses(), len(world.runtime.instances)) == (["active"], replicas)
    assert not [line for line in world.log if line.startswith("replace")], "what has just started is not started again"
    await quiet(world, 60)
    assert (await lead(world)).release
    assert len(world.runtime.instances) == replicas, "as many as it had"


async def test_one_that_cannot_be_woken_fails_the_order_with_the_reason(world: World) -> None:
    await asleep(world)
    world.runtime.exit_at_start = Exit(1)
    found = await world.settled(await world.start(OperationKind.WAKE))
    assert (found.status, found.error.code if found.error else "") == ("failed", "CRASHED")


async def test_it_is_put_to_sleep_by_hand_unless_somebody_is_with_it(world: World) -> None:
    await world.up(FLASK)
    deployment = (await world.deployments())[0]
    world.edge.open = {deployment.id: 2}
    refused = await world.settled(await world.start(OperationKind.SLEEP))
    assert (refused.status, refused.error.code if refused.error else "") == ("failed", "CONFLICT")
    world.edge.open = {}
    assert (await world.settled(await world.start(OperationKind.SLEEP))).status is OperationStatus.SUCCEEDED
    assert await reason(world) == "Somebody put it to sleep. The next request wakes it."
    assert await lead(world) == Lead(deployment.id)


async def test_a_worker_cannot_sleep(world: World) -> None:
    await world.up({**FLASK, "Procfile": "mailer: python mail.py\n", "railway.toml": RAILWAY})
    await quiet(world, 1e6)
    await world.settled(await world.start(OperationKind.SLEEP))
    assert await world.statuses() == ["active"]
