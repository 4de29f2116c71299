"""The lines of all builds and apps: kept, read back, followed.

A line gets its cursor when it is appended, is written by one thread in batches, and is handed to readers once it is written: what
a reader has seen is on disk, so that its cursor is good after a restart as well.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import math
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from rw_daemon.clock import Clock
from rw_daemon.logs import ages, segments
from rw_daemon.logs.hub import Gap, Hub, Row
from rw_daemon.logs.query import LogQuery
from rw_daemon.logs.segments import ServiceLog
from rw_daemon.settings import Settings
from rw_shared.models import LogRecord, LogSource

log = logging.getLogger(__name__)
LOST = "lost"
"""The attribute of a remark that counts lines which could not be kept."""


@dataclass(slots=True)  # not frozen: each field would be set by a call, for each line that anything prints
class NewLine:
    """A line before it has a cursor. ``instance`` and ``place`` say where it came from, so that a restarted collector goes on there."""

    ts: datetime
    project: str
    environment: str
    service: str
    deployment: str
    message: str
    version: int = 0
    replica: int = -1
    source: LogSource = LogSource.DEPLOY
    stream: str = "stdout"
    level: str = ""
    step: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    instance: str = ""
    place: str = ""


Key = tuple[str, str, str]


class Logs:
    """The lines below one folder."""

    def __init__(self, root: Path, *, clock: Clock, settings: Settings) -> None:
        self._root, self._clock, self._settings = root, clock, settings
        self._hub = Hub(limit=settings.log_queue_lines)
        self._files: dict[Key, ServiceLog] = {}
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="logs")
        self._pending: list[Row] = []
        self._lock = threading.Lock()
        self._is_writing = False
        self._lost: dict[Key, int] = {}
        self._cursor = 0
        self._last_written = 0

    async def open(self) -> None:
        """Find the highest cursor that was ever given, and cut off what a kill left half written."""
        self._cursor = self._last_written = await asyncio.get_running_loop().run_in_executor(self._writer, self._repair)

    def _repair(self) -> int:
        highest = 0
        for folder in self._root.glob("*/*/*"):
            key = (folder.parts[-3], folder.parts[-2], folder.parts[-1])
            last = self._file(key).repair()
            highest = max(highest, int(last["cursor"]) if last else 0)
        return highest

    def _file(self, key: Key) -> ServiceLog:
        found = self._files.get(key)
        if found is None:
            found = self._files[key] = ServiceLog(
                self._root.joinpath(*key), segment_bytes=self._settings.log_segment_bytes, segments=self._settings.log_segments
            )
        return found

    # --- writing

    def append(self, lines: Sequence[NewLine]) -> int:
        """Keep lines, in this order; returns the last cursor. Never blocks: they are written soon, and then shown to readers."""
        with self._lock:
            for line in [*self._told_losses(lines), *lines]:
                self._cursor += 1
                self._pending.append(_row(self._cursor, line))
            if self._pending and not self._is_writing:
                self._is_writing = True
                self._writer.submit(self._write, asyncio.get_running_loop())
            return self._cursor

    def _told_losses(self, lines: Sequence[NewLine]) -> list[NewLine]:
        """Return a remark for each service among ``lines`` whose earlier lines could not be kept."""
        if not self._lost:
            return []
        found = {(line.project, line.environment, folder_of(line.service, line.source)): line for line in lines}
        remarks = []
        for key, line in found.items():
            if lost := self._lost.pop(key, 0):
                words = f"{lost} lines were not kept: no space was left"
                remarks.append(replace(line, message=words, stream="rw", level="warn", attrs={LOST: lost}, place="", instance=""))
        return remarks

    def _lose(self, key: Key, batch: list[Row], error: OSError) -> None:
        """Count what could not be written; it is told with the next line that can."""
        with self._lock:
            if key not in self._lost:
                log.warning("lines of %s cannot be kept: %s", "/".join(key), error)
            self._lost[key] = self._lost.get(key, 0) + sum(row["attrs"].get(LOST, 1) if row["stream"] == "rw" else 1 for row in batch)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._lock:
                rows, self._pending = self._pending, []
                if not rows:
                    self._is_writing = False
                    return
            batches: dict[Key, list[Row]] = {}
            for row in rows:
                batches.setdefault((row["project"], row["environment"], folder_of(row["service"], row["source"])), []).append(row)
            for key, batch in batches.items():
                try:
                    self._file(key).write(batch[0]["cursor"], b"".join(_dump(row) for row in batch))
                except OSError as error:  # a full disk costs kept lines, never an app or a deployment
                    self._lose(key, batch, error)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._publish, rows)

    def _publish(self, rows: list[Row]) -> None:
        self._last_written = max(self._last_written, rows[-1]["cursor"])
        self._hub.publish(rows)

    @property
    def backlog(self) -> int:
        """Lines that were appended and are not written yet."""
        return self._cursor - self._last_written

    async def flushed(self) -> None:
        """Return when everything that was appended so far is written and shown."""
        wanted = self._cursor
        while self._last_written < wanted:
            await asyncio.sleep(0.002)

    async def close(self) -> None:
        """Write what is left and close the files."""
        await asyncio.get_running_loop().run_in_executor(None, self._writer.shutdown)
        for file in self._files.values():
            file.close()

    async def expire(self) -> None:
        """Drop what is older than ``log_days``. To be called now and then."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._expire, self._clock.now())

    def _expire(self, now: datetime) -> None:
        before = (ages.counted_to(self._root, now) - timedelta(days=self._settings.log_days)).timestamp()
        for folder in self._root.glob("*/*/*"):
            self._file((folder.parts[-3], folder.parts[-2], folder.parts[-1])).expire(before)

    # --- reading

    async def read(self, query: LogQuery) -> list[LogRecord]:
        """Return the last ``n`` lines that fit, oldest first; with ``after``, the first ``n`` after it."""
        rows = await asyncio.to_thread(self._read, query)
        return [LogRecord.model_validate(row) for row in rows]

    def _read(self, query: LogQuery) -> list[Row]:
        if query.after is not None:
            streams = [self._parsed(segments.forwards(folder, after=query.after), query) for folder in self._folders(query)]
            merged = heapq.merge(*streams, key=lambda row: row["cursor"])
            return [row for _, row in zip(range(query.n), merged, strict=False)] if query.n is not None else list(merged)
        newest_first = [self._parsed(segments.backwards(folder), query, is_backwards=True) for folder in self._folders(query)]
        merged = heapq.merge(*newest_first, key=lambda row: -row["cursor"])
        rows = [row for _, row in zip(range(query.n), merged, strict=False)] if query.n is not None else list(merged)
        return rows[::-1]

    def _parsed(self, lines: Iterator[bytes], query: LogQuery, *, is_backwards: bool = False) -> Iterator[Row]:
        for line in lines:
            row = from_json(line)
            if is_backwards and query.is_past(row):
                return
            if query.takes(row):
                yield row

    def _folders(self, query: LogQuery) -> list[Path]:
        below, mark = self._root / query.project / query.environment, folder_of("", query.source)
        if query.services:
            return [below / folder_of(name, query.source) for name in query.services]
        return [one for one in below.glob(f"*{mark}") if one.is_dir() and (mark or "." not in one.name)]

    async def follow(self, query: LogQuery) -> AsyncIterator[LogRecord | Gap]:
        """Yield kept lines after ``after`` (or the last ``n``; with neither, none), then new ones as they are written, for ever."""
        reader = self._hub.join(query)
        try:
            seen = self._last_written
            if query.after is not None or query.n:
                for record in await self.read(query):
                    seen = max(seen, record.cursor)
                    yield record
            while True:
                rows, missed = await reader.take()
                for row in rows:
                    if row["cursor"] > seen:
                        yield LogRecord.model_validate(row)
                if missed:
                    yield Gap(missed=missed)
        finally:
            self._hub.leave(reader)

    async def last_lines(self, deployment: str, count: int, *, project: str, environment: str, service: str) -> list[str]:
        """Return the last messages of an app's own output in one deployment, oldest first."""
        await self.flushed()
        query = LogQuery(project, environment, (service,), (deployment,), LogSource.DEPLOY, n=count)
        return [record.message for record in await self.read(query) if record.stream != "rw"]

    async def place(self, *, project: str, environment: str, service: str, instance: str) -> str:
        """Return where the collector stands in a replica's output; empty at its beginning."""
        await self.flushed()
        return await asyncio.to_thread(self._place, (project, environment, service), instance)

    async def newest_place(self, instance: str) -> str:
        """Return where the reader of something that writes for all services stands (the edge)."""
        await self.flushed()
        return await asyncio.to_thread(self._newest_place, instance)

    def _newest_place(self, instance: str) -> str:
        last = [json.loads(line) for folder in self._root.glob("*/*/*.http") if (line := next(segments.backwards(folder), b""))]
        newest = max((row for row in last if row.get("instance") == instance), key=lambda row: int(row["cursor"]), default=None)
        return str(newest["place"]) if newest else ""

    def _place(self, key: Key, instance: str) -> str:
        wanted = f'"instance":{json.dumps(instance)}'.encode()
        for line in segments.backwards(self._root.joinpath(*key)):
            if wanted in line:
                row = json.loads(line)
                if row.get("instance") == instance:
                    return str(row["place"])
        return ""


