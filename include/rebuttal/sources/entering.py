"""A piece of whole rows becomes a batch: rows and the line of `ops.batch` in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine

from rebuttal.settings import Settings
from rebuttal.sources import batches
from rebuttal.sources.declare import Stream
from rebuttal.sources.landing import landing
from rebuttal.sources.spool import Piece
from rebuttal.state.failpoint import failpoint


def enter_piece(
    engine: Engine,
    settings: Settings,
    stream: Stream,
    book: batches.Pulled,
    piece: Piece,
    totals: Mapping[str, Decimal],
    landed_at: datetime,
) -> str | None:
    """Land `piece` as the batch that `book` names; its id, or None when every row is the latest of its key already.

    A pull that is killed here leaves nothing. Raises AccountingError when not all rows arrived.
    """
    with landing(engine, settings, book.source, stream) as table:
        if piece.row_count == 0 or (table.exists() and not table.has_news(piece.chunks, book.account_id)):
            return None
        table.prepare()
        with engine.begin() as connection:
            batch_id = batches.new_batch_id(connection, book, piece.content_hash)
            table.load(connection, batch_id, piece.chunks)
            failpoint("pull.after_load")
            table.confirm(connection, batch_id, piece.row_count)
            batches.enter(connection, book, piece, batch_id, landed_at)
            batches.enter_totals(connection, batch_id, totals)
            failpoint("pull.before_commit")
    return batch_id
