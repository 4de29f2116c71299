"""The Protocol of the daemon's memory: events, and what they add up to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from rw_shared.events import Event, StoredEvent
from rw_shared.models import Deployment, Operation, Project, Scope, ServiceKind, TargetKind


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRow:
    """What is known of a service apart from its deployments.

    ``serving`` is the deployment that routes lead to, empty when none does. ``replicas`` is the wanted number.
    """

    project: str
    environment: str
    name: str
    kind: ServiceKind
    replicas: int
    port: int
    hostname: str
    serving: str
    is_removed: bool


class Store(Protocol):
    """Writes are ordered, all or nothing, and published after their commit; reads see every finished write."""

    async def append(self, *events: Event) -> list[StoredEvent]:
        """Write ``events`` and what they change in the projections in one transaction; then tell the subscribers."""
        ...

    async def prepare(self) -> None:
        """Make sure that what begins now can also be ended, however full the disk gets meanwhile. ``DiskFullError``."""
        ...

    def subscribe(self, *, after: int | None = None) -> AsyncIterator[StoredEvent]:
        """Yield the events after a sequence number (``None``: from now on): the kept ones, then new ones, none lost or doubled."""
        ...

    async def events(self, *, after: int = 0, operation: str = "", deployment: str = "", limit: int = 1000) -> list[StoredEvent]:
        """Return kept events in order."""
        ...

    async def projects(self) -> list[Project]:
        """Return all projects by name."""
        ...

    async def environments(self, project: str) -> dict[str, TargetKind]:
        """Return the environments of a project with their targets, by name."""
        ...

    async def services(self, scope: Scope | None = None) -> list[ServiceRow]:
        """Return the services of an environment, or of all, that are not removed, by name."""
        ...

    async def operation(self, identity: str) -> Operation | None:
        """Return an operation by id."""
        ...

    async def request(self, identity: str) -> dict[str, Any]:
        """Return what ``OperationCreated`` kept as its ``request``."""
        ...

    async def operation_by_key(self, scope: Scope, idempotency_key: str) -> Operation | None:
        """Return the operation that was created with this key."""
        ...

    async def unsettled_operations(self) -> list[Operation]:
        """Return queued and running operations, oldest first."""
        ...

    async def deployment(self, identity: str) -> Deployment | None:
        """Return a deployment with its steps, by id."""
        ...

    async def deployments(
        self,
        scope: Scope | None = None,
        *,
        service: str = "",
        operation: str = "",
        unsettled: bool = False,
        limit: int = 50,
        before: str = "",
    ) -> list[Deployment]:
        """Return deployments, newest first. ``before`` is the id of the last one of the page before."""
        ...

    async def close(self) -> None:
        """Finish writing and close."""
        ...
