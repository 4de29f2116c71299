"""The first schema: events, and the projections that add up from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def upgrade() -> None:
    """Make all tables. Spelt out, not taken from tables.py: what a migration does must never change afterwards."""
    op.create_table(
        "events",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        *map(_text, ("id", "name")),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_text, ("at", "project", "environment", "service", "operation", "deployment", "actor")),
        sa.Column("data", sa.JSON, nullable=False),
        sa.UniqueConstraint("id", name="events_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_operation", "events", ["operation", "sequence"])
    op.create_index("events_by_deployment", "events", ["deployment", "sequence"])
    op.create_table("projects", sa.Column("name", sa.String, primary_key=True), _text("path"), _text("created_at"))
    op.create_table(
        "environments",
        sa.Column("project", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        _text("target"),
    )
    op.create_table(
        "services",
        *(sa.Column(name, sa.String, primary_key=True) for name in ("project", "environment", "name")),
        _text("kind"),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("replicas", "port")),
        *map(_text, ("hostname", "serving")),
        sa.Column("is_removed", sa.Boolean, nullable=False),
    )
    _operations()
    _deployments()
    op.create_table(
        "steps",
        *(sa.Column(name, sa.String, primary_key=True) for name in ("deployment", "name")),
        _text("status"),
        sa.Column("attempt", sa.Integer, nullable=False),
        _text("started_at"),
        sa.Column("ended_at", sa.String),
        _text("detail"),
    )


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        *map(_text, ("kind", "project", "environment", "status")),
        sa.Column("services", sa.JSON, nullable=False),
        *map(_text, ("message", "idempotency_key")),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        _text("created_at"),
        sa.Column("settled_at", sa.String),
    )
    op.create_index("operations_by_key", "operations", ["project", "environment", "idempotency_key"])
    op.create_index("operations_by_status", "operations", ["status", "sequence"])


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        *map(_text, ("operation", "project", "environment", "service")),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_text, ("kind", "status", "reason")),
        sa.Column("error", sa.JSON),
        _text("snapshot"),
        sa.Column("artifact", sa.JSON),
        *map(_text, ("message", "source_deployment")),
        sa.Column("replicas", sa.Integer, nullable=False),
        sa.Column("changed", sa.Boolean, nullable=False),
        sa.Column("plan", sa.JSON),
        _text("created_at"),
        sa.Column("settled_at", sa.String),
    )
    op.create_index("deployments_by_service", "deployments", ["project", "environment", "service", "sequence"])
    op.create_index("deployments_by_operation", "deployments", ["operation", "sequence"])
    op.create_index("deployments_by_status", "deployments", ["status", "sequence"])
    op.create_index("deployments_by_sequence", "deployments", ["sequence"])
