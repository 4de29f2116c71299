"""Rooms behind the API that remember what they were asked and need nothing but a store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rw_daemon.api.rooms import Rooms
from rw_shared.contents import Sizes
from rw_shared.errors import (
    ConflictError,
    NoRolloutError,
    NothingToRollBackError,
    OperationNotFoundError,
    ProjectNotFoundError,
    RwError,
    SourceMissingError,
)
from rw_shared.events import OperationCreated, ProjectCreated
from rw_shared.models import (
    Check,
    DaemonInfo,
    Deployment,
    Entry,
    EnvironmentStatus,
    LogRecord,
    Operation,
    OperationOrder,
    Pace,
    Place,
    PlanAnswer,
    PlanOrder,
    Project,
    ProjectOrder,
    Replica,
    Scope,
    Snapshot,
    SnapshotOrder,
    SnapshotProgress,
)
from rw_shared.rollouts import Rollback, Rollout
from rw_shared.timeline import Timeline

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class FakeOperations:
    """Accepts every order and carries none out."""

    store: Any
    asked: list[tuple[Scope, OperationOrder, str]] = field(default_factory=list)
    fault: BaseException | None = None

    async def start(self, scope: Scope, order: OperationOrder, *, actor: str) -> Operation:
        if self.fault is not None:
            raise self.fault
        self.asked.append((scope, order, actor))
        identity = f"op_{len(self.asked)}"
        created = OperationCreated(at=NOW, project=scope.project, environment=scope.environment, operation=identity, kind=order.kind)
        await self.store.append(created)
        return await self.store.operation(identity)

    async def read(self, identity: str) -> Operation:
        found = await self.store.operation(identity)
        if found is None:
            raise OperationNotFoundError(identity)
        return found

    async def cancel(self, identity: str) -> Operation:
        return await self.read(identity)


class FakeRollouts:
    """Nothing is on its way."""

    async def going_on(self, scope: Scope) -> list[Rollout]:
        return []

    async def pace(self, scope: Scope, service: str, pace: Pace, *, actor: str) -> Rollout:
        raise NoRolloutError(service)

    async def abort(self, scope: Scope, service: str, *, actor: str) -> Deployment:
        raise NoRolloutError(service)


class FakeRollbacks:
    """There is no way back."""

    async def preview(self, scope: Scope, service: str, to: str) -> Rollback:
        raise NothingToRollBackError(service)


class FakeWhy:
    """Knows nothing of what led there."""

    async def read(self, deployment: Deployment) -> Timeline:
        return Timeline(deployment=deployment, items=())


@dataclass
class FakeStatus:
    """Says of every known project that nothing runs."""

    store: Any

    async def read(self, scope: Scope, *, is_live: bool = True) -> EnvironmentStatus:
        known = [project.name for project in await self.store.projects()]
        if scope.project not in known:
            raise ProjectNotFoundError(scope.project, candidates=known)
        return EnvironmentStatus(project=scope.project, environment=scope.environment, edge="running" if is_live else "")


class FakePlanner:
    """Plans everything the same."""

    async def plan(self, order: PlanOrder) -> PlanAnswer:
        return PlanAnswer(plan={"buildpack": "python"}, dockerfile="FROM scratch\n", dockerignore="**/.env\n", digest="0" * 64)

    async def place(self, path: str) -> Place:
        return Place(context=path)


class FakeContents:
    """Nothing was built."""

    async def sizes(self, scope: Scope, name: str) -> Sizes:
        raise ConflictError("This project was not built yet.", hint="Run `rw up`.")

    async def sbom(self, scope: Scope, name: str) -> dict[str, Any]:
        raise ConflictError("This project was not built yet.", hint="Run `rw up`.")


@dataclass
class FakeProjects:
    """Makes a project of each order."""

    store: Any

    async def link(self, order: ProjectOrder) -> Project:
        event = ProjectCreated(at=NOW, project=order.name or "app", path=order.path)
        await self.store.append(event)
        return Project(name=event.project, path=event.path, created_at=NOW)


class FakeSnapshots:
    """Takes every folder but a relative one."""

    async def take(self, order: SnapshotOrder) -> Snapshot:
        if not order.path.startswith("/"):
            raise SourceMissingError(order.path)
        return Snapshot(digest="sha256:0", files=1, size_bytes=1)

    def progress(self, path: str) -> SnapshotProgress:
        return SnapshotProgress()


class FakeEntries:
    """Every service runs."""

    async def read(self, scope: Scope, service: str, *, index: int) -> Entry:
        return Entry(service=service or "web", deployment="dep_1", replica=f"{scope.project}-{index}")

    async def kill(self, scope: Scope, service: str, *, index: int) -> Replica:
        return Replica(id=f"{scope.project}-{index}", index=index, deployment="dep_1", state="exited")


class FakeChecks:
    """Finds everything well."""

    async def run(self, environ: Mapping[str, str]) -> list[Check]:
        return [Check(id="fake", status="ok", detail=f"{len(environ)} variables")]


@dataclass
class FakeLogs:
    """Has the lines it was given, then waits for ever."""

    lines: list[LogRecord] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    fault: RwError | None = None
    is_left: bool = False

    async def read(self, query: Any) -> list[LogRecord]:
        self.asked.append(query)
        return self.lines

    async def follow(self, query: Any) -> AsyncIterator[LogRecord]:
        self.asked.append(query)
        try:
            for line in self.lines:
                yield line
            if self.fault is not None:
                raise self.fault
            await asyncio.Event().wait()
        finally:
            self.is_left = True


def fake_rooms(store: Any, *, info: DaemonInfo | None = None, stop: Callable[[], None] = lambda: None) -> Rooms:
    """Return rooms around a real store."""
    return Rooms(
        store=store,
        operations=FakeOperations(store),
        rollouts=FakeRollouts(),
        rollbacks=FakeRollbacks(),
        why=FakeWhy(),
        status=FakeStatus(store),
        planner=FakePlanner(),
        contents=FakeContents(),
        projects=FakeProjects(store),
        snapshots=FakeSnapshots(),
        logs=FakeLogs(),
        checks=FakeChecks(),
        entries=FakeEntries(),
        info=info or DaemonInfo(version="0", pid=1, home="/nowhere", started_at=NOW),
        stop=stop,
        everything=everything,
    )


async def everything() -> None:
    """Nothing runs here."""
