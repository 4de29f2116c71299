"""Lines are kept once, in order, across restarts; readers lose nothing, or are told what they lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from fakes.clock import START, FakeClock
from fakes.targets import FakeRuntime

from rw_daemon.logs import levels
from rw_daemon.logs.collector import Collector
from rw_daemon.logs.hub import Gap
from rw_daemon.logs.logs import Logs, NewLine
from rw_daemon.logs.query import LogQuery
from rw_daemon.runtimes.runtime import Instance, Line, ReleaseKey
from rw_daemon.settings import Settings
from rw_daemon.variables.masking import Mask
from rw_shared.models import LogRecord, LogSource

ALL = LogQuery("shop", "production")
KEY = ReleaseKey("shop", "production", "web", "dep_1", 1)


def line(text: str, service: str = "web", **options: object) -> NewLine:
    return NewLine(ts=START, project="shop", environment="production", service=service, deployment="dep_1", message=text, **options)  # type: ignore[arg-type]


async def no_mask(_: str) -> Mask:
    return Mask(())


async def opened(folder: Path, **settings: int) -> Logs:
    logs = Logs(folder, clock=FakeClock(), settings=replace(Settings(), **settings))
    await logs.open()
    return logs


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    made = await opened(tmp_path)
    yield made
    await made.close()


async def test_half_of_a_surrogate_pair_stops_no_log(logs: Logs) -> None:
    level, message, attrs = levels.read('{"message": "\\ud800", "level": "error"}')
    logs.append([line(message, level=level, attrs=attrs), line("\udc00"), line("é")])
    await logs.flushed()
    assert [one.message for one in await logs.read(ALL)] == ['{"message": "\\ud800", "level": "error"}', "?", "é"]


async def test_line_keeps_its_time_to_the_microsecond_whatever_zone_it_was_told_in(logs: Logs) -> None:
    zones = (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))
    moments = ((1969, 12, 31, 23, 59, 59, 999_999), (1970, 1, 1), (2026, 2, 28, 18, 30, 0, 1), (2026, 12, 31, 23, 59, 59, 999_999))
    times = [datetime(*moment, tzinfo=zone) for moment in moments for zone in zones]  # type: ignore[misc, arg-type]
    logs.append([replace(line("said"), ts=at) for at in times])
    await logs.flushed()
    assert [one.ts for one in await logs.read(ALL)] == times


async def taken(stream: AsyncIterator[LogRecord | Gap], count: int) -> list[LogRecord | Gap]:
    found = []
    async with asyncio.timeout(10):
        async for one in stream:
            found.append(one)
            if len(found) == count:
                break
    return found


async def test_last_lines_of_all_services_come_in_the_order_they_were_kept(logs: Logs) -> None:
    for number in range(30):
        logs.append([line(f"{number}", service=("web", "worker")[number % 2])])
    await logs.flushed()
    assert [one.message for one in await logs.read(replace(ALL, n=5))] == ["25", "26", "27", "28", "29"]
    assert [one.message for one in await logs.read(replace(ALL, services=("worker",), n=2))] == ["27", "29"]


async def test_cursors_go_on_after_a_restart_and_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    last = first.append([line("kept"), line("kept as well")])
    await first.close()
    (segment,) = tmp_path.rglob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"cursor":3,"type":"lo')
    second = await opened(tmp_path)
    assert second.append([line("after")]) == last + 1
    await second.flushed()
    assert [(one.cursor, one.message) for one in await second.read(replace(ALL, n=9))] == [(1, "kept"), (2, "kept as well"), (3, "after")]
    await second.close()


async def test_follower_from_a_cursor_sees_kept_and_new_lines_once(logs: Logs) -> None:
    async def write() -> None:
        for number in range(5_000):
            logs.append([line(str(number))])
            if number % 100 == 0:
                await asyncio.sleep(0)

    logs.append([line("before")])
    writer = asyncio.create_task(write())
    found = await taken(logs.follow(replace(ALL, after=0)), 5_001)
    await writer
    assert [one.message for one in found if isinstance(one, LogRecord)] == ["before", *map(str, range(5_000))]


async def test_reader_that_lags_is_told_how_much_it_missed_and_holds_up_nobody(tmp_path: Path) -> None:
    logs = await opened(tmp_path, log_queue_lines=10)
    stream = logs.follow(replace(ALL, after=0))
    logs.append([line("first")])
    assert (await taken(stream, 1))[0].message == "first"  # type: ignore[union-attr]
    stream = logs.follow(replace(ALL, after=1))
    begun = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    logs.append([line(str(number)) for number in range(100)])
    await logs.flushed()
    await asyncio.sleep(0.01)
    found = [await begun, *await taken(stream, 10)]
    gaps = [one for one in found if isinstance(one, Gap)]
    assert sum(one.missed for one in gaps) + len(found) - len(gaps) == 100
    await logs.close()


async def test_oldest_segments_go_when_there_are_too_many(tmp_path: Path) -> None:
    logs = await opened(tmp_path, log_segment_bytes=2_000, log_segments=2)
    for number in range(200):
        logs.append([line(f"line {number}")])
        await logs.flushed()
    assert len(list(tmp_path.rglob("*.jsonl"))) <= 3
    kept = [one.message for one in await logs.read(replace(ALL, n=1_000))]
    assert kept[-1] == "line 199"
    assert kept == [f"line {number}" for number in range(200 - len(kept), 200)]
    await logs.close()


class Printing(FakeRuntime):
    """A runtime whose one replica printed ten lines."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked: list[str] = []

    async def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
        self.asked.append(after)
        for number in range(int(after or 0), 10):
            yield Line(START, "stdout", f"line {number}", str(number + 1))
            if number == 4 and len(self.asked) == 1:
                await asyncio.Event().wait()  # the daemon is killed here


