"""What ``rw why`` tells: the difference to the release before, and the way to the decision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.edge.edge import Traffic
from rw_shared.errors import DeploymentNotFoundError
from rw_shared.models import OperationKind, OperationOrder, Pace
from rw_shared.timeline import Moment

FIRST = '[deploy]\nhealthcheckTimeout = 20\n[variables]\nTOKEN = "hunter2"\nOLD = "1"\n'
SECOND = '[deploy]\nhealthcheckTimeout = 30\n[deploy.rollout]\nstrategy = "gradual"\n[variables]\nTOKEN = "hunter3"\nNEW = "1"\n'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


async def told(world: World, *, version: int) -> list[Moment]:
    deployment = next(one for one in await world.deployments() if one.version == version)
    return list((await world.rooms.why.read(deployment)).items)


def of_kind(items: list[Moment], kind: str) -> list[str]:
    return [one.words for one in items if one.kind == kind]


async def test_what_changed_is_told_and_no_value_of_a_variable(world: World) -> None:
    await world.up({**FLASK, "railway.toml": FIRST})
    await world.up({**FLASK, "railway.toml": SECOND, "static/a.css": "a"}, message="faster")
    items = await told(world, version=2)
    assert [one.kind for one in items[:4]] == ["asked", "source", "configuration", "variables"]
    assert items[0].words == "user asked for up: faster"
    assert items[1].words == "2 files changed since v1: railway.toml modified, static/a.css added."
    assert 'deploy.healthcheckTimeout: 20.0 → 30.0; deploy.rollout.strategy: "replace" → "gradual"' in items[2].words
    assert items[3].words == "NEW added, OLD removed, TOKEN changed"
    assert "hunter" not in str([one.wire() for one in items])


async def test_the_way_to_the_decision_is_told_in_order(world: World) -> None:
    await world.up({**FLASK, "railway.toml": FIRST})
    world.edge.traffic = lambda release: Traffic(
        round(world.clock.elapsed * 100), round(world.clock.elapsed * 90) if release == world.edge.routes[0].upstreams[-1].release else 0
    )
    await world.up({**FLASK, "railway.toml": SECOND})
    items = await told(world, version=2)
    kinds = [one.kind for one in items if one.kind in {"share", "verdict", "status", "end"}]
    assert kinds == ["status", "status", "share", "verdict", "share", "status", "end"]
    assert of_kind(items, "share") == ["10 % of the requests", "no request any more"]
    assert of_kind(items, "verdict")[0].startswith("bad at 10 %: ")
    assert "deploying → rolled_back" in of_kind(items, "status")[-1]
    assert [one.at for one in items] == sorted(one.at for one in items)


async def test_first_release_and_one_deployed_again(world: World) -> None:
    await world.up()
    assert of_kind(await told(world, version=1), "source") == ["The first release of this service."]
    await world.settled(await world.start(OperationKind.REDEPLOY))
    assert of_kind(await told(world, version=2), "source") == ["The same files as v1."]


async def test_who_asked_for_a_rollback_that_made_no_deployment_is_told(world: World) -> None:
    world.settings = replace(world.settings, warm_seconds=1e9)
    await world.restart()
    await world.up()
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# 2\n"})
    order = OperationOrder(kind=OperationKind.ROLLBACK, message="it fails")
    await world.settled(await world.rooms.orders.start(SCOPE, order, actor="ada"))
    for version in (1, 2):
        items = await told(world, version=version)
        assert of_kind(items, "asked") == ["user asked for up", "ada asked for rollback: it fails"]
        assert of_kind(items, "end") == ["the order succeeded"] * 2
        assert [one.at for one in items] == sorted(one.at for one in items)


async def test_who_took_a_service_down_is_told(world: World) -> None:
    await world.up()
    await world.settled(await world.rooms.orders.start(SCOPE, OperationOrder(kind=OperationKind.DOWN), actor="ada"))
    items = await told(world, version=1)
    assert of_kind(items, "asked") == ["user asked for up", "ada asked for down"]
    assert "The service was taken down." in of_kind(items, "status")[-2]


async def test_who_took_a_rollout_back_and_the_step_that_runs_are_told(world: World) -> None:
    await world.up({**FLASK, "railway.toml": FIRST})
    operation = await world.start(files={**FLASK, "railway.toml": SECOND.replace('"gradual"', '"gradual"\nautoPromote = false')})

    async def shifts() -> bool:
        return any(one.name == "rollout.shifted" for one in await world.store.events(operation=operation.id))

    await world.until(shifts)
    assert of_kind(await told(world, version=2), "step")[-1] == "shift started"
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.STEPS, actor="ada")
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.PAUSED, actor="ada")
    await world.rooms.rollouts.abort(SCOPE, "web", actor="bob")
    items = await told(world, version=2)
    assert of_kind(items, "pace") == ["paused by rw", "sent on by its steps by ada", "paused by ada", "to be taken back, by bob"]
    assert not [one for one in of_kind(items, "step") if one.endswith("started")]


async def test_what_going_back_would_change_is_told_before(world: World) -> None:
    await world.up({**FLASK, "railway.toml": FIRST})
    await world.up({**FLASK, "railway.toml": '[deploy]\npreDeployCommand = "python migrate.py"\n'})
    found = await world.rooms.rollbacks.preview(SCOPE, "web", "")
    assert (found.serving_version, found.version, found.replicas) == (2, 1, 1)
    assert [one.kind for one in found.changes] == ["source", "configuration", "variables"]
    assert found.changes[2].words == "OLD added, TOKEN added"
    assert found.not_undone == ("v2: python migrate.py",)
    assert (await world.statuses())[0] == "active"
    with pytest.raises(DeploymentNotFoundError):
        await world.rooms.rollbacks.preview(SCOPE, "web", "v9")
