"""Batches as the gate sees them: what is pending, in which order, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from rebuttal.warehouse.tables import batch as batch_table

LANDED, ADMITTED, HELD = "landed", "admitted", "held"


@dataclass(frozen=True)
class Batch:
    """One row of `ops.batch`, as far as admission needs it."""

    batch_id: str
    sequence: int
    source: str
    stream: str
    entity: str
    account_id: str
    kind: str
    window_from: datetime | None
    window_to: datetime | None
    row_count: int
    status: str
    status_reason: str | None

    @property
    def landing(self) -> str:
        """The landing table that holds its rows."""
        return f"landing.{self.source}__{self.stream}"

    @property
    def name(self) -> str:
        """How people are told of it."""
        return f"{self.source}.{self.stream} {self.batch_id}"


_COLUMNS = [batch_table.c[name] for name in Batch.__dataclass_fields__]


def pending(connection: Connection) -> list[Batch]:
    """Batches that are landed and neither admitted nor held, oldest first."""
    found = connection.execute(
        select(*_COLUMNS).where(batch_table.c.status == LANDED).order_by(batch_table.c.sequence, batch_table.c.batch_id)
    )
    return [_batch(row) for row in found]


def find(connection: Connection, batch_id: str) -> Batch | None:
    """One batch, or None."""
    row = connection.execute(select(*_COLUMNS).where(batch_table.c.batch_id == batch_id)).one_or_none()
    return None if row is None else _batch(row)


def set_status(connection: Connection, batch: Batch, status: str, reason: str | None) -> bool:
    """Move a batch on from the status it was read with; False when somebody else has moved it meanwhile.

    This is the fence of the admission: it stands in the transaction of the merge, so a process that slept through
    its turn cannot merge a batch a second time.
    """
    moved = connection.execute(
        update(batch_table)
        .where(batch_table.c.batch_id == batch.batch_id, batch_table.c.status == batch.status)
        .values(status=status, status_reason=reason)
    )
    return bool(moved.rowcount == 1)


def has_later(connection: Connection, batch: Batch) -> bool:
    """Whether a batch of the same stream that was landed later is already admitted."""
    later = select(batch_table.c.batch_id).where(
        batch_table.c.source == batch.source,
        batch_table.c.stream == batch.stream,
        batch_table.c.account_id == batch.account_id,
        batch_table.c.status == ADMITTED,
        batch_table.c.sequence > batch.sequence,
    )
    return connection.execute(later.limit(1)).first() is not None


def _batch(row: Row[Any]) -> Batch:
    return Batch(**{name: getattr(row, name) for name in Batch.__dataclass_fields__})
