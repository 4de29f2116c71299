"""When is a replica healthy? Real sockets, a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import pytest
from fakes.clock import FakeClock
from fakes.upstreams import free_port

from rw_daemon.clock import SystemClock
from rw_daemon.edge import health
from rw_daemon.edge.edge import Endpoint
from rw_daemon.settings import Settings

QUICK = Settings(probe_timeout_seconds=0.04)


@asynccontextmanager
async def server(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[Endpoint]:
    """A port that answers a request's head with bytes, closes without a word (empty), or stays silent (None)."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = answer(await reader.readuntil(b"\r\n\r\n"))
        if said is None:
            await over.wait()
        elif said:
            writer.write(said)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Endpoint("127.0.0.1", listening.sockets[0].getsockname()[1])
    finally:
        over.set()
        listening.close()
        await listening.wait_closed()
        await asyncio.sleep(0.005)


def http(status: int, head: str = "") -> Callable[[bytes], bytes]:
    return lambda _: f"HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n{head}\r\n".encode()


@pytest.mark.parametrize(
    ("status", "strict", "loose"),
    [
        pytest.param(200, True, True, id="200"),
        pytest.param(204, True, True, id="204 without a body"),
        pytest.param(302, True, True, id="a redirect is not followed: it is an answer"),
        pytest.param(399, True, True, id="399, the last that a named path may give"),
        pytest.param(400, False, True, id="400, a Host check that does not know localhost"),
        pytest.param(404, False, True, id="404, an app without a front page"),
        pytest.param(499, False, True, id="499"),
        pytest.param(500, False, False, id="500"),
        pytest.param(503, False, False, id="503 while it warms up"),
    ],
)
async def test_a_named_path_must_succeed_and_any_other_must_not_fail(status: int, strict: bool, loose: bool) -> None:
    async with server(http(status, "Location: http://elsewhere.invalid/\r\n")) as endpoint:
        for is_strict, expected in ((True, strict), (False, loose)):
            outcome = await health.prove([endpoint], path="/", is_strict=is_strict, seconds=0.2, clock=FakeClock(), settings=QUICK)
            assert (outcome.is_healthy, outcome.probes[-1].status) == (expected, status)


async def test_probes_start_every_10_ms_and_back_off_to_a_second() -> None:
    clock, times = FakeClock(), []

    def answer(_: bytes) -> bytes:
        times.append(clock.elapsed)
        return http(503 if clock.elapsed < 20 else 200)(b"")

    async with server(answer) as endpoint:
        outcome = await health.prove([endpoint], path="/up", is_strict=True, seconds=60, clock=clock, settings=QUICK)
    pauses = [round(later - earlier, 6) for earlier, later in pairwise(times)]
    assert outcome.is_healthy
    assert pauses[0] == pytest.approx(0.01)
    assert pauses[-1] == pytest.approx(1.0)
    assert pauses == sorted(pauses)
    assert clock.elapsed == pytest.approx(20, abs=1.0)
    assert "GET /up answered 200 after 20" in outcome.words


async def test_all_replicas_must_pass_and_one_that_passed_is_left_alone() -> None:
    asked: dict[str, int] = {"quick": 0, "slow": 0}

    def answering(name: str, fails: int) -> Callable[[bytes], bytes]:
        def answer(_: bytes) -> bytes:
            asked[name] += 1
            return http(200 if asked[name] > fails else 503)(b"")

        return answer

    async with server(answering("quick", 0)) as quick, server(answering("slow", 4)) as slow:
        outcome = await health.prove([quick, slow], path="/", is_strict=False, seconds=60, clock=FakeClock(), settings=QUICK)
    assert outcome.is_healthy
    assert asked == {"quick": 1, "slow": 5}


async def test_one_replica_that_never_passes_fails_the_proof_in_time_and_what_was_seen_is_kept() -> None:
    clock = FakeClock()
    async with server(http(200)) as good, server(http(500)) as bad:
        outcome = await health.prove([good, bad], path="/", is_strict=False, seconds=5, clock=clock, settings=QUICK)
    assert not outcome.is_healthy
    assert clock.elapsed == pytest.approx(5)
    assert outcome.probes[-1].wire() | {"latencyMs": 0} == {
        "address": f"127.0.0.1:{bad.port}",
        "atSeconds": 5.0,
        "latencyMs": 0,
        "status": 500,
        "error": "",
    }


