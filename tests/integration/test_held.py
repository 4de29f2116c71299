"""The real Envoy in front of a service that sleeps: requests wait until the daemon's desk has said where they go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from fakes.upstreams import Answer
from integration.test_edge import HOST, World, to
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from rw_daemon.edge.desk import Desk
from rw_daemon.edge.edge import Endpoint, HttpRoute, Lead, Upstream, Use

KEY = "shop/production/web"
ASLEEP = HttpRoute(KEY, (HOST,), upstreams=(Upstream("d-old", (Endpoint("127.0.0.1", 1),)),), is_held=True)
BODY = bytes(2_000_000)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def desk(world: World, lead: Callable[[str], Awaitable[Lead]]) -> AsyncIterator[None]:
    serving = asyncio.create_task(Desk(world.edge.held_socket, lead).serve())
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def woken(_: str) -> Lead:
    """Say that each request goes to the release that was woken."""
    return Lead("d-woken")


class Sleeper:
    """Counts the questions, and answers them all once ``wake`` was called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answer: asyncio.Future[Lead] = asyncio.get_running_loop().create_future()

    async def lead(self, key: str) -> Lead:
        self.asked.append(key)
        return await asyncio.shield(self._answer)

    def wake(self, lead: Lead) -> None:
        self._answer.set_result(lead)

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.asked) < count:
                await asyncio.sleep(0.01)


async def test_every_kind_of_request_is_held_and_goes_to_the_release_that_serves_by_then(world: World) -> None:
    sleeper, app = Sleeper(), await world.app("new")
    await world.edge.route((ASLEEP,))
    async with desk(world, sleeper.lead):
        held = [asyncio.create_task(world.ask(f"/{index}", method=method, body=body))
                for index in range(10) for method, body in (("GET", b""), ("POST", BODY))]  # fmt: skip
        await sleeper.until_asked(20)
        assert not [one for one in held if one.done()]
        assert set(sleeper.asked) == {KEY}
        await world.edge.route((to(app, release="d-new"),))
        sleeper.wake(Lead("d-new"))
        answers = await asyncio.gather(*held)
    assert [(one.status, one.app) for one in answers] == [(200, "new")] * 20
    assert [one.json["size"] for one in answers] == [0, len(BODY)] * 10
    assert set(app.seen.values()) == {1}, "none is sent twice"
    assert not [one for one in answers if "x-rw-to" in one.json["headers"]]


async def test_websocket_is_held_and_opened(world: World) -> None:
    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(f"echo {message!s}")

    sleeper = Sleeper()
    async with serve(echo, "127.0.0.1", 0) as server, desk(world, sleeper.lead):
        port = server.sockets[0].getsockname()[1]
        await world.edge.route((ASLEEP,))
        opening = asyncio.create_task(connect(f"ws://{HOST}:{world.edge.port}/", host="127.0.0.1", proxy=None).__aenter__())
        await sleeper.until_asked(1)
        await world.edge.route((replace(ASLEEP, upstreams=(Upstream("d-old", (Endpoint("127.0.0.1", port),)),), is_held=False),))
        sleeper.wake(Lead("d-old"))
        socket = await opening
        await socket.send("hello")
        assert await socket.recv() == "echo hello"
        await socket.close()


async def test_requests_are_counted_and_an_open_one_is_seen(world: World) -> None:
    app = await world.app("new")
    await world.edge.route((to(app, release="d-new"),))
    await world.ask()
    waiting = asyncio.create_task(world.ask("/slow"))
    async with asyncio.timeout(10):
        while (await world.edge.use("d-new"))["d-new"].in_flight == 0:
            await asyncio.sleep(0.005)
    await waiting
    assert await world.edge.use("d-new", "d-none") == {"d-new": Use(2, 0), "d-none": Use()}


@pytest.mark.parametrize(
    ("accept", "kind", "begins"),
    [
        pytest.param("text/html,*/*", "text/html; charset=utf-8", b"<!doctype html>", id="browser"),
        pytest.param("application/json", "application/json", b'{"schema": "rw/v1"', id="program"),
        pytest.param("*/*", "text/plain; charset=utf-8", b"503: web has crashed: 100% <b>\n", id="anybody"),
    ],
)
async def test_one_that_cannot_be_woken_is_answered_503_with_the_daemons_words(world: World, accept: str, kind: str, begins: bytes) -> None:
    async def lead(_: str) -> Lead:
        return Lead(words="web has crashed: 100% <b>")

    await world.edge.route((ASLEEP,))
    async with desk(world, lead):
        answer: Answer = await world.ask(headers=(f"Accept: {accept}",))
    assert (answer.status, answer.headers["content-type"], answer.headers["retry-after"]) == (503, kind, "5")
    assert answer.body.startswith(begins)


async def test_a_client_cannot_choose_where_it_goes(world: World) -> None:
    mine, other = await world.app("mine"), await world.app("other")

    async def lead(_: str) -> Lead:
        return Lead("d-mine")

    await world.edge.route((ASLEEP, to(mine, release="d-mine", service="mine"), to(other, release="d-other", service="other")))
    async with desk(world, lead):
        assert (await world.ask(headers=("X-RW-To: d-other",))).app == "mine"
        assert (await world.ask(host="mine.shop.localhost", headers=("X-RW-To: d-other",))).app == "mine"


async def test_while_no_daemon_runs_a_request_waits_a_little_and_the_next_daemon_answers_it(world: World) -> None:
    app = await world.app("woken")
    await world.edge.route((ASLEEP, to(app, release="d-woken", service="other")))
    waiting = asyncio.create_task(world.ask(method="POST", body=BODY))
    await asyncio.sleep(0.3)

    async with desk(world, woken):
        answer = await waiting
    assert (answer.app, answer.json["size"]) == ("woken", len(BODY))


@pytest.mark.full
async def test_none_of_many_requests_is_given_up_while_a_daemon_takes_seconds_to_come_back(world: World) -> None:
    app = await world.app("woken")
    await world.edge.route((ASLEEP, to(app, release="d-woken", service="other")))
    waiting = [asyncio.create_task(world.ask()) for _ in range(60)]
    await asyncio.sleep(3)

    async with desk(world, woken):
        answers = await asyncio.gather(*waiting)
    assert {(one.status, one.app) for one in answers} == {(200, "woken")}


@pytest.mark.full
async def test_without_a_daemon_the_page_says_what_to_type(world: World) -> None:
    await world.edge.route((ASLEEP,))
    answer = await world.ask()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.body.decode().startswith("503: web is asleep, and the daemon that wakes it does not run. `rw status` starts it")
