"""Plan and budget in a review: the budgets of its month, and the goals that its period belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, inspect

from rebuttal.reports.figures import rows_of
from rebuttal.reports.language import Words
from rebuttal.reports.pace import channel_name, pace_sentence
from rebuttal.reports.period import Period

Row = Mapping[str, Any]
_OFF = ("over", "under", "unplanned", "missing_rate")


@dataclass(frozen=True)
class PlanPart:
    """Rows of queries/review_budgets.sql and review_goals.sql."""

    budgets: list[Row]
    goals: list[Row]


def read_plan(engine: Engine, period: Period) -> PlanPart:
    """What the plan says of a period; of a day or a week, the budgets of the month that its last day belongs to.

    Empty where the plan's marts were not published yet. A quarter has no month's budgets.
    """
    known = inspect(engine)
    budgets: list[Row] = []
    if period.kind != "quarterly" and known.has_table("plan_pace", schema="marts"):
        budgets = list(rows_of(engine, "review_budgets", month=period.last.replace(day=1)))
    goals: list[Row] = []
    if known.has_table("goal_progress", schema="marts"):
        goals = list(rows_of(engine, "review_goals", first=period.first, last=period.last))
    return PlanPart(budgets, goals)


@dataclass(frozen=True)
class PlanTeller:
    """Turns the plan into a table and sentences. `shown(metric, value)` and `name(metric)` as the rest of the mail."""

    words: Words
    shown: Callable[[str, float | None], str]
    name: Callable[[str], str]

    def sections(self, part: PlanPart | None, kind: str) -> list[dict[str, Any]]:
        """One section, or none where there is no plan; a month says so, since its budgets are what it is about."""
        title = self.words("review.plan.section")
        section: dict[str, Any] = {"title": title, "note": "", "table": None, "is_known": part is not None}
        if part is None:
            return [section | {"lines": None}]
        if kind == "monthly":
            if part.budgets:
                section["table"] = self.table(part)
            is_planned = part.budgets or part.goals
            return [section | {"lines": self.goal_lines(part) if is_planned else [self.words("review.plan.none")]}]
        lines = self.lines(part)
        return [section | {"lines": lines}] if lines else []

    def table(self, part: PlanPart) -> dict[str, Any]:
        """Every budget of the month: channel, budget, spent (of a running month the forecast too), state."""
        is_running = any(not row["is_complete"] for row in part.budgets)
        figures = ["budget", "spent", *(["forecast"] if is_running else [])]
        return {
            "columns": [self.words(f"review.plan.column.{name}") for name in ("channel", *figures, "state")],
            "rows": [
                [
                    channel_name(self.words, row["channel"]),
                    *(self.shown("budget", _number(row[f"{name}_base"])) for name in figures),
                    self.words(f"review.plan.states.{row['state']}"),
                ]
                for row in part.budgets
            ],
        }

    def lines(self, part: PlanPart) -> list[str]:
        """The budgets that are off their pace, or one line that says none is; then the goals."""
        off = [row for row in part.budgets if row["state"] in _OFF]
        told = [f"{channel_name(self.words, row['channel'])}: {pace_sentence(self.words, row)}." for row in off]
        if part.budgets and not off:
            told.append(self.words("review.plan.calm"))
        return [*told, *self.goal_lines(part)]

    def goal_lines(self, part: PlanPart) -> list[str]:
        """Where each goal stands."""
        return [self._goal(row) for row in part.goals]

    def _goal(self, row: Row) -> str:
        metric = row["metric"]
        target = self.shown(metric, _number(row["target"]))
        if row["direction"] == "at_most":
            target = self.words("review.plan.at_most", target=target)
        forecast = self.shown(metric, _number(row["forecast"]))
        state = self.words(f"review.plan.goal_state.{row['state']}", forecast=forecast)
        return self.words(
            "review.plan.goal",
            name=self.name(metric),
            value=self.shown(metric, _number(row["current_value"])),
            target=target,
            last=self.words.day(row["last_date"]),
            state=state,
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
