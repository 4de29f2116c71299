"""The Protocol of what runs releases, and its vocabulary."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from rw_shared.models import Artifact, Check, ServiceKind


@dataclass(frozen=True)
class ReleaseKey:
    """What a release is known by: these stand in every label and folder name. ``deployment`` alone is unique."""

    project: str
    environment: str
    service: str
    deployment: str
    version: int


@dataclass(frozen=True)
class Limits:
    """Caps of one replica. ``None`` means none."""

    cpu: float | None = None
    """Cores."""
    memory_bytes: int | None = None


@dataclass(frozen=True)
class ReleaseSpec:
    """What to run.

    :param command: shell text, run in the app's folder as ``sh -c "exec …"``; empty means the image's own command.
    :param variables: everything the app finds in its environment but PORT, which the runtime sets.
    :param port: where the app listens inside a container; on the process target each replica gets a free one. 0 for a worker.
    :param path: folders relative to the app's folder that go in front of PATH (process target; an image knows them itself).
    :param grace_seconds: SIGTERM to SIGKILL.
    :param environ: the caller's allow-listed environment (PATH on the process target).
    """

    key: ReleaseKey
    artifact: Artifact
    command: str = ""
    kind: ServiceKind = ServiceKind.WEB
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    port: int = 8080
    replicas: int = 1
    path: tuple[str, ...] = ()
    limits: Limits = Limits()
    grace_seconds: float = 30.0
    environ: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Exit:
    """How a process ended: ``code`` of its own, or killed by ``signal``.

    ``code`` is -1 and ``signal`` 0 when it vanished and nobody saw how.
    :param with_host: what it ran on, the machine or the engine, went down with it: that says nothing about the app.
    """

    code: int
    signal: int = 0
    out_of_memory: bool = False
    with_host: bool = False


@dataclass(frozen=True)
class Instance:
    """One replica.

    :param id: the runtime's own name for it; a replacement gets a new one.
    :param host, port: where the edge reaches it; port 0 for a worker or while it has no address.
    :param exit: set once it ended.
    :param inside: ``host:port`` where jobs and the other services of its environment reach it; empty: as the edge does.
    """

    key: ReleaseKey
    id: str
    index: int
    host: str = "127.0.0.1"
    port: int = 0
    started_at: datetime | None = None
    exit: Exit | None = None
    inside: str = ""

    @property
    def is_running(self) -> bool:
        """It has not ended."""
        return self.exit is None


@dataclass(frozen=True)
class Release:
    """A release and its replicas, running and ended ones, by index. Replaced replicas are not in it."""

    key: ReleaseKey
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line of output, without its newline, as the app wrote it (bytes that are not UTF-8 replaced).

    :param cursor: opaque to everybody but the runtime: handing it back as ``after`` goes on with the next line.
    """

    at: datetime
    stream: str
    text: str
    cursor: str


@dataclass(frozen=True)
class Sample:
    """What a replica uses. ``cpu_seconds`` counts from its start."""

    instance: str
    cpu_seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class JobSpec:
    """A command that runs once, in the release's artifact, with its variables.

    :param id: the key: ``run_job`` called again with it attaches to the running job or returns the kept exit code.
    """

    id: str
    release: ReleaseSpec
    command: str


@dataclass(frozen=True)
class InstanceChanged:
    """Something happened to a replica (it ended, most of all): look at ``releases()``. ``exit`` is set when it ended."""

    instance: Instance


@dataclass(frozen=True)
class Listener:
    """A socket that an app listens on; ``host`` is ``127.0.0.1``, ``0.0.0.0``, ``::`` …"""

    host: str
    port: int


class JobLostError(Exception):
    """The job was started once and nobody knows how it ended."""


class Runtime(Protocol):
    """Runs releases. Every method may be called again after a crash and then does no more than is missing."""

    async def check(self) -> str:
        """Return a few words on what answers (``engine 28.5``). ``UnreachableError`` when nothing does."""
        ...

    async def diagnose(self) -> list[Check]:
        """Return how what it runs on stands. ``UnreachableError`` when nothing answers."""
        ...

    async def start(self, spec: ReleaseSpec) -> Release:
        """Bring up all replicas that are missing; not yet proven, not yet routed."""
        ...

    async def scale(self, spec: ReleaseSpec) -> Release:
        """Make it ``spec.replicas``: start what is missing, stop the highest indexes gracefully."""
        ...

    async def replace(self, spec: ReleaseSpec, instance: Instance, *, grace_seconds: float) -> Instance:
        """Put a new replica in the place of another one, which is stopped (SIGTERM, then SIGKILL) and cleared away first."""
        ...

    async def kill(self, instance: Instance) -> None:
        """Kill a replica as the kernel would when memory is short: nothing is asked or cleared away, ``watch`` tells of its end."""
        ...

    async def stop(self, key: ReleaseKey, *, grace_seconds: float | None = None) -> None:
        """Stop every replica of a release (SIGTERM, then SIGKILL to the whole group) and remove what it made. Its artifact stays.

        :param grace_seconds: between the two; ``None``: what the release was started with, its service's ``drainingSeconds``.
        """
        ...

    async def releases(self) -> list[Release]:
        """Return what runs or ran and was not cleared away: the truth after a restart of the daemon."""
        ...

    async def release(self, deployment: str) -> Release | None:
        """Return the release of one deployment, as ``releases`` would, without a look at the others."""
        ...

    def watch(self) -> AsyncIterator[InstanceChanged]:
        """Yield each end of a replica as it happens, from now on."""
        ...

    def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
        """Yield the replica's output from the beginning, or after a cursor; ends when the replica ended and all was read."""
        ...

    async def samples(self, release: Release) -> list[Sample]:
        """Return what each running replica uses now."""
        ...

    async def listeners(self, instance: Instance) -> list[Listener]:
        """Return the TCP sockets that a replica listens on, for the explanation of a failed health check."""
        ...

    async def entry(self, spec: ReleaseSpec, instance: Instance) -> dict[str, Any]:
        """Return what ``Entry`` needs to know of how to get into a running replica."""
        ...

    async def run_job(self, spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        """Run a job to its end and return its exit code (128 + n by a signal). Keyed by ``spec.id``, never run twice.

        :raises JobLostError: it was started before, and its outcome cannot be found.
        """
        ...

    async def drop_job(self, spec: JobSpec) -> None:
        """Kill a job where it runs and forget it: its id may run again. Nothing where there is none."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing that runs is touched."""
        ...


def released(instances: Sequence[Instance]) -> list[Release]:
    """Group instances by release, in a stable order."""
    grouped: dict[ReleaseKey, list[Instance]] = {}
    for instance in instances:
        grouped.setdefault(instance.key, []).append(instance)
    return [
        Release(key, tuple(sorted(found, key=lambda one: one.index)))
        for key, found in sorted(grouped.items(), key=lambda item: item[0].deployment)
    ]