async def test_collector_goes_on_after_a_restart_exactly_where_it_stopped(tmp_path: Path) -> None:
    runtime, instance = Printing(), Instance(KEY, "i1", 0)
    logs = await opened(tmp_path)
    collector = Collector(logs, mask_of=no_mask)
    collector.attach(instance, runtime)
    await asyncio.sleep(0.05)
    await collector.close()
    await logs.close()
    logs = await opened(tmp_path)
    collector = Collector(logs, mask_of=no_mask)
    collector.attach(instance, runtime)
    await collector.drain("dep_1")
    assert runtime.asked == ["", "5"]
    assert [one.message for one in await logs.read(replace(ALL, n=99))] == [f"line {number}" for number in range(10)]
    assert await logs.last_lines("dep_1", 2, project="shop", environment="production", service="web") == ["line 8", "line 9"]
    await logs.close()


async def test_build_lines_are_kept_apart_from_the_app_s(logs: Logs) -> None:
    logs.append([line("built", source=LogSource.BUILD), line("said")])
    await logs.flushed()
    assert [one.message for one in await logs.read(replace(ALL, source=LogSource.BUILD, n=9))] == ["built"]


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        pytest.param("INFO:     started", "info", "INFO:     started", id="prefix"),
        pytest.param("[2026-01-01 10:00:00 +0000] [12] [ERROR] no", "error", "[2026-01-01 10:00:00 +0000] [12] [ERROR] no", id="gunicorn"),
        pytest.param('{"level":"warning","msg":"low","disk":3}', "warn", "low", id="JSON"),
        pytest.param("time=x level=debug msg=y", "debug", "time=x level=debug msg=y", id="key and value"),
        pytest.param("information is power", "", "information is power", id="a word that only begins so"),
        pytest.param('{"broken', "", '{"broken', id="broken JSON"),
        pytest.param("", "", "", id="empty"),
    ],
)
def test_level_and_message_of_a_line(text: str, level: str, message: str) -> None:
    assert levels.read(text)[:2] == (level, message)


async def test_full_disk_costs_lines_and_says_how_many_and_nothing_waits_for_ever(logs: Logs, tmp_path: Path) -> None:
    full = tmp_path / "shop" / "production" / "web" / "0000000000000001.jsonl"
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    async with asyncio.timeout(5):
        logs.append([line("a"), line("b")])
        await logs.flushed()
        logs.append([line("c")])
        await logs.flushed()
        full.unlink()
        logs.append([line("d")])
        await logs.flushed()
    kept = await logs.read(replace(ALL, n=10))
    assert [(one.stream, one.message) for one in kept] == [("rw", "3 lines were not kept: no space was left"), ("stdout", "d")]


