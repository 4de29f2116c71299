"""Reading what the shim wrote: frames of ``time_ns u64, stream u8, length u32`` (big-endian) and bytes, in files ``<n>.seg``.

A frame is what one read of a pipe returned: it may end in the middle of a line or of a character. Lines are put together here, for each
stream by itself. A cursor says where the next line of each stream begins, so a reader goes on exactly where another one stopped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

FRAME = struct.Struct(">QBI")
STREAMS = {1: "stdout", 2: "stderr", 3: "rw"}
LINE_LIMIT_BYTES = 1024**2  # a longer line is cut into several
READ_BYTES = 256 * 1024  # for one call: a few thousand lines, some milliseconds


class OutputLine(NamedTuple):
    """A line without its newline; ``stream`` is stdout, stderr, or rw for a word of the holder's own."""

    at: datetime
    stream: str
    text: str
    cursor: str


class Position(NamedTuple):
    """A byte: segment, offset of its frame in the segment, place in the frame's payload."""

    segment: int
    offset: int
    place: int


class Pending:
    """The beginning of a line whose end has not been read."""

    __slots__ = ("chunks", "size", "start")

    def __init__(self, start: Position) -> None:
        self.start, self.chunks, self.size = start, list[bytes](), 0

    def add(self, data: bytes) -> None:
        """Append bytes that hold no newline."""
        self.chunks.append(data)
        self.size += len(data)


def parse(cursor: str) -> tuple[Position, dict[int, Position]]:
    """Return the place after the last line, and the beginnings of other streams' unfinished lines. ``ValueError`` on a foreign cursor."""
    here, *others = cursor.split(",")
    begun = {int(stream): at(text) for stream, _, text in (part.partition("@") for part in others)}
    return at(here), begun


def at(text: str) -> Position:
    """Return the position that a cursor's part names."""
    segment, offset, place = text.split(".")
    return Position(int(segment), int(offset), int(place))


class SegmentReader:
    """Reads a folder of segments from the beginning or after a cursor; never waits."""

    def __init__(self, folder: Path, *, after: str = "", line_limit: int = LINE_LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, line_limit
        here, begun = parse(after) if after else (Position(0, 0, 0), {})
        self._resumed = bool(after)
        self._skip = {stream: begun.get(stream, here) for stream in STREAMS}
        self._segment, self._offset = min((here, *begun.values()))[:2]
        self._pending: dict[int, Pending] = {}
        self._file: BinaryIO | None = None
        self._at = datetime.now(UTC)

    def close(self) -> None:
        """Let go of the open segment."""
        if self._file:
            self._file.close()
        self._file = None

    def read(self) -> list[OutputLine]:
        """Return the next complete lines; empty when there is nothing new."""
        lines: list[OutputLine] = []
        while not lines:
            if self._file is None and not self._open(lines):
                break
            if self._frames(lines):
                continue
            newer = self._newer()
            if newer is None:
                break
            if not self._frames(lines):  # the segment was complete when the newer one appeared: what is left is a torn frame
                self._advance(newer, lines)
        return lines

    def flush(self) -> list[OutputLine]:
        """Return the unfinished lines: to be called once nobody writes any more and ``read`` returns nothing."""
        lines = []
        for stream in sorted(self._pending):
            pending = self._pending.pop(stream)
            if pending.size:
                end = Position(self._segment, self._offset, 0)
                lines.append(self._line(stream, b"".join(pending.chunks), end))
        return lines

    def _open(self, lines: list[OutputLine]) -> bool:
        try:
            self._file = (self._folder / f"{self._segment:08d}.seg").open("rb", buffering=0)
        except FileNotFoundError:
            newer = self._newer()
            if newer is None:
                return False
            self._advance(newer, lines)
        return self._file is not None

    def _newer(self) -> int | None:
        numbers = [int(path.stem) for path in self._folder.glob("*.seg")]
        return min((number for number in numbers if number > self._segment), default=None)

    def _advance(self, segment: int, lines: list[OutputLine]) -> None:
        """Go to ``segment``; those between were dropped, and the reader is told."""
        missed = segment - self._segment - (1 if self._file else 0)
        self.close()
        self._segment, self._offset = segment, 0
        self._file = (self._folder / f"{segment:08d}.seg").open("rb", buffering=0)
        if missed:
            self._pending.clear()
            self._skip = dict.fromkeys(STREAMS, Position(segment, 0, 0))
            lines.append(self._line(3, b"older output was dropped here to keep within the limit", Position(segment, 0, 0)))

    def _frames(self, lines: list[OutputLine]) -> bool:
        """Take the complete frames that one read returns; False when there is none."""
        file = self._file
        if file is None:
            return False
        file.seek(self._offset)
        data, place = file.read(READ_BYTES) or b"", 0
        while len(data) - place >= FRAME.size:
            stamp, stream, length = FRAME.unpack_from(data, place)
            begin = place + FRAME.size
            if begin + length > len(data):
                break
            self._frame(stamp, stream, data[begin : begin + length], lines)
            place = begin + length
            self._offset += FRAME.size + length
        return place > 0

    def _frame(self, stamp: int, stream: int, data: bytes, lines: list[OutputLine]) -> None:
        skip = self._skip.get(stream)
        frame = (self._segment, self._offset)
        begin = 0
        if skip is None or frame < skip[:2]:
            return
        if frame == skip[:2]:
            begin = skip.place
        self._at = datetime.fromtimestamp(stamp / 1e9, UTC)
        for start, end, whole in self._pieces(stream, data, begin):
            pending = self._pending.get(stream)
            if pending is None:
                pending = self._pending[stream] = Pending(Position(*frame, start))
            pending.add(data[start:end])
            if whole:
                del self._pending[stream]
                place = end + 1 if data[end : end + 1] == b"\n" else end
                lines.append(self._line(stream, b"".join(pending.chunks), Position(*frame, place)))

    def _pieces(self, stream: int, data: bytes, begin: int) -> Iterator[tuple[int, int, bool]]:
        """Cut ``data`` at newlines and at the limit of a line: begin, end, and whether a line ends there."""
        while begin < len(data):
            held = self._pending[stream].size if stream in self._pending else 0
            end = data.find(b"\n", begin)
            room = max(1, self._limit - held)
            if (end if end >= 0 else len(data)) - begin > room:
                cut = character_start(data, begin + room, begin + 1)
                yield begin, cut, True
                begin = cut
            elif end < 0:
                yield begin, len(data), False
                return
            else:
                yield begin, end, True
                begin = end + 1

    def _line(self, stream: int, data: bytes, after: Position) -> OutputLine:
        cursor = f"{after[0]}.{after[1]}.{after[2]}"
        for other, pending in self._pending.items():
            cursor += f",{other}@{pending.start.segment}.{pending.start.offset}.{pending.start.place}"
        return OutputLine(self._at, STREAMS[stream], data.decode("utf-8", "replace"), cursor)


def character_start(data: bytes, cut: int, least: int) -> int:
    """Return ``cut`` moved back so that it splits no UTF-8 character, but not below ``least``."""
    for back in range(4):
        if cut - back < least or cut - back >= len(data):
            break
        if data[cut - back] & 0xC0 != 0x80:
            return cut - back
    return cut
