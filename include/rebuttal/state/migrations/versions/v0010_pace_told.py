"""Which channel was told of which budget's pace, and when: an alert of it has a cool-down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create `pace_told`."""
    op.create_table(
        "pace_told",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("channel", "month", "subject")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
