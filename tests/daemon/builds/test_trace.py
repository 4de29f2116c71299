"""BuildKit's messages, decoded from bytes as the engine sends them."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.builds import trace
from rw_daemon.builds.builder import BuildOutput
from rw_daemon.builds.docker import explained, line_of
from rw_daemon.builds.progress import Failure, Progress
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import BaseImageMissingError, BuildFailedError, DiskFullError, RegistryUnreachableError


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def vertex(digest: str, name: str, *, started: int = 0, completed: int = 0, cached: bool = False, error: str = "") -> bytes:
    parts = field(1, digest) + field(3, name) + field(4, int(cached))
    parts += field(5, field(1, started)) if started else b""
    parts += field(6, field(1, completed)) if completed else b""
    return field(1, parts + (field(7, error) if error else b""))


def log(digest: str, data: bytes) -> bytes:
    return field(3, field(1, digest) + field(3, 1) + field(4, data))


def sent(*messages: bytes) -> list[bytes]:
    return [json.dumps({"id": "moby.buildkit.trace", "aux": base64.b64encode(one).decode()}).encode() for one in messages]


def test_steps_and_lines_come_out_as_people_know_them() -> None:
    seen: list[BuildOutput] = []
    progress = Progress(BuildPlan(buildpack="python"), secrets={"TOKEN": "s3cr3t-token"}, show=seen.append)
    name = "[build 3/5] RUN --mount=type=cache,target=/c set -a; . /run/rw/variables; set +a; make all"
    lines = [
        vertex("a", name, started=10),
        log("a", b"one\ntw"),
        log("a", b"o s3cr3t-token\n\xc3"),
        log("a", b"\xa9"),
        vertex("a", name, started=10, completed=12),
    ]
    for line in sent(*lines):
        progress.take(line)
    progress.take(b'{"id":"moby.image.id","aux":{"ID":"sha256:1"}}')
    assert [(one.step, one.text, one.state) for one in seen] == [
        ("[build 3/5] RUN make all", "", "started"),
        ("[build 3/5] RUN make all", "one", ""),
        ("[build 3/5] RUN make all", "two ***", ""),
        ("[build 3/5] RUN make all", "é", ""),
        ("[build 3/5] RUN make all", "", "done"),
    ]
    assert (progress.image, seen[-1].seconds) == ("sha256:1", 2)


def test_failing_step_is_explained_with_its_line_and_exit_code() -> None:
    progress = Progress(BuildPlan(buildpack="python"), secrets={}, show=lambda _: None)
    for line in sent(log("a", b"no such module\n"), vertex("a", "[build 2/3] RUN make", started=1, completed=2, error="exit code: 2")):
        progress.take(line)
    assert progress.failure is not None
    error = explained(progress.failure, "FROM x\nRUN --mount=type=cache make\n")
    assert isinstance(error, BuildFailedError)
    assert (error.details["exitCode"], error.details["line"], "no such module" in error.why) == (2, 2, True)


def test_cause_is_told_from_the_words() -> None:
    assert isinstance(explained(Failure("write /x: no space left on device"), ""), DiskFullError)
    assert isinstance(
        explained(Failure("failed to solve: nope:1: failed to resolve source metadata for docker.io/library/nope:1: not found"), ""),
        BaseImageMissingError,
    )
    assert isinstance(
        explained(Failure("exit code: 1", step="install", exit_code=1, output="npm error code ECONNREFUSED"), ""), RegistryUnreachableError
    )


def test_line_of_a_command_that_is_not_there_is_unknown() -> None:
    assert line_of("make", "FROM x\n") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(message: bytes) -> None:
    try:
        found = trace.decode(message)
    except ValueError:
        return
    assert isinstance(found, trace.Status)
