"""The table of what webhooks told us: one row per event, kept before the sender is answered.

| state | meaning |
|---|---|
| new | waits to be worked on, from `next_try_at` on |
| leased | a worker holds it until `lease_until`; whoever settles it must hold `lease_token` |
| done | worked on, and what came of it is committed |
| unhandled | of a kind that we do not know; kept, not worked on |
| dead | given up after some tries, or not to be understood; `reason` says why, `rebuttal inbox replay` tries again |
| conflict | another content came under the key of an event that we have; the first one counts |
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from rebuttal.state.model import Base

_WAITS = text("state IN ('new', 'leased')")


class InboxEvent(Base):
    """One event. The key stands twice: as it is while the body is kept, and as a hash for good, so that a repeat is
    known for one however late it comes."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("source", "key_hash", name="one_row_per_delivery"),
        Index("inbox_waiting", "next_try_at", "event_id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    )

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    source: Mapped[str]
    key_hash: Mapped[str]  # SHA-256 of the delivery key, hex; of key and content for a conflict
    delivery_key: Mapped[str | None]  # what the vendor calls this event; None once forgotten
    event_type: Mapped[str]
    object_type: Mapped[str | None]
    object_id: Mapped[str | None]
    occurred_at: Mapped[datetime | None]  # as the vendor says
    partner: Mapped[str | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)  # None once forgotten
    body_hash: Mapped[str]  # SHA-256 of the content without what a resend changes, hex
    receipt_count: Mapped[int]
    received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int]  # how often a worker took it
    lost_count: Mapped[int]  # how often its worker vanished
    next_try_at: Mapped[datetime]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # why it is dead, in conflict, unhandled or waits again; never what people wrote


class ReceiverProbe(Base):
    """When a receiver last saw that the store takes what it writes."""

    __tablename__ = "receiver_probe"

    receiver: Mapped[str] = mapped_column(primary_key=True)
    written_at: Mapped[datetime]
