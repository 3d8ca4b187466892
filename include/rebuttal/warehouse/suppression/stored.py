"""What checks, audits, mirrors and the memory of identity hold of erased people."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.suppression.counted import Row
from rebuttal.warehouse.suppression.names import ERASED
from rebuttal.warehouse.suppression.people import Suppressed
from rebuttal.warehouse.tables import audit_result, check_result, merged_record, quarantine, same_booking

_EXAMPLE = re.compile(r"row (\d+)\b")
_WORD = re.compile(r"[\w.:@+-]+")
# Emptying these costs one full resolve and changes nobody else's person_id.
_MEMORY = ("core.identity_record", "core.identity_island", "core.identity_batch")


def forget_examples(connection: Connection, rows: Iterable[Row]) -> None:
    """Take the rows out of the examples of the checks of their batches."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        numbers[row.batch_id].add(row.row_number)
    for batch_id, gone in numbers.items():
        told = select(check_result.c.check_name, check_result.c.examples).where(
            check_result.c.batch_id == batch_id, check_result.c.examples.is_not(None)
        )
        for name, examples in connection.execute(told).all():
            kept = [_without_row(str(one), gone) for one in json.loads(examples)]
            connection.execute(
                update(check_result)
                .where(check_result.c.batch_id == batch_id, check_result.c.check_name == name)
                .values(examples=json.dumps(kept, ensure_ascii=False))
            )


def _without_row(example: str, gone: set[int]) -> str:
    found = _EXAMPLE.match(example)
    return f"{found[0]}: {ERASED}" if found and int(found[1]) in gone else example


def forget_quarantined_texts(connection: Connection, landing: str, column: str, rewritten: Mapping[str, str]) -> None:
    """Of quarantined rows whose text is rewritten the copies go; landing has the row as it may stay."""
    told = dialect_of(connection).records(":told", ("value",))
    bound = {"told": json.dumps([{"value": value} for value in rewritten])}
    found = sql.run_file(connection, "erased_quarantined.sql", bound, told=told, landing=landing, column=column)
    rows: list[Any] = list(found)
    for batch_id, row_number, reasons in rows:
        plain = [{**reason, "value": None} for reason in json.loads(reasons)]
        connection.execute(
            update(quarantine)
            .where(quarantine.c.batch_id == batch_id, quarantine.c.row_number == row_number)
            .values(raw=json.dumps({"cut": ERASED}), value=None, reasons=json.dumps(plain, ensure_ascii=False))
        )


def forget_evidence(connection: Connection, people: Suppressed) -> None:
    """Mirrors of merged contacts and of bookings told twice, and the examples that audits gave."""
    for table, kind, fields in (
        (merged_record, "contact_id", ("record_id", "survivor_id")),
        (same_booking, "booking_id", ("booking_id", "survivor_booking_id")),
    ):
        for row in connection.execute(select(table)).mappings().all():
            scope = (row["source"], row["account_id"])
            if people.among(kind, [row[name] for name in fields], scope):
                keys = [column == row[column.name] for column in table.primary_key.columns]
                connection.execute(delete(table).where(*keys))
    sql.run_file(connection, "erased_same_bookings.sql")
    for told in connection.execute(select(audit_result).where(audit_result.c.examples.is_not(None))).mappings().all():
        kept = _without_people(connection, str(told["examples"]), people)
        if kept != told["examples"]:
            keys = [column == told[column.name] for column in audit_result.primary_key.columns]
            connection.execute(update(audit_result).where(*keys).values(examples=kept))


def _without_people(connection: Connection, examples: str, people: Suppressed) -> str:
    """The examples (JSON list) without those that hold an identifier of an erased person."""
    scopes: list[Any] = list(connection.execute(text("select distinct source, account_id from ops.batch")))
    kept = []
    for one in json.loads(examples):
        words = _WORD.findall(str(one))
        is_named = any(
            people.among(kind, words, (source, account))
            for kind in ("contact_id", "deal_id", "booking_id", "client_id", "email_hash", "partner_id")
            for source, account in scopes
        )
        kept.append(ERASED if is_named else one)
    return json.dumps(kept, ensure_ascii=False)


def forget_memory(connection: Connection) -> None:
    """Let identity resolve everything anew at the next model run: what it remembers names identifiers."""
    for table in _MEMORY:
        connection.execute(text(f"delete from {table}"))
