"""What people decided about spelling variants of tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create `tag_alias`."""
    op.create_table(
        "tag_alias",
        sa.Column("alias_id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("field", "written", "registered", "decision")),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
    )
    is_accepted = sa.text("decision = 'accepted'")
    op.create_index(
        "one_meaning_per_tag",
        "tag_alias",
        ["field", "written"],
        unique=True,
        sqlite_where=is_accepted,
        postgresql_where=is_accepted,
    )
