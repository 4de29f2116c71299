"""Reading an app's Prometheus text: over a real socket, from apps that answer as they should and from others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from rw_daemon.deployments.scrapes import LIMIT_BYTES, ScrapeError, fetch, values_of
from rw_daemon.edge.edge import Endpoint
from rw_shared.selectors import parse

TEXT = """\
# HELP http_requests_total All of them.
# TYPE http_requests_total counter
http_requests_total{code="200",path="/a \\"b\\""} 1027 1395066363000
http_requests_total{code="500"} 3
http_requests_total{code="503"} 4
http_requests_total_created 1.4e9
queue_depth 1.5e+01
weird{x="a,b}"} NaN
"""


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        pytest.param('http_requests_total{code=~"5.."}', 7.0, id="several series are added up"),
        pytest.param("http_requests_total", 1034.0, id="all of them"),
        pytest.param('http_requests_total{path="/a \\"b\\""}', 1027.0, id="a label with quotes"),
        pytest.param("queue_depth", 15.0, id="a gauge"),
        pytest.param("queue", None, id="the beginning of a name is none"),
        pytest.param('http_requests_total{code="404"}', None, id="no such series"),
    ],
)
def test_values(selector: str, value: float | None) -> None:
    assert values_of(TEXT, {"it": parse(selector)}).get("it") == value


def test_line_that_is_no_sample_is_told() -> None:
    with pytest.raises(ScrapeError, match="not Prometheus's text"):
        values_of("queue_depth{ many\n", {"it": parse("queue_depth")})


def test_huge_text_costs_only_the_lines_that_are_meant() -> None:
    text = "other{x=broken\n" * 100_000 + TEXT
    assert values_of(text, {"it": parse("queue_depth")}) == {"it": 15.0}


@asynccontextmanager
async def app(answer: bytes | None) -> AsyncIterator[tuple[Endpoint, list[str]]]:
    heads: list[str] = []
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]), heads
        await asyncio.gather(*(one for one in serving if one))


async def test_text_is_asked_for_by_a_request_that_is_labelled() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ntransfer-encoding: chunked\r\n\r\n3\r\na 1\r\n0\r\n\r\n"
    async with app(chunked) as (endpoint, heads):
        assert await fetch(endpoint, "/metrics", timeout_seconds=5) == "a 1"
    assert "GET /metrics HTTP/1.1" in heads[0]
    assert "user-agent: rw-judge" in heads[0].lower()


Body = Callable[[], bytes | None]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(lambda: b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", "GET /metrics answered 404", id="not there"),
        pytest.param(
            lambda: b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", "answered text/html, not", id="a page"
        ),
        pytest.param(lambda: b"hello\r\n\r\n", "GET /metrics failed", id="not HTTP"),
        pytest.param(lambda: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT_BYTES + 1), "more than 8 MiB", id="endless"),
        pytest.param(lambda: None, "not answered within 0.2 s", id="silent"),
    ],
)
async def test_what_cannot_be_read_is_told_with_its_reason(answer: Body, why: str) -> None:
    async with app(answer()) as (endpoint, _):
        with pytest.raises(ScrapeError, match=why):
            await fetch(endpoint, "/metrics", timeout_seconds=0.2 if "0.2" in why else 5)


async def test_app_that_is_gone_is_told() -> None:
    async with app(b"") as (endpoint, _):
        pass
    with pytest.raises(ScrapeError, match="GET /metrics failed"):
        await fetch(endpoint, "/metrics", timeout_seconds=5)
