"""Rows that were kept out: what there is, one in full, and putting them through the gate again after a fix."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality.admit import admission, admit
from rebuttal.records import Report
from rebuttal.state.engine import open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.state.journal import record_decision
from rebuttal.warehouse import batches, open_warehouse
from rebuttal.warehouse.dialects import quoted
from rebuttal.warehouse.tables import batch as batch_table
from rebuttal.warehouse.tables import quarantine

QUARANTINED, FREED = "quarantined", "released"
_NAMED = 20  # rows that a journal entry spells out


def list_rows(
    context: Context,
    limit: int = 1000,
    *,
    source: str | None = None,
    stream: str | None = None,
    check: str | None = None,
) -> list[dict[str, Any]]:
    """Rows in quarantine, newest batch last: source, stream, batch_id, row_number, natural_key, check_name, reason,
    value. `check` finds rows that broke that rule first.
    """
    shown = ("source", "stream", "entity", "batch_id", "row_number", "natural_key", "check_name", "reason", "value")
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        rows = connection.execute(
            select(*(quarantine.c[name] for name in shown))
            .where(_chosen(source, stream, check))
            .order_by(quarantine.c.source, quarantine.c.stream, quarantine.c.batch_id, quarantine.c.row_number)
            .limit(limit)
        ).mappings()
        return [dict(row) for row in rows]


def list_reasons(
    context: Context, *, source: str | None = None, stream: str | None = None, check: str | None = None
) -> list[dict[str, Any]]:
    """Why rows are in quarantine, the most frequent reason first: source, stream, check_name, reason, rows, batches,
    newest_batch_id, example (a value).
    """
    grouped = [quarantine.c[name] for name in ("source", "stream", "check_name", "reason")]
    rows = func.count().label("rows")
    counted = (
        *(rows, func.count(quarantine.c.batch_id.distinct()).label("batches")),
        *(func.max(quarantine.c.batch_id).label("newest_batch_id"), func.min(quarantine.c.value).label("example")),
    )
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        found = connection.execute(
            select(*grouped, *counted)
            .where(_chosen(source, stream, check))
            .group_by(*grouped)
            .order_by(rows.desc(), *grouped)
        ).mappings()
        return [dict(row) for row in found]


def show(context: Context, batch_id: str, row_number: int) -> dict[str, Any]:
    """One quarantined row in full: all reasons as a list, and `raw` as the landed row, or its length, md5 and head
    where the copy was cut; `landing` then finds the whole row. Raises ConfigError for an unknown row.
    """
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        row = (
            connection.execute(
                select(quarantine).where(quarantine.c.batch_id == batch_id, quarantine.c.row_number == row_number)
            )
            .mappings()
            .one_or_none()
        )
    if row is None:
        raise ConfigError(
            f"No row {row_number} of batch {batch_id} is in quarantine", next_step="See `rebuttal quarantine list`"
        )
    landing = f"landing.{row['source']}__{row['stream']}"
    return {
        **row,
        "reasons": json.loads(row["reasons"]),
        "raw": json.loads(row["raw"]),
        "landing": f"select * from {landing} where _batch_id = '{batch_id}' and _row = {row_number}",
    }


def release(
    context: Context,
    batch_id: str | None = None,
    row_number: int | None = None,
    *,
    check: str | None = None,
    source: str | None = None,
    stream: str | None = None,
    by: str,
    reason: str,
) -> Report:
    """Put rows of a batch (or one of them), or all that broke `check`, through the gate as it is now.

    What passes is admitted, once. Rows that still break a rule stay where they are, with the reasons they had. The
    outcomes of their batches keep adding up, and the journal keeps who asked for it and why. Raises ConfigError when
    neither a batch nor a check is given, nobody is named, or the batch was never admitted.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise ConfigError("Rows are released by a named person for a reason", next_step="Say who decides, and why")
    if not (batch_id or check):
        raise ConfigError("All of quarantine cannot be released at once", next_step="Name a batch, or a check")
    report = Report("quarantine release")
    with admission(context) as work:
        chosen = and_(_chosen(source, stream, check, batch_id, row_number), batch_table.c.status == batches.ADMITTED)
        by_batch = quarantine.c.batch_id == batch_table.c.batch_id
        waiting = select(quarantine.c.batch_id, func.count()).join(batch_table, by_batch).where(chosen)
        named = select(quarantine.c.batch_id, quarantine.c.row_number).join(batch_table, by_batch).where(chosen)
        with work.engine.connect() as connection:
            found = connection.execute(
                waiting.group_by(quarantine.c.batch_id, batch_table.c.sequence).order_by(batch_table.c.sequence)
            ).all()
            in_order = named.order_by(batch_table.c.sequence, quarantine.c.row_number).limit(_NAMED)
            rows = [f"{one} row {number}" for one, number in connection.execute(in_order)]
            if batch_id and not found:
                _refuse_unmerged(batches.find(connection, batch_id))
        if not found:
            return report
        # First the journal: killed in between, the same command completes what stands there.
        subject = batch_id or f"{source or 'every source'}{f'.{stream}' if stream else ''} {check}"
        _write_journal(context, subject, rows, sum(count for _, count in found), by, reason)
        failpoint("release.after_journal")
        for found_id, count in found:
            with work.engine.connect() as connection:
                batch = batches.find(connection, found_id)
            assert batch is not None
            _, outcome = admit(work, batch, _landed_rows(row_number, check))
            assert outcome is not None  # a release is merged, never held
            for name, number in outcome.items():
                report.add(name, number)
            report.changed |= outcome["quarantined"] < count
            failpoint("release.after_batch")
    return report


def _chosen(
    source: str | None,
    stream: str | None,
    check: str | None,
    batch_id: str | None = None,
    row_number: int | None = None,
) -> ColumnElement[bool]:
    wanted = {"source": source, "stream": stream, "check_name": check, "batch_id": batch_id, "row_number": row_number}
    given = [quarantine.c[name] == value for name, value in wanted.items() if value is not None]
    return and_(quarantine.c.status == QUARANTINED, *given)


def _landed_rows(row_number: int | None, check: str | None) -> str:
    """The same choice as SQL over `landed`, the batch's landed rows."""
    only = f" and row_number = {int(row_number)}" if row_number is not None else ""
    only += f" and check_name = {quoted(check)}" if check is not None else ""
    return (
        "_row in (select row_number from ops.quarantine"
        f" where batch_id = landed._batch_id and status = '{QUARANTINED}'{only})"
    )


def _refuse_unmerged(batch: batches.Batch | None) -> None:
    if batch is not None and batch.status == batches.SUPERSEDED:
        raise ConfigError(
            f"Batch {batch.name} was held and never merged: {batch.status_reason}",
            next_step=f"To admit it as a whole, `rebuttal hold release {batch.batch_id}`",
        )


def _write_journal(context: Context, subject: str, rows: list[str], count: int, by: str, reason: str) -> None:
    more = f" and {count - len(rows)} more" if count > len(rows) else ""
    with open_state(context.settings) as sessions, sessions.begin() as session:
        record_decision(
            session,
            kind="quarantine_release",
            subject=subject,
            decision=f"through the gate again: {', '.join(rows)}{more}: {reason}",
            evidence={"rows": count},
            decided_by=f"people:{by}",
            decided_at=context.clock.now(),
        )
