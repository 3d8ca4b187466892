"""`report NAME`: any mart as a table. Reads what is published; a query that fails is an error, never zeros."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from rebuttal.errors import ConfigError, StoreError
from rebuttal.settings import Settings
from rebuttal.warehouse.engine import open_published
from rebuttal.warehouse.tables import MARTS

# Reports by another name than their mart's, and in which order people read them.
_MARTS = {
    "objections": "objection",
    "content_tasks": "content_task",
    "effects": "effect",
    "journal": "decision",
    "quality": "quality_check",
    "classifier": "model_evaluation",
    "lost_reasons": "lost_reason",
}
_SEVERITY = "CASE severity WHEN 'hold' THEN 1 WHEN 'alarm' THEN 2 WHEN 'quarantine' THEN 3 ELSE 4 END"
_ORDER = {
    "attribution": "week_start, conversion_type, model, channel",
    "channel_performance": "week_start, channel",
    "content_task": "score DESC, task_id",
    "decision": "decided_at, decision_id",
    "effect": "task_id",
    "funnel_weekly": "week_start, stage_order",
    "kpi_weekly": "week_start",
    "lost_reason": "status DESC, deal_count DESC, source, account_id, value",
    "model_evaluation": "is_current DESC, model",
    "quality_check": f"is_failing DESC, {_SEVERITY}, failed_row_count_latest DESC, source, stream, check_name",
    "quality_duplicate": "source, entity, kind",
    "quality_held": "landed_at, batch_id",
    "quality_quarantine": "quarantined_row_count DESC, source, stream, check_name",
    "quality_stream": "source, stream, account_id",
    "objection": "week_start DESC, money_at_risk_base DESC, objection_id",
}
# What never failed is in the mart, and is no news.
_WHERE = {"quality_check": "WHERE trend <> 'passing'"}
QUALITY_REPORTS = ("quality", "quality_held", "quality_quarantine", "quality_duplicate", "quality_stream")
NAMES = ("kpi_weekly", "funnel_weekly", "channel_performance", "attribution", *_MARTS, *QUALITY_REPORTS[1:])


def report(settings: Settings, name: str) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a report, as last published. `name` is one of NAMES or any mart.

    Raises ConfigError for an unknown name (with the nearest one), StoreError when nothing of it is published yet.
    """
    with open_published(settings) as engine, engine.connect() as connection:
        result = connection.execute(text(_mart_query(connection, name)))
        return list(result.keys()), [list(row) for row in result]


@dataclass(frozen=True)
class Quality:
    """The data-quality marts of one published version, each a list of rows in the order people read them.

    `checks` leaves out what never failed, of which there are `passing_count`.
    """

    checks: list[dict[str, Any]]
    held: list[dict[str, Any]]
    kept_out: list[dict[str, Any]]
    duplicates: list[dict[str, Any]]
    streams: list[dict[str, Any]]
    passing_count: int

    @property
    def failing(self) -> list[dict[str, Any]]:
        """The checks that fail on the newest data."""
        return [check for check in self.checks if check["is_failing"]]

    @property
    def totals(self) -> dict[str, int]:
        """Rows in all streams together: `landed_row_count`, the six outcomes, `held_row_count` and so on."""
        names = [name for name in self.streams[0] if name.endswith("_row_count")] if self.streams else []
        return {name: sum(int(stream[name]) for stream in self.streams) for name in names}


def read_quality(settings: Settings) -> Quality:
    """Everything that is published about data quality. Raises StoreError when nothing is."""
    with open_published(settings) as engine, engine.connect() as connection:
        read = {
            name: [dict(row) for row in connection.execute(text(_mart_query(connection, name))).mappings()]
            for name in QUALITY_REPORTS
        }
        passing = text(f"SELECT count(*) FROM {MARTS}.quality_check WHERE trend = 'passing'")
        checks, held, kept_out, duplicates, streams = (read[name] for name in QUALITY_REPORTS)
        count = int(connection.execute(passing).scalar_one())
        return Quality(checks, held, kept_out, duplicates, streams, count)


def _mart_query(connection: Connection, name: str) -> str:
    mart, marts = _MARTS.get(name, name), _published_marts(connection)
    if mart in marts:
        return f'SELECT * FROM {MARTS}."{mart}" {_WHERE.get(mart, "")} ORDER BY {_ORDER.get(mart, "1")}'
    if name in NAMES:
        if name in QUALITY_REPORTS:
            raise StoreError(
                "Nothing yet: no batch has come to the gate", next_step="Run `rebuttal pull`, then `admit`"
            )
        raise StoreError(f"Nothing yet: no {name} have been published", next_step="Run `rebuttal loop` first")
    close = difflib.get_close_matches(name, [*NAMES, *marts], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted({*NAMES, *marts}))}"
    raise ConfigError(f"There is no report {name!r}; {hint}", next_step="Name a report or a mart")


def _published_marts(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s"), {"s": MARTS}
    )
    return sorted(str(name) for name in rows.scalars())
