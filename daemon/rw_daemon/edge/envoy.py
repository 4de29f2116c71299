"""The edge as an Envoy process: configured by files that are replaced by rename, watched through its admin socket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rw_daemon.clock import Clock
from rw_daemon.edge import binary, documents, ports
from rw_daemon.edge.admin import Admin
from rw_daemon.edge.edge import Endpoint, HttpRoute, Traffic, Use
from rw_daemon.edge.running import Running, end_all, end_of, launch
from rw_daemon.edge.watched import Watched
from rw_daemon.processes import proc
from rw_daemon.processes.loopback import is_free
from rw_shared.errors import EdgeFailedError

log = logging.getLogger(__name__)
START_SECONDS = 10.0
START_LOOK_SECONDS = 0.005
ANSWER_SECONDS = 10.0  # a loaded machine is no reason to kill an Envoy that serves
PORT_RACES = 5
SILENCES = 3  # in a row, at looks that are seconds apart, until an Envoy counts as stuck
ACCESS_LOG_BYTES = 50 * 1024 * 1024


class EnvoyEdge:
    """One Envoy for one home."""

    def __init__(
        self,
        folder: Path,
        *,
        runtime: Path,
        preferred_port: int,
        clock: Clock,
        find: Callable[[], Path] = binary.find,
        threads: int = 0,
    ) -> None:
        """:param runtime: folder with a short path, for sockets; ``find``: returns Envoy's program; ``threads``: 0: by the machine."""
        self._folder, self._runtime, self._preferred, self._clock, self._search = folder, runtime, preferred_port, clock, find
        self._threads = threads or threads_of(proc.cores())
        self._admin_socket = runtime / "envoy.sock"
        self._admin = Admin(self._admin_socket)
        self._files = Watched(folder, admin=self._admin, clock=clock)
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._running: Running | None = None
        self._expected = False  # this object has seen it run and did not stop it
        self._program: Path | None = None
        self._silences = 0
        self._unfit = ""  # what a hot restart failed with; not tried again by this daemon
        self._port = ports.remembered(folder)
        self._held: frozenset[int] = frozenset()

    @property
    def port(self) -> int:
        """The port of all host-based routes; 0 before there was a first route."""
        return self._port

    @property
    def held_ports(self) -> frozenset[int]:
        """Services' own ports that other programs hold."""
        return self._held

    def reserve(self) -> int:
        """Choose the port of all host-based routes before there is a first one. See ``Edge.reserve``."""
        if not self._port:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._port = ports.choose(self._folder, preferred=self._preferred)
        return self._port

    @property
    def access_log(self) -> Path:
        """One line of JSON for each request; see ``tend``."""
        return self._folder / "access.log"

    @property
    def held_socket(self) -> Path:
        """Where Envoy asks what becomes of held requests; see ``Desk``."""
        return self._runtime / "held.sock"

    # --- the Protocol

    async def route(self, routes: tuple[HttpRoute, ...]) -> None:
        """Make ``routes`` the whole desired state. See ``Edge.route``."""
        async with self._lock:
            await self._started(routes)
            wanted, old = documents.clusters(routes), self._files.in_force("cds")
            names, routed = {one["name"] for one in wanted}, documents.routed(self._files.in_force("rds"))
            held = {upstream.release for route in routes if route.is_held for upstream in route.upstreams}
            before = {one["name"]: one for one in old if one["name"] in held}  # whoever comes before they are held is still served
            others = [one for one in old if one["name"] not in names]
            left = [one for one in others if one["name"] in routed]  # until there are new routes
            busy = await self._busy([one for one in others if one["name"] not in routed])
            await self._files.put("cds", [*(before.get(one["name"], one) for one in wanted), *left, *busy])
            self._note_held(await self._put_listeners(routes), routes)
            await self._files.put("rds", [documents.route_configuration(routes)])
            await self._files.put("cds", [*wanted, *await self._busy([*left, *busy])])

    async def _busy(self, clusters: list[documents.Json]) -> list[documents.Json]:
        """Return the clusters that have a request open."""
        used = await self.use(*(one["name"] for one in clusters)) if clusters else {}
        return [one for one in clusters if used[one["name"]].in_flight]

    async def resume(self) -> None:
        """Start an Envoy that was killed, with the routes it had. See ``Edge.resume``."""
        async with self._lock:
            if self._find() is None and self._files.resources("lds"):
                await self._nothing_left()
                await self._begin()

    def last_known(self, release: str) -> tuple[Endpoint, ...]:
        """Return where a release's replicas were, by Envoy's files."""
        found = next((one for one in self._files.resources("cds") if one["name"] == release), None)
        return documents.endpoints(found) if found else ()

    async def active(self, release: str) -> int:
        """Return the requests that a release has open."""
        try:
            return (await self.use(release))[release].in_flight
        except EdgeFailedError:
            return 0

    async def connected(self, endpoints: Sequence[Endpoint]) -> int:
        """Return the connections that lead to endpoints. Envoy forgets a removed one at once, so the system is asked."""
        return await asyncio.to_thread(proc.connections, {(one.host, one.port) for one in endpoints})

    async def samples(self, *releases: str) -> dict[str, Traffic]:
        """Return what became of each release's requests so far. See ``Edge.samples``; histograms lag by a second."""
        rows = await self._admin.traffic(releases)
        return {release: documents.traffic(rows, release) for release in releases}

    async def use(self, *releases: str) -> dict[str, Use]:
        """Return how releases are asked. See ``Edge.use``."""
        wanted = "|".join(re.escape(one) for one in releases)
        stats = await self._admin.stats(rf"^cluster\.({wanted})\.upstream_rq_(total|active)$")

        def of(release: str, name: str) -> int:
            return int(stats.get(f"cluster.{release}.upstream_rq_{name}", 0))

        return {release: Use(of(release, "total"), of(release, "active")) for release in releases}

    async def check(self) -> bool:
        """Return whether Envoy runs and answers."""
        return self._find() is not None and await self._admin.is_ready()

    async def ended(self) -> None:
        """Return when the Envoy that this object started or adopted is gone, at once when that happened before the call.

        One that ``stop`` ended is not missed by anybody: then this waits for the next one.
        """
        while True:
            while not self._expected:
                self._changed.clear()
                await self._changed.wait()
            while (running := self._find()) is not None:  # after a hot restart another one runs
                await end_of(running.pid)
            if self._expected:
                return

    async def tend(self) -> None:
        """Keep the access log and the one before it, each of 50 MB. An Envoy that stays silent is ended: ``ended`` tells of it."""
        await self._heard()
        access = self.access_log
        with suppress(OSError, EdgeFailedError):
            if access.stat().st_size > ACCESS_LOG_BYTES:
                access.replace(self._folder / "access.log.1")
                await self._admin.reopen_logs()

    async def stop(self) -> None:
        """Stop Envoy: SIGTERM, and SIGKILL when that does not help."""
        async with self._lock:
            self._expected = False
            await end_all(self._folder)
            self._clean()
            (self._folder / "envoy.pid").unlink(missing_ok=True)
            self._running = None

    async def close(self) -> None:
        """Let go; Envoy stays."""
        await self._admin.close()

    # --- the process

    async def _heard(self) -> None:
        running = self._find()
        is_silent = running is not None and not await self._admin.is_ready()
        self._silences = self._silences + 1 if is_silent else 0
        if running is not None and self._silences >= SILENCES:
            log.warning("Envoy, process %d, did not answer %d times and is ended", running.pid, self._silences)
            await running.kill()

    def _find(self) -> Running | None:
        """Return the Envoy of this folder when it lives: by pid, start time and boot, never by the pid alone."""
        if self._running is None or not self._running.is_alive:
            self._running = Running.read(self._folder / "envoy.pid")
        return self._running

    async def _started(self, routes: tuple[HttpRoute, ...]) -> None:
        """Adopt the Envoy that runs, hot restart an outdated one, start one where there is none."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = self._find()
        if running is not None and await self._answers(running):
            self._port = self._port or self._port_of_listeners()
            self._seen()
            await self._renewed(running)
            return
        await self._nothing_left()
        self._port = ports.choose(self._folder, preferred=self._preferred)
        for name, resources in (
            ("cds", documents.clusters(routes)),
            ("lds", self._listeners(routes)[0]),
            ("rds", [documents.route_configuration(routes)]),
        ):
            self._files.write(name, resources)
        await self._begin()
        await self._files.look()

    async def _nothing_left(self) -> None:
        """End and clear away what is left of the Envoy before, so that its ports are free."""
        await end_all(self._folder)
        self._clean()

    async def _begin(self) -> None:
        """Start an Envoy with the files that are there."""
        program = await self._copied()
        await self._launch(program, made=self._made(program), epoch=0)
        binary.forget_others(program)

    async def _answers(self, running: Running) -> bool:
        """Return whether Envoy said what is in force."""
        deadline = self._clock.monotonic() + ANSWER_SECONDS
        while running.is_alive and self._clock.monotonic() < deadline:
            with suppress(EdgeFailedError):
                await self._files.look()
                return True
            await self._clock.sleep(0.05)
        return False

    async def _renewed(self, running: Running) -> None:
        """Hot restart an Envoy whose program or bootstrap is not this version's. One that cannot take over leaves the old one serving."""
        if self._unfit:
            return
        try:
            program = await self._copied()
            if (made := self._made(program)) == running.made:
                return
            await self._launch(program, made=made, epoch=running.epoch + 1)
            await self._files.look()
            binary.forget_others(program)
        except (EdgeFailedError, OSError) as error:
            self._unfit = getattr(error, "why", "") or str(error)
            log.warning("the running Envoy stays, its successor could not take over: %s", self._unfit)

    async def _copied(self) -> Path:
        """Return this daemon's copy of the program; found once, since packages are replaced under a running daemon."""
        if self._program is None or not self._program.exists():
            self._program = await asyncio.to_thread(lambda: binary.copied(self._search(), folder=self._folder))
        return self._program

    def _made(self, program: Path) -> str:
        """Return the digest of everything that only a new process takes."""
        return hashlib.sha256(json.dumps([self._bootstrap(), self._arguments(program, epoch=0)]).encode()).hexdigest()[:16]

    def _bootstrap(self) -> documents.Json:
        return documents.bootstrap(self._folder, admin_socket=self._admin_socket, held_socket=self.held_socket)

    def _arguments(self, program: Path, *, epoch: int) -> list[str]:
        bootstrap = self._folder / "bootstrap.json"
        return envoy_args(program, bootstrap, base_id=self._base_id(), epoch=epoch, runtime=self._runtime, threads=self._threads)

    async def _launch(self, program: Path, *, made: str, epoch: int) -> None:
        """Start Envoy; with an epoch above 0 it takes over from the running one without losing a request (a hot restart)."""
        (self._folder / "bootstrap.json").write_text(json.dumps(self._bootstrap(), indent=1))
        started = await launch(self._arguments(program, epoch=epoch), folder=self._folder, made=made, epoch=epoch)
        deadline = self._clock.monotonic() + START_SECONDS
        while not await self._admin.is_ready(epoch=epoch):
            if not started.is_alive or self._clock.monotonic() > deadline:
                await started.kill()
                raise EdgeFailedError(f"Envoy did not start: {self._files.log_tail(400)}", log=str(self._folder / "envoy.log"))
            await self._clock.sleep(START_LOOK_SECONDS)
        started.write(self._folder / "envoy.pid")
        self._running = started
        self._seen()

    def _seen(self) -> None:
        self._expected = True
        self._changed.set()

    def _base_id(self) -> int:
        """Return the number that keeps the Envoys of several homes apart in shared memory."""
        return int.from_bytes(hashlib.sha256(str(self._folder).encode()).digest()[:3], "big") + 1

    def _clean(self) -> None:
        """Remove what a killed Envoy leaves behind and the next one would stumble over."""
        self._admin_socket.unlink(missing_ok=True)
        for socket in self._runtime.glob("envoy-hot_*"):
            socket.unlink(missing_ok=True)
        # Envoy puts a digit for the epoch behind the number; a pattern would meet other homes, whose numbers begin alike
        Path(f"/dev/shm/envoy_shared_memory_{self._base_id() * 10}").unlink(missing_ok=True)  # noqa: S108 - Envoy's own place

    # --- listeners

    def _port_of_listeners(self) -> int:
        shared = next((one for one in self._files.resources("lds") if one["name"] == documents.SHARED), None)
        return int(shared["address"]["socket_address"]["port_value"]) if shared else ports.choose(self._folder, preferred=self._preferred)

    def _listeners(
        self, routes: tuple[HttpRoute, ...], *, present: frozenset[str] = frozenset()
    ) -> tuple[list[documents.Json], frozenset[int]]:
        """Return the listeners' document, and the ports it leaves out: somebody else holds them, and Envoy would refuse all.

        :param present: names of what listens already.
        """
        wanted = {route.port for route in routes if route.port}
        taken = frozenset(port for port in wanted if documents.own_name(port) not in present and not is_free(port))
        return documents.listeners(routes, port=self._port, folder=self._folder, without=taken), taken

    async def _put_listeners(self, routes: tuple[HttpRoute, ...]) -> frozenset[int]:
        """Put the listeners in force; return the own ports that are held by others.

        Somebody may take a port between the look and Envoy's bind: the shared one moves on then, an own one is left out.
        """
        if self._files.is_in_force("lds", documents.listeners(routes, port=self._port, folder=self._folder)):
            return frozenset()
        lost: frozenset[int] = frozenset()
        for attempt in range(PORT_RACES + 1):
            present = frozenset(await self._admin.listeners())
            document, held = self._listeners(routes, present=present)
            try:
                await self._files.put("lds", document)
                break
            except EdgeFailedError:
                present = frozenset(await self._admin.listeners())
                is_lost = documents.SHARED not in present
                if attempt == PORT_RACES or not (is_lost or self._listeners(routes, present=present)[1] > held):
                    raise
                if is_lost:
                    lost |= {self._port}
                    self._port = ports.choose(self._folder, preferred=self._preferred, without=lost)
        return held

    def _note_held(self, held: frozenset[int], routes: tuple[HttpRoute, ...]) -> None:
        """Log the ports that others hold, each once. They cost nobody a deployment: services answer at the shared port as well."""
        for route in (one for one in routes if one.port in held - self._held):
            name = route.key.rpartition("/")[2]
            log.warning("port %d of %s is held by another program (`ss -ltnp sport = :%d`) and left out", route.port, name, route.port)
        self._held = held


def threads_of(cores: int) -> int:
    """Return how many threads Envoy answers requests with: half the cores, since apps need the others, and two at most.

    With two cores, one of two threads always stands where the app or the other one is at work, and each keeps connections of its own to
    the app: one thread takes two thirds of their time for a request.
    """
    return min(max(cores // 2, 1), 2)


def envoy_args(program: Path, bootstrap: Path, *, base_id: int, epoch: int, runtime: Path, threads: int) -> list[str]:
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
        "--concurrency", str(threads),
        "--file-flush-interval-msec", "200",
        "--log-level", "warning",
    ]  # fmt: skip
