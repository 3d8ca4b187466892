"""Emptying landed rows of erased people, and what was merged of them, for one stream and account at a time.

A row is emptied, not deleted: every batch keeps as many rows as it landed. An emptied row has no vendor value, a keyed
hash for its key, and says `erased`. Of a record that lives on under somebody else (a deal that was given to another
contact) only the versions that name the erased person are emptied.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, inspect

from rebuttal.personal import keyed
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.entities import ENTITIES
from rebuttal.warehouse.suppression.counted import Row, move_outcomes, settle_outcomes
from rebuttal.warehouse.suppression.names import ERASED, FREE_TEXT, NAMES, REWRITTEN, SEPARATOR
from rebuttal.warehouse.suppression.people import Suppressed
from rebuttal.warehouse.suppression.stored import forget_examples, forget_quarantined_texts
from rebuttal.warehouse.tables import CORE

_META = ("_batch_id", "_row", "_key", "_row_hash", "_defect")


@dataclass
class Forgotten:
    """How much was taken out: rows, by where they were."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, where: str, rows: int) -> None:
        """`rows` more of `where`."""
        self.counts[where] = self.counts.get(where, 0) + max(rows, 0)

    def __bool__(self) -> bool:
        return any(self.counts.values())


@dataclass(frozen=True)
class Unit:
    """One stream of one account."""

    source: str
    stream: str
    entity: str
    account_id: str

    @property
    def landing(self) -> str:
        """Its landing table."""
        return f'landing."{self.source}__{self.stream}"'

    @property
    def core(self) -> list[str]:
        """The tables of core that hold what was merged of it."""
        copies = [f"{CORE}.{self.entity}_copy"] if ENTITIES[self.entity].same_event else []
        return [f"{CORE}.{self.entity}", *copies]


def forget_unit(
    connection: Connection, people: Suppressed, unit: Unit, found: Forgotten, *, only_waiting: bool
) -> None:
    """Empty the unit's rows that name `people` and add to `found` what went."""
    stored = [
        column["name"] for column in inspect(connection).get_columns(f"{unit.source}__{unit.stream}", schema="landing")
    ]
    names: dict[str, Any] = {"unit": unit, "landing": unit.landing, "core": unit.core, "only_waiting": only_waiting}
    sql.run_file(connection, "erased_hit.sql", **names)
    is_hit = False
    for column in sorted({*NAMES[unit.entity], *FREE_TEXT.get(unit.entity, {})} & set(stored)):
        values = _values(connection, names, column, is_text=column in FREE_TEXT.get(unit.entity, {}))
        changes = people.changes(unit.entity, column, values, (unit.source, unit.account_id))
        if gone := [value for value, kept in changes.items() if kept is None]:
            _run(connection, "erased_hits.sql", unit, names, {"value": gone}, column=column)
            is_hit = True
        rewritten = {value: kept for value, kept in changes.items() if kept is not None}
        if rewritten:
            found.add("rewritten", _rewrite(connection, unit, names, column, rewritten))
    if is_hit:
        _empty(connection, people, unit, names, stored, found)


def _values(connection: Connection, names: Mapping[str, Any], column: str, *, is_text: bool) -> list[str]:
    unit = names["unit"]
    given = {"account_id": unit.account_id, "erased": ERASED}
    rows = sql.run_file(connection, "erased_values.sql", given, column=column, is_text=is_text, **names)
    return [str(value) for value in rows.scalars()]


def _rewrite(
    connection: Connection, unit: Unit, names: Mapping[str, Any], column: str, rewritten: Mapping[str, str]
) -> int:
    """Put what may stay in the place of what stood there, in landing, core and quarantine. The row's hash stays: it
    tells whether the vendor says something new.
    """
    forget_quarantined_texts(connection, unit.landing, column, rewritten)
    given = {"value": list(rewritten), "kept": list(rewritten.values())}
    core_column = REWRITTEN.get(unit.entity, {}).get(column)
    for table in unit.core if core_column else []:
        _run(connection, "erased_rewrite_core.sql", unit, names, given, table=table, core_column=core_column)
    return _run(connection, "erased_rewrite.sql", unit, names, given, column=column)


def _empty(
    connection: Connection,
    people: Suppressed,
    unit: Unit,
    names: Mapping[str, Any],
    stored: Iterable[str],
    found: Forgotten,
) -> None:
    given = {"account_id": unit.account_id, "erased": ERASED}
    rows = [Row(**row) for row in sql.run_file(connection, "erased_rows.sql", given, **names).mappings()]
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row.landed_key].append(row)
    chosen: list[Row] = []
    whole: list[Row] = []
    for versions in by_key.values():
        versions.sort(key=lambda row: (row.sequence, row.row_number))
        # Whose record it is now: what core was made of, or what a batch that waits will make of it.
        is_gone = versions[-1].is_hit or any(row.is_core and row.is_hit for row in versions)
        chosen += versions if is_gone else [row for row in versions if row.is_hit]
        whole += versions if is_gone else []
    if not chosen:
        return
    moved = move_outcomes(chosen, whole)
    told = {
        "batch_id": [row.batch_id for row in chosen],
        "row_number": [str(row.row_number) for row in chosen],
        "new_key": [erased_key(people.key, unit.stream, unit.account_id, row.landed_key) for row in chosen],
    }
    emptied = [column for column in stored if column not in _META]
    forget_examples(connection, chosen)
    for table in unit.core:
        found.add("core", _run(connection, "erased_evidence.sql", unit, names, told, table=table))
    for table in ("ops.quarantine", "ops.duplicate"):
        found.add(table.partition(".")[2], _run(connection, "erased_evidence.sql", unit, names, told, table=table))
    found.add("landing", _run(connection, "erased_landed.sql", unit, names, told, columns=emptied, erased=ERASED))
    settle_outcomes(connection, moved)


def erased_key(key: bytes, stream: str, account_id: str, landed_key: str) -> str:
    """The key of an emptied row: the same whenever the same record comes again."""
    return f"{ERASED}{SEPARATOR}{keyed('row', SEPARATOR.join((stream, account_id, landed_key)), key)}"


def _run(
    connection: Connection,
    file: str,
    unit: Unit,
    names: Mapping[str, Any],
    given: Mapping[str, list[str]],
    **more: Any,
) -> int:
    """Run a statement with `given` as a FROM item `told`; the number of rows it touched."""
    records = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    bound = {"told": json.dumps(records), "account_id": unit.account_id, "source": unit.source, "erased": ERASED}
    told = dialect_of(connection).records(":told", tuple(given))
    return int(sql.run_file(connection, file, bound, told=told, **{**names, **more}).rowcount)
