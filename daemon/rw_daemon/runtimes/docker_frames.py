"""From the engine's log frames to lines with cursors. Pure.

An answer of ``/containers/{id}/logs`` is frames: one byte of stream, three of padding, four of length (big-endian), then
a time stamp, a space and the text. A frame without a newline at its end is a part (the engine cuts at 16 KiB) that the
next frame of the same stream continues. (Engine API reference, "Attach to a container", stream format.)

The engine keeps a bounded number of log files. When the frame that ``base`` is the stamp of is gone, so may others be that nobody read:
a line of stream ``rw`` says so.

A cursor is ``base:count:since``: ask for everything since ``since`` nanoseconds, look for the frame of ``base``, and leave out the first
``count`` frames from it on. ``base`` stays a second or more behind the newest stamp, since the two streams' stamps may be out of order by a
little. ``since`` is the earliest stamp among those that are left out: before ``base`` only where a clock was set back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rw_daemon.runtimes.runtime import Line

HEADER_BYTES = 8
LAG_NS = 1_000_000_000
STREAMS = {1: "stdout", 2: "stderr"}
LAPPED = "older output was dropped here by the engine to keep within its limit"


@dataclass
class Frames:
    """Takes bytes as they arrive and gives the whole lines in them.

    :param after: the cursor to go on after; empty for the beginning.
    """

    after: str = ""
    _buffer: bytearray = field(default_factory=bytearray)
    _parts: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        base, count, *since = (int(part) for part in (self.after or "0:0").split(":"))
        self._base, self._count, self._skip = base, count, count
        self._since = since[0] if since else base
        self._next_base, self._next_count, self._next_since, self._newest = 0, 0, 0, base
        self._is_resuming = bool(self._base)

    @property
    def since(self) -> str:
        """The engine's ``since`` for the first request: seconds with nanoseconds."""
        return f"{self._since // 10**9}.{self._since % 10**9:09d}"

    @property
    def cursor(self) -> str:
        """Where to go on when the connection breaks."""
        return f"{self._base}:{self._count}:{self._since}"

    def feed(self, data: bytes) -> Iterator[Line]:
        """Yield the lines that ``data`` completes."""
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= HEADER_BYTES:
            size = int.from_bytes(self._buffer[at + 4 : at + HEADER_BYTES], "big")
            end = at + HEADER_BYTES + size
            if len(self._buffer) < end:
                break
            stream = STREAMS.get(self._buffer[at], "stdout")
            frame = bytes(self._buffer[at + HEADER_BYTES : end])
            at = end
            if gap := self._lapped(frame):
                yield gap
            if line := self._take(stream, frame):
                yield line
        del self._buffer[:at]

    def rest(self) -> Iterator[Line]:
        """Yield what an ended container left without a newline."""
        for stream, text in self._parts.items():
            yield Line(EPOCH + timedelta(microseconds=self._newest // 1000), stream, text.decode("utf-8", "replace"), self.cursor)
        self._parts.clear()

    def _lapped(self, frame: bytes) -> Line | None:
        """Return a remark when the first frame of a resumed reading is not the one that was read last."""
        if not self._is_resuming:
            return None
        moment, nanoseconds = parse_stamp(frame.partition(b" ")[0].decode("ascii", "replace"))
        if nanoseconds < self._base:
            return None
        self._is_resuming = False
        if nanoseconds == self._base:
            return None
        self._base, self._count, self._skip, self._since = nanoseconds, 0, 0, nanoseconds
        return Line(moment, "rw", LAPPED, self.cursor)

    def _take(self, stream: str, frame: bytes) -> Line | None:
        stamp, _, text = frame.partition(b" ")
        moment, nanoseconds = parse_stamp(stamp.decode("ascii", "replace"))
        if self._is_resuming:
            return None
        if self._skip:
            self._skip -= 1
            return None
        self._advance(nanoseconds)
        if not text.endswith(b"\n"):
            self._parts[stream] = self._parts.get(stream, b"") + text
            return None
        whole = self._parts.pop(stream, b"") + text[:-1]
        return Line(moment, stream, whole.decode("utf-8", "replace"), self.cursor)

    def _advance(self, nanoseconds: int) -> None:
        """Count the frame; once the newer base is old enough, no frame before it can come any more and it takes over."""
        if self._next_base and nanoseconds - self._next_base > LAG_NS:
            self._base, self._count, self._since, self._next_base = self._next_base, self._next_count, self._next_since, 0
        self._count += 1
        self._since = min(self._since, nanoseconds)
        if not self._next_base and nanoseconds > self._newest:
            self._next_base, self._next_count, self._next_since = nanoseconds, 0, nanoseconds
        if self._next_base:
            self._next_count += 1
            self._next_since = min(self._next_since, nanoseconds)
        self._newest = max(self._newest, nanoseconds)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_stamp(text: str) -> tuple[datetime, int]:
    """Return the moment and the nanoseconds since 1970 of ``2026-01-02T03:04:05.678901234Z``. ``ValueError`` for anything else."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    nanoseconds = int(fraction.ljust(9, "0")[:9]) if fraction else 0
    whole = (moment - EPOCH) // timedelta(seconds=1)
    return moment.replace(microsecond=nanoseconds // 1000), whole * 10**9 + nanoseconds
