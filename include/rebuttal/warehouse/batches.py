"""Batches as the gate sees them: what is pending, in which order, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from rebuttal.warehouse.tables import batch as batch_table

# landed -> admitted | held. held -> landed (a person releases it) | admitted (its checks pass by now) | superseded (a
# later answer of the vendor was admitted in its place) -> landed (a person wants it all the same).
LANDED, ADMITTED, HELD, SUPERSEDED = "landed", "admitted", "held", "superseded"

# Kind of a batch of single objects that were asked for by name: it covers no window and says nothing of what is usual.
TARGETED = "targeted"


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


def held(connection: Connection, like: Batch | None = None) -> list[Batch]:
    """Held batches, oldest first; with `like` only those that feed the same entity of the same source and account."""
    chosen = select(*_COLUMNS).where(batch_table.c.status == HELD)
    if like:
        chosen = chosen.where(*same_unit(like.source, like.entity, like.account_id))
    return [_batch(row) for row in connection.execute(chosen.order_by(batch_table.c.sequence, batch_table.c.batch_id))]


def judged(connection: Connection, source: str, entity: str, account_id: str) -> list[Batch]:
    """Whatever was admitted, held or superseded of one entity, source and account, in the order of landing."""
    chosen = select(*_COLUMNS).where(*same_unit(source, entity, account_id), batch_table.c.status != LANDED)
    return [_batch(row) for row in connection.execute(chosen.order_by(batch_table.c.sequence, batch_table.c.batch_id))]


def same_unit(source: str, entity: str, account_id: str) -> tuple[ColumnElement[bool], ...]:
    """What feeds one entity of one source and account: only these batches can have an influence on each other."""
    return (
        batch_table.c.source == source,
        batch_table.c.entity == entity,
        batch_table.c.account_id == account_id,
    )


def covering(connection: Connection, batch: Batch) -> Batch | None:
    """The first admitted batch of the same stream, landed later, that asked the vendor again for what `batch` brought.

    It reaches to the end of the batch's window at least, and begins no later than the batch does, or than the part of
    its window that was new then (after all earlier admitted batches): re-read windows slide day by day.
    """
    if batch.window_from is None or batch.window_to is None:
        return None
    of_stream = (*_admitted_of_stream(batch), batch_table.c.kind != TARGETED)
    known_until = connection.execute(
        select(func.max(batch_table.c.window_to)).where(*of_stream, batch_table.c.sequence < batch.sequence)
    ).scalar()
    begins = known_until if known_until and batch.window_from < known_until < batch.window_to else batch.window_from
    found = connection.execute(
        select(*_COLUMNS)
        .where(
            *of_stream,
            batch_table.c.sequence > batch.sequence,
            batch_table.c.window_to >= batch.window_to,
            batch_table.c.window_from <= begins,
        )
        .order_by(batch_table.c.sequence)
        .limit(1)
    ).one_or_none()
    return None if found is None else _batch(found)


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
    later = select(batch_table.c.batch_id).where(*_admitted_of_stream(batch), batch_table.c.sequence > batch.sequence)
    return connection.execute(later.limit(1)).first() is not None


def earlier(connection: Connection, batch: Batch, most: int) -> list[Batch]:
    """The newest `most` admitted batches of whole windows of the same stream that were landed before `batch`."""
    found = connection.execute(
        select(*_COLUMNS)
        .where(
            *_admitted_of_stream(batch),
            batch_table.c.kind != TARGETED,
            batch_table.c.sequence < batch.sequence,
        )
        .order_by(batch_table.c.sequence.desc())
        .limit(most)
    )
    return [_batch(row) for row in found]


def _admitted_of_stream(batch: Batch) -> tuple[ColumnElement[bool], ...]:
    return (
        batch_table.c.source == batch.source,
        batch_table.c.stream == batch.stream,
        batch_table.c.account_id == batch.account_id,
        batch_table.c.status == ADMITTED,
    )


def _batch(row: Row[Any]) -> Batch:
    return Batch(**{name: getattr(row, name) for name in Batch.__dataclass_fields__})