async def test_lines_are_chosen_by_level_time_and_query(logs: Logs) -> None:
    texts = {"one": "info", "two": "error", "three": "", "four": "debug"}
    for number, (text, level) in enumerate(texts.items()):
        logs.append([replace(line(text, level=level), ts=START + timedelta(minutes=number))])
    await logs.flushed()

    async def chosen(**wanted: str) -> list[str]:
        return [one.message for one in await logs.read(replace(ALL, n=10, **wanted))]  # type: ignore[arg-type]

    assert await chosen(level="info") == ["one", "two", "three"]
    assert await chosen(level="error") == ["two"]
    assert await chosen(since=f"{START + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S.%fZ}") == ["three", "four"]
    assert await chosen(since="0001-01-01T00:00:00.000000Z") == list(texts)
    assert await chosen(since=f"{START + timedelta(minutes=9):%Y-%m-%dT%H:%M:%S.%fZ}") == []
    assert await chosen(until=f"{START + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S.%fZ}") == ["one", "two"]
    assert await chosen(expression="three OR @level:error") == ["two", "three"]


@pytest.mark.parametrize("torn", [b'{"cursor":9,"mess', b'{"cursor":9,"message":"' + b"x" * 600_000])
async def test_line_that_is_being_written_is_not_read_yet(logs: Logs, tmp_path: Path, torn: bytes) -> None:
    logs.append([line("whole")])
    await logs.flushed()
    [segment] = tmp_path.rglob("*.jsonl")
    with segment.open("ab") as file:
        file.write(torn)
    assert [one.message for one in await logs.read(replace(ALL, n=10))] == ["whole"]
    assert [one.message for one in await logs.read(replace(ALL, n=10, after=0))] == ["whole"]


async def test_secrets_of_a_deployment_are_blacked_out_before_anything_is_kept(logs: Logs) -> None:
    class Telling(FakeRuntime):
        async def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
            yield Line(START, "stdout", "the key is s3cr3t-key", "1")
            yield Line(START, "stdout", '{"message": "with s3cr3t-key", "key": "s3cr3t-key"}', "2")

    async def mask_of(deployment: str) -> Mask:
        return Mask({"dep_1": ["s3cr3t-key"]}[deployment])

    collector = Collector(logs, mask_of=mask_of)
    collector.attach(Instance(KEY, "i1", 0), Telling([]))
    await collector.drain("dep_1")
    first, second = await logs.read(replace(ALL, n=9))
    assert (first.message, second.message, second.attrs) == ("the key is ***", "with ***", {"key": "***"})


async def test_a_clock_that_jumps_ahead_deletes_nothing_for_hours_and_what_is_really_old_goes(tmp_path: Path) -> None:
    clock = FakeClock()
    logs = Logs(tmp_path, clock=clock, settings=Settings())
    logs.append([line("kept")])
    await logs.flushed()
    (path,) = tmp_path.rglob("*.jsonl")
    os.utime(path, (START.timestamp(),) * 2)
    await logs.expire()
    clock.jumped += timedelta(days=30)
    await logs.close()
    logs = Logs(tmp_path, clock=clock, settings=Settings())  # a daemon that is started anew knows no more
    for _ in range(6):
        await logs.expire()
    assert path.exists()
    clock.jumped -= timedelta(days=30)  # set right
    await logs.expire()
    clock.jumped += timedelta(days=2)
    for _ in range(6):
        await logs.expire()
    assert path.exists()
    for _ in range(6):
        clock.jumped += timedelta(days=1)
        await logs.expire()
    assert not path.exists()
    await logs.close()


async def test_old_segments_go_and_young_ones_stay(tmp_path: Path) -> None:
    logs = await opened(tmp_path, log_segment_bytes=1)
    for number in range(3):
        logs.append([line(str(number))])
        await logs.flushed()
    paths = sorted(tmp_path.rglob("*.jsonl"))
    week = 7 * 86400
    for path, age in zip(paths, (week + 60, week - 60, 0), strict=True):
        os.utime(path, (START.timestamp() - age,) * 2)
    await logs.expire()
    assert sorted(tmp_path.rglob("*.jsonl")) == paths[1:]
    os.utime(paths[2], (0, 0))
    os.utime(paths[1], (0, 0))
    await logs.expire()
    logs.append([line("after")])
    await logs.flushed()
    assert [one.message for one in await logs.read(replace(ALL, n=9))] == ["after"]
    await logs.close()
