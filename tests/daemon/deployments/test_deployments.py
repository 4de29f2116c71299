"""The way of a deployment, on a fake target: what is done, in which order, and what is left after each way it can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.deployments.states import NEXT, move
from rw_daemon.runtimes.runtime import Exit
from rw_shared.errors import (
    BuildFailedError,
    ConfigInvalidError,
    ConflictError,
    DiskFullError,
    EdgeFailedError,
    EngineUnreachableError,
    NothingDetectedError,
    RwError,
    ServiceNotFoundError,
)
from rw_shared.events import StoredEvent
from rw_shared.models import DeploymentStatus, Operation, OperationKind, OperationStatus, StepName


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def test_every_status_has_its_row_and_settled_ones_lead_nowhere_back() -> None:
    assert set(NEXT) == set(DeploymentStatus)
    with pytest.raises(ValueError, match="cannot go from failed to active"):
        move(DeploymentStatus.FAILED, DeploymentStatus.ACTIVE)


async def test_first_up_builds_starts_proves_and_routes_in_this_order(world: World) -> None:
    done = await world.up()
    assert done.status is OperationStatus.SUCCEEDED
    (deployment,) = await world.deployments()
    assert (deployment.status, deployment.version) == (DeploymentStatus.ACTIVE, 1)
    assert [step.name.value for step in deployment.steps] == ["snapshot", "plan", "build", "start", "healthcheck", "shift"]
    assert {step.status.value for step in deployment.steps} == {"done"}
    assert [word.split()[0] for word in world.log] == ["build", "start", "route"]


async def test_a_neighbour_on_a_service_s_own_port_costs_a_word_and_no_deployment(world: World) -> None:
    await world.up()
    (row,) = await world.store.services(SCOPE)
    assert (await world.rooms.status.read(SCOPE)).services[0].urls[1:] == (f"http://127.0.0.1:{row.port}",)
    world.edge.held_ports = frozenset({row.port})
    done = await world.up({**FLASK, "app.py": FLASK["app.py"] + "\n# changed\n"})
    assert done.status is OperationStatus.SUCCEEDED
    (shift,) = [one for one in (await world.deployments())[0].steps if one.name is StepName.SHIFT]
    url = "http://web.shop.localhost:8080"
    assert shift.detail == f"{url}; another program holds its own port {row.port}"
    assert (await world.rooms.status.read(SCOPE)).services[0].urls == (url,)


async def test_second_up_replaces_and_the_old_release_stops_after_the_switch(world: World) -> None:
    await world.up()
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "\n# changed\n"})

    async def removed() -> bool:
        return await world.statuses() == ["active", "removed"]

    await world.until(removed)
    assert world.log.index("start v2") < world.log.index("stop v1")
    assert world.log[-1] == "stop v1"


async def test_up_with_nothing_changed_does_nothing(world: World) -> None:
    await world.up()
    before = list(world.log)
    done = await world.up()
    assert (done.status, done.deployments, done.services) == (OperationStatus.SUCCEEDED, (), ("web",))
    assert world.log == before


async def test_failed_build_leaves_the_old_release_serving(world: World) -> None:
    await world.up()
    world.builder.error = BuildFailedError("install", exit_code=1, output="no such package")
    done = await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    assert done.status is OperationStatus.FAILED
    assert done.error is not None
    assert done.error.code == "BUILD_FAILED"
    assert await world.statuses() == ["failed", "active"]
    (row,) = await world.store.services(SCOPE)
    assert (await world.deployments())[1].id == row.serving


async def test_release_that_exits_at_once_is_taken_back_and_says_how(world: World) -> None:
    await world.up()
    world.runtime.exit_at_start = Exit(code=3)
    done = await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    assert done.error is not None
    assert (done.error.code, "exit code 3" in done.error.message) == ("CRASHED", True)
    assert await world.statuses() == ["failed", "active"]
    assert world.log[-1] == "stop v2"


async def test_release_that_never_answers_is_taken_back_in_time(world: World) -> None:
    world.runtime.port = 1  # nothing listens there
    done = await world.up()
    assert done.error is not None
    assert done.error.code == "NEVER_HEALTHY"
    assert await world.statuses() == ["failed"]
    assert not world.runtime.instances


@pytest.mark.parametrize(
    ("files", "error"),
    [
        pytest.param({"notes.txt": "hello"}, NothingDetectedError, id="nothing recognised"),
        pytest.param({**FLASK, "railway.toml": "[deploy\n"}, ConfigInvalidError, id="broken configuration"),
    ],
)
async def test_plan_that_cannot_be_made_is_refused_at_once_and_leaves_nothing(
    world: World, files: dict[str, str], error: type[RwError]
) -> None:
    with pytest.raises(error):
        await world.start(files=files)
    assert await world.deployments() == []


async def test_unknown_service_is_refused_with_the_names_there_are(world: World) -> None:
    with pytest.raises(ServiceNotFoundError) as caught:
        await world.start(services=("wbe",))
    assert caught.value.candidates == ("web",)


async def test_cancelled_operation_stops_its_build_and_keeps_the_old_release(world: World) -> None:
    await world.up()
    world.builder.gate = asyncio.Event()
    operation = await world.start(files={**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _has_begun(world, 2))
    cancelled = await world.rooms.orders.cancel(operation.id)
    assert cancelled.status is OperationStatus.CANCELLED
    assert await world.statuses() == ["cancelled", "active"]


async def test_cancelled_while_the_switch_is_being_written_it_serves_and_the_old_release_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    operation = await world.up_cancelled_too_late({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"}, monkeypatch)
    assert operation.status is OperationStatus.CANCELLED
    assert (await world.statuses())[0] == "active"
    await world.until(lambda: _is_removed(world))
    assert {one.key.version for one in world.runtime.instances.values()} == {2}


STRICT = """[deploy]
preDeployCommand = "migrate"
[deploy.rollout]
strategy = "blue-green"
autoPromote = false
check = "smoke"
"""


async def test_release_that_served_is_gone_back_to_without_steps_check_or_pre_deploy(world: World) -> None:
    await world.up({**FLASK, "railway.toml": STRICT})
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n", "railway.toml": ""})
    await world.until(lambda: _is_removed(world))
    world.log.clear()
    done = await world.settled(await world.start(OperationKind.ROLLBACK))
    newest = (await world.deployments())[0]
    assert (done.status, newest.version, newest.status) == (OperationStatus.SUCCEEDED, 3, DeploymentStatus.ACTIVE)
    assert "start v3" in world.log
    assert not [line for line in world.log if line.startswith("job")]


@pytest.mark.parametrize(("name", "words"), [("v1", "v1 of web serves already"), ("v2", "v2 of web is failed: nothing to go back to")])
async def test_what_serves_or_never_did_is_not_gone_back_to(world: World, name: str, words: str) -> None:
    await world.up()
    world.runtime.exit_at_start = Exit(1)
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    world.runtime.exit_at_start = None
    with pytest.raises(ConflictError, match=words):
        await world.start(OperationKind.ROLLBACK, deployment=name)
    with pytest.raises(ConflictError, match=words):
        await world.rooms.rollbacks.preview(SCOPE, "web", name)
    again = await world.settled(await world.start(OperationKind.REDEPLOY, deployment="v2", services=("web",)))
    assert again.status is OperationStatus.SUCCEEDED


async def test_pre_deploy_command_that_says_nothing_for_too_long_is_given_up(world: World) -> None:
    world.settings = replace(world.settings, step_deadline_seconds=0.2)
    await world.restart()
    world.runtime.job_gate = asyncio.Event()
    done = await world.up({**FLASK, "railway.toml": '[deploy]\npreDeployCommand = "migrate"\n'})
    assert done.error is not None
    assert (done.error.code, done.error.message) == ("DEADLINE", "The step 'pre-deploy' was given up after 0 s.")
    assert await world.statuses() == ["failed"]


async def _has_begun(world: World, builds: int) -> bool:
    return world.log.count("build") == builds


async def test_idempotency_key_names_one_operation(world: World) -> None:
    first = await world.up(idempotency_key="ci-1")
    again = await world.start(idempotency_key="ci-1")
    assert again.id == first.id


@pytest.mark.parametrize("moment", ["build", "start v1", "route"])
async def test_daemon_killed_in_the_middle_goes_on_and_finishes(world: World, moment: str) -> None:
    world.builder.gate = asyncio.Event()
    if moment != "build":
        world.builder.gate.set()
    operation = await world.start()

    async def reached() -> bool:
        return any(word.startswith(moment) for word in world.log)

    await world.until(reached)
    world.builder.gate.set()
    await world.restart()
    assert (await world.settled(operation)).status is OperationStatus.SUCCEEDED
    assert await world.statuses() == ["active"]
    assert len(world.runtime.instances) == 1


async def test_pre_deploy_runs_once_also_when_the_daemon_dies_after_it(world: World) -> None:
    files = {**FLASK, "Procfile": "web: gunicorn app:app\nrelease: python migrate.py\n"}
    operation = await world.start(files=files)

    async def migrated() -> bool:
        return "job python migrate.py" in world.log

    await world.until(migrated)
    await world.restart()
    assert (await world.settled(operation)).status is OperationStatus.SUCCEEDED
    assert world.log.count("job python migrate.py") == 1


async def test_failing_pre_deploy_starts_nothing(world: World) -> None:
    world.runtime.job_exit = 2
    done = await world.up({**FLASK, "Procfile": "web: gunicorn app:app\nrelease: python migrate.py\n"})
    assert done.error is not None
    assert done.error.code == "PRE_DEPLOY_FAILED"
    assert not any(word.startswith("start") for word in world.log)


async def test_crashed_replica_comes_back_and_a_hopeless_one_is_called_crashed(world: World) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy]\nrestartPolicyMaxRetries = 2\n"})
    for _ in range(3):
        (instance,) = world.runtime.instances.values()
        world.runtime.end(instance, Exit(code=1))
        await world.until(lambda old=instance: _is_gone(world, old.id))
    await world.until(lambda: _has_status(world, "crashed"))
    assert sum(word.startswith("replace") for word in world.log) == 2
    await world.until(lambda: _leads_nowhere(world))


async def _leads_nowhere(world: World) -> bool:
    return world.edge.routes[0].upstreams == ()


async def test_replica_that_could_not_be_replaced_at_once_comes_back_all_the_same(world: World) -> None:
    await world.up()
    (old,) = world.runtime.instances.values()
    world.runtime.errors = [EngineUnreachableError("the socket", why="It is away.") for _ in range(3)]
    world.runtime.end(old, Exit(code=1))
    await world.until(lambda: _is_refilled(world, old.id))
    assert world.log.count(f"replace {old.id}") == 4
    assert await world.statuses() == ["active"]


async def _is_refilled(world: World, old: str) -> bool:
    return [one.index for one in world.runtime.instances.values() if one.is_running and one.id != old] == [0]


async def _is_gone(world: World, instance: str) -> bool:
    return instance not in world.runtime.instances


async def _seconds_until_removed(world: World) -> float:
    """How long the oldest release was there after the newest one took its place."""
    newest, *_, oldest = await world.deployments()
    assert newest.settled_at is not None
    changes = [one for one in await world.store.events(deployment=oldest.id) if one.name == "deployment.status_changed"]
    return (changes[-1].at - newest.settled_at).total_seconds()


async def _is_removed(world: World) -> bool:
    return (await world.statuses())[-1] == "removed"


async def _has_status(world: World, status: str) -> bool:
    return (await world.statuses())[0] == status


async def two_releases(world: World) -> None:
    """Leave the first one warm: it has an open request, for which it is waited without end."""
    world.settings = replace(world.settings, drain_seconds=1e9, warm_seconds=0.0)
    await world.restart()
    await world.up()
    world.edge.open[(await world.deployments())[0].id] = 1
    world.edge.looks.clear()
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})

    async def is_waited_for() -> bool:
        return len(world.edge.looks) > 1  # the edge was told between the first two

    await world.until(is_waited_for)
    world.edge.open[(await world.deployments())[0].id] = 1


async def test_rollback_to_a_warm_release_is_one_change_at_the_edge(world: World) -> None:
    await two_releases(world)
    world.log.clear()
    done = await world.settled(await world.start(OperationKind.ROLLBACK))
    assert (done.status, done.services) == (OperationStatus.SUCCEEDED, ("web",))
    assert {*world.log} == {f"route {(await world.deployments())[1].id[-4:]}"}, "nothing is started or stopped"
    second, first = await world.deployments()
    assert (second.status, first.status) == (DeploymentStatus.REMOVING, DeploymentStatus.ACTIVE)
    assert [one.release for one in world.edge.routes[0].upstreams] == [first.id]
    told = [one.name for one in await world.store.events(operation=done.id)]
    assert told == ["operation.created", "route.changed", "deployment.status_changed", "deployment.status_changed", "operation.settled"]
    await world.settled(await world.start(OperationKind.ROLLBACK, deployment="v2"))  # and back again, as often as one likes
    assert await world.statuses() == ["active", "removing"]


async def test_a_release_that_somebody_stays_connected_to_is_waited_for_once(world: World) -> None:
    world.settings = replace(world.settings, drain_seconds=30.0, warm_seconds=40.0)
    await world.restart()
    await world.up()
    world.edge.open[(await world.deployments())[0].id] = 1  # a WebSocket, say
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _is_removed(world))
    assert 40.0 <= await _seconds_until_removed(world) < 41.0


async def test_rollback_cut_off_by_a_kill_is_carried_out_by_the_next_daemon(world: World) -> None:
    await two_releases(world)
    world.edge.gate = asyncio.Event()
    operation = await world.start(OperationKind.ROLLBACK)
    await world.kill()
    world.edge.gate = None
    await world.open()
    await world.rooms.recovery.run()
    assert (await world.settled(operation)).status is OperationStatus.SUCCEEDED
    assert await world.statuses() == ["removing", "active"]


async def killed_in_a_build(world: World) -> tuple[Operation, asyncio.Task[None]]:
    """A second release whose build was cut off, and the recovery of the next daemon, which has just begun."""
    await world.up()
    world.builder.gate = asyncio.Event()
    operation = await world.start(files={**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _has_begun(world, 2))
    await world.kill()
    await world.open()
    recovering = asyncio.create_task(world.rooms.recovery.run())
    await asyncio.sleep(0)
    return operation, recovering


async def test_cancel_is_heard_before_the_next_daemon_has_taken_the_operation_up_again(world: World) -> None:
    operation, recovering = await killed_in_a_build(world)
    assert (await world.rooms.orders.cancel(operation.id)).status is OperationStatus.CANCELLED
    assert await world.statuses() == ["cancelled", "active"]
    await recovering


async def test_new_order_is_not_overtaken_by_one_that_the_next_daemon_takes_up_again(world: World) -> None:
    old, recovering = await killed_in_a_build(world)
    new = await world.start(files={**FLASK, "app.py": FLASK["app.py"] + "# 3\n"})
    assert world.builder.gate is not None
    world.builder.gate.set()
    assert (await world.settled(new)).status is OperationStatus.SUCCEEDED
    assert (await world.settled(old)).status.is_settled
    assert [one.version for one in await world.deployments() if one.status is DeploymentStatus.ACTIVE] == [3]
    await recovering


async def test_rollback_deploys_the_release_before_with_its_artifact(world: World) -> None:
    await world.up()
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    await world.until(lambda: _is_removed(world))
    builds = world.log.count("build")
    done = await world.settled(await world.start(OperationKind.ROLLBACK))
    assert done.status is OperationStatus.SUCCEEDED
    newest, _, first = await world.deployments()
    assert (newest.source_deployment, newest.snapshot, newest.status) == (first.id, first.snapshot, DeploymentStatus.ACTIVE)
    assert world.log.count("build") == builds


async def test_scale_and_down(world: World) -> None:
    await world.up()
    done = await world.settled(await world.start(OperationKind.SCALE, scale={"web": 3}))
    assert done.status is OperationStatus.SUCCEEDED
    assert len(world.edge.routes[0].upstreams[0].endpoints) == 3
    done = await world.settled(await world.start(OperationKind.DOWN))
    assert done.status is OperationStatus.SUCCEEDED
    assert (world.runtime.instances, world.edge.routes) == ({}, ())
    assert await world.statuses() == ["removed"]


async def test_scale_to_replicas_that_are_not_healthy_leaves_the_ones_there_were(world: World) -> None:
    await world.up()
    world.runtime.port = 1  # nothing listens there
    done = await world.settled(await world.start(OperationKind.SCALE, scale={"web": 3}))
    assert done.error is not None
    assert done.error.code == "NEVER_HEALTHY"
    await _stands_with_one(world)


async def test_replica_that_is_not_proven_gets_no_request_whatever_else_is_deployed_meanwhile(world: World) -> None:
    await world.up({**FLASK, "railway.toml": "[deploy]\nhealthcheckTimeout = 80000\n"})
    world.runtime.port = 1
    operation = await world.start(OperationKind.SCALE, scale={"web": 3})
    await world.until(lambda: _runs(world, 3))
    await world.rooms.router.apply()  # as another service's deployment would
    assert len(world.edge.routes[0].upstreams[0].endpoints) == 1
    assert (await world.rooms.orders.cancel(operation.id)).status is OperationStatus.CANCELLED
    await _stands_with_one(world)


async def _stands_with_one(world: World) -> None:
    assert [one.index for one in world.runtime.instances.values()] == [0]
    assert len(world.edge.routes[0].upstreams[0].endpoints) == 1
    assert (await world.store.services(SCOPE))[0].replicas == 1
    assert await world.statuses() == ["active"]


async def _runs(world: World, number: int) -> bool:
    return len(world.runtime.instances) == number


async def test_process_type_that_left_the_procfile_is_taken_down(world: World) -> None:
    await world.up({**FLASK, "Procfile": "web: gunicorn app:app\nworker: python -c 1\n"})
    assert sorted(row.name for row in await world.store.services(SCOPE)) == ["web", "worker"]
    await world.up({**FLASK, "Procfile": "web: gunicorn app:app\n"})
    assert [row.name for row in await world.store.services(SCOPE)] == ["web"]


async def test_process_type_that_left_the_procfile_is_taken_down_also_by_the_daemon_after_one_that_was_killed(world: World) -> None:
    await world.up({**FLASK, "Procfile": "web: gunicorn app:app\nworker: python -c 1\n"})
    world.builder.gate = asyncio.Event()
    operation = await world.start(files={**FLASK, "Procfile": "web: gunicorn app:app --preload\n"})
    await world.until(lambda: _is_building(world))
    await world.kill()
    await world.open()
    world.builder.gate.set()
    await world.rooms.recovery.run()
    assert (await world.settled(operation)).status is OperationStatus.SUCCEEDED
    assert [row.name for row in await world.store.services(SCOPE)] == ["web"]
    assert {one.key.service for one in world.runtime.instances.values()} == {"web"}


async def _is_building(world: World) -> bool:
    return "building" in await world.statuses()


async def test_older_release_that_was_still_warm_goes_a_moment_after_the_switch(world: World) -> None:
    world.settings = replace(world.settings, warm_seconds=1000.0)
    await world.restart()
    for number in range(3):
        await world.up({**FLASK, "app.py": FLASK["app.py"] + f"# {number}\n"})
    await world.until(lambda: _is_removed(world))
    assert world.settings.calm_seconds <= await _seconds_until_removed(world) < 5.0


async def test_artifacts_beyond_the_kept_ones_are_removed_and_the_serving_one_never(world: World) -> None:
    count = world.settings.kept_artifacts + 3
    for number in range(count):
        await world.up({**FLASK, "app.py": FLASK["app.py"] + f"# {number}\n"})
    serving = (await world.deployments())[0].artifact

    async def swept() -> bool:
        return len(world.builder.artifacts) == world.settings.kept_artifacts

    await world.until(swept)
    assert serving is not None
    assert serving.key in world.builder.artifacts


async def test_end_that_cannot_be_written_is_told_and_written_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    append = world.store.append

    async def full(*_: object) -> list[StoredEvent]:
        raise DiskFullError("/here")

    world.builder.gate = asyncio.Event()
    operation = await world.start()

    async def is_building() -> bool:
        return "build" in world.log

    await world.until(is_building)
    monkeypatch.setattr(world.store, "append", full)
    world.builder.gate.set()

    async def is_told() -> bool:
        return (await world.rooms.orders.read(operation.id)).status.is_settled

    await world.until(is_told)
    assert (await world.rooms.orders.read(operation.id)).error.code == "DISK_FULL"  # type: ignore[union-attr]
    monkeypatch.setattr(world.store, "append", append)
    assert (await world.settled(operation)).status.value == "failed"
    assert await world.statuses() == ["failed"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(OperationKind.RESTART, {}, id="restart"),
        pytest.param(OperationKind.SCALE, {"scale": {"web": 2}}, id="scale"),
    ],
)
async def test_order_for_a_service_that_is_taken_down_before_its_turn_fails(
    world: World, kind: OperationKind, options: dict[str, object]
) -> None:
    await world.up()
    orders: list[Operation] = []

    async def accept() -> None:
        orders.append(await world.start(OperationKind.DOWN))
        orders.append(await world.start(kind, **options))

    assert await world.rooms.operations.between(f"{SCOPE}/web", accept), "neither begins before both are accepted"
    down, late = [await world.settled(one) for one in orders]
    assert down.status == "succeeded"
    assert late.error is not None
    assert (late.status, late.error.code, late.error.hint) == ("failed", "DEPLOYMENT_FAILED", "Run `rw up`.")


async def test_replicas_that_leave_are_waited_for_until_nothing_leads_to_them(world: World) -> None:
    await world.up()
    await world.settled(await world.start(OperationKind.SCALE, scale={"web": 3}))
    world.log.clear()
    world.edge.looks.clear()
    world.edge.connections = [1, 2]
    done = await world.settled(await world.start(OperationKind.SCALE, scale={"web": 1}))
    assert done.status is OperationStatus.SUCCEEDED
    assert world.edge.looks == [2] * 3
    assert world.log[0].startswith("route")


async def test_routes_that_the_edge_refused_are_handed_to_it_again(world: World) -> None:
    await world.up()
    world.edge.error = EdgeFailedError("refused", log="")
    assert (await world.settled(await world.start(OperationKind.DOWN))).status is OperationStatus.FAILED
    assert world.edge.routes
    await world.rooms.tending.tend()
    assert world.edge.routes, "it still refuses"
    world.edge.error = None
    await world.rooms.tending.tend()
    assert world.edge.routes == ()
    await world.until(lambda: _has_left(world, "v1"))
    assert await world.statuses() == ["removed"]


@pytest.mark.parametrize("kind", [OperationKind.UP, OperationKind.DOWN])
async def test_release_on_its_way_out_leaves_although_the_engine_was_away_for_a_while(world: World, kind: OperationKind) -> None:
    await world.up()
    world.runtime.stop_errors = [EngineUnreachableError("the socket", why="It is away.") for _ in range(3)]
    files = {**FLASK, "app.py": FLASK["app.py"] + "# 2\n"}
    done = await world.settled(await world.start(kind, files=files if kind is OperationKind.UP else None))
    assert done.status is (OperationStatus.SUCCEEDED if kind is OperationKind.UP else OperationStatus.FAILED)
    await world.until(lambda: _has_left(world, "v1"))
    assert world.log.count("stop v1") == 4
    assert {one.key.version for one in world.runtime.instances.values()} == ({2} if kind is OperationKind.UP else set())


async def _has_left(world: World, version: str) -> bool:
    await world.clock.advance(1.0)
    return {f"v{one.version}": one.status for one in await world.deployments()}[version] is DeploymentStatus.REMOVED


@pytest.mark.parametrize("kind", [OperationKind.UP, OperationKind.REDEPLOY])
async def test_release_ordered_before_its_service_was_taken_down_brings_it_back(world: World, kind: OperationKind) -> None:
    await world.up()
    port = (await world.store.services(SCOPE))[0].port
    files = {**FLASK, "app.py": FLASK["app.py"] + "# 2\n"}
    orders: list[Operation] = []

    async def accept() -> None:
        orders.append(await world.start(OperationKind.DOWN))
        orders.append(await world.start(kind, files=files if kind is OperationKind.UP else None))

    assert await world.rooms.operations.between(f"{SCOPE}/web", accept), "neither begins before both are accepted"
    assert [(await world.settled(one)).status for one in orders] == ["succeeded", "succeeded"]
    assert await world.statuses() == ["active", "removed"]
    assert [(row.name, row.port) for row in await world.store.services(SCOPE)] == [("web", port)]


async def test_routes_of_a_service_that_is_gone_go_when_the_daemon_was_killed_before_they_could(world: World) -> None:
    await world.up()
    world.edge.gate = asyncio.Event()
    await world.start(OperationKind.DOWN)
    await world.until(lambda: _is_forgotten(world))
    await world.kill()
    world.edge.gate = None
    await world.open()
    await world.rooms.recovery.run()
    assert world.edge.routes == ()


async def _is_forgotten(world: World) -> bool:
    return not await world.store.services(SCOPE)


async def test_requests_go_to_the_other_replicas_as_soon_as_one_has_ended(world: World) -> None:
    await world.up()
    await world.settled(await world.start(OperationKind.SCALE, scale={"web": 2}))
    world.log.clear()
    await world.runtime.kill(next(iter(world.runtime.instances.values())))
    await world.until(lambda: _has_replaced(world))
    assert [line.split()[0] for line in world.log[:2]] == ["route", "replace"]


async def _has_replaced(world: World) -> bool:
    return any(line.startswith("replace") for line in world.log)
