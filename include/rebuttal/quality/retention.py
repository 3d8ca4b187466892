"""How much of quarantined rows is kept: each keeps its line and reasons, its copy is cut when old or large."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from rebuttal.context import Context
from rebuttal.quality.thresholds import Quarantine, load_thresholds
from rebuttal.records import Report
from rebuttal.warehouse import open_warehouse, sql
from rebuttal.warehouse.dialects import dialect_of, quoted

_HEAD = 200  # characters


def run(context: Context) -> Report:
    """Cut the copies of quarantined rows that are older than `raw_days` by the context's clock, or beyond the limits.

    Nothing is deleted, so the accounting stays exact. A second run changes nothing.
    """
    report = Report("retention")
    limits = load_thresholds(context.settings.config).quarantine
    before = context.clock.now() - timedelta(days=limits.raw_days)
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        report.add("copies_cut", _cut(connection, limits, "", {"before": before}))
    report.changed = report.counts["copies_cut"] > 0
    return report


def bound(connection: Connection, limits: Quarantine, batch_id: str) -> None:
    """Keep one batch's quarantine within the limits of size; its age does not matter here."""
    _cut(connection, limits, quoted(batch_id), {})


def _cut(connection: Connection, limits: Quarantine, batch_id: str, bound: dict[str, object]) -> int:
    dialect = dialect_of(connection)
    result = sql.run_file(
        connection,
        "bound_quarantine.sql",
        bound,
        batch_id=batch_id,
        max_rows=limits.max_rows_per_batch,
        raw_limit=limits.raw_limit,
        cut=dialect.json_object(length="length(kept.raw)", md5="md5(kept.raw)", head=f"substr(kept.raw, 1, {_HEAD})"),
        batch_of_copy=dialect.json_text("kept.raw", "_batch_id"),
    )
    return max(int(result.rowcount), 0)
