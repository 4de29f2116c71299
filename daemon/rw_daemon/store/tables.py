"""The tables: one of events, the rest adds up from it (projections.py) and can be rebuilt."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, Boolean, Column, Dialect, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A UTC time as RFC 3339 text of fixed width, so that text order is time order and people can read the file."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text that is kept."""
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the time that was kept."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, String, nullable=False, default="")


events = Table(
    "events",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    _text("project"),
    _text("environment"),
    _text("service"),
    _text("operation"),
    _text("deployment"),
    _text("actor"),
    Column("data", JSON, nullable=False),
    UniqueConstraint("id", name="events_id"),
    Index("events_by_operation", "operation", "sequence"),
    Index("events_by_deployment", "deployment", "sequence"),
    sqlite_autoincrement=True,  # a cursor is never given twice, also after rows were removed
)

projects = Table(
    "projects",
    metadata,
    Column("name", String, primary_key=True),
    _text("path"),
    Column("created_at", Instant, nullable=False),
)

environments = Table(
    "environments",
    metadata,
    Column("project", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("target", String, nullable=False),
)

services = Table(
    "services",
    metadata,
    Column("project", String, primary_key=True),
    Column("environment", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("replicas", Integer, nullable=False),
    Column("port", Integer, nullable=False),
    _text("hostname"),
    _text("serving"),
    Column("is_removed", Boolean, nullable=False, default=False),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("project", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("status", String, nullable=False),
    Column("services", JSON, nullable=False),
    _text("message"),
    _text("idempotency_key"),
    Column("request", JSON, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Index("operations_by_key", "project", "environment", "idempotency_key"),
    Index("operations_by_status", "status", "sequence"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", String, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("operation", String, nullable=False),
    Column("project", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("service", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    _text("reason"),
    Column("error", JSON(none_as_null=True)),
    _text("snapshot"),
    Column("artifact", JSON(none_as_null=True)),
    _text("message"),
    _text("source_deployment"),
    Column("replicas", Integer, nullable=False),
    Column("changed", Boolean, nullable=False, default=True),
    Column("plan", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    *(Column(name, String, nullable=False, default="", server_default="") for name in ("commit", "previous")),
    Column("share", Integer, nullable=False, default=0, server_default="0"),
    Column("pace", String, nullable=False, default="steps", server_default="steps"),
    Index("deployments_by_service", "project", "environment", "service", "sequence"),
    Index("deployments_by_operation", "operation", "sequence"),
    Index("deployments_by_status", "status", "sequence"),
    Index("deployments_by_sequence", "sequence"),
)

steps = Table(
    "steps",
    metadata,
    Column("deployment", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    _text("detail"),
)

PROJECTIONS = (projects, environments, services, operations, deployments, steps)
"""Everything that adds up from the events."""
