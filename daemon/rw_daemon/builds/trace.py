"""BuildKit's progress as it comes in a build's answer: base64 of protobuf messages. Only the few fields that are shown are decoded. Pure.

Source of the field numbers: moby.buildkit.v1 StatusResponse (vertexes 1, logs 3), Vertex (digest 1, name 3, cached 4, started 5,
completed 6, error 7), VertexLog (vertex 1, stream 3, msg 4), google.protobuf.Timestamp (seconds 1, nanos 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
STDERR = 2


@dataclass(frozen=True)
class Vertex:
    """A step of the engine. Times are seconds since the epoch, 0 when not yet."""

    digest: str
    name: str = ""
    is_cached: bool = False
    started: float = 0.0
    completed: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class VertexLog:
    """A piece of a step's output: any number of lines, cut anywhere."""

    vertex: str
    stream: str
    data: bytes


@dataclass
class Status:
    """One message."""

    vertexes: list[Vertex] = field(default_factory=list)
    logs: list[VertexLog] = field(default_factory=list)


def decode(message: bytes) -> Status:
    """Return what a StatusResponse says; ``ValueError`` when it is cut or no protobuf."""
    status = Status()
    for number, value in fields(message):
        if number == 1 and isinstance(value, bytes):
            status.vertexes.append(_vertex(value))
        elif number == 3 and isinstance(value, bytes):
            status.logs.append(_log(value))
    return status


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message: an integer, or bytes for everything that has a length."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == VARINT:
            value, position = _varint(message, position)
        elif kind == BYTES:
            size, position = _varint(message, position)
            value, position = message[position : position + size], position + size
        elif kind in {FIXED32, FIXED64}:
            size = 8 if kind == FIXED64 else 4
            value, position = int.from_bytes(message[position : position + size], "little"), position + size
        else:
            raise ValueError(f"wire type {kind} is not known")
        if position > len(message):
            raise ValueError("the message is cut")
        yield number, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise ValueError("the message is cut")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            return value, position


def _vertex(message: bytes) -> Vertex:
    found = dict(fields(message))
    return Vertex(
        _text(found.get(1)), _text(found.get(3)), bool(found.get(4)), _time(found.get(5)), _time(found.get(6)), _text(found.get(7))
    )


def _log(message: bytes) -> VertexLog:
    found = dict(fields(message))
    data = found.get(4, b"")
    return VertexLog(_text(found.get(1)), "stderr" if found.get(3) == STDERR else "stdout", data if isinstance(data, bytes) else b"")


def _text(value: int | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _time(value: int | bytes | None) -> float:
    if not isinstance(value, bytes):
        return 0.0
    found = dict(fields(value))
    seconds, nanos = found.get(1, 0), found.get(2, 0)
    return (seconds if isinstance(seconds, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1e9
