"""The edge as an Envoy process: configured by files that are replaced by rename, watched through its admin socket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.edge import binary, documents
from rw_daemon.edge.admin import Admin
from rw_daemon.edge.edge import HttpRoute
from rw_daemon.edge.running import Running, end_of, launch
from rw_shared.errors import EdgeFailedError

LOOK_SECONDS = 0.003  # between two looks whether a change is in force: that takes 1 to 5 ms
START_SECONDS = 10.0
FORCE_SECONDS = 10.0
PORTS_TRIED = 200


class EnvoyEdge:
    """One Envoy for one home."""

    def __init__(self, folder: Path, *, runtime: Path, preferred_port: int, clock: Clock) -> None:
        self._folder, self._runtime, self._preferred, self._clock = folder, runtime, preferred_port, clock
        self._admin_socket = runtime / "envoy.sock"
        self._admin = Admin(self._admin_socket)
        self._lock = asyncio.Lock()
        self._running: Running | None = None
        self._changed = asyncio.Event()
        self._port = self._remembered_port()
        self._written: dict[str, str] = {}

    @property
    def port(self) -> int:
        """The port of all host-based routes; 0 before there was a first route."""
        return self._port

    # --- the Protocol

    async def route(self, routes: tuple[HttpRoute, ...]) -> None:
        """Make ``routes`` the whole desired state. See ``Edge.route``."""
        async with self._lock:
            await self._started(routes)
            wanted, old = documents.clusters(routes), self._clusters_now()
            names = {one["name"] for one in wanted}
            kept = [one for one in old if one["name"] not in names]
            await self._put("cds", [*wanted, *kept], stat="cluster_manager.cds")
            await self._put("lds", documents.listeners(routes, port=self._port, folder=self._folder), stat="listener_manager.lds")
            await self._put("rds", [documents.route_configuration(routes)], stat=rf"rds.{documents.ROUTES}")
            await self._check_listeners(routes)
            busy = [one for one in kept if await self._open(one["name"])]
            await self._put("cds", [*wanted, *busy], stat="cluster_manager.cds")

    async def active(self, release: str) -> int:
        """Return the requests that a release has open."""
        try:
            return await self._open(release)
        except EdgeFailedError:
            return 0

    async def check(self) -> bool:
        """Return whether Envoy runs and answers."""
        return self._find() is not None and await self._admin.is_ready()

    async def ended(self) -> None:
        """Return when the Envoy that this object started or adopted is gone."""
        while (running := self._find()) is None:
            self._changed.clear()
            await self._changed.wait()
        await end_of(running.pid)

    async def stop(self) -> None:
        """Stop Envoy: SIGTERM, and SIGKILL when that does not help."""
        async with self._lock:
            running = self._find()
            if running is not None:
                for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
                    with suppress(ProcessLookupError):
                        os.kill(running.pid, number)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(end_of(running.pid), seconds)
                        break
            self._clean()
            self._running = None

    async def close(self) -> None:
        """Let go; Envoy stays."""
        await self._admin.close()

    # --- the process

    def _find(self) -> Running | None:
        """Return the Envoy of this folder when it lives: by pid, start time and boot, never by the pid alone."""
        if self._running is None or not self._running.is_alive:
            self._running = Running.read(self._folder / "envoy.pid")
        return self._running

    async def _started(self, routes: tuple[HttpRoute, ...]) -> None:
        running = self._find()
        program = binary.copied(self._prepared())
        if running is not None and await self._admin.is_ready():
            if running.program != program.name:
                await self._launch(program, epoch=running.epoch + 1)
            return
        self._clean()
        if running is not None:  # it lives and does not answer: nothing can be asked of it any more
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)
            await end_of(running.pid)
        self._written.clear()
        self._port = self._choose_port()
        for name, resources in (
            ("cds", documents.clusters(routes)),
            ("lds", documents.listeners(routes, port=self._port, folder=self._folder)),
            ("rds", [documents.route_configuration(routes)]),
        ):
            self._write(name, resources)
        await self._launch(program, epoch=0)

    def _prepared(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    async def _launch(self, program: Path, *, epoch: int) -> None:
        """Start Envoy; with an epoch above 0 it takes over from the running one without losing a request (a hot restart)."""
        bootstrap = self._folder / "bootstrap.json"
        bootstrap.write_text(json.dumps(documents.bootstrap(self._folder, admin_socket=self._admin_socket), indent=1))
        arguments = envoy_args(program, bootstrap, base_id=self._base_id(), epoch=epoch, runtime=self._runtime)
        self._running = await launch(arguments, folder=self._folder, epoch=epoch)
        self._running.write(self._folder / "envoy.pid")
        deadline = self._clock.monotonic() + START_SECONDS
        while not await self._admin.is_ready():
            if not self._running.is_alive or self._clock.monotonic() > deadline:
                raise EdgeFailedError(f"Envoy did not start: {self._log_tail()}", log=str(self._folder / "envoy.log"))
            await self._clock.sleep(0.01)
        self._changed.set()

    def _base_id(self) -> int:
        """Return the number that keeps the Envoys of several homes apart in shared memory."""
        return int.from_bytes(hashlib.sha256(str(self._folder).encode()).digest()[:3], "big") + 1

    def _clean(self) -> None:
        """Remove what a killed Envoy leaves behind and the next one would stumble over."""
        self._admin_socket.unlink(missing_ok=True)
        for leftover in Path("/dev/shm").glob(f"envoy_shared_memory_{self._base_id()}*"):  # noqa: S108 - Envoy's own place
            leftover.unlink(missing_ok=True)

    def _log_tail(self) -> str:
        with suppress(OSError):
            return (self._folder / "envoy.log").read_text(errors="replace")[-1500:]
        return ""

    # --- ports

    def _remembered_port(self) -> int:
        with suppress(OSError, ValueError):
            return int((self._folder / "port").read_text())
        return 0

    def _choose_port(self) -> int:
        """Return the remembered port, else the preferred one, else the next free one; remember it."""
        first = self._remembered_port() or self._preferred
        port: int
        for port in (first, *range(self._preferred, self._preferred + PORTS_TRIED)):
            if _is_free(port):
                (self._folder / "port").write_text(str(port))
                return port
        raise EdgeFailedError(f"none of the ports {self._preferred} to {self._preferred + PORTS_TRIED} is free", log="`ss -ltn`")

    async def _check_listeners(self, routes: tuple[HttpRoute, ...]) -> None:
        """Name the port that somebody else holds, if Envoy could not listen on one."""
        stats = await self._admin.stats("listener_manager.listener_create_failure")
        failed = int(stats.get("listener_manager.listener_create_failure", 0))
        if failed > int(self._written.get("failures", "0")):
            self._written["failures"] = str(failed)
            ports = ", ".join(str(one.port) for one in routes if one.port)
            raise EdgeFailedError(f"one of the ports {self._port}, {ports} is held by another program", log=str(self._folder / "envoy.log"))

    # --- documents

    def _clusters_now(self) -> list[dict[str, Any]]:
        with suppress(OSError, ValueError):
            found: list[dict[str, Any]] = json.loads((self._folder / "cds.json").read_text())["resources"]
            return found
        return []

    def _write(self, name: str, resources: list[dict[str, Any]]) -> str:
        """Replace a document by rename (a write in place is not noticed); return its version."""
        document = documents.dynamic(resources)
        partial = self._folder / f"{name}.partial"
        partial.write_text(json.dumps(document))
        partial.replace(self._folder / f"{name}.json")
        return str(document["version_info"])

    async def _put(self, name: str, resources: list[dict[str, Any]], *, stat: str) -> None:
        """Write a document unless it is the same, and wait until Envoy has it in force."""
        version = documents.version_of(resources)
        stats = await self._admin.stats(stat)
        if _in_force(stats, stat, version):
            return
        refused = _refusals(stats, stat)
        self._write(name, resources)
        deadline = self._clock.monotonic() + FORCE_SECONDS
        while True:
            stats = await self._admin.stats(stat)
            if _in_force(stats, stat, version):
                return
            if _refusals(stats, stat) > refused or self._clock.monotonic() > deadline:
                raise EdgeFailedError(f"{name} was not taken: {self._log_tail()[-400:]}", log=str(self._folder / "envoy.log"))
            await self._clock.sleep(LOOK_SECONDS)

    async def _open(self, release: str) -> int:
        stats = await self._admin.stats(f"^cluster.{release}.upstream_rq_active$")
        return int(stats.get(f"cluster.{release}.upstream_rq_active", 0))


def envoy_args(program: Path, bootstrap: Path, *, base_id: int, epoch: int, runtime: Path) -> list[str]:
    """Return Envoy's command line."""
    return [
        str(program),
        "--config-path", str(bootstrap),
        "--base-id", str(base_id),
        "--restart-epoch", str(epoch),
        "--socket-path", str(runtime / "envoy-hot"),
        "--socket-mode", "600",
        "--drain-time-s", "3",
        "--parent-shutdown-time-s", "6",
        "--concurrency", "2",
        "--file-flush-interval-msec", "200",
        "--log-level", "warning",
    ]  # fmt: skip


def _in_force(stats: dict[str, Any], name: str, version: str) -> bool:
    """Return whether everything that reads the document has this version: listeners may share a subscription or have their own."""
    found = [value for key, value in stats.items() if key.endswith(f"{name}.version_text")]
    return bool(found) and all(value == version for value in found)


def _refusals(stats: dict[str, Any], name: str) -> int:
    return sum(int(value) for key, value in stats.items() if key.endswith((f"{name}.update_rejected", f"{name}.update_failure")))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
