"""The inbox: what webhooks told us, kept before the sender is answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT, TIME, INT = sa.Text(), sa.DateTime(timezone=True), sa.Integer()


def upgrade() -> None:
    """Create `inbox_event`, and `receiver_probe`, which receivers write to see whether they could keep an event."""
    waits = sa.text("state IN ('new', 'leased')")
    op.create_table(
        "inbox_event",
        sa.Column("event_id", INT, primary_key=True, autoincrement=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("source", "key_hash", "event_type", "body_hash", "state")),
        *(sa.Column(name, TEXT) for name in ("delivery_key", "object_type", "object_id", "partner", "reason")),
        sa.Column("body", sa.LargeBinary()),
        *(sa.Column(name, INT, nullable=False) for name in ("receipt_count", "attempts", "lost_count")),
        *(sa.Column(name, TIME, nullable=False) for name in ("received_at", "last_received_at", "next_try_at")),
        *(sa.Column(name, TIME) for name in ("occurred_at", "lease_until", "finished_at")),
        *(sa.Column(name, TEXT) for name in ("lease_owner", "lease_token")),
        sa.UniqueConstraint("source", "key_hash", name="one_row_per_delivery"),
    )
    op.create_index(
        "inbox_waiting", "inbox_event", ["next_try_at", "event_id"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_table(
        "receiver_probe",
        sa.Column("receiver", TEXT, primary_key=True),
        sa.Column("written_at", TIME, nullable=False),
    )
