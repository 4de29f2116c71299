"""Kept lines on disk: for each service a folder of segments, JSON lines named after the first cursor in them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

BLOCK_BYTES = 256 * 1024


class ServiceLog:
    """The segments of one service. Used by the writer's thread; reading needs no lock, since lines are only added."""

    def __init__(self, folder: Path, *, segment_bytes: int, segments: int) -> None:
        self._folder, self._segment_bytes, self._segments = folder, segment_bytes, segments
        self._file: BinaryIO | None = None
        self._size = 0

    def repair(self) -> dict[str, Any] | None:
        """Cut off a line that a kill left half written; return the last whole one, ``None`` when there is none."""
        for path in reversed(paths(self._folder)):
            content = path.read_bytes() if path.stat().st_size < BLOCK_BYTES else _tail(path)
            end = content.rfind(b"\n") + 1
            torn = len(content) - end
            if torn:
                os.truncate(path, path.stat().st_size - torn)
            start = content.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if end > start:
                found: dict[str, Any] = json.loads(content[start:end])
                return found
        return None

    def write(self, first_cursor: int, lines: bytes) -> None:
        """Add whole lines, or none and ``OSError``; begin a new segment when the last is full, and drop the oldest beyond the limit."""
        if self._file is None or self._size > self._segment_bytes:
            self._open(first_cursor)
        if self._file is not None:
            try:
                if self._file.write(lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file.fileno(), self._size)  # back to the last whole line
                self.close()  # the next write looks again where it may write
                raise
            self._size += len(lines)

    def _open(self, first_cursor: int) -> None:
        if self._file is not None:
            self._file.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = paths(self._folder)
        path = there[-1] if there and there[-1].stat().st_size <= self._segment_bytes else self._folder / f"{first_cursor:016d}.jsonl"
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size
        for old in paths(self._folder)[: -self._segments]:
            old.unlink(missing_ok=True)

    def expire(self, before: float) -> None:
        """Drop the segments that were last written before then (seconds since 1970)."""
        for path in paths(self._folder):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= before:
                    return
                if path == paths(self._folder)[-1]:
                    self.close()
                path.unlink()

    def close(self) -> None:
        """Let go of the open segment."""
        if self._file is not None:
            self._file.close()
            self._file = None


def paths(folder: Path) -> list[Path]:
    """Return a service's segments, oldest first."""
    return sorted(folder.glob("*.jsonl"))


def backwards(folder: Path) -> Iterator[bytes]:
    """Yield kept lines, newest first, without reading more than is asked for."""
    for path in reversed(paths(folder)):
        try:
            with path.open("rb") as file:
                yield from _backwards(file)
        except FileNotFoundError:
            continue  # the oldest segment was dropped meanwhile


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    position, rest, is_torn = file.seek(0, os.SEEK_END), b"", True
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        lines = (file.read(size) + rest).split(b"\n")
        if is_torn and len(lines) > 1:  # behind the last newline stands a line that is being written just now
            lines[-1], is_torn = b"", False
        rest = lines.pop(0)
        yield from (line for line in reversed(lines) if line)
    if rest and not is_torn:
        yield rest


def forwards(folder: Path, *, after: int) -> Iterator[bytes]:
    """Yield kept lines whose cursor is above ``after``, oldest first."""
    there = paths(folder)
    for number, path in enumerate(there):
        if number + 1 < len(there) and int(there[number + 1].stem) <= after + 1:
            continue  # all of its cursors lie below
        try:
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n") and cursor_of(line) > after:
                        yield line
        except FileNotFoundError:
            continue


def cursor_of(line: bytes) -> int:
    """Return a kept line's cursor: it always stands first."""
    return int(line[len(b'{"cursor":') : line.index(b",")])


def _tail(path: Path) -> bytes:
    """Return the end of a file, long enough for its last two lines in all but absurd cases."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8 * BLOCK_BYTES))
        return file.read()
