"""The composition root: the only place that picks implementations."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rw_daemon.api.rooms import Rooms
from rw_daemon.builds.docker import DockerBuilder
from rw_daemon.builds.process import ProcessBuilder
from rw_daemon.clock import Clock
from rw_daemon.deployments.composition import Deployments
from rw_daemon.deployments.targets import Opener, Target
from rw_daemon.edge.desk import Desk
from rw_daemon.edge.envoy import EnvoyEdge
from rw_daemon.engines.client import Engine
from rw_daemon.logs.logs import Logs
from rw_daemon.logs.requests import Requests
from rw_daemon.runtimes.docker import DockerRuntime
from rw_daemon.runtimes.process import ProcessRuntime
from rw_daemon.settings import Settings
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.sql import SqlStore
from rw_daemon.tasks import Tasks
from rw_shared.errors import EngineUnreachableError, UnreachableError
from rw_shared.models import DaemonInfo, Snapshot, SnapshotOrder, SnapshotProgress, TargetKind
from rw_shared.paths import Home

EXPIRE_SECONDS = 3600.0


@dataclass(frozen=True)
class Daemon:
    """The daemon's rooms, alive."""

    rooms: Rooms
    tasks: Tasks
    store: SqlStore
    logs: Logs
    edge: EnvoyEdge
    deployments: Deployments

    async def close(self) -> None:
        """Cancel tasks, which undoes nothing, then close what they wrote to. Apps and edge stay."""
        await self.tasks.close()
        await self.deployments.collector.close()
        await self.logs.close()
        await self.deployments.targets.close()
        await self.edge.close()
        await self.store.close()


class SnapshotTaker:
    """Takes snapshots for the API, with the limits that the caller's environment names."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def take(self, order: SnapshotOrder) -> Snapshot:
        """Take a folder as it is now."""
        files, size = (order.environ.get(f"RW_SNAPSHOT_LIMIT_{name}", "") for name in ("FILES", "BYTES"))
        taken = await self._snapshots.take(
            Path(order.path),
            only=frozenset(order.only),
            limit_files=int(files) if files.isdigit() else 0,
            limit_bytes=int(size) if size.isdigit() else 0,
        )
        changes = await self._snapshots.changes(taken.digest, since=order.since) if order.since else ()
        return taken.model_copy(update={"changes": changes, "folders": taken.folders if order.folders else ()})

    def progress(self, path: str) -> SnapshotProgress:
        """Return how far the snapshot of a folder is that is being taken now."""
        return self._snapshots.progress(Path(path))


async def compose(home: Home, *, clock: Clock, settings: Settings, info: DaemonInfo, stop: Callable[[], None]) -> Daemon:
    """Bring the daemon to life: state first, then what runs, then the work that was left unfinished."""
    tasks = Tasks(clock)
    store = await SqlStore.open(home.database)
    snapshots = Snapshots(home.snapshots, limit_files=settings.snapshot_files, limit_bytes=settings.snapshot_bytes)
    logs = Logs(home.logs, clock=clock, settings=settings)
    await logs.open()
    edge = EnvoyEdge(home.edge, runtime=home.runtime, preferred_port=settings.edge_port, clock=clock)
    targets: dict[TargetKind, Opener] = {
        TargetKind.DOCKER: docker_target(home, snapshots),
        TargetKind.PROCESS: process_target(home, snapshots),
    }
    deployments = Deployments(
        store=store,
        snapshots=snapshots,
        logs=logs,
        edge=edge,
        openers=targets,
        environs=home.root / "environs",
        tasks=tasks,
        clock=clock,
        settings=settings,
    )
    tasks.keep("recovery", deployments.recovery.run)
    tasks.keep("liveness", deployments.liveness.keep)
    tasks.keep("autoscaler", deployments.autoscaler.keep)
    tasks.keep("sleeping", deployments.sleeping.keep)
    tasks.keep("held requests", Desk(edge.held_socket, deployments.sleeping.lead).serve)
    tasks.keep("edge", deployments.tending.keep_up)
    tasks.keep("edge's care", deployments.tending.keep)
    tasks.keep("requests", Requests(edge.access_log, logs, clock).run)

    async def expire() -> None:
        while True:
            await logs.expire()
            await clock.sleep(EXPIRE_SECONDS)

    tasks.keep("old lines", expire)

    async def fail() -> None:
        await tasks.failed()
        stop()

    tasks.spawn("vital tasks", fail())
    rooms = Rooms(
        store=store,
        operations=deployments.orders,
        rollouts=deployments.rollouts,
        rollbacks=deployments.rollbacks,
        why=deployments.why,
        status=deployments.status,
        planner=deployments.planner,
        contents=deployments.contents,
        projects=deployments.projects,
        snapshots=SnapshotTaker(snapshots),
        logs=logs,
        checks=deployments.checks,
        entries=deployments.entries,
        info=info,
        stop=stop,
        everything=deployments.everything,
        busy=lambda: deployments.operations.are_running,
    )
    return Daemon(rooms, tasks, store, logs, edge, deployments)


def process_target(home: Home, snapshots: Snapshots) -> Opener:
    """Return what opens the process target: runtime and builder below the home."""

    async def open_target(_: Mapping[str, str]) -> Target:
        runtime = ProcessRuntime(home.instances, home.jobs)
        builder = ProcessBuilder(home.releases, home.caches, lay_out=snapshots.lay_out)
        await builder.sweep()
        return Target(TargetKind.PROCESS, runtime, builder)

    return open_target


def docker_target(home: Home, snapshots: Snapshots) -> Opener:
    """Return what opens the docker target: the engine that the caller's environment names, when it is first needed."""

    async def read(digest: str, path: str) -> str:
        return (await snapshots.source(digest)).text(path)

    async def address_of(environ: Mapping[str, str]) -> str:
        return await asyncio.to_thread(Engine.address_of, {**os.environ, **environ})

    async def open_target(environ: Mapping[str, str]) -> Target:
        engine = Engine(await address_of(environ))

        async def check(wanted: Mapping[str, str]) -> None:
            address = await address_of(wanted)
            if address != engine.address:
                raise EngineUnreachableError(
                    address, why=f"This daemon works with the engine at {engine.address}: one RW_HOME, one engine."
                )

        runtime = DockerRuntime(engine, home=home.runtime.name)
        try:
            await runtime.check()
        except UnreachableError:
            await engine.close()
            raise
        return Target(TargetKind.DOCKER, runtime, DockerBuilder(engine, context=snapshots.tar, read=read), check)

    return open_target
