"""A runtime, a builder and an edge that do what their Protocols say, in memory, and keep the order of work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rw_daemon.builds.builder import BuildOrder, BuildOutput
from rw_daemon.builds.components import Component
from rw_daemon.edge.edge import Endpoint, HttpRoute, Traffic, Use
from rw_daemon.runtimes.runtime import (
    Exit,
    Instance,
    InstanceChanged,
    JobSpec,
    Line,
    Listener,
    Release,
    ReleaseKey,
    ReleaseSpec,
    Sample,
    released,
)
from rw_shared.contents import Part
from rw_shared.errors import ArtifactMissingError, EngineUnreachableError
from rw_shared.models import Artifact, Check, ServiceKind


class FakeRuntime:
    """Replicas are values; ``end`` ends one. ``log`` holds what was done, in order."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.instances: dict[str, Instance] = {}
        self.jobs: dict[str, int] = {}
        self.job_exit = 0
        self.job_lines: tuple[str, ...] = ()
        """What each job prints."""
        self.job_gate: asyncio.Event | None = None
        """What each job waits for at its end."""
        self.exit_at_start: Exit | None = None
        self.is_away = False
        """Nothing answers."""
        self.gate: asyncio.Event | None = None
        """What it takes until it says what runs; it answers at once whether it is there."""
        self.lost: set[str] = set()
        """Artifacts that are gone, by their references."""
        self.errors: list[Exception] = []
        """What the next replacements raise, each once, the last first."""
        self.stop_errors: list[Exception] = []
        """What the next stops raise, in the same manner."""
        self.said: tuple[Line, ...] = ()
        """What each replica prints when it starts."""
        self.port = 0
        """Where replicas listen; a test may start a real server there."""
        self.cpu_seconds, self.memory_bytes = 0.0, 0
        """What each replica has used."""
        self._count = 0
        self._changes: list[asyncio.Queue[InstanceChanged]] = []

    async def check(self) -> str:
        if self.is_away:
            raise EngineUnreachableError("the socket", why="It is away.")
        return "fake"

    async def entry(self, spec: ReleaseSpec, instance: Instance) -> dict[str, Any]:
        return {"container": instance.id, "engine": spec.key.service}

    async def diagnose(self) -> list[Check]:
        return [Check(id="fake", status="ok", detail="fake")]

    async def start(self, spec: ReleaseSpec) -> Release:
        if spec.artifact.reference in self.lost:
            raise ArtifactMissingError(spec.key.service, spec.artifact.reference)
        have = {one.index for one in self.instances.values() if one.key == spec.key and one.is_running}
        for index in range(spec.replicas):
            if index not in have:
                self._make(spec, index)
        self.log.append(f"start v{spec.key.version}")
        return self._release(spec.key)

    def _make(self, spec: ReleaseSpec, index: int) -> Instance:
        self._count += 1
        port = self.port if spec.kind is ServiceKind.WEB else 0
        made = Instance(spec.key, f"i{self._count}", index, "127.0.0.1", port, exit=self.exit_at_start)
        self.instances[made.id] = made
        return made

    def _release(self, key: ReleaseKey) -> Release:
        return next((one for one in released(list(self.instances.values())) if one.key == key), Release(key))

    async def scale(self, spec: ReleaseSpec) -> Release:
        for one in list(self.instances.values()):
            if one.key == spec.key and one.index >= spec.replicas:
                del self.instances[one.id]
        return await self.start(spec)

    async def replace(self, spec: ReleaseSpec, instance: Instance, *, grace_seconds: float) -> Instance:
        self.instances.pop(instance.id, None)
        self.log.append(f"stop and replace {instance.id}" if grace_seconds else f"replace {instance.id}")
        if self.errors:
            raise self.errors.pop()
        return self._make(spec, instance.index)

    async def stop(self, key: ReleaseKey, *, grace_seconds: float | None = None) -> None:
        self.log.append(f"stop v{key.version}")
        if self.stop_errors:
            raise self.stop_errors.pop()
        leaving = [one for one in self.instances.values() if one.key == key]
        for one in leaving:
            del self.instances[one.id]
            if one.is_running:
                self._tell(replace(one, exit=Exit(143, 15)))

    async def releases(self) -> list[Release]:
        await self.check()
        if self.gate is not None:
            await self.gate.wait()
        return released(list(self.instances.values()))

    async def release(self, deployment: str) -> Release | None:
        return next((one for one in await self.releases() if one.key.deployment == deployment), None)

    async def watch(self) -> AsyncIterator[InstanceChanged]:
        queue: asyncio.Queue[InstanceChanged] = asyncio.Queue()
        self._changes.append(queue)
        while True:
            yield await queue.get()

    async def kill(self, instance: Instance) -> None:
        self.end(instance, Exit(137, 9))

    def end(self, instance: Instance, exit_: Exit) -> None:
        """Let a replica end by itself."""
        ended = self.instances[instance.id] = replace(instance, exit=exit_)
        self._tell(ended)

    def _tell(self, instance: Instance) -> None:
        for queue in self._changes:
            queue.put_nowait(InstanceChanged(instance))

    async def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
        for line in self.said:
            yield line

    async def samples(self, release: Release) -> list[Sample]:
        return [Sample(one.id, self.cpu_seconds, self.memory_bytes) for one in release.instances]

    async def listeners(self, instance: Instance) -> list[Listener]:
        return []

    async def run_job(self, spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        if spec.id not in self.jobs:
            self.log.append(f"job {spec.command}")
            self.jobs[spec.id] = self.job_exit
        for text in self.job_lines:
            output(Line(datetime.now(UTC), "stdout", text, ""))
        if self.job_gate is not None:
            await self.job_gate.wait()
        return self.jobs[spec.id]

    async def drop_job(self, spec: JobSpec) -> None:
        self.jobs.pop(spec.id, None)

    async def close(self) -> None:
        return None


class FakeBuilder:
    """Builds in no time; ``gate`` holds a build until it is set, ``error`` makes it fail."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.artifacts: dict[str, Artifact] = {}
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.orders: list[BuildOrder] = []

    async def find(self, key: str) -> Artifact | None:
        return self.artifacts.get(key)

    async def build(self, order: BuildOrder, *, output: Callable[[BuildOutput], None]) -> Artifact:
        self.log.append("build")
        self.orders.append(order)
        output(BuildOutput("install", "a line"))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        made = self.artifacts[order.key] = Artifact(kind="folder", reference=f"/artifacts/{order.key}", key=order.key)
        return made

    async def parts(self, artifact: Artifact, *, base: str) -> tuple[Part, ...]:
        return (
            (Part(what=base, size_bytes=100, is_base=True), Part(what="COPY . .", size_bytes=1)) if artifact.key in self.artifacts else ()
        )

    async def components(self, artifact: Artifact) -> list[Component] | None:
        return [Component("pypi", "flask", "3.1.0", "BSD-3-Clause")] if artifact.key in self.artifacts else None

    async def remove(self, artifact: Artifact) -> None:
        self.artifacts.pop(artifact.key, None)


class FakeEdge:
    """Remembers the routes that are in force."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.gate: asyncio.Event | None = None
        """Holds every change of the routes until it is set."""
        self.routes: tuple[HttpRoute, ...] = ()
        self.open: dict[str, int] = {}
        """Requests that a release has open, each on a connection of its own."""
        self.connections: list[int] = []
        """What the next looks at connections find, last one first; after them, what is open."""
        self.looks: list[int] = []
        """How many endpoints each look was for."""
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self.error: Exception | None = None
        self.traffic: Callable[[str], Traffic] = lambda _: Traffic()
        """What a release's requests came to so far; a test puts its own here."""
        self.blind: Exception | None = None
        self.held_ports: frozenset[int] = frozenset()
        self.tended = 0

    @property
    def port(self) -> int:
        return 8080

    def reserve(self) -> int:
        return 8080

    async def route(self, routes: tuple[HttpRoute, ...]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.routes = routes
        self._endpoints |= {one.release: one.endpoints for route in routes for one in route.upstreams if not route.is_held}
        self.log.append("route " + ",".join(upstream.release[-4:] for one in routes for upstream in one.upstreams))

    def last_known(self, release: str) -> tuple[Endpoint, ...]:
        known = (one.endpoints for route in self.routes for one in (*route.upstreams, *route.gone) if one.release == release)
        return next(known, self._endpoints.get(release, ()) if self.open.get(release) else ())

    async def resume(self) -> None:
        self.log.append("edge resumed")

    async def active(self, release: str) -> int:
        return self.open.get(release, 0)

    async def connected(self, endpoints: Sequence[Endpoint]) -> int:
        self.looks.append(len(endpoints))
        if self.connections:
            return self.connections.pop()
        return sum(count for release, count in self.open.items() if {*self._endpoints.get(release, ())} & {*endpoints})

    async def samples(self, *releases: str) -> dict[str, Traffic]:
        if self.blind is not None:
            raise self.blind
        return {release: self.traffic(release) for release in releases}

    async def use(self, *releases: str) -> dict[str, Use]:
        found = await self.samples(*releases)
        return {release: Use(found[release].requests, self.open.get(release, 0)) for release in releases}

    async def check(self) -> bool:
        return True

    async def tend(self) -> None:
        self.tended += 1

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.log.append("edge stopped")

    async def close(self) -> None:
        return None
