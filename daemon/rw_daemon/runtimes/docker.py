"""Runs releases as containers of a local Docker engine; the labels on containers and networks are all the state there is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from rw_daemon.engines.client import Engine
from rw_daemon.processes import cgroup, proc
from rw_daemon.runtimes.docker_checks import engine_checks
from rw_daemon.runtimes.docker_containers import address, container, exit_of, key_of, labels_of, moment
from rw_daemon.runtimes.docker_frames import Frames
from rw_daemon.runtimes.docker_networks import Networks
from rw_daemon.runtimes.runtime import (
    Exit,
    Instance,
    InstanceChanged,
    JobLostError,
    JobSpec,
    Line,
    Listener,
    Release,
    ReleaseKey,
    ReleaseSpec,
    Sample,
    released,
)
from rw_shared.errors import ArtifactMissingError, EngineFailedError, EngineUnreachableError
from rw_shared.models import Check

GENERATED = "rw.generated"
"""Label of images that rw built from its own Dockerfile: those run without capabilities. A user's own image keeps the defaults."""
READERS_SECONDS = 2.0
"""Readers of a stopped container's output have this long to read its last lines before it is removed."""
RETRY_SECONDS = 0.5
"""Pause before an engine that went away is asked again."""


class DockerRuntime:
    """Containers. Several daemons share an engine: each sees only what carries its ``home``.

    :param home: what tells this daemon's containers from another's (the path of RW_HOME); only its digest is stored.
    """

    def __init__(self, engine: Engine, *, home: str) -> None:
        self._engine = engine
        self._home = hashlib.sha256(home.encode()).hexdigest()[:12]
        self._locks: dict[str, asyncio.Lock] = {}
        self._networks = Networks(engine, home=self._home, is_used=self._has_containers)
        self._reading: dict[str, int] = {}
        self._bridged: bool | None = None

    async def check(self) -> str:
        """Return ``engine 28.5``."""
        return f"engine {await self._engine.ping()}"

    async def diagnose(self) -> list[Check]:
        """Return the engine's version, clock and disk, and how its containers are reached."""
        info = await self._engine.request("GET", "/info")
        return engine_checks(
            info,
            words=f"{await self.check()}, API {await self._engine.version()} with BuildKit",
            is_bridged=await self._is_bridged(),
            now=datetime.now(UTC),
            free_bytes=await asyncio.to_thread(_free_bytes, str(info.get("DockerRootDir") or "")),
        )

    async def start(self, spec: ReleaseSpec) -> Release:
        """Bring up the replicas that are missing."""
        async with self._lock(spec.key):
            return await self._fill(spec)

    async def scale(self, spec: ReleaseSpec) -> Release:
        """Start what is missing, stop the highest indexes gracefully."""
        async with self._lock(spec.key):
            release = await self._fill(spec)
            surplus = [one for one in release.instances if one.index >= spec.replicas]
            await asyncio.gather(*(self._remove(one.id, grace_seconds=spec.grace_seconds) for one in surplus))
            return Release(spec.key, tuple(one for one in release.instances if one.index < spec.replicas))

    async def replace(self, spec: ReleaseSpec, instance: Instance, *, grace_seconds: float) -> Instance:
        """Stop and remove a container, start another one with its index."""
        async with self._lock(spec.key), self._networks.joined(spec.key) as network:
            await self._remove(instance.id, grace_seconds=grace_seconds)
            return await self._launch(spec, instance.index, network=network)

    async def kill(self, instance: Instance) -> None:
        """Have the engine kill a container; one that has just ended stays as it is."""
        try:
            await self._engine.request("POST", f"/containers/{instance.id}/kill", missing_ok=True)
        except EngineFailedError as error:
            if error.engine_status != 409:  # it does not run
                raise

    async def stop(self, key: ReleaseKey, *, grace_seconds: float | None = None) -> None:
        """Stop and remove every container and job of the release, and the environment's network with its last one."""
        async with self._lock(key):
            found = await self._list(f"rw.deployment={key.deployment}")
            await asyncio.gather(*(self._remove(one["Id"], grace_seconds=grace_seconds) for one in found))
            await self._networks.remove(key)
        self._locks.pop(key.deployment, None)

    async def releases(self) -> list[Release]:
        """Return what runs or ended, by labels; a container that was never started is not in it."""
        return await self._releases()

    async def release(self, deployment: str) -> Release | None:
        """Return the release of one deployment: the engine is asked about its containers only."""
        return next(iter(await self._releases(f"rw.deployment={deployment}")), None)

    async def _releases(self, *labels: str) -> list[Release]:
        found = await asyncio.gather(*(self._inspect(one["Id"]) for one in await self._list("rw.role=app", *labels)))
        return released([await self._instance(one) for one in found if one and one["State"]["Status"] != "created"])

    async def watch(self) -> AsyncIterator[InstanceChanged]:
        """Yield each end; when the engine was away, what ended meanwhile is found by listing."""
        told: set[str] | None = None
        filters = {"type": ["container"], "event": ["die"], "label": [f"rw.home={self._home}", "rw.role=app"]}
        while True:
            since = f"{time.time():.6f}"
            with contextlib.suppress(EngineUnreachableError, EngineFailedError):
                known = [one.id for one in await self._ended()]
                told = set(known) if told is None else told
                for ended in await self._fresh(told, known):
                    yield InstanceChanged(ended)
                async with self._engine.stream("GET", "/events", params={"since": since, "filters": filters}) as events:
                    async for event in events.aiter_lines():
                        for ended in await self._fresh(told, [json.loads(event)["Actor"]["ID"]]):
                            yield InstanceChanged(ended)
            await asyncio.sleep(RETRY_SECONDS)

    async def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
        """Yield output from the engine's log; goes on by itself after the engine was away."""
        self._reading[instance.id] = self._reading.get(instance.id, 0) + 1
        try:
            async for line in self._lines(instance.id, after):
                yield line
        finally:
            self._reading[instance.id] -= 1
            if not self._reading[instance.id]:
                del self._reading[instance.id]

    async def samples(self, release: Release) -> list[Sample]:
        """Return use of CPU and memory: of the control group where it can be read, else what the engine says (it takes 0.8 s)."""
        found = await asyncio.gather(*(self._sample(one) for one in release.instances if one.is_running))
        return [one for one in found if one]

    async def listeners(self, instance: Instance) -> list[Listener]:
        """Return listening sockets from the container's own network tables; none when it ended or they cannot be read."""
        found = await self._inspect(instance.id)
        pid = found["State"]["Pid"] if found else 0
        inodes = {inode for one in ([pid, *(child.pid for child in proc.descendants(pid))] if pid else []) for inode in _sockets(one)}
        return [Listener(host, port) for host, port in proc.listening(inodes, through=pid)] if inodes else []

    async def entry(self, spec: ReleaseSpec, instance: Instance) -> dict[str, Any]:  # noqa: ARG002 - the Protocol's signature
        """Return the container and its engine."""
        return {"container": instance.id, "engine": self._engine.address, "api": await self._engine.version()}

    async def run_job(self, spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        """Run a job in a container whose name follows from ``spec.id``, so that the engine itself refuses a second one."""
        name = self._job_name(spec)
        async with self._lock(spec.release.key):
            found = await self._inspect(name)
            if found is None:
                async with self._networks.joined(spec.release.key) as network:
                    body = await self._body(spec.release, network=network, command=spec.command, role="job", extra={"rw.job": spec.id})
                    await self._create(name, body, spec.release)
                found = await self._inspect(name)
            if found is None:
                raise JobLostError(spec.id)
            if found["State"]["Status"] == "created":
                await self._engine.request("POST", f"/containers/{found['Id']}/start")
        async for line in self._lines(found["Id"], ""):
            output(line)
        ended = await self._inspect(found["Id"])
        if ended is None or ended["State"]["Status"] not in {"exited", "dead"}:
            raise JobLostError(spec.id)
        return int(ended["State"]["ExitCode"])

    async def drop_job(self, spec: JobSpec) -> None:
        """Kill and remove a job's container."""
        async with self._lock(spec.release.key):
            await self._remove(self._job_name(spec), grace_seconds=0)

    def _job_name(self, spec: JobSpec) -> str:
        return f"rw-job-{hashlib.sha256(f'{self._home} {spec.id}'.encode()).hexdigest()[:24]}"

    async def close(self) -> None:
        """Let go of the connections to the engine."""
        await self._engine.close()

    # --- containers

    async def _fill(self, spec: ReleaseSpec) -> Release:
        present: dict[int, Instance] = {}
        for listed in await self._list(f"rw.deployment={spec.key.deployment}", "rw.role=app"):
            if listed["State"] == "created":  # a daemon died between create and start
                await self._remove(listed["Id"], grace_seconds=0)
            elif found := await self._inspect(listed["Id"]):
                instance = await self._instance(found)
                present[instance.index] = instance
        missing = [index for index in range(spec.replicas) if index not in present]
        try:
            async with self._networks.joined(spec.key) as network:
                started = await asyncio.gather(*(self._launch(spec, index, network=network) for index in missing))
        except ArtifactMissingError:
            await self._networks.remove(spec.key)  # nothing of the release was made: its network would stay alone
            raise
        everything = [*present.values(), *started]
        return Release(spec.key, tuple(sorted(everything, key=lambda one: one.index)))

    async def _launch(self, spec: ReleaseSpec, index: int, *, network: str) -> Instance:
        key = spec.key
        readable = re.sub(r"[^a-z0-9-]+", "-", f"{key.project}-{key.environment}-{key.service}".lower()).strip("-")
        name = f"rw-{readable}-v{key.version}-{index}-{uuid4().hex[:6]}"
        body = await self._body(spec, network=network, command=spec.command, role="app", extra={"rw.replica": str(index)})
        body["NetworkingConfig"] = {"EndpointsConfig": {network: {"Aliases": [key.service]}}}
        identity = await self._create(name, body, spec)
        try:
            await self._engine.request("POST", f"/containers/{identity}/start")
        except EngineFailedError:
            await self._remove(identity, grace_seconds=0)
            raise
        found = await self._inspect(identity)
        if found is None:
            raise EngineFailedError("start a container", status=404, reason=f"{name} vanished right after its start")
        return await self._instance(found)

    async def _create(self, name: str, body: dict[str, Any], spec: ReleaseSpec) -> str:
        try:
            answer = await self._engine.request("POST", "/containers/create", params={"name": name}, json=body)
        except EngineFailedError as error:
            if error.engine_status == 404:
                raise ArtifactMissingError(spec.key.service, spec.artifact.reference) from error
            raise
        return str(answer["Id"])

    async def _body(self, spec: ReleaseSpec, *, network: str, command: str, role: str, extra: dict[str, str]) -> dict[str, Any]:
        image = await self._engine.request("GET", f"/images/{spec.artifact.reference}/json", missing_ok=True)
        if image is None:
            raise ArtifactMissingError(spec.key.service, spec.artifact.reference)
        is_generated = ((image.get("Config") or {}).get("Labels") or {}).get(GENERATED) == "true"
        labels = {**labels_of(spec.key), "rw.home": self._home, "rw.role": role, "rw.port": str(spec.port), **extra}
        is_published = role == "app" and not await self._is_bridged()
        return container(spec, labels=labels, network=network, command=command, is_generated=is_generated, is_published=is_published)

    async def _remove(self, identity: str, *, grace_seconds: float | None) -> None:
        path = f"/containers/{identity}"
        if grace_seconds is None:
            found = await self._inspect(identity)
            grace_seconds = found["Config"].get("StopTimeout", ReleaseSpec.grace_seconds) if found else 0
        seconds = max(0, round(grace_seconds))
        with contextlib.suppress(EngineFailedError):  # of an ended one; the removal below tells what matters
            await self._engine.request("POST", f"{path}/stop", params={"t": seconds}, missing_ok=True, timeout_seconds=seconds + 60)
        deadline = time.monotonic() + READERS_SECONDS
        while self._reading.get(identity) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        try:
            await self._engine.request("DELETE", path, params={"v": True, "force": True}, missing_ok=True)
        except EngineFailedError as error:
            if error.engine_status != 409:  # somebody else is removing it
                raise

    async def _list(self, *labels: str) -> list[dict[str, Any]]:
        filters = {"label": [f"rw.home={self._home}", *labels]}
        found: list[dict[str, Any]] = await self._engine.request("GET", "/containers/json", params={"all": True, "filters": filters})
        return found

    async def _inspect(self, identity: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self._engine.request("GET", f"/containers/{identity}/json", missing_ok=True)
        return found

    async def _instance(self, found: dict[str, Any]) -> Instance:
        host, port = address(found, is_bridged=await self._is_bridged())
        labels, state = found["Config"]["Labels"], found["State"]
        return Instance(
            key_of(labels),
            found["Id"],
            int(labels["rw.replica"]),
            host,
            port,
            started_at=moment(state["StartedAt"]),
            exit=await self._judged(exit_of(state), moment(state["FinishedAt"])),
            inside="{}:{}".format(*address(found, is_bridged=True)),
        )

    async def _judged(self, exit_: Exit | None, at: datetime | None) -> Exit | None:
        """Return an end with whether the engine went down with it: it began later, or is about to stop."""
        if exit_ is None:
            return None
        began = await self._engine.began()
        with_host = bool(at and began and at < began) or await self._engine.is_leaving()
        return replace(exit_, with_host=with_host)

    async def _ended(self) -> list[Instance]:
        return [one for release in await self.releases() for one in release.instances if not one.is_running]

    async def _fresh(self, told: set[str], identities: list[str]) -> list[Instance]:
        """Return those that ended and were not told of yet."""
        fresh = []
        for identity in identities:
            if identity not in told and (found := await self._inspect(identity)) and not found["State"]["Running"]:
                told.add(identity)
                fresh.append(await self._instance(found))
        return fresh

    async def _sample(self, instance: Instance) -> Sample | None:
        found = await self._inspect(instance.id)
        pid = found["State"]["Pid"] if found else 0
        if pid and (use := cgroup.use_of(pid)):
            return Sample(instance.id, *use)
        return await self._asked(instance)

    async def _asked(self, instance: Instance) -> Sample | None:
        path = f"/containers/{instance.id}/stats"
        found = await self._engine.request("GET", path, params={"stream": False, "one-shot": True}, missing_ok=True)
        memory = (found or {}).get("memory_stats") or {}
        if not memory.get("usage"):
            return None
        details = memory.get("stats") or {}
        cache = details.get("inactive_file", details.get("total_inactive_file", 0))
        used = int(found["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
        return Sample(instance.id, used, max(0, int(memory["usage"]) - int(cache)))

    # --- output

    async def _lines(self, identity: str, after: str) -> AsyncIterator[Line]:
        while True:
            found: dict[str, Any] | None = {}
            is_last = False
            try:
                found = await self._inspect(identity)
                is_last = found is None or not found["State"]["Running"]
                async for line in self._read(identity, after, is_followed=not is_last):
                    after = line.cursor
                    yield line
            except EngineUnreachableError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except EngineFailedError as error:
                if error.engine_status in {404, 409}:
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if is_last:
                return

    async def _read(self, identity: str, after: str, *, is_followed: bool) -> AsyncIterator[Line]:
        frames = Frames(after)
        params = {"follow": is_followed, "stdout": True, "stderr": True, "timestamps": True, "since": frames.since}
        async with self._engine.stream("GET", f"/containers/{identity}/logs", params=params) as answer:
            async for chunk in answer.aiter_raw():
                for line in frames.feed(chunk):
                    yield line
        if not is_followed:  # the container ended: nothing more comes
            for line in frames.rest():
                yield line

    # --- the engine and its networks

    async def _has_containers(self, key: ReleaseKey) -> bool:
        return bool(await self._list(f"rw.project={key.project}", f"rw.environment={key.environment}"))

    async def _is_bridged(self) -> bool:
        """Tell whether this machine reaches a container's own address: not with an engine in a virtual machine or a user namespace."""
        if self._bridged is None:
            info = await self._engine.request("GET", "/info")
            is_rootless = any("rootless" in option for option in info.get("SecurityOptions") or ())
            is_desktop = "Docker Desktop" in info.get("OperatingSystem", "")
            self._bridged = sys.platform == "linux" and not is_rootless and not is_desktop
        return self._bridged

    def _lock(self, key: ReleaseKey) -> asyncio.Lock:
        return self._locks.setdefault(key.deployment, asyncio.Lock())


def _free_bytes(folder: str) -> int | None:
    """Return the space that is left; ``None`` where the engine's folder is not this machine's."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _sockets(pid: int) -> set[str]:
    try:
        return proc.sockets(pid)
    except OSError:
        return set()
