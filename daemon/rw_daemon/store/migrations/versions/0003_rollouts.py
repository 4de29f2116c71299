"""Deployments know how far their rollout is, so that a new daemon goes on from there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; a rollout that is going on begins its steps again, as before."""
    op.add_column("deployments", sa.Column("share", sa.Integer, nullable=False, server_default="0"))
    op.add_column("deployments", sa.Column("pace", sa.String, nullable=False, server_default="steps"))
