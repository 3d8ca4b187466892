"""What a brief or review knows of its period, language-free. A query that fails leaves its part None, never zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import sqrt
from statistics import mean, pvariance
from typing import Any, TypeVar

from sqlalchemy import Engine, inspect

from rebuttal.reports.figures import Health, attempted, data_health, rows_of
from rebuttal.reports.period import Period
from rebuttal.reports.plan_part import PlanPart, read_plan
from rebuttal.warehouse.publish import require_marts
from rebuttal.warehouse.theme_names import Names, theme_names

Part = TypeVar("Part")
Row = Mapping[str, Any]

USUAL = 8  # days of the same weekday, or weeks, whose mean is "usual"
ENOUGH = 4  # of them are needed before something can be out of the ordinary
FAR = 3.0  # standard deviations from usual that are worth a word

# What each kind tells first: metric of metrics.yml -> column.
TOLD: dict[str, dict[str, str]] = {
    "daily": {
        "reach": "visits",
        "leads": "leads",
        "deals": "deals_created",
        "orders": "deals_won",
        "revenue": "revenue_base",
        "ad_cost": "ad_cost_base",
    },
    "weekly": {
        "reach": "visits",
        "leads": "leads",
        "sql": "sqls",
        "orders": "deals_won",
        "win_rate": "win_rate",
        "revenue": "revenue_base",
        "average_order_value": "average_order_value_base",
        "ad_cost": "ad_cost_base",
        "cpa": "cost_per_lead_base",
        "roas": "roas",
        "nps": "nps",
    },
    "monthly": {
        "ad_cost": "ad_cost_base",
        "new_customers": "new_customers",
        "cac": "cac_base",
        "orders": "orders",
        "revenue": "revenue_base",
    },
}
TOLD["quarterly"] = TOLD["monthly"]
_COUNTS = ("visits", "leads", "deals_created", "deals_won")


@dataclass(frozen=True)
class Measure:
    """One metric of the period. `before`: what it is compared with, usual for days and weeks, else the period before.

    None is not known. `is_unusual` when a count lies further from usual than its own noise explains.
    """

    metric: str
    value: float | None
    before: float | None
    is_unusual: bool = False


@dataclass(frozen=True)
class Review:
    """Everything of one period; a part is None when it could not be computed, with the reason in `failed`."""

    period: Period
    is_complete: bool
    currency: str
    measures: list[Measure] | None
    channels: list[Row] | None
    voiced: list[Row] | None
    roles: list[Row] | None
    removal: list[Row] | None
    verdicts: dict[str, int] | None
    due: list[Row] | None
    health: Health | None
    failed: list[str]
    theme_names: Names = field(default_factory=dict)
    plan: PlanPart | None = None
    begins: date | None = None  # the first day of visits and advertisements, where it is later than the period's


def read_review(engine: Engine, period: Period, expected: Sequence[str]) -> Review:
    """Read the published marts for a period. Raises StoreError when no marts have been published yet."""
    require_marts(engine)
    failed: list[str] = []

    def attempt(name: str, read: Callable[[], Part]) -> Part | None:
        return attempted(f"The {period.kind} review's {name}", read, failed)

    limits = {
        "first": period.first,
        "last": period.last,
        "after": period.last + timedelta(days=1),
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
    }

    def rows(name: str, *needed: str) -> list[Row]:
        return rows_of(engine, name, **{key: limits[key] for key in needed})

    begins = attempt("first day of data", lambda: _begins_after(engine, period.first))
    read = attempt("figures", lambda: _periods(engine, period)) or {}
    now = read.get(period.first, {})
    channels = "review_week_channels" if period.kind == "weekly" else "review_channels"
    has_channels = period.kind != "daily"
    is_quarter = period.kind == "quarterly"
    return Review(
        period=period,
        is_complete=bool(now.get("is_complete")) and begins is None,
        currency=str(next((row["currency"] for row in read.values() if row.get("currency")), "EUR")),
        measures=measures_of(period, read) if now else None,
        channels=attempt(
            "channels", lambda: rows(channels, *(("first",) if period.kind == "weekly" else ("first", "last")))
        )
        if has_channels
        else [],
        voiced=attempt("objections", lambda: rows("review_voiced", "starts_at", "ends_at")),
        roles=attempt("channel roles", lambda: rows("review_roles")) if is_quarter else [],
        removal=attempt("channel removal", lambda: rows("review_removal")) if is_quarter else [],
        verdicts=attempt(
            "verdicts",
            lambda: {row["verdict"]: int(row["task_count"]) for row in rows("review_verdicts", "first", "after")},
        ),
        due=attempt("journal", lambda: _due(engine, rows)),
        health=attempt("data health", lambda: data_health(engine, period.starts_at, period.ends_at, expected)),
        failed=failed,
        begins=begins,
        plan=attempt("plan", lambda: read_plan(engine, period)),
        theme_names=attempt("names of themes", lambda: theme_names(engine)) or {},
    )


def measures_of(period: Period, read: Mapping[date, Row]) -> list[Measure]:
    """Each metric of the period beside what it is compared with. `read`: first day -> row. Pure."""
    now = read.get(period.first)
    earlier = [row for day, row in sorted(read.items()) if day < period.first]
    found = []
    for metric, column in TOLD[period.kind].items():
        value = _number(now, column)
        past = [number for row in earlier if (number := _number(row, column)) is not None]
        if period.kind in ("daily", "weekly"):
            before = mean(past) if past else None
            is_unusual = column in _COUNTS and value is not None and is_far(value, past)
        else:
            before, is_unusual = (past[-1] if past else None), False
        found.append(Measure(metric, value, before, is_unusual))
    return found


def is_far(value: float, past: Sequence[float]) -> bool:
    """Whether a count is out of the ordinary beside `past` ones.

    Counts vary at least as a Poisson variable does, and by as much more as these have shown to; one more is added so
    that a first one after none is no alarm.
    """
    if len(past) < ENOUGH:
        return False
    usual = mean(past)
    return abs(value - usual) > FAR * sqrt(max(usual, pvariance(past)) + 1)


def _periods(engine: Engine, period: Period) -> dict[date, Row]:
    """First day -> the figures of the period and of those that it is compared with."""
    if period.kind == "daily":
        rows = rows_of(engine, "review_days", since=period.first - timedelta(weeks=USUAL), first=period.first)
        return {row["first_day"]: row for row in rows if row["first_day"].weekday() == period.first.weekday()}
    if period.kind == "weekly":
        rows = rows_of(engine, "review_weeks", since=period.first - timedelta(weeks=USUAL), first=period.first)
        return {row["first_day"]: row for row in rows}
    since = period.before.first
    months = rows_of(engine, "review_months", since=since, last=period.last)
    found = {}
    for one in (period.before, period):
        within = [row for row in months if one.first <= row["first_day"] <= one.last]
        if within:
            found[one.first] = _together(within)
    return found


def _together(months: Sequence[Row]) -> Row:
    """Months added up; what one of them does not know, the sum does not know."""
    sums = {
        name: None if any(row[name] is None for row in months) else sum(row[name] for row in months)
        for name in ("ad_cost_base", "acquisition_cost_base", "new_customers", "orders", "revenue_base")
    }
    return {
        **sums,
        "cac_base": _ratio(sums["acquisition_cost_base"], sums["new_customers"]),
        "is_complete": all(row["is_complete"] for row in months),
        "currency": months[0]["currency"],
    }


def _begins_after(engine: Engine, first: date) -> date | None:
    """When visits and advertisements begin, if they do within or after the period: its beginning is missing then."""
    if not inspect(engine).has_table("source_window", schema="marts"):
        return None
    begins: date | None = rows_of(engine, "review_begins")[0]["begins"]
    return begins if begins is not None and begins > first else None


def _due(engine: Engine, rows: Callable[..., list[Row]]) -> list[Row]:
    """Nothing is due in a company that has not decided anything yet."""
    return rows("review_due", "ends_at") if inspect(engine).has_table("decision", schema="marts") else []


def _ratio(numerator: Any, denominator: Any) -> float | None:
    return float(numerator) / float(denominator) if numerator is not None and denominator else None


def _number(row: Row | None, column: str) -> float | None:
    value = None if row is None else row.get(column)
    return None if value is None else float(value)
