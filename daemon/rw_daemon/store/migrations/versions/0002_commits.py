"""Deployments know their commit and the deployment whose place they took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; of what is there already neither is known."""
    for name in ("commit", "previous"):
        op.add_column("deployments", sa.Column(name, sa.String, nullable=False, server_default=""))
