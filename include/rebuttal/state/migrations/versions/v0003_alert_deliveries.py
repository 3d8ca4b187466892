"""Data-quality alerts: one row per channel and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT, TIME, INT = sa.Text(), sa.DateTime(timezone=True), sa.Integer()


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "alert_delivery",
        sa.Column("delivery_id", INT, primary_key=True, autoincrement=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("channel", "day", "state", "message_id")),
        *(sa.Column(name, TIME, nullable=False) for name in ("told_until", "created_at")),
        sa.Column("attempts", INT, nullable=False),
        sa.Column("lease_owner", TEXT),
        sa.Column("lease_until", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("last_error", TEXT),
        sa.UniqueConstraint("channel", "day"),
    )
