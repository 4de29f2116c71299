"""Rows of the tables to models and back: nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping

from rw_daemon.store.store import ServiceRow
from rw_shared.events import Event, StoredEvent
from rw_shared.models import Deployment, Operation, Project, ServiceKind, Step, StepName

Row = RowMapping | dict[str, Any]
_STEP_ORDER = {name.value: place for place, name in enumerate(StepName)}


def event_values(event: Event) -> dict[str, Any]:
    """Return the columns of a new event, all but its sequence."""
    return {
        "id": f"evt_{uuid4().hex}", "name": event.name, "version": event.version, "at": event.at, "project": event.project,
        "environment": event.environment, "service": event.service, "operation": event.operation,
        "deployment": getattr(event, "deployment", ""), "actor": event.actor, "data": event.wire(),
    }  # fmt: skip


def stored_event(row: Row) -> StoredEvent:
    """Return an event as it is kept."""
    return StoredEvent.model_validate({name: row[name] for name in StoredEvent.model_fields})


def project(row: Row) -> Project:
    """Return a project."""
    return Project(name=row["name"], path=row["path"], created_at=row["created_at"])


def service(row: Row) -> ServiceRow:
    """Return a service."""
    return ServiceRow(
        project=row["project"], environment=row["environment"], name=row["name"], kind=ServiceKind(row["kind"]), replicas=row["replicas"],
        port=row["port"], hostname=row["hostname"], serving=row["serving"], is_removed=row["is_removed"],
    )  # fmt: skip


def operation(row: Row, deployments: Iterable[str]) -> Operation:
    """Return an operation with the ids of its deployments."""
    return Operation.model_validate({**dict(row), "deployments": tuple(deployments)})


def deployment(row: Row, steps: Iterable[Row]) -> Deployment:
    """Return a deployment with its steps, which are put into the order in which they are taken."""
    ordered = sorted(steps, key=lambda one: _STEP_ORDER[one["name"]])
    return Deployment.model_validate({**dict(row), "steps": tuple(Step.model_validate(dict(one)) for one in ordered)})
