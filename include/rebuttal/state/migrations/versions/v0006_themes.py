"""Themes that were found in what people say, and what people decided about themes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT, TIME, INT = sa.Text(), sa.DateTime(timezone=True), sa.Integer()


def upgrade() -> None:
    """Create `theme`."""
    op.create_table(
        "theme",
        sa.Column("theme_id", TEXT, primary_key=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("category", "code", "origin", "status")),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("merged_into", TEXT),
        sa.Column("split_from", TEXT),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("centre", sa.JSON()),
        sa.Column("position", INT, nullable=False),
        sa.Column("revision", INT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("decided_by", TEXT),
    )
