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
    "unit-economics": "unit_economics",
    "cohorts": "cohort",
    "ltv": "ltv_predicted",
    "velocity": "sales_velocity",
    "repeat": "repeat_purchase",
    "nps": "nps_weekly",
    "roles": "channel_role",
    "questions": "journey_question",
    "classifier": "model_evaluation",
    "lost_reasons": "lost_reason",
}
_SEVERITY = "CASE severity WHEN 'hold' THEN 1 WHEN 'alarm' THEN 2 WHEN 'quarantine' THEN 3 ELSE 4 END"
_ORDER = {
    "attribution": "period_kind, period_start, conversion_type, model, dimension, conversions DESC, name",
    "channel_detour": "conversion_type, channel, share DESC, next_step",
    "channel_removal": "conversion_type, removal_effect DESC, channel",
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
    "quality_restated": "landed_at DESC, source, stream, week_start, currency, measure",
    "quality_stream": "source, stream, account_id",
    "unit_economics": "month_start, channel",
    "cohort": "cohort_month, months_since",
    "ltv_predicted": "cohort_month, CASE segment WHEN 'all' THEN 0 ELSE 1 END, segment",
    "sales_velocity": "step_order, month_start",
    "repeat_purchase": "cohort_month",
    "nps_weekly": "week_start",
    "channel_role": "is_turning DESC, touches DESC, channel",
    "journey_question": "question_order, CASE item_kind WHEN 'all' THEN 0 ELSE 1 END, reached DESC, item_kind, item",
    "objection": "week_start DESC, money_at_risk_base DESC, objection_id",
}
# What never failed is in the mart, and is no news.
_WHERE = {"quality_check": "WHERE trend <> 'passing'"}
_NEEDS_COMMON_DAYS = ("attribution", "channel_removal", "channel_detour")
_FAMILIES = {"crm": "the CRM", "visits": "visits"}
QUALITY_REPORTS = ("quality", "quality_held", "quality_quarantine", "quality_duplicate", "quality_stream")
NAMES = (
    *("kpi_weekly", "funnel_weekly", "channel_performance", "attribution"),
    *_MARTS,
    *QUALITY_REPORTS[1:],
    "quality_restated",
)


def report(settings: Settings, name: str) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a report, as last published. `name` is one of NAMES or any mart.

    Raises ConfigError for an unknown name (with the nearest one), StoreError when nothing of it is published yet, and
    for attribution when the sources have no day in common.
    """
    with open_published(settings) as engine, engine.connect() as connection:
        if name in _NEEDS_COMMON_DAYS:
            _require_common_days(connection, name)
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


def _require_common_days(connection: Connection, name: str) -> None:
    """What led to what cannot be told where visits end before sales begin, or the other way round."""
    if "source_window" not in _published_marts(connection):
        return
    rows = connection.execute(
        text(f"SELECT family, first_date, until_date FROM {MARTS}.source_window WHERE family IN ('visits', 'crm')")
    ).all()
    if len(rows) == 2 and max(row.first_date for row in rows) >= min(row.until_date for row in rows):
        told = " and ".join(
            f"{_FAMILIES[row.family]} from {row.first_date} until before {row.until_date}" for row in sorted(rows)
        )
        raise StoreError(
            f"Refused: {name} would be a guess, because the sources are out of step. There is data of {told}; "
            "not one day is common to both",
            next_step="Pull the missing days (`rebuttal pull SOURCE --from DATE --to DATE`), then `rebuttal model`",
        )


def _published_marts(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s"), {"s": MARTS}
    )
    return sorted(str(name) for name in rows.scalars())
