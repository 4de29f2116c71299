"""Orders behind others: which wait, what they say meanwhile, which are refused, and which end the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_shared.errors import RolloutGoingOnError
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationKind, OperationStatus, Pace

HELD = '[deploy.rollout]\nstrategy = "gradual"\nautoPromote = false\n'
LISTED = '[services.web]\nsource = "web"\n[services.api]\nsource = "api"\n[services.api.deploy.rollout]\nstrategy = "gradual"\nautoPromote = false\n'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


def files(version: int, railway: str = HELD) -> dict[str, str]:
    return {**FLASK, "app.py": f"{FLASK['app.py']}# {version}\n", "railway.toml": railway}


def shop(*, web: int, api: int, listed: str = LISTED) -> dict[str, str]:
    apps = {"web": files(web), "api": files(api)}
    return {"railway.toml": listed, **{f"{app}/{name}": apps[app][name] for app in apps for name in FLASK}}


async def newest(world: World, service: str = "web") -> Deployment:
    return next(one for one in await world.deployments() if one.service == service)


async def paused(world: World, service: str = "web") -> bool:
    found = await newest(world, service)
    return found.share == 10 and found.pace is Pace.PAUSED


async def words(world: World, operation: Operation) -> list[str]:
    return [one.data["words"] for one in await world.store.events(operation=operation.id) if one.name == "operation.waiting"]


async def held(world: World) -> Operation:
    """Return the operation of v2, which is paused at its first step beside v1."""
    await world.up(files(1))
    operation = await world.start(files=files(2))
    await world.until(lambda: paused(world))
    return operation


async def building(world: World, version: int, railway: str = HELD) -> Operation:
    """Return the operation of a release whose build goes on until ``world.builder.gate`` is set."""
    world.builder.gate = asyncio.Event()
    operation = await world.start(files=files(version, railway))

    async def builds() -> bool:
        return (await newest(world)).status is DeploymentStatus.BUILDING

    await world.until(builds)
    return operation


# --- one at a time for each service


async def test_a_rollout_that_is_paused_holds_up_no_other_service(world: World) -> None:
    await world.up(shop(web=1, api=1))
    rollout = await world.start(files=shop(web=1, api=2), services=("api",))
    await world.until(lambda: paused(world, "api"))
    orders: list[tuple[OperationKind, dict[str, Any]]] = [
        (OperationKind.UP, {"files": shop(web=2, api=2), "services": ("web",)}),
        (OperationKind.RESTART, {"services": ("web",)}),
        (OperationKind.SCALE, {"scale": {"web": 2}}),
        (OperationKind.ROLLBACK, {"services": ("web",)}),
        (OperationKind.DOWN, {"services": ("web",)}),
    ]
    for kind, options in orders:
        done = await world.settled(await world.start(kind, **options))
        assert (kind, done.status, await words(world, done)) == (kind, OperationStatus.SUCCEEDED, [])
    assert [row.name for row in await world.store.services(SCOPE)] == ["api"]
    assert await paused(world, "api")
    await world.rooms.rollouts.pace(SCOPE, "api", Pace.PROMOTED, actor="ada")
    assert (await world.settled(rollout)).status is OperationStatus.SUCCEEDED


async def test_what_an_order_is_done_with_does_not_wait_for_its_rest(world: World) -> None:
    await world.up(shop(web=1, api=1))
    both = await world.start(files=shop(web=2, api=2))

    async def web_is_done() -> bool:
        return (await newest(world)).status is DeploymentStatus.ACTIVE and await paused(world, "api")

    await world.until(web_is_done)
    assert (await world.settled(await world.start(OperationKind.RESTART, services=("web",)))).status is OperationStatus.SUCCEEDED
    assert (await world.settled(await world.start(OperationKind.DOWN, services=("api",)))).status is OperationStatus.SUCCEEDED
    assert (await world.settled(both)).status is OperationStatus.CANCELLED
    assert (await newest(world)).status is DeploymentStatus.ACTIVE


async def test_an_up_that_changes_nothing_waits_for_nobody(world: World) -> None:
    await world.up()
    busy = asyncio.Event()

    async def restarting() -> None:
        await busy.wait()

    at_work = asyncio.ensure_future(world.rooms.operations.between(f"{SCOPE}/web", restarting))
    await asyncio.sleep(0)
    assert (await world.up()).deployments == ()
    busy.set()
    assert await at_work


async def test_a_service_waits_for_one_that_it_refers_to_and_that_is_not_there_yet(world: World) -> None:
    listed = LISTED + '[services.web.variables]\nAPI = "${{api.PORT}}"\n'
    world.builder.gate = asyncio.Event()
    first = await world.start(files=shop(web=1, api=1, listed=listed), services=("api",))

    async def builds() -> bool:
        return (await newest(world, "api")).status is DeploymentStatus.BUILDING

    await world.until(builds)
    second = await world.start(files=shop(web=1, api=1, listed=listed), services=("web",))
    await world.until(lambda: words(world, second))
    world.builder.gate.set()
    assert [(await world.settled(one)).status for one in (first, second)] == [OperationStatus.SUCCEEDED] * 2
    assert (await words(world, second))[0] == "waits for v1 of api (building)"
    assert [one.key.service for one in world.runtime.instances.values()] == ["api", "web"]


# --- what is said while something waits


async def test_what_waits_says_for_what_and_when_it_does_no_longer(world: World) -> None:
    await world.up(files(1))
    first = await building(world, 2)
    second = await world.start(files=files(3))
    await world.until(lambda: words(world, second))
    queued = await newest(world)
    assert (queued.status, queued.reason) == ("queued", "waits for v2 of web (building)")
    assert (await world.store.operation(second.id)).status is OperationStatus.QUEUED  # type: ignore[union-attr]
    (service,) = (await world.rooms.status.read(SCOPE)).services
    assert service.newest_reason == queued.reason
    assert [one.words for one in (await world.rooms.why.read(queued)).items if one.kind == "wait"] == [queued.reason]
    assert world.builder.gate is not None
    world.builder.gate.set()
    told = "waits for v2 of web: its rollout is paused at 10 % (`rw rollout promote web` or `rw rollout abort web`)"

    async def is_told() -> bool:
        return (await newest(world)).reason == told

    await world.until(is_told)
    await world.rooms.rollouts.pace(SCOPE, "web", Pace.PROMOTED, actor="ada")
    assert (await world.settled(first)).status is OperationStatus.SUCCEEDED
    await world.until(lambda: paused(world))
    third = await newest(world)
    assert (third.version, third.reason) == (3, "")
    assert [one.words for one in (await world.rooms.why.read(third)).items if one.kind == "wait"][-2:] == [
        "waits for v2 of web (deploying)",
        "its turn",
    ]  # fmt: skip


async def test_what_waits_says_so_again_to_the_next_daemon(world: World) -> None:
    await held(world)
    waiting = await world.start(files=files(3))
    await world.until(lambda: words(world, waiting))
    await world.restart()

    async def again() -> bool:
        return len(await words(world, waiting)) > 1

    await world.until(again)
    assert (await newest(world)).status is DeploymentStatus.QUEUED
    assert (await world.rooms.orders.cancel(waiting.id)).status is OperationStatus.CANCELLED
    assert await paused(world) or (await world.statuses())[:2] == ["cancelled", "deploying"]


# --- what does not wait for a rollout


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(OperationKind.ROLLBACK, {}, id="rollback, with nothing to go back to"),
        pytest.param(OperationKind.REDEPLOY, {}, id="redeploy"),
        pytest.param(OperationKind.RESTART, {}, id="restart"),
        pytest.param(OperationKind.SCALE, {"scale": {"web": 2}}, id="scale"),
        pytest.param(OperationKind.SLEEP, {}, id="sleep"),
    ],
)
async def test_what_would_wait_for_a_rollout_is_refused(world: World, kind: OperationKind, options: dict[str, Any]) -> None:
    await held(world)
    with pytest.raises(RolloutGoingOnError) as caught:
        await world.start(kind, **options)
    assert (caught.value.status, caught.value.exit_code) == (409, 7)
    assert caught.value.message == "v2 of web is on its way: its rollout is paused at 10 %."
    assert caught.value.hint == "`rw rollout abort web` gives v1 every request again, `rw rollout promote web` gives them to v2."
    with pytest.raises(RolloutGoingOnError):
        await world.rooms.rollbacks.preview(SCOPE, "web", "")


async def test_what_serves_beside_a_rollout_need_not_be_woken(world: World) -> None:
    await held(world)
    assert (await world.settled(await world.start(OperationKind.WAKE))).status is OperationStatus.SUCCEEDED
    assert await paused(world)


async def test_what_waits_for_a_build_ends_when_its_rollout_begins(world: World) -> None:
    await world.up(files(1))
    await building(world, 2)
    orders = [await world.start(OperationKind.RESTART), await world.start(OperationKind.REDEPLOY)]
    for one in orders:
        await world.until(lambda one=one: words(world, one))
    assert world.builder.gate is not None
    world.builder.gate.set()
    for one in orders:
        done = await world.settled(one)
        assert done.error is not None
        assert (done.status, done.error.code) == (OperationStatus.FAILED, "ROLLOUT_GOING_ON")
    await world.until(lambda: _second_is_paused(world))
    assert await world.statuses() == ["failed", "deploying", "active"]


async def _second_is_paused(world: World) -> bool:
    return any(one.version == 2 and one.share == 10 for one in await world.deployments())


async def test_what_waits_for_a_release_without_steps_has_its_turn(world: World) -> None:
    await world.up(files(1, ""))
    await building(world, 2, "")
    restart = await world.start(OperationKind.RESTART)
    await world.until(lambda: words(world, restart))
    assert world.builder.gate is not None
    world.builder.gate.set()
    assert (await world.settled(restart)).status is OperationStatus.SUCCEEDED
    assert (await words(world, restart))[0] == "waits for v2 of web (building)"


# --- down


async def test_down_ends_what_is_on_its_way(world: World) -> None:
    rollout = await held(world)
    waiting = await world.start(files=files(3))
    await world.until(lambda: words(world, waiting))
    down = await world.settled(await world.start(OperationKind.DOWN))
    assert down.status is OperationStatus.SUCCEEDED
    assert await words(world, down) == ["ends v2 of web (paused at 10 %) and v3 of web (queued) first"]
    for one in (rollout, waiting):
        ended = await world.settled(one)
        assert ended.error is not None
        assert (ended.status, ended.error.why) == (OperationStatus.CANCELLED, "web was taken down before it was done.")
    assert await world.statuses() == ["cancelled", "rolled_back", "removed"]
    assert world.runtime.instances == {}


async def test_taking_everything_down_ends_what_is_on_its_way(world: World) -> None:
    operation = await held(world)
    await world.rooms.everything()
    assert (await world.settled(operation)).status == "cancelled"
    assert not world.runtime.instances
    assert world.log[-1] == "edge stopped"


async def test_down_leaves_what_is_on_its_way_for_others_as_well(world: World) -> None:
    await world.up(shop(web=1, api=1, listed=LISTED.replace("autoPromote = false", "")))
    world.builder.gate = asyncio.Event()
    both = await world.start(files=shop(web=2, api=2, listed=LISTED.replace("autoPromote = false", "")))

    async def builds() -> bool:
        return (await newest(world)).status is DeploymentStatus.BUILDING

    await world.until(builds)
    down = await world.start(OperationKind.DOWN, services=("web",))
    await world.until(lambda: words(world, down))
    world.builder.gate.set()
    assert (await world.settled(both)).status is OperationStatus.SUCCEEDED
    assert (await world.settled(down)).status is OperationStatus.SUCCEEDED
    assert (await words(world, down))[0].startswith("waits for v2 of ")
    assert [row.name for row in await world.store.services(SCOPE)] == ["api"]


async def test_down_that_was_cut_off_ends_it_after_the_next_start(world: World) -> None:
    rollout = await held(world)
    world.edge.gate = asyncio.Event()  # nothing can be taken back
    down = await world.start(OperationKind.DOWN)
    await world.until(lambda: words(world, down))
    await world.kill()
    world.edge.gate = None
    await world.open()
    await world.rooms.recovery.run()
    assert (await world.settled(down)).status is OperationStatus.SUCCEEDED
    assert (await world.settled(rollout)).status is OperationStatus.CANCELLED
    assert await world.statuses() == ["rolled_back", "removed"]
    assert await world.store.services(SCOPE) == []