async def test_the_history_of_a_long_proof_is_bounded() -> None:
    outcome = await health.prove(
        [Endpoint("127.0.0.1", free_port())], path="/", is_strict=False, seconds=200, clock=FakeClock(), settings=QUICK
    )
    assert (outcome.is_healthy, len(outcome.probes)) == (False, health.KEPT)
    assert outcome.probes[-1].error == "Connection refused"


async def test_a_server_of_another_protocol_is_proven_by_its_first_words() -> None:
    clock = FakeClock()
    async with server(lambda _: b"-ERR unknown command 'GET'\r\n") as endpoint:
        outcome = await health.prove([endpoint], path="", is_strict=False, seconds=60, clock=clock, settings=QUICK)
        named = await health.prove([endpoint], path="/", is_strict=True, seconds=1, clock=FakeClock(), settings=QUICK)
    assert (outcome.is_healthy, clock.elapsed, named.is_healthy) == (True, 0, False)
    assert "not in HTTP" in outcome.words


@pytest.mark.parametrize("said", [pytest.param(None, id="silent"), pytest.param(b"", id="closes without a word")])
async def test_a_port_that_only_accepts_is_healthy_when_the_time_is_over_and_not_before(said: bytes | None) -> None:
    clock = FakeClock()
    async with server(lambda _: said) as endpoint:
        outcome = await health.prove([endpoint], path="", is_strict=False, seconds=1, clock=clock, settings=QUICK)
        assert (outcome.is_healthy, outcome.words) == (True, "the port accepts")
        assert clock.elapsed == pytest.approx(1, abs=0.02)
        named = await health.prove([endpoint], path="/up", is_strict=True, seconds=1, clock=FakeClock(), settings=QUICK)
        assert not named.is_healthy


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("/up?full=1&x=%20", b"GET /up?full=1&x=%20 HTTP/1.1", id="a query, escaped already"),
        pytest.param("healthz", b"GET /healthz HTTP/1.1", id="no slash in front"),
        pytest.param("/a b\r\nX-Evil: 1", b"GET /a%20b%0D%0AX-Evil:%201 HTTP/1.1", id="what would end the line"),
        pytest.param("/grüße", b"GET /gr%C3%BC%C3%9Fe HTTP/1.1", id="not ASCII"),
    ],
)
async def test_a_path_from_a_file_is_asked_for_and_nothing_else(path: str, line: bytes) -> None:
    heads: list[bytes] = []
    async with server(lambda head: heads.append(head) or http(200)(b"")) as endpoint:  # type: ignore[func-returns-value]
        assert (await health.probe(endpoint, path=path, timeout_seconds=1)).status == 200
    first, *rows = heads[0].strip().split(b"\r\n")
    assert first == line
    assert rows[0] == b"Host: localhost"
    assert len(rows) == 4


async def test_an_answer_without_end_or_sense_never_raises() -> None:
    for said in (b"x" * 200_000, b"HTTP/1.1 two-hundred OK\r\n\r\n", b"\x16\x03\x01\x00\xff", b"HTTP/1.1\r\n\r\n"):
        async with server(lambda _, said=said: said) as endpoint:
            found = await health.probe(endpoint, path="/", timeout_seconds=1)
        assert (found.status, found.is_open) == (0, True)
        assert found.error


@pytest.mark.parametrize(
    ("said", "path", "expected"),
    [
        pytest.param(http(200)(b""), "/up", True, id="200"),
        pytest.param(http(404)(b""), "/up", True, id="404 on its path: it lives"),
        pytest.param(http(503)(b""), "/up", False, id="503 on its path"),
        pytest.param(http(503)(b""), "", True, id="503 without a path: an app may answer so"),
        pytest.param(b"-ERR\r\n", "", True, id="another protocol"),
        pytest.param(None, "", False, id="accepts and hangs"),
        pytest.param(None, "/up", False, id="hangs on its path"),
    ],
)
async def test_what_was_proven_lives_while_it_answers(said: bytes | None, path: str, expected: bool) -> None:
    async with server(lambda _: said) as endpoint:
        assert await health.live(endpoint, path=path, timeout_seconds=0.04) is expected


async def test_what_is_gone_does_not_live() -> None:
    assert not await health.live(Endpoint("127.0.0.1", free_port()), path="", timeout_seconds=1)


async def test_forty_replicas_are_probed_at_once() -> None:
    async with AsyncExitStack() as stack:
        endpoints = [await stack.enter_async_context(server(http(200))) for _ in range(40)]
        outcome = await health.prove(endpoints, path="/", is_strict=True, seconds=5, clock=SystemClock(), settings=Settings())
    assert outcome.is_healthy
    assert len({probe.endpoint for probe in outcome.probes}) == 40
