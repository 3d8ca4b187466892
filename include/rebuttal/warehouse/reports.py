"""`report NAME`: any mart as a table. Reads what is published; a query that fails is an error, never zeros."""

from __future__ import annotations

import difflib
from typing import Any

from sqlalchemy import Connection, text

from rebuttal.errors import ConfigError, StoreError
from rebuttal.settings import Settings
from rebuttal.warehouse.engine import open_published
from rebuttal.warehouse.sql import run_file
from rebuttal.warehouse.tables import MARTS

# Reports by another name than their mart's, and in which order people read them.
_MARTS = {"objections": "objection", "content_tasks": "content_task", "effects": "effect", "journal": "decision"}
_ORDER = {
    "attribution": "week_start, conversion_type, model, channel",
    "channel_performance": "week_start, channel",
    "content_task": "score DESC, task_id",
    "decision": "decided_at, decision_id",
    "effect": "task_id",
    "funnel_weekly": "week_start, stage_order",
    "kpi_weekly": "week_start",
    "objection": "week_start DESC, money_at_risk_base DESC, objection_id",
}
_QUERIES = ("quality",)
NAMES = ("kpi_weekly", "funnel_weekly", "channel_performance", "attribution", *_MARTS, *_QUERIES)


def report(settings: Settings, name: str) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a report, as last published. `name` is one of NAMES or any mart.

    Raises ConfigError for an unknown name (with the nearest one), StoreError when nothing of it is published yet.
    """
    with open_published(settings) as engine, engine.connect() as connection:
        if name in _QUERIES:
            result = run_file(connection, f"report_{name}.sql")
        else:
            result = connection.execute(text(_mart_query(connection, name)))
        return list(result.keys()), [list(row) for row in result]


def _mart_query(connection: Connection, name: str) -> str:
    mart, marts = _MARTS.get(name, name), _published_marts(connection)
    if mart in marts:
        return f'SELECT * FROM {MARTS}."{mart}" ORDER BY {_ORDER.get(mart, "1")}'
    if name in NAMES:
        raise StoreError(f"Nothing yet: no {name} have been published", next_step="Run `rebuttal loop` first")
    close = difflib.get_close_matches(name, [*NAMES, *marts], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted({*NAMES, *marts}))}"
    raise ConfigError(f"There is no report {name!r}; {hint}", next_step="Name a report or a mart")


def _published_marts(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s"), {"s": MARTS}
    )
    return sorted(str(name) for name in rows.scalars())
