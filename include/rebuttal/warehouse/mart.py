"""Marts that a stage writes row by row from what it knows: declared once here, mirrored as a whole, when different.

The state store stays the truth of tasks and decisions; these tables are its mirror for readers and for the next stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect

from rebuttal.warehouse.replace import replace_rows
from rebuttal.warehouse.tables import BOOL, CORE, DATE, INT, MARTS, REAL, TEXT, TIME

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
    Column("status", TEXT, nullable=False),  # as in the ledger, see rebuttal.state.model.ContentTask
    *(Column(name, TEXT) for name in ("tracker_status", "task_key", "task_url", "published_url")),
    Column("published_at", TIME),
    Column("closed_at", TIME),
    Column("created_at", TIME, nullable=False),
    *(
        Column(f"hypothesis_{name}", TEXT, nullable=False)
        for name in ("change", "metric", "direction", "reason", "success_criterion")
    ),
    Column("hypothesis_expected_size", REAL, nullable=False),  # relative change, 0.25 = by a quarter
    Column("hypothesis_minimum_sample", INT, nullable=False),  # repeats expected of the exposed without effect
    Column("hypothesis_baseline_days", INT, nullable=False),
    Column("hypothesis_horizon_days", INT, nullable=False),  # a deal counts once it had so many days to voice a doubt
    Column("hypothesis_deadline", DATE, nullable=False),
    *(Column(name, TEXT) for name in ("format", "role", "updates_url", "merged_into")),
    Column("assignee", TEXT),  # display name of who has it in the tracker; '' nobody has, NULL not known
    schema=MARTS,
)

# One row per piece of the company's content, whoever told of it: sitemap, feed, CSV, content.yml, our own tasks.
content_item = Table(
    "content_item",
    _metadata,
    Column("item_id", TEXT, primary_key=True),
    *(Column(name, TEXT, nullable=False) for name in ("url", "title", "kind", "source")),
    Column("host", TEXT, nullable=False),
    Column("path", TEXT),  # without its last slash; NULL where the address has a query: pages are told apart by paths
    Column("role", TEXT),  # as declared
    Column("published_at", TIME),
    schema=CORE,
)

# One row per piece and doubt that it is said to answer; theme '' is a whole category. Counts: of the look-back window.
content_coverage = Table(
    "content_coverage",
    _metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("item_id", "category", "theme")),
    *(Column(name, TEXT, nullable=False) for name in ("url", "title", "answer", "status")),
    Column("role", TEXT),
    Column("confidence", REAL),  # the classifier's, where only it says so
    Column("share", REAL),  # of the doubt, by what people told; NULL while nobody has confirmed it
    Column("page_view_count", INT),  # NULL: the piece's reading cannot be known
    Column("visitor_count", INT),  # browsers
    Column("doubter_count", INT),  # people with this doubt whose browser is known
    Column("reader_count", INT),  # of them, those who read the piece
    Column("coverage", REAL, nullable=False),  # share x readers / doubters
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
    Column("review_at", TIME),  # when to look again
    Column("reviewed_at", TIME),  # when somebody did; a row is due while this is NULL and review_at has come
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

    Every row names every column that must not be empty; times are aware, the primary key is unique. A table of an
    older version of this code, with other columns, is made anew.
    """
    with engine.begin() as connection:
        is_new = not _is_as_declared(connection, table)
        if is_new:
            table.drop(connection, checkfirst=True)
            table.create(connection)
        return bool(replace_rows(connection, table, rows)) or is_new


def _is_as_declared(connection: Connection, table: Table) -> bool:
    known = inspect(connection)
    if not known.has_table(table.name, schema=table.schema):
        return False
    found = {column["name"] for column in known.get_columns(table.name, schema=table.schema)}
    return found == {column.name for column in table.columns}
