"""The row accounting after an erasure: what was counted elsewhere is counted as suppressed, batch by batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from rebuttal.warehouse.batches import ADMITTED, SUPERSEDED
from rebuttal.warehouse.tables import batch_outcome

# Where a row is taken from when its own outcome is used up: what these counts hold is not counted again elsewhere.
_ELSE = ("unchanged", "changed", "new")


@dataclass(frozen=True)
class Row:
    """A landed version of a record that names an erased person, or did.

    `is_hit`: this version names them. `is_core`: core is made of it. `kept_out`: 'quarantined' or 'deduplicated'.
    """

    batch_id: str
    row_number: int
    landed_key: str
    row_hash: str | None
    sequence: int
    status: str
    is_hit: bool
    is_core: bool
    kept_out: str | None


Moves = Mapping[str, Counter[str]]


def move_outcomes(chosen: Iterable[Row], whole: Iterable[Row]) -> Moves:
    """By batch, how many rows leave which outcome. `whole`: all versions of records of which nothing stays, each
    record's in the order of landing. Of a record that stays only what was kept out is counted anew.
    """
    moves: dict[str, Counter[str]] = defaultdict(Counter)
    of_nobody = list(whole)
    last: dict[str, str | None] = {}
    for row in of_nobody:
        if row.status == SUPERSEDED:
            moves[row.batch_id][row.kept_out or "unchanged"] += 1
        elif row.status == ADMITTED:
            if row.kept_out:
                moves[row.batch_id][row.kept_out] += 1
                continue
            known = row.landed_key in last
            outcome = "new" if not known else "unchanged" if last[row.landed_key] == row.row_hash else "changed"
            last[row.landed_key] = row.row_hash
            moves[row.batch_id][outcome] += 1
    gone = {(row.batch_id, row.row_number) for row in of_nobody}
    for row in chosen:
        if (row.batch_id, row.row_number) not in gone and row.kept_out and row.status in (ADMITTED, SUPERSEDED):
            moves[row.batch_id][row.kept_out] += 1
    return moves


def settle_outcomes(connection: Connection, moves: Moves) -> None:
    """Count these rows as suppressed: each batch still adds up to what it landed."""
    for batch_id, outcomes in moves.items():
        found = connection.execute(select(batch_outcome).where(batch_outcome.c.batch_id == batch_id)).mappings().one()
        left = {name: int(found[name]) for name in ("quarantined", "deduplicated", *_ELSE)}
        total = 0
        for outcome, rows in outcomes.items():
            for name in dict.fromkeys((outcome, *_ELSE)):
                taken = min(rows, left[name])
                left[name] -= taken
                total += taken
                rows -= taken
        values = {**left, "suppressed": int(found["suppressed"]) + total}
        connection.execute(update(batch_outcome).where(batch_outcome.c.batch_id == batch_id).values(values))
