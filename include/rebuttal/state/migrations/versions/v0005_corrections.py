"""People's corrections of labels: one row per text; and what each version of the classifier was found to be worth."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT, TIME, INT = sa.Text(), sa.DateTime(timezone=True), sa.Integer()
KEY = ("source_kind", "source", "account_id", "source_id")


def upgrade() -> None:
    """Make `label_correction` anew (no version before this one wrote into it), and create `model_evaluation`."""
    op.drop_table("label_correction")
    op.create_table(
        "label_correction",
        sa.Column("text_hash", TEXT, primary_key=True),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("primary_label", TEXT, nullable=False),
        sa.Column("text", TEXT),
        *(sa.Column(name, TEXT) for name in KEY),
        sa.Column("revision", INT, nullable=False),
        sa.Column("corrected_by", TEXT, nullable=False),
        sa.Column("corrected_at", TIME, nullable=False),
        sa.Column("reason", TEXT),
    )
    op.create_table(
        "model_evaluation",
        sa.Column("model", TEXT, primary_key=True),
        sa.Column("figures", sa.JSON(), nullable=False),
    )
