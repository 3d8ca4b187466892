"""PROVE: published content -> effects with intervals -> one verdict, journalled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, inspect, text

from rebuttal.context import Context
from rebuttal.effects.compare import compare
from rebuttal.effects.control import before_after
from rebuttal.effects.doubters import is_once_enough
from rebuttal.effects.estimate import Finding, Group
from rebuttal.effects.exposure import address_of
from rebuttal.effects.occasions import Material, again, heard, material, won
from rebuttal.effects.sequence import always_valid
from rebuttal.effects.statements import statement
from rebuttal.effects.verdict import Criterion, Verdict, association, judge
from rebuttal.records import Report
from rebuttal.state import journal_rows, open_state, record_decision
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import mart, open_warehouse
from rebuttal.warehouse.publish import publish

_NEEDED = ("content_task", "deal", "objection", "objection_evidence")
LOOK_DAYS = 7
Task = Mapping[str, Any]
Row = dict[str, Any]


def run(context: Context) -> Report:
    """Judge every published task as of the clock's day (UTC).

    Writes `marts.effect`, `marts.effect_estimate`, the journal and its mirror.

    Counts: `published_tasks`, and one for each verdict. A final verdict goes to the decision journal once, and its rows
    stay as they were judged.
    """
    report = Report("prove")
    today = context.clock.now().astimezone(UTC).date()
    with open_warehouse(context.settings) as engine:
        known = inspect(engine)
        missing = [name for name in _NEEDED if not known.has_table(name, schema="marts")]
        if missing:  # before the first tasks were written there is nothing to measure, and nothing wrong
            report.counts["published_tasks"] = 0
            return report
        effects, estimates = measure(engine, today, _final(engine))
    failpoint("prove.after_measure")
    with open_state(context.settings) as sessions, sessions.begin() as session:
        for row in effects:
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
                decided_by="rule:effects.sequence",
                decided_at=context.clock.now(),
            )
            report.add("new_verdicts", int(is_new))
        decisions = journal_rows(session)
        failpoint("prove.before_commit")
    failpoint("prove.after_commit")
    report.counts["published_tasks"] = len(effects)
    with open_warehouse(context.settings) as engine:
        is_different = [mart.mirror_rows(engine, mart.effect, effects)]
        failpoint("prove.between_mirrors")
        is_different.append(mart.mirror_rows(engine, mart.effect_estimate, estimates))
        is_different.append(mart.mirror_rows(engine, mart.decision, decisions))
    publish(context)
    report.changed = any(is_different)
    return report


def _final(engine: Engine) -> dict[str, tuple[Row, list[Row]]]:
    """Rows of both tables of tasks that have their final verdict, by task: they are not judged again."""
    known = inspect(engine)
    if not all(known.has_table(name, schema="marts") for name in ("effect", "effect_estimate")):
        return {}
    with engine.connect() as connection:
        effects = connection.execute(text("SELECT * FROM marts.effect WHERE is_final ORDER BY task_id")).mappings()
        final: dict[str, tuple[Row, list[Row]]] = {row["task_id"]: (dict(row), []) for row in effects}
        order = "SELECT * FROM marts.effect_estimate ORDER BY task_id, metric, estimator"
        for row in connection.execute(text(order)).mappings():
            if row["task_id"] in final:
                final[row["task_id"]][1].append(dict(row))
    return final


def measure(
    engine: Engine, today: date, final: Mapping[str, tuple[Row, list[Row]]] | None = None
) -> tuple[list[Row], list[Row]]:
    """Rows of `marts.effect` and of `marts.effect_estimate` for each published task, as of `today` (UTC, not counted).

    A task is looked at every week after its publication and on its deadline, in this order and up to the first look
    that decides: what comes out depends on the data and the day, not on how often somebody ran it.
    """
    final = final or {}
    effects, estimates = [], []
    with engine.connect() as connection:
        tasks = [dict(row) for row in connection.execute(text(statement("published_tasks"))).mappings()]
        waiting = [task for task in tasks if task["task_id"] not in final]
        known = material(connection, [task["published_url"] or "" for task in waiting], midnight(today))
        for task in tasks:
            effect, found = final.get(task["task_id"]) or _judged(connection, known, task, tasks, today)
            effects.append(effect)
            estimates += found
    return effects, estimates


def looks(published_at: datetime, deadline: date, today: date) -> list[date]:
    """Days (UTC) on which a task is looked at up to `today`: weekly after publication, at last on the deadline."""
    first = published_at.astimezone(UTC).date() + timedelta(days=LOOK_DAYS)
    days = [
        first + timedelta(days=LOOK_DAYS * week) for week in range(max((deadline - first).days // LOOK_DAYS + 1, 0))
    ]
    return [day for day in [*(day for day in days if day < deadline), deadline] if day <= today]


def _judged(
    connection: Connection, known: Material, task: Task, tasks: Sequence[Task], today: date
) -> tuple[Row, list[Row]]:
    criterion = Criterion(
        task["hypothesis_direction"],
        float(task["hypothesis_expected_size"]),
        int(task["hypothesis_minimum_sample"]),
        task["hypothesis_deadline"],
    )
    days = looks(task["published_at"], criterion.deadline, today)
    if not days:
        nobody = Group(0, 0, 0)
        verdict = Verdict("not_enough_data", f"first looked at {LOOK_DAYS} days after its publication", False)
        return _effect_row(task, Finding(_RATE, "exposed_vs_not", nobody, nobody, None), verdict, today), []
    rows = heard(known, task["theme"], task["published_url"])
    once = is_once_enough(known.conversations, known.voicings, task["theme"], task["published_at"])
    for day in days:
        deciding = _deciding(connection, known, rows, once, task, tasks, day)
        verdict = judge(criterion, deciding, day)
        if verdict.is_final:
            break
    found = [deciding, *(one for one in _all(connection, known, rows, once, task, tasks, day) if one != deciding)]
    estimates = [_estimate_row(task, one, one is deciding, day, criterion) for one in found]
    return _effect_row(task, deciding, verdict, day), estimates


def _deciding(
    connection: Connection,
    known: Material,
    rows: pd.DataFrame,
    once: bool,
    task: Task,
    tasks: Sequence[Task],
    day: date,
) -> Finding:
    """The estimator that decides, fixed by where the piece can be seen, not by what comes out.

    It is exposure; only where by the deadline nobody was ever seen to read or get the address (a leaflet, a page
    without a counter) it is before and after.
    """
    met = known.exposures[known.exposures["address"] == address_of(task["published_url"] or "")]
    is_seen = bool((met["exposed_at"] < midnight(day)).any())
    if not is_seen and day >= task["hypothesis_deadline"]:
        return _controlled(connection, task, tasks, day)
    return compare(again(rows, task["published_at"], midnight(day), once), _RATE, has_unseen=True)


_RATE = "objection_rate"


def _all(
    connection: Connection,
    known: Material,
    rows: pd.DataFrame,
    once: bool,
    task: Task,
    tasks: Sequence[Task],
    day: date,
) -> list[Finding]:
    published_at, until = task["published_at"], midnight(day)
    horizon = timedelta(days=int(task["hypothesis_horizon_days"]))
    return [
        compare(again(rows, published_at, until, once), _RATE, has_unseen=True),
        _controlled(connection, task, tasks, day),
        compare(won(rows, known.deals, published_at, until, horizon), "win_rate"),
    ]


def _controlled(connection: Connection, task: Task, tasks: Sequence[Task], day: date) -> Finding:
    published_at = task["published_at"]
    values = {
        "horizon": f"{int(task['hypothesis_horizon_days'])} days",
        "baseline_from": published_at - timedelta(days=int(task["hypothesis_baseline_days"])),
        "published_at": published_at,
        "until": midnight(day),
    }
    counts: dict[bool, dict[str, int]] = {}
    for row in connection.execute(text(statement("themes_before_after")), values).mappings():
        counts.setdefault(bool(row["is_after"]), {})[row["theme"]] = int(row["deal_count"])
    return before_after(counts, task["theme"], _treated(task, tasks))


def _treated(task: Task, tasks: Sequence[Task]) -> set[str]:
    """Themes that are no control for `task`: its own, and those whose own piece came out before its deadline."""
    return {t["theme"] for t in tasks if t["published_at"].astimezone(UTC).date() <= task["hypothesis_deadline"]}


def _effect_row(task: Task, found: Finding, verdict: Verdict, until: date) -> Row:
    interval = found.interval() or (None, None)
    return {
        "task_id": task["task_id"],
        "theme": task["theme"],
        "category": task["category"],
        "metric": task["hypothesis_metric"],
        "baseline": found.other.rate,
        "observed": found.treated.rate,
        "control_baseline": None,
        "control_observed": None,
        "effect": found.effect,
        "interval_low": interval[0],
        "interval_high": interval[1],
        "sample_size": found.treated.deal_count,
        "baseline_sample_size": found.other.deal_count,
        "verdict": verdict.word,
        "reason": verdict.reason,
        "is_final": verdict.is_final,
        "evaluated_until": until,
    }


def _estimate_row(task: Task, found: Finding, is_deciding: bool, until: date, criterion: Criterion) -> Row:
    interval = found.interval() or (None, None)
    is_watched = found.estimator == "exposed_vs_not"
    valid: tuple[float | None, float | None] = (None, None)
    if found.estimate and is_watched:
        valid = found.widened(*always_valid(found.estimate, criterion.expected_size))
    return {
        "task_id": task["task_id"],
        "metric": found.metric,
        "estimator": found.estimator,
        "theme": task["theme"],
        "effect": found.effect,
        "interval_low": interval[0],
        "interval_high": interval[1],
        "every_look_low": valid[0],
        "every_look_high": valid[1],
        "treated_deal_count": found.treated.deal_count,
        "treated_rate": found.treated.rate,
        "other_deal_count": found.other.deal_count,
        "other_rate": found.other.rate,
        "is_deciding": is_deciding,
        "wording": found.why_none if found.estimate is None else association(found),
        "evaluated_until": until,
    }


def midnight(day: date) -> datetime:
    """The beginning of a day, UTC."""
    return datetime.combine(day, time(), UTC)
