"""The book of batches (`ops.batch`): where a stream stands, and the row that makes a batch exist."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from sqlalchemy import Connection, func, insert, select, text

from rebuttal.sources.declare import Window
from rebuttal.sources.spool import Piece
from rebuttal.warehouse.batches import TARGETED
from rebuttal.warehouse.tables import batch, vendor_total

__all__ = [
    "BACKFILL", "LIVE", "TARGETED", "Pulled", "enter", "enter_totals", "new_batch_id", "usual_daily_rows", "watermarks",
]  # fmt: skip

LIVE, BACKFILL = "live", "backfill"  # and TARGETED: single objects, which cover no window


@dataclass(frozen=True)
class Pulled:
    """What identifies a batch beside its content."""

    source: str
    stream: str
    entity: str
    account_id: str
    kind: str
    window: Window
    cursor_before: str | None
    cursor_after: str | None


def watermarks(connection: Connection) -> dict[tuple[str, str, str], str]:
    """(source, stream, account) -> the newest cursor of live batches."""
    query = (
        select(batch.c.source, batch.c.stream, batch.c.account_id, func.max(batch.c.cursor_after))
        .where(batch.c.kind == LIVE, batch.c.cursor_after.is_not(None))
        .group_by(batch.c.source, batch.c.stream, batch.c.account_id)
    )
    return {(source, stream, account): cursor for source, stream, account, cursor in connection.execute(query)}


def usual_daily_rows(connection: Connection, source: str, stream: str, account: str, since: datetime) -> float:
    """Rows a day (the median) of the last live batches whose windows ended after `since`; 0 when there are none."""
    found = connection.execute(
        select(batch.c.row_count, batch.c.window_from, batch.c.window_to)
        .where(
            batch.c.source == source,
            batch.c.stream == stream,
            batch.c.account_id == account,
            batch.c.kind == LIVE,
            batch.c.window_to > since,
        )
        .order_by(batch.c.sequence.desc())
        .limit(20)
    )
    daily = [count / max((until - begin) / timedelta(days=1), 1.0) for count, begin, until in found]
    return median(daily) if daily else 0.0


def new_batch_id(connection: Connection, pulled: Pulled, content_hash: str) -> str:
    """The id that follows from what was pulled; a later batch that says the same again gets one of its own."""
    window = f"{pulled.window.since.isoformat()}/{pulled.window.until.isoformat()}"
    parts = [pulled.source, pulled.stream, pulled.account_id, pulled.kind, window, content_hash]
    for again in range(1_000_000):
        digest = hashlib.sha256("\x1f".join([*parts, *([str(again)] if again else [])]).encode()).hexdigest()[:20]
        batch_id = f"{pulled.source}__{pulled.stream}__{digest}"
        if connection.execute(select(batch.c.batch_id).where(batch.c.batch_id == batch_id)).first() is None:
            return batch_id
    raise AssertionError("unreachable: a million batches with one content")


def enter(connection: Connection, pulled: Pulled, piece: Piece, batch_id: str, landed_at: datetime) -> None:
    """Write the batch's row: from here on it exists."""
    if connection.dialect.name == "postgresql":
        # Batches of different streams are entered one at a time, so that `sequence` is the order they came in.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('ops.batch', 0))"))
    last = connection.execute(select(func.coalesce(func.max(batch.c.sequence), 0))).scalar_one()
    connection.execute(
        insert(batch).values(
            batch_id=batch_id,
            sequence=last + 1,
            source=pulled.source,
            stream=pulled.stream,
            entity=pulled.entity,
            account_id=pulled.account_id,
            kind=pulled.kind,
            window_from=pulled.window.since,
            window_to=pulled.window.until,
            cursor_before=pulled.cursor_before,
            cursor_after=pulled.cursor_after,
            row_count=piece.row_count,
            content_hash=piece.content_hash,
            landed_at=landed_at,
            status="landed",
        )
    )


def enter_totals(connection: Connection, batch_id: str, totals: Mapping[str, Decimal]) -> None:
    """What the vendor says that the batch adds up to; the gate compares."""
    rows = [{"batch_id": batch_id, "measure": measure, "total": total} for measure, total in totals.items()]
    # A batch is named by what it holds: one that was taken out and comes again brings the same totals.
    connection.execute(vendor_total.delete().where(vendor_total.c.batch_id == batch_id))
    if rows:
        connection.execute(insert(vendor_total), rows)
