"""Services that the railway file lists: what one says of the other, and in which order they come up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_daemon.logs.query import LogQuery
from rw_daemon.runtimes.runtime import Line
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import OperationStatus

LISTED = """
[services.web]
source = "web"
[services.web.variables]
API = "http://${{api.RAILWAY_PRIVATE_DOMAIN}}:${{api.PORT}}/${{api.VERSION}}"
[services.api]
source = "api"
[services.api.variables]
VERSION = "v3"
"""


def shop(listed: str = LISTED) -> dict[str, str]:
    return {"railway.toml": listed, **{f"{app}/{name}": text for app in ("web", "api") for name, text in FLASK.items()}}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


async def variables(world: World, service: str) -> dict[str, str]:
    return (await world.rooms.entries.read(SCOPE, service)).variables


def started(world: World) -> list[str]:
    return [one.key.service for one in world.runtime.instances.values()]


async def test_a_service_comes_up_after_the_one_that_it_refers_to_and_is_told_where_that_is(world: World) -> None:
    done = await world.up(shop())
    assert done.status is OperationStatus.SUCCEEDED
    assert started(world) == ["api", "web"]
    ports = {row.name: row.port for row in await world.store.services(SCOPE)}
    assert (await variables(world, "web"))["API"] == f"http://localhost:{ports['api']}/v3"
    [web] = [one for one in await world.deployments() if one.service == "web"]
    words = [one.data["reason"] for one in await world.store.events(deployment=web.id) if one.data.get("after") == "waiting"]
    assert words == ["It waits for api, which it refers to."]
    assert [(step.name, step.status) for step in web.steps][3:5] == [("wait-for-dependencies", "done"), ("start", "done")]


async def test_what_needs_a_service_that_fails_is_not_released(world: World) -> None:
    world.page = lambda _: (500, "no")
    done = await world.up(shop())
    assert done.status is OperationStatus.FAILED
    assert await world.statuses() == ["failed", "failed"]
    [web] = [one for one in await world.deployments() if one.service == "web"]
    assert [(step.name, step.status) for step in web.steps][3:] == [("wait-for-dependencies", "cancelled")]
    assert [one for one in world.log if one.startswith("start")] == ["start v1"]


async def test_services_that_refer_to_each_other_start_side_by_side_and_say_so(world: World) -> None:
    done = await world.up(shop(LISTED + 'WEB = "${{web.RAILWAY_PUBLIC_DOMAIN}}"\n'))
    assert done.status is OperationStatus.SUCCEEDED
    assert sorted(started(world)) == ["api", "web"]
    assert (await variables(world, "api"))["WEB"] == "web.shop.localhost:8080"
    await world.logs.flushed()
    said = [one.message for one in await world.logs.read(LogQuery(project=SCOPE.project, environment=SCOPE.environment))]
    assert "web and api refer to each other: they start side by side." in said


async def test_a_service_that_left_the_list_is_taken_down(world: World) -> None:
    await world.up(shop())
    await world.up(shop('[services.api]\nsource = "api"\n'))
    assert [row.name for row in await world.store.services(SCOPE)] == ["api"]


async def test_one_of_the_listed_services_is_deployed_alone(world: World) -> None:
    await world.up(shop(), services=("api",))
    assert started(world) == ["api"]
    assert [row.name for row in await world.store.services(SCOPE)] == ["api"]


async def test_after_a_restart_of_the_machine_they_are_started_in_the_same_order(world: World) -> None:
    await world.up(shop())
    world.runtime.instances.clear()
    await world.restart()
    assert started(world) == ["api", "web"]


async def test_a_reference_that_stands_for_nothing_fails_before_anything_is_built(world: World) -> None:
    done = await world.up(shop(LISTED.replace("api.VERSION", "api.NOPE")))
    assert done.error is not None
    assert "API refers to ${{api.NOPE}}, which is not there" in done.error.message
    assert started(world) == []


async def test_a_build_finds_what_references_stand_for(world: World) -> None:
    node = {"package.json": '{"scripts": {"build": "vite build", "start": "node ."}, "dependencies": {"vite": "7"}}', "index.js": ""}
    listed = LISTED.replace("API = ", 'VITE_API_URL = "http://${{api.RAILWAY_PUBLIC_DOMAIN}}"\nAPI = ')
    await world.up({"railway.toml": listed, **{f"web/{name}": text for name, text in node.items()}, "api/index.html": "x"})
    found = [order.variables["VITE_API_URL"] for order in world.builder.orders if "VITE_API_URL" in order.variables]
    assert found == ["http://api.shop.localhost:8080"]


async def test_secrets_of_another_service_are_masked_where_they_are_referred_to(world: World) -> None:
    listed = LISTED.replace("${{api.VERSION}}", "${{api.API_KEY}}") + 'API_KEY = "s3cret-of-api"\n'
    world.runtime.said = (Line(world.clock.now(), "stdout", "calling with s3cret-of-api", "1"),)
    await world.up(shop(listed))
    await world.logs.flushed()
    said = [one.message for one in await world.logs.read(LogQuery(project=SCOPE.project, environment=SCOPE.environment))]
    assert said.count("calling with ***") == 2


async def test_a_service_that_waits_comes_up_also_when_the_daemon_died_meanwhile(world: World) -> None:
    world.edge.gate = asyncio.Event()  # the one that it refers to cannot get its requests
    operation = await world.start(files=shop())

    async def waits() -> bool:
        return sorted(await world.statuses()) == ["deploying", "waiting"]

    await world.until(waits)
    await world.kill()
    world.edge.gate = None
    await world.open()
    await world.rooms.recovery.run()
    assert (await world.settled(operation)).status is OperationStatus.SUCCEEDED
    assert await world.statuses() == ["active", "active"]
    assert started(world) == ["api", "web"]


async def test_a_cancel_takes_back_what_waits_as_well(world: World) -> None:
    world.edge.gate = asyncio.Event()
    operation = await world.start(files=shop())

    async def waits() -> bool:
        return sorted(await world.statuses()) == ["deploying", "waiting"]

    await world.until(waits)
    cancelling = asyncio.ensure_future(world.rooms.orders.cancel(operation.id))
    await asyncio.sleep(0)
    world.edge.gate.set()
    assert (await cancelling).status is OperationStatus.CANCELLED
    assert await world.statuses() == ["cancelled", "cancelled"]
    assert started(world) == []


@pytest.mark.parametrize(
    ("listed", "only", "hint"),
    [
        pytest.param(LISTED.replace("api.PORT", "apo.PORT"), (), "Did you mean api?", id="a wrong name"),
        pytest.param(LISTED, ("web",), "`rw up` without -s brings up all services of the file.", id="one that is left out"),
    ],
)
async def test_a_reference_to_a_service_that_is_not_there_is_refused_at_once(
    world: World, listed: str, only: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(ConfigInvalidError, match=r"variables of web: API refers to \$\{\{ap[io]\.\w+\}\}, and there is no ap") as caught:
        await world.start(files=shop(listed), services=only)
    assert caught.value.hint == hint
    assert await world.deployments() == []