def folder_of(service: str, source: str | None) -> str:
    """Return the name of a service's folder: requests have one of their own, so that many of them push out no line of the app."""
    return f"{service}.http" if source == LogSource.HTTP else service


def _row(cursor: int, line: NewLine) -> Row:
    row: Row = {
        "cursor": cursor,
        "type": "log",
        "ts": _stamp(line.ts),
        "project": line.project,
        "environment": line.environment,
        "service": line.service,
        "deployment": line.deployment,
        "version": line.version,
        "replica": line.replica,
        "source": line.source.value,
        "stream": line.stream,
        "level": line.level,
        "message": line.message,
        "step": line.step,
        "attrs": line.attrs,
    }
    if line.instance:
        row["instance"], row["place"] = line.instance, line.place
    return row


def _stamp(at: datetime) -> str:
    return f"{_second(math.floor(at.timestamp()))}.{at.microsecond:06d}Z"


@lru_cache(maxsize=64)
def _second(since_1970: int) -> str:
    """Return its text without an offset: most lines are of the same second as the one before, and isoformat costs as much as the rest."""
    return datetime.fromtimestamp(since_1970, UTC).replace(tzinfo=None).isoformat()


def _dump(row: Row) -> bytes:
    """Return a row's line. There may be thousands a second, and json takes three times as long."""
    try:
        return to_json(row) + b"\n"
    except PydanticSerializationError:  # half of a surrogate pair
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
