"""What the handlers need of the rest of the daemon: Protocols only, so that the API knows no implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from rw_daemon.logs.query import LogQuery
from rw_daemon.store.store import Store
from rw_shared.contents import Sizes
from rw_shared.models import (
    Check,
    DaemonInfo,
    Deployment,
    Entry,
    EnvironmentStatus,
    LogRecord,
    Model,
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


class Operations(Protocol):
    """Carries out what commands ask for."""

    async def start(self, scope: Scope, order: OperationOrder, *, actor: str) -> Operation:
        """Accept an operation; progress arrives as events. Raises any ``RwError`` that can be known at once."""
        ...

    async def read(self, identity: str) -> Operation:
        """Return an operation as it is now. ``OperationNotFoundError``."""
        ...

    async def cancel(self, identity: str) -> Operation:
        """End an operation that is not settled. ``OperationNotFoundError``."""
        ...


class Rollouts(Protocol):
    """Knows the releases that are on their way, and what may be said to them. All raise ``NoRolloutError``."""

    async def going_on(self, scope: Scope) -> list[Rollout]:
        """Return those of an environment, by service."""
        ...

    async def pace(self, scope: Scope, service: str, pace: Pace, *, actor: str) -> Rollout:
        """Pause one, have it go on, or skip the rest of its steps."""
        ...

    async def abort(self, scope: Scope, service: str, *, actor: str) -> Deployment:
        """Take the new release back."""
        ...


class Rollbacks(Protocol):
    """Looks at the way back."""

    async def preview(self, scope: Scope, service: str, to: str) -> Rollback:
        """Return what a rollback would change. ``ServiceNotFoundError``, ``DeploymentNotFoundError``, ``NothingToRollBackError``."""
        ...


class Why(Protocol):
    """Knows what led to a deployment's state."""

    async def read(self, deployment: Deployment) -> Timeline:
        """Return it, oldest first."""
        ...


class Status(Protocol):
    """Knows what runs."""

    async def read(self, scope: Scope, *, is_live: bool = True) -> EnvironmentStatus:
        """Return an environment as it is now, or by the store alone. ``ProjectNotFoundError``, ``EnvironmentNotFoundError``."""
        ...


class Planner(Protocol):
    """Plans snapshots."""

    async def plan(self, order: PlanOrder) -> PlanAnswer:
        """Return what would be built and why."""
        ...

    async def place(self, path: str) -> Place:
        """Return what is to be snapshotted for the app in a folder. ``SourceMissingError``."""
        ...


class Contents(Protocol):
    """Looks into what was built. ``ConflictError``, ``ArtifactMissingError``, ``DeploymentNotFoundError``."""

    async def sizes(self, scope: Scope, name: str) -> Sizes:
        """Return where the bytes are."""
        ...

    async def sbom(self, scope: Scope, name: str) -> dict[str, Any]:
        """Return the packages as an SPDX document."""
        ...


class Projects(Protocol):
    """Finds and makes projects."""

    async def link(self, order: ProjectOrder) -> Project:
        """Return the project of a folder, made when it is new."""
        ...


class Snapshots(Protocol):
    """Takes sources."""

    async def take(self, order: SnapshotOrder) -> Snapshot:
        """Take a folder as it is now."""
        ...

    def progress(self, path: str) -> SnapshotProgress:
        """Return how far the snapshot of a folder is that is being taken now."""
        ...


class Entries(Protocol):
    """Knows the way into what runs."""

    async def read(self, scope: Scope, service: str, *, index: int) -> Entry:
        """Return the way into a replica. ``ServiceNotFoundError``; ``UsageError`` where nothing serves."""
        ...

    async def kill(self, scope: Scope, service: str, *, index: int) -> Replica:
        """Kill a running replica, which is then replaced like any that ended. As ``read``; ``NotFoundError``: it does not run."""
        ...


class Checks(Protocol):
    """Knows what this machine lacks."""

    async def run(self, environ: Mapping[str, str]) -> list[Check]:
        """Return every condition that the daemon sees."""
        ...


class Logs(Protocol):
    """Keeps lines."""

    async def read(self, query: LogQuery) -> list[LogRecord]:
        """Return the last ``query.n`` lines that fit, oldest first."""
        ...

    def follow(self, query: LogQuery) -> AsyncIterator[Model]:
        """Yield ``LogRecord`` after ``LogRecord``, and a ``Gap`` where a slow reader missed lines. Ends only when the daemon does."""
        ...


@dataclass(frozen=True)
class Rooms:
    """Everything behind the API.

    :param stop: ends the daemon soon after it returns; apps and edge stay.
    :param everything: takes down all that rw runs, the edge last.
    :param busy: whether an operation is queued or running.
    """

    store: Store
    operations: Operations
    rollouts: Rollouts
    rollbacks: Rollbacks
    why: Why
    status: Status
    planner: Planner
    contents: Contents
    projects: Projects
    snapshots: Snapshots
    logs: Logs
    checks: Checks
    entries: Entries
    info: DaemonInfo
    stop: Callable[[], None]
    everything: Callable[[], Awaitable[None]]
    busy: Callable[[], bool] = lambda: False


def _rooms(connection: HTTPConnection) -> Rooms:
    rooms: Rooms = connection.app.state.rooms
    return rooms


Behind = Annotated[Rooms, Depends(_rooms)]
"""A handler's parameter that receives the rooms."""
