"""That people were erased, and the receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create `erasure` and `erasure_receipt`."""
    op.create_table(
        "erasure",
        sa.Column("subject_hash", sa.Text(), primary_key=True),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "erasure_receipt",
        sa.Column("subject_hash", sa.Text(), sa.ForeignKey("erasure.subject_hash"), primary_key=True),
        sa.Column("store", sa.Text(), primary_key=True),
        sa.Column("removed_count", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
    )
