"""Mails of other periods than weeks, and readers who do not want them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Call the week of a delivery its period; create `unsubscription`."""
    with op.batch_alter_table("digest_delivery") as table:
        table.alter_column("iso_week", new_column_name="period")
    op.create_table(
        "unsubscription",
        sa.Column("person_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.Text(), nullable=False),
    )
