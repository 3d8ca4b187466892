"""Marts that a stage writes row by row from what it knows: declared once here, mirrored as a whole, when different.

The state store stays the truth of tasks and decisions; these tables are its mirror for readers and for the next stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Engine, MetaData, Table, delete, insert, inspect, select

from rebuttal.warehouse.tables import BOOL, DATE, INT, MARTS, REAL, TEXT, TIME

_metadata = MetaData()

# One row per content task, whatever became of it; hypothesis_* is what was registered before publication.
content_task = Table(
    "content_task",
    _metadata,
    Column("task_id", TEXT, primary_key=True),
    *(Column(name, TEXT, nullable=False) for name in ("theme", "category", "title")),
    Column("score", REAL, nullable=False),
    Column("score_parts", TEXT, nullable=False),  # JSON object
    Column("subject_count", INT, nullable=False),
    Column("money_at_risk_base", REAL),
    Column("currency", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),  # proposed | open | unknown | published | wont_do | deleted | dead
    *(Column(name, TEXT) for name in ("tracker_status", "task_key", "task_url", "published_url")),
    Column("published_at", TIME),
    Column("closed_at", TIME),
    Column("created_at", TIME, nullable=False),
    *(
        Column(f"hypothesis_{name}", TEXT, nullable=False)
        for name in ("change", "metric", "direction", "reason", "success_criterion")
    ),
    Column("hypothesis_expected_size", REAL, nullable=False),  # relative change, 0.25 = by a quarter
    Column("hypothesis_minimum_sample", INT, nullable=False),  # deals on each side of the publication
    Column("hypothesis_baseline_days", INT, nullable=False),
    Column("hypothesis_horizon_days", INT, nullable=False),  # a deal counts once it had so many days to voice a doubt
    Column("hypothesis_deadline", DATE, nullable=False),
    schema=MARTS,
)

# One row per entry of the decision journal.
decision = Table(
    "decision",
    _metadata,
    Column("decision_id", TEXT, primary_key=True),
    Column("decided_at", TIME, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("kind", "subject", "decision")),
    Column("evidence", TEXT, nullable=False),  # JSON object
    Column("decided_by", TEXT, nullable=False),
    Column("review_at", TIME),
    schema=MARTS,
)

# One row per published task: what became of its metric by the estimator that decides. `observed` is the rate of those
# exposed (or after publication), `baseline` of those compared with; effect is a relative change, an association.
effect = Table(
    "effect",
    _metadata,
    Column("task_id", TEXT, primary_key=True),
    *(Column(name, TEXT, nullable=False) for name in ("theme", "category", "metric")),
    *(
        Column(name, REAL)
        for name in (
            *("baseline", "observed", "control_baseline", "control_observed"),
            *("effect", "interval_low", "interval_high"),
        )
    ),
    Column("sample_size", INT, nullable=False),  # deals exposed, or after publication
    Column("baseline_sample_size", INT, nullable=False),
    Column("verdict", TEXT, nullable=False),  # confirmed | rejected | not_enough_data
    Column("reason", TEXT, nullable=False),
    Column("is_final", BOOL, nullable=False),  # it is not judged again
    Column("evaluated_until", DATE, nullable=False),  # first day (UTC) that is not counted
    schema=MARTS,
)

# One row per published task, metric and estimator, as of the task's last look. Effects are relative changes; interval_*
# is the 95 % interval, every_look_* the 99 % interval that holds at all weekly looks at once (of exposed_vs_not only).
# `treated`: exposed deals, or deals after publication; `other`: those they are compared with. The deciding row is the
# one in `effect`.
effect_estimate = Table(
    "effect_estimate",
    _metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("task_id", "metric", "estimator")),
    Column("theme", TEXT, nullable=False),
    *(Column(name, REAL) for name in ("effect", "interval_low", "interval_high", "every_look_low", "every_look_high")),
    Column("treated_deal_count", INT, nullable=False),
    Column("treated_rate", REAL),
    Column("other_deal_count", INT, nullable=False),
    Column("other_rate", REAL),
    Column("is_deciding", BOOL, nullable=False),
    Column("wording", TEXT, nullable=False),  # what the comparison can say, or why there is none
    Column("evaluated_until", DATE, nullable=False),
    schema=MARTS,
)


def mirror_rows(engine: Engine, table: Table, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Make `table` hold exactly `rows` in one transaction; False, and nothing written, when it already does.

    Every row names every column of the table; times are aware, the primary key is unique.
    """
    wanted = sorted((_comparable(table, row) for row in rows), key=_order(table))
    with engine.begin() as connection:
        if inspect(connection).has_table(table.name, schema=table.schema):
            found = [_comparable(table, dict(row)) for row in connection.execute(select(table)).mappings().all()]
            if sorted(found, key=_order(table)) == wanted:
                return False
            connection.execute(delete(table))
        else:
            table.create(connection)
        if wanted:
            connection.execute(insert(table), wanted)
    return True


def _comparable(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: _plain(row[column.name]) for column in table.columns}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, Decimal):
        return float(value)
    return value


def _order(table: Table) -> Any:
    names = [column.name for column in table.primary_key.columns]
    return lambda row: tuple(row[name] for name in names)
