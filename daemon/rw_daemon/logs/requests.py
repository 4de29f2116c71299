"""Takes up what the edge writes of each request. Pure but for the file that it reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from rw_daemon.clock import Clock
from rw_daemon.logs.logs import Logs, NewLine
from rw_shared.models import LogSource

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.25
READ_BYTES = 512 * 1024
BACKLOG_LINES = 20_000
INSTANCE = "edge"
"""Who stands in kept lines as the one that printed them."""


class Requests:
    """Reads an access log of JSON lines and keeps each request with its service; a daemon that restarts goes on where it stood.

    :param file: is renamed to ``NAME.1`` and made anew when it is large; its inode tells.
    """

    def __init__(self, file: Path, logs: Logs, clock: Clock) -> None:
        self._file, self._logs, self._clock = file, logs, clock
        self._inode, self._offset, self._size = 0, 0, 0

    async def run(self) -> None:
        """Take up requests for ever."""
        self._inode, self._offset = place_of(await self._logs.newest_place(INSTANCE))
        while True:
            lines = self._read()
            if not lines:
                await self._clock.sleep(LOOK_SECONDS)
                continue
            self._logs.append(lines)
            if self._logs.backlog > BACKLOG_LINES:
                await self._logs.flushed()

    def _read(self) -> list[NewLine]:
        path = self._current()
        if path is None or (path == self._file and self._size <= self._offset):
            return []
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(READ_BYTES)
            whole = data[: data.rfind(b"\n") + 1]
            if whole:
                return list(self._lines(whole))
            if path != self._file:  # the renamed one is read to its end: on to the one that took its place
                self._inode, self._offset = _look(self._file)[0], 0
        return []

    def _lines(self, data: bytes) -> Iterator[NewLine]:
        for raw in data.splitlines(keepends=True):
            self._offset += len(raw)
            if line := line_of(raw, place=f"{self._inode}:{self._offset}"):
                yield line

    def _current(self) -> Path | None:
        """Return the file that is being read: the present one, or the one before it until its end."""
        inode, self._size = _look(self._file)
        if self._inode == inode and inode:
            return self._file
        renamed = self._file.with_name(f"{self._file.name}.1")
        if self._inode and self._inode == _look(renamed)[0]:
            return renamed
        self._inode, self._offset = inode, 0
        return self._file if inode else None


def place_of(text: str) -> tuple[int, int]:
    """Return inode and offset; zeros for the beginning."""
    inode, _, offset = text.partition(":")
    return (int(inode), int(offset)) if inode.isdigit() and offset.isdigit() else (0, 0)


def line_of(raw: bytes, *, place: str) -> NewLine | None:
    """Return a request as a line; ``None`` for one that no service was found for."""
    try:
        row = from_json(raw)
        project, environment, service = row.pop("service").split("/")
        at = datetime.fromisoformat(row.pop("ts"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    deployment = str(row.pop("release", None) or "")
    attrs = {name: value for name, value in row.items() if value is not None}
    status = int(row.get("status") or 0)
    level = "error" if status >= 500 or not status else "warn" if status >= 400 else "info"
    message = f"{row.get('method')} {row.get('path')} {status or 'cut'} {_milliseconds(row)}"
    return NewLine(
        ts=at, project=project, environment=environment, service=service, deployment=deployment, message=message,
        source=LogSource.HTTP, stream="http", level=level, attrs=attrs, instance=INSTANCE, place=place,
    )  # fmt: skip


def _milliseconds(row: dict[str, Any]) -> str:
    return f"{row['durationMs']} ms" if isinstance(row.get("durationMs"), int) else ""


def _look(path: Path) -> tuple[int, int]:
    """Return inode and size; zeros when it is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called four times a second
    except OSError:
        return 0, 0
    return found.st_ino, found.st_size
