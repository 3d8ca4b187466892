"""PROVE: published content -> effect with an interval -> one verdict, journalled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Engine, bindparam, inspect, text

from rebuttal.context import Context
from rebuttal.effects.estimate import Side, estimate
from rebuttal.effects.verdict import Criterion, judge
from rebuttal.records import Report
from rebuttal.state import journal_rows, open_state, record_decision
from rebuttal.warehouse import mart, open_warehouse
from rebuttal.warehouse.publish import publish

_NEEDED = ("content_task", "deal", "objection")


def run(context: Context) -> Report:
    """Judge every published task as of the clock's day (UTC) and write `marts.effect`, journal and its mirror.

    Counts: `published_tasks`, and one for each verdict. A verdict that is final goes to the decision journal, once.
    """
    report = Report("prove")
    today = context.clock.now().astimezone(UTC).date()
    with open_warehouse(context.settings) as engine:
        known = inspect(engine)
        missing = [name for name in _NEEDED if not known.has_table(name, schema="marts")]
        if missing:  # before the first tasks were written there is nothing to measure, and nothing wrong
            report.counts["published_tasks"] = 0
            return report
        rows = measure(engine, today)
    with open_state(context.settings) as sessions, sessions.begin() as session:
        for row in rows:
            report.add(row["verdict"])
            if not row["is_final"]:
                continue
            evidence = {
                name: row[name] for name in ("effect", "interval_low", "interval_high", "sample_size", "reason")
            }
            is_new = record_decision(
                session,
                kind="verdict",
                subject=row["task_id"],
                decision=row["verdict"],
                evidence={**evidence, "theme": row["theme"], "metric": row["metric"]},
                decided_by="rule:effects.deadline",
                decided_at=context.clock.now(),
            )
            report.add("new_verdicts", int(is_new))
        decisions = journal_rows(session)
    report.counts["published_tasks"] = len(rows)
    with open_warehouse(context.settings) as engine:
        is_different = [mart.mirror_rows(engine, mart.effect, rows)]
        is_different.append(mart.mirror_rows(engine, mart.decision, decisions))
    publish(context)
    report.changed = any(is_different)
    return report


def measure(engine: Engine, today: date) -> list[dict[str, Any]]:
    """A row of `marts.effect` for each published task, counting what happened before `today` and its deadline."""
    with engine.connect() as connection:
        tasks = [dict(row) for row in connection.execute(text(_query("published_tasks"))).mappings()]
    return [_row(engine, task, _treated(task, tasks), today) for task in tasks]


def _treated(task: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Themes that are no control for `task`: its own, and those whose own piece came out before its deadline."""
    return sorted(
        {t["theme"] for t in tasks if _midnight(t["published_at"].date()) <= _midnight(task["hypothesis_deadline"])}
    )


def _row(engine: Engine, task: Mapping[str, Any], treated: Sequence[str], today: date) -> dict[str, Any]:
    deadline = task["hypothesis_deadline"]
    until = min(today, deadline)
    before, after = _sides(engine, task, treated, until)
    found = estimate(before, after)
    criterion = Criterion(task["hypothesis_direction"], int(task["hypothesis_minimum_sample"]), deadline)
    verdict = judge(criterion, before, after, found, today)
    return {
        "task_id": task["task_id"],
        "theme": task["theme"],
        "category": task["category"],
        "metric": task["hypothesis_metric"],
        "baseline": before.rate,
        "observed": after.rate,
        "control_baseline": before.control_rate,
        "control_observed": after.control_rate,
        "effect": found.effect if found else None,
        "interval_low": found.low if found else None,
        "interval_high": found.high if found else None,
        "sample_size": after.deal_count,
        "baseline_sample_size": before.deal_count,
        "verdict": verdict.word,
        "reason": verdict.reason,
        "is_final": verdict.is_final,
        "evaluated_until": until,
    }


def _sides(engine: Engine, task: Mapping[str, Any], treated: Sequence[str], until: date) -> tuple[Side, Side]:
    published_at = task["published_at"]
    query = text(_query("deals_that_voice")).bindparams(bindparam("treated", expanding=True))
    values = {
        "horizon": f"{int(task['hypothesis_horizon_days'])} days",
        "baseline_from": published_at - timedelta(days=int(task["hypothesis_baseline_days"])),
        "published_at": published_at,
        "until": _midnight(until),
        "theme": task["theme"],
        "treated": list(treated),
    }
    with engine.connect() as connection:
        rows = {bool(row["is_after"]): row for row in connection.execute(query, values).mappings()}
    sides = [
        Side(int(row["deal_count"]), int(row["theme_count"]), int(row["control_count"])) if row else Side(0, 0, 0)
        for row in (rows.get(False), rows.get(True))
    ]
    return sides[0], sides[1]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _query(name: str) -> str:
    return (files("rebuttal.effects") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
