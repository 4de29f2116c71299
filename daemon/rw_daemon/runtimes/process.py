"""Runs releases as plain processes on this machine: each replica under a shim that outlives the daemon.

Honoured limits: memory (resident bytes of all processes of a replica, looked at each second by the shim); CPU is not limited.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from rw_daemon.plans.commands import shell_text
from rw_daemon.processes import proc
from rw_daemon.processes.changes import FolderChanges
from rw_daemon.processes.holders import REMOVED, Hold, HoldOrder, write_private
from rw_daemon.processes.loopback import free_port
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
from rw_shared.errors import ArtifactMissingError, UnreachableError
from rw_shared.models import Check

FACTS = "instance.json"
READERS_SECONDS = 2.0
"""Readers of a stopped replica's output have this long to read its last lines before they are removed."""
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
"""What an app takes over from the caller: where programs and certificates are, nothing else."""


class ProcessRuntime:
    """Plain processes. One object per state folder.

    :param instances: one folder for each replica: facts, pid, output, exit code.
    :param jobs: one folder for each job, kept until its release is stopped.
    :param segment_bytes, segments: size and number of the files with a replica's output.
    """

    def __init__(self, instances: Path, jobs: Path, *, segment_bytes: int = 50 * 1024**2, segments: int = 4) -> None:
        self._instances, self._jobs = instances, jobs
        self._segment_bytes, self._segments = segment_bytes, segments
        self._changes = FolderChanges()
        self._starting: dict[str, int] = {}  # folder name: port
        self._watched: dict[str, asyncio.Task[None]] = {}
        self._listeners: set[asyncio.Queue[InstanceChanged]] = set()
        self._reading: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self) -> str:
        """Return ``processes on Linux 6.1``. ``UnreachableError`` on a system without /proc and pidfd."""
        if not hasattr(os, "pidfd_open") or not proc.boot_id():
            raise UnreachableError(
                f"Plain processes are not supported on {platform.system()}.",
                why="rw finds its processes through /proc and pidfd, which Linux has since 5.3.",
                hint="Start a Docker engine and run `RW_TARGET=docker rw up`.",
            )
        return f"processes on Linux {platform.release()}"

    async def diagnose(self) -> list[Check]:
        """Return whether this system has what it takes."""
        return [Check(id="processes", status="ok", detail=await self.check())]

    async def start(self, spec: ReleaseSpec) -> Release:
        """Bring up the replicas that are missing."""
        await self.releases()  # settles what a crashed daemon left half started
        async with self._lock(spec.key):
            await self._fill(spec)
            return Release(spec.key, tuple(self._of(spec.key)))

    async def scale(self, spec: ReleaseSpec) -> Release:
        """Start what is missing, stop the highest indexes gracefully."""
        async with self._lock(spec.key):
            surplus = [one for one in self._of(spec.key) if one.index >= spec.replicas]
            await self._fill(spec)
            await asyncio.gather(*(self._clear(one.id, grace_seconds=spec.grace_seconds) for one in surplus))
            return Release(spec.key, tuple(self._of(spec.key)))

    async def replace(self, spec: ReleaseSpec, instance: Instance, *, grace_seconds: float) -> Instance:
        """Stop and clear away a replica, start another one with its index, on a port of its own."""
        async with self._lock(spec.key):
            await self._clear(instance.id, grace_seconds=grace_seconds)
            return await self._launch(spec, instance.index)

    async def kill(self, instance: Instance) -> None:
        """Kill every process of a replica; its holder tells of the end."""
        Hold(self._instances / instance.id).kill()

    async def stop(self, key: ReleaseKey, *, grace_seconds: float | None = None) -> None:
        """Stop every replica and job of the release and remove their folders."""
        async with self._lock(key):
            await asyncio.gather(*(self._clear(one.id, grace_seconds=grace_seconds) for one in self._of(key)))
            for folder in self._folders(self._jobs):
                if self._facts(folder).get("key", {}).get("deployment") == key.deployment:
                    await self._stop(folder, grace_seconds)
                    Hold(folder).remove()
        self._locks.pop(key.deployment, None)

    async def releases(self) -> list[Release]:
        """Return what runs or ended, from the instance folders; what a crashed daemon did not finish starting or removing is removed."""
        for parent in (self._instances, self._jobs):
            for half in parent.glob(f".*{REMOVED}"):
                shutil.rmtree(half, ignore_errors=True)
        return await self._releases(self._folders(self._instances))

    async def release(self, deployment: str) -> Release | None:
        """Return the release of one deployment, from its own folders."""
        own = [folder for folder in self._folders(self._instances) if folder.name.startswith(f"{deployment}-")]
        return next(iter(await self._releases(own)), None)

    async def _releases(self, folders: list[Path]) -> list[Release]:
        found = []
        for folder in folders:
            if folder.name in self._starting:
                continue
            if (folder / FACTS).exists() and await Hold(folder).settle():
                found += [one for one in [self._instance(folder)] if one]
                self._observe(folder.name)
            elif folder.name not in self._starting:
                Hold(folder).finish()
                Hold(folder).remove()
        return released(found)

    async def watch(self) -> AsyncIterator[InstanceChanged]:
        """Yield each end of a replica as it happens."""
        queue: asyncio.Queue[InstanceChanged] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            await self.releases()
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def lines(self, instance: Instance, *, after: str = "") -> AsyncIterator[Line]:
        """Yield the replica's output, following it until it ended."""
        self._reading[instance.id] = self._reading.get(instance.id, 0) + 1
        try:
            async for line in Hold(self._instances / instance.id).lines(self._changes, after=after):
                yield Line(*line)
        finally:
            self._reading[instance.id] -= 1
            if not self._reading[instance.id]:
                del self._reading[instance.id]

    async def samples(self, release: Release) -> list[Sample]:
        """Return CPU seconds and resident memory of each running replica, summed over its living processes."""
        found = []
        for instance in release.instances:
            if pid := Hold(self._instances / instance.id).pid():
                below = proc.descendants(pid)
                cpu, memory = sum(one.cpu_seconds for one in below), sum(one.memory_bytes for one in below)
                found.append(Sample(instance.id, cpu, memory))
        return found

    async def listeners(self, instance: Instance) -> list[Listener]:
        """Return the TCP sockets that the replica's processes listen on."""
        pid = Hold(self._instances / instance.id).pid()
        if not pid:
            return []
        inodes = {inode for one in proc.descendants(pid) for inode in proc.sockets(one.pid)}
        return [Listener(host, port) for host, port in proc.listening(inodes, through=pid)]

    async def entry(self, spec: ReleaseSpec, instance: Instance) -> dict[str, Any]:
        """Return the replica's environment and folder."""
        app = Path(spec.artifact.reference)
        return {"environ": app_environment(spec, app=app, port=instance.port), "folder": str(app)}

    async def run_job(self, spec: JobSpec, *, output: Callable[[Line], None]) -> int:
        """Run a job once. ``output`` gets every line from its beginning, also when attaching again.

        Cancelled, the job goes on: whoever calls next attaches to it.
        """
        hold = Hold(self._jobs / spec.id)
        async with self._lock(spec.release.key):
            if not hold.folder.exists() or not await self._was_started(hold):
                self._make(hold.folder, spec.release, id=spec.id)
                await hold.launch(self._order(spec.release, spec.command, port=0))
        async for line in hold.lines(self._changes):
            output(Line(*line))
        ending = await hold.wait()
        if ending.code == -1:
            raise JobLostError(f"how the job {spec.id} ended is not known")
        return ending.code

    async def drop_job(self, spec: JobSpec) -> None:
        """Kill a job and remove its folder."""
        hold = Hold(self._jobs / spec.id)
        async with self._lock(spec.release.key):
            if hold.folder.exists():
                await hold.stop(grace_seconds=0)
                hold.remove()

    async def close(self) -> None:
        """Stop watching; nothing that runs is touched."""
        for task in self._watched.values():
            task.cancel()
        await asyncio.gather(*self._watched.values(), return_exceptions=True)
        self._watched.clear()
        self._changes.close()

    # --- one replica

    async def _fill(self, spec: ReleaseSpec) -> None:
        there = {one.index for one in self._of(spec.key)}
        missing = [index for index in range(spec.replicas) if index not in there]
        await asyncio.gather(*(self._launch(spec, index) for index in missing))

    async def _launch(self, spec: ReleaseSpec, index: int) -> Instance:
        if not Path(spec.artifact.reference).is_dir():
            raise ArtifactMissingError(spec.key.service, spec.artifact.reference)
        name = f"{spec.key.deployment}-{index}-{uuid4().hex[:8]}"
        port = free_port(taken=self._ports()) if spec.port else 0
        hold = Hold(self._instances / name)
        self._starting[name] = port
        try:
            self._make(hold.folder, spec, index=index, port=port)
            await hold.launch(self._order(spec, spec.command, port=port))
        except Exception:
            hold.finish()
            hold.remove()
            raise
        finally:
            del self._starting[name]
        self._observe(name)
        instance = self._instance(hold.folder)
        assert instance is not None
        return instance

    async def _clear(self, name: str, *, grace_seconds: float | None) -> None:
        hold = Hold(self._instances / name)
        await self._stop(hold.folder, grace_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READERS_SECONDS):
                if observer := self._watched.get(name):
                    await asyncio.shield(observer)
                while name in self._reading:
                    await asyncio.sleep(0.005)
        hold.remove()

    async def _stop(self, folder: Path, grace_seconds: float | None) -> None:
        """End what a folder holds; ``None``: within the time that it was started with, which an older daemon did not note."""
        if grace_seconds is None:
            grace_seconds = float(self._facts(folder).get("grace", ReleaseSpec.grace_seconds))
        await Hold(folder).stop(grace_seconds=grace_seconds)

    def _order(self, spec: ReleaseSpec, command: str, *, port: int) -> HoldOrder:
        app = Path(spec.artifact.reference)
        return HoldOrder(
            arguments=("/bin/sh", "-c", shell_text(command)),
            cwd=app,
            environ=app_environment(spec, app=app, port=port),
            grace_seconds=spec.grace_seconds,
            memory_bytes=spec.limits.memory_bytes or 0,
            segment_bytes=self._segment_bytes,
            segments=self._segments,
        )

    def _observe(self, name: str) -> None:
        """Tell listeners when a running replica ends."""
        hold = Hold(self._instances / name)
        if name in self._watched or not hold.pid():
            return

        async def observe() -> None:
            try:
                await hold.wait()
                if instance := self._instance(hold.folder):
                    for queue in self._listeners:
                        queue.put_nowait(InstanceChanged(instance))
            finally:
                del self._watched[name]

        self._watched[name] = asyncio.create_task(observe(), name=f"end of {name}")

    # --- folders

    def _lock(self, key: ReleaseKey) -> asyncio.Lock:
        return self._locks.setdefault(key.deployment, asyncio.Lock())

    def _folders(self, parent: Path) -> list[Path]:
        if not parent.is_dir():
            return []
        return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))

    def _make(self, folder: Path, spec: ReleaseSpec, **more: object) -> None:
        folder.mkdir(mode=0o700, parents=True)
        facts = {"key": asdict(spec.key), "grace": spec.grace_seconds, **more}
        write_private(folder / FACTS, json.dumps(facts).encode())

    def _facts(self, folder: Path) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
        except (OSError, ValueError):
            return {}
        return facts

    def _of(self, key: ReleaseKey) -> list[Instance]:
        own = (self._instance(path) for path in self._folders(self._instances) if path.name.startswith(f"{key.deployment}-"))
        return sorted((one for one in own if one and one.key.deployment == key.deployment), key=lambda one: one.index)

    def _instance(self, folder: Path) -> Instance | None:
        facts, hold = self._facts(folder), Hold(folder)
        if not facts or not (folder / "pid").exists():
            return None
        ending = hold.ending()
        return Instance(
            ReleaseKey(**facts["key"]),
            folder.name,
            facts["index"],
            port=facts["port"],
            started_at=hold.started_at(),
            exit=Exit(ending.code, ending.signal, ending.out_of_memory, hold.is_from_another_boot()) if ending else None,
        )

    def _ports(self) -> set[int]:
        kept = {int(self._facts(folder).get("port", 0)) for folder in self._folders(self._instances)}
        return kept | set(self._starting.values())

    async def _was_started(self, hold: Hold) -> bool:
        """Tell whether a job that has a folder ran; one that surely did not is removed. ``JobLostError`` when nobody knows."""
        if await hold.settle():
            return True
        if (hold.folder / "order.taken").exists():
            raise JobLostError(f"whether the job {hold.folder.name} ran is not known")
        hold.remove()
        return False


def app_environment(spec: ReleaseSpec, *, app: Path, port: int) -> dict[str, str]:
    """Return the whole environment of one replica: little of the caller's, the release's variables, PORT and HOST."""
    path = [str(app / folder) for folder in (*spec.path, ".rw/bin")]
    own = {name: spec.environ[name] for name in INHERITED if name in spec.environ}
    environ = {"PATH": os.defpath, **own, **spec.variables}
    environ["PATH"] = os.pathsep.join([*path, environ["PATH"]])
    if port:
        environ |= {"PORT": str(port), "HOST": "127.0.0.1"}
    return environ
