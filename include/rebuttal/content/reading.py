"""What analytics shows of the inventory: how often a piece is opened, and how many people with a doubt read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from rebuttal.content.address import host_and_path
from rebuttal.content.inventory import Piece, Reading
from rebuttal.warehouse import mart


@dataclass(frozen=True)
class Analytics:
    """`views`: item id -> (page views, browsers). `readings`: (item id, category, theme or '') -> reading."""

    views: dict[str, tuple[int, int]] = field(default_factory=dict)
    readings: dict[tuple[str, str, str], Reading] = field(default_factory=dict)


def read_analytics(engine: Engine, pieces: Sequence[Piece], weeks: int, now: datetime) -> tuple[Analytics, bool]:
    """Put the pieces into `core.content_item` and count their reading over `weeks` up to the last midnight (UTC).

    Whole days, so that the same data count alike all day. The flag tells whether the table is different now.
    """
    is_different = mart.mirror_rows(engine, mart.content_item, [piece.row() for piece in pieces])
    until = datetime.combine(now.date(), time(), now.tzinfo)
    window = {"since": until - timedelta(weeks=weeks), "until": until}
    if not inspect(engine).has_table("objection", schema="marts"):
        return Analytics(), is_different
    with engine.connect() as connection:
        views = _rows(connection, "reading_by_item", window)
        readings = _rows(connection, "reading_by_doubt", window)
    people = {(row.item_id, row.category, row.theme): int(row.person_count) for row in readings}
    return (
        Analytics(
            {row.item_id: (int(row.page_view_count), int(row.visitor_count)) for row in views},
            dict(_readings(pieces, people)),
        ),
        is_different,
    )


def _readings(
    pieces: Sequence[Piece], people: Mapping[tuple[str, str, str], int]
) -> Iterator[tuple[tuple[str, str, str], Reading]]:
    """The reading of each piece that analytics can know, for every doubt of the categories that it answers."""
    doubts = [(category, theme, count) for (item_id, category, theme), count in people.items() if not item_id]
    for piece in pieces:
        categories = {answer.key.partition("/")[0] for answer in piece.answers}
        if host_and_path(piece.url)[1] is None or not categories:
            continue
        for category, theme, doubters in doubts:
            if category in categories:
                key = (piece.item_id, category, theme)
                yield key, Reading(doubters, people.get(key, 0))


def _rows(connection: Connection, name: str, window: dict[str, datetime]) -> Sequence[Any]:
    query = (files("rebuttal.content") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return connection.execute(text(query), window).all()
