"""Requests are kept once each, whatever the edge does with its file and whenever the daemon ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.logs.test_logs import ALL, START, line, opened
from fakes.clock import FakeClock

from rw_daemon.logs.logs import Logs
from rw_daemon.logs.requests import Requests, line_of
from rw_shared.models import LogSource

HTTP = replace(ALL, source=LogSource.HTTP, n=99)


def row(path: str = "/", **changes: object) -> bytes:
    values = {
        "ts": "2026-01-01T00:00:00.250Z", "method": "GET", "host": "web.shop.localhost", "path": path, "status": 200, "durationMs": 12,
        "release": "dep_1", "service": "shop/production/web", "flags": "-",
    }  # fmt: skip
    return json.dumps({**values, **changes}).encode() + b"\n"


def add(file: Path, *lines: bytes) -> None:
    with file.open("ab") as stream:
        stream.write(b"".join(lines))


async def taken(logs: Logs, file: Path, count: int) -> list[str]:
    """Let a reader run until so many requests are kept; return their paths."""
    task = asyncio.create_task(Requests(file, logs, FakeClock()).run())
    async with asyncio.timeout(10):
        while len(found := await logs.read(HTTP)) < count:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    found = await logs.read(HTTP)
    task.cancel()
    return [str(one.attrs["path"]) for one in found]


async def test_a_restart_goes_on_where_the_daemon_before_stood(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    add(file, row("/1"), row("/2"), b'{"half')
    logs = await opened(tmp_path / "logs")
    assert await taken(logs, file, 2) == ["/1", "/2"]
    await logs.close()
    file.write_bytes(file.read_bytes().removesuffix(b'{"half'))
    add(file, row("/3"))
    logs = await opened(tmp_path / "logs")
    assert await taken(logs, file, 3) == ["/1", "/2", "/3"]
    await logs.close()


async def test_a_renamed_file_is_read_to_its_end_first(tmp_path: Path) -> None:
    file, logs = tmp_path / "access.log", await opened(tmp_path / "logs")
    add(file, row("/1"))
    assert await taken(logs, file, 1) == ["/1"]
    add(file, row("/2"))
    file.rename(tmp_path / "access.log.1")
    add(file, row("/3"))
    assert await taken(logs, file, 3) == ["/1", "/2", "/3"]
    await logs.close()


async def test_many_requests_push_out_no_line_of_the_app(tmp_path: Path) -> None:
    file, logs = tmp_path / "access.log", await opened(tmp_path / "logs", log_segment_bytes=2000, log_segments=2)
    logs.append([line("the app's")])
    add(file, *(row(f"/{number}") for number in range(200)))
    await taken(logs, file, 1)
    assert [one.message for one in await logs.read(replace(ALL, n=9))] == ["the app's"]
    await logs.close()


@pytest.mark.parametrize(
    ("raw", "level", "message"),
    [
        (row("/x"), "info", "GET /x 200 12 ms"),
        (row(status=404), "warn", "GET / 404 12 ms"),
        (row(status=503, durationMs=0), "error", "GET / 503 0 ms"),
        (row(status=0), "error", "GET / cut 12 ms"),
    ],
)
def test_what_a_request_reads_like(raw: bytes, level: str, message: str) -> None:
    found = line_of(raw, place="1:2")
    assert found
    assert (found.level, found.message, found.service, found.deployment) == (level, message, "web", "dep_1")
    assert (found.ts - START).total_seconds() == 0.25


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]\n", b"not json\n", row(service=None), row(service="a/b"), row(ts="soon")])
def test_what_belongs_to_no_service_is_left_out(raw: bytes) -> None:
    assert line_of(raw, place="1:2") is None
