"""Rows that were kept out: what there is, one in full, and putting them through the gate again after a fix."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import and_, func, select

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality.admit import admission, admit
from rebuttal.records import Report
from rebuttal.warehouse import batches, open_warehouse
from rebuttal.warehouse.tables import quarantine

QUARANTINED, FREED = "quarantined", "released"


def list_rows(context: Context, limit: int = 1000) -> list[dict[str, Any]]:
    """Rows in quarantine, newest batch last: source, stream, batch_id, row_number, natural_key, check_name, reason,
    value.
    """
    shown = ("source", "stream", "entity", "batch_id", "row_number", "natural_key", "check_name", "reason", "value")
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        rows = connection.execute(
            select(*(quarantine.c[name] for name in shown))
            .where(quarantine.c.status == QUARANTINED)
            .order_by(quarantine.c.source, quarantine.c.stream, quarantine.c.batch_id, quarantine.c.row_number)
            .limit(limit)
        ).mappings()
        return [dict(row) for row in rows]


def show(context: Context, batch_id: str, row_number: int) -> dict[str, Any]:
    """One quarantined row in full: all reasons as a list, and `raw` as the landed row. Raises ConfigError for an
    unknown row.
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
    return {**row, "reasons": json.loads(row["reasons"]), "raw": json.loads(row["raw"])}


def release(context: Context, batch_id: str, row_number: int | None = None) -> Report:
    """Put a batch's quarantined rows (or one of them) through the gate as it is now; what passes is admitted, once.

    Rows that still break a rule stay where they are, with the reasons they had. The batch's outcome keeps adding up.
    """
    report = Report("quarantine release")
    with admission(context) as work:
        chosen = and_(
            quarantine.c.batch_id == batch_id,
            quarantine.c.status == QUARANTINED,
            quarantine.c.row_number == row_number if row_number is not None else quarantine.c.row_number.is_not(None),
        )
        with work.engine.connect() as connection:
            batch = batches.find(connection, batch_id)
            waiting = connection.execute(select(func.count()).select_from(quarantine).where(chosen)).scalar_one()
        if batch is None or not waiting:
            return report
        only = f" and row_number = {int(row_number)}" if row_number is not None else ""
        rows = (
            "_row in (select row_number from ops.quarantine"
            f" where batch_id = landed._batch_id and status = 'quarantined'{only})"
        )
        _, outcome = admit(work, batch, rows)
        assert outcome is not None  # a release is merged, never held
        for name, count in outcome.items():
            report.add(name, count)
        report.changed = outcome["quarantined"] < waiting
    return report
