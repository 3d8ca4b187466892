"""Records that are one thing under several ids: merged by their vendor, or told by two systems.

These are evidence beside the row accounting: every row was admitted as it came, and stays. What is the same follows
from core alone, is written by this module only, and goes when core or the rule no longer says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of, quoted
from rebuttal.warehouse.tables import merged_record, same_booking

_RESOLVED = "gate.same_records"


@dataclass(frozen=True)
class BookingRule:
    """When bookings of two systems are one. `systems`: sources in order of trust; those unnamed come last, by name."""

    systems: Sequence[str] = ("bookings", "forms")
    minutes: int = 15


def follow_merges(connection: Connection) -> bool:
    """Bring `ops.merged_record` up to what core says; True when it changed. The caller owns the transaction."""
    return _mirror(connection, "follow_merges.sql", merged_record)


def match_bookings(connection: Connection, rule: BookingRule) -> bool:
    """Bring `ops.same_booking` up to what core and the rule say; True when it changed. The caller owns the
    transaction.
    """
    ranks = " ".join(f"when {quoted(system)} then {place}" for place, system in enumerate(rule.systems))
    rank = f"case source {ranks} else {len(rule.systems)} end" if ranks else "0"
    return _mirror(connection, "same_bookings.sql", same_booking, rank=rank, minutes=int(rule.minutes))


def _mirror(connection: Connection, file: str, table: Table, **names: Any) -> bool:
    dialect = dialect_of(connection)
    sql.drop(connection, _RESOLVED)
    given = {"scratch": dialect.scratch, "collation": dialect.collation, "resolved": _RESOLVED, **names}
    sql.run_file(connection, file, **given)
    columns = [column.name for column in table.columns]
    changed = sql.run_file(connection, "differ.sql", resolved=_RESOLVED, table=str(table), columns=columns).scalar_one()
    if changed:
        sql.run_file(connection, "mirror.sql", resolved=_RESOLVED, table=str(table), columns=columns)
    sql.drop(connection, _RESOLVED)
    return bool(changed)
