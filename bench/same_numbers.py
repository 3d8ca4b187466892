"""One number, three places: what a mail tells, a dashboard shows and `rebuttal report` prints, in lived worlds.

    python -m bench.same_numbers [SEED ...]

Each seed is a small world of its own (bench.company), through which the loop turns once. Prints every figure by metric,
and exits 1 when one of them differs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bench.company import ROOT, Company, World, company
from bench.same_money import money_figures
from bi.declarations import load_datasets
from rebuttal.clock import Clock
from rebuttal.configuration import load_vocabulary
from rebuttal.context import Context
from rebuttal.metrics import load_metrics
from rebuttal.reports.channels import Channel
from rebuttal.reports.language import words_of
from rebuttal.reports.period import Kind, Period, period_of
from rebuttal.reports.review import Teller, compose_review
from rebuttal.reports.review_figures import Review, read_review
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published

SEEDS = (31, 32, 33)
KINDS: tuple[Kind, ...] = ("weekly", "monthly")


@dataclass(frozen=True)
class Place:
    """Where a metric stands: the review that tells it, the report and its column, the dashboard's dataset."""

    kind: Kind
    report: str
    column: str
    dataset: str


# Metric of the dictionary -> where it stands. Sums over a report's rows of the period; ratios stand in one row.
WEEKLY = {
    "reach": "visits", "leads": "leads", "sql": "sqls", "orders": "deals_won", "win_rate": "win_rate",
    "revenue": "revenue_base", "ad_cost": "ad_cost_base", "cpa": "cost_per_lead_base", "roas": "roas",
}  # fmt: skip
MONTHLY = {"new_customers": "new_customers", "orders": "orders", "revenue": "revenue_base"}
PLACES = [
    *((metric, Place("weekly", "kpi_weekly", column, "kpi_weekly")) for metric, column in WEEKLY.items()),
    *((metric, Place("monthly", "unit-economics", column, "unit_economics")) for metric, column in MONTHLY.items()),
]


def compare(place: Company) -> list[dict[str, Any]]:
    """Every metric, budget and money at risk: `metric`, `period`, `report`, `bi` and `mail` as a reader sees it.

    `report` and `bi` are numbers (None: not known), written as the mail would write them in `expected`.
    """
    settings = Settings(
        place.home, ROOT / "include" / "config", place.sandbox_url,
        f"duckdb:///{place.home / 'warehouse.duckdb'}", f"sqlite:///{place.home / 'state.sqlite'}",
    )  # fmt: skip
    now = datetime.combine(date.fromisoformat(place.world.until) + timedelta(days=1), datetime.min.time(), UTC)
    context = Context(settings, Clock(now), lambda _: None, b"0123456789abcdef")  # type: ignore[arg-type]
    names = ("kpi_weekly", "unit-economics", "plan_pace", "objections")
    reports = {name: json.loads(place.run("report", name, "--json").stdout) for name in names}
    titles = {issue["key"]: issue["fields"]["summary"] for issue in place.tasks()}
    return [
        *_figures(context, reports),
        *_budgets(context, reports["plan_pace"]),
        *money_figures(context, reports["objections"], titles),
    ]


def _figures(context: Context, reports: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    mails = {kind: _mail(context, kind) for kind in KINDS}
    for metric, where in PLACES:
        period, review, mailed = mails[where.kind]
        rows = reports[where.report]
        first = "week_start" if where.kind == "weekly" else "month_start"
        found = [row[where.column] for row in rows if row[first] == period.first.isoformat()]
        reported = _sum(found)
        name, shown = _shown(context, review, metric, reported)
        begun = tuple(f"* {mark}{name}: {column} " for mark in ("", "● ") for column in ("this week", "month"))
        (line,) = [told for told in mailed if told.startswith(begun)]
        yield {
            "metric": metric, "period": period.label, "rows": len(found), "report": reported, "expected": shown,
            "bi": _dashboard(context.settings, where.dataset, metric, period.first),
            "mail": line.split(": ", 1)[1].removeprefix("this week ").removeprefix("month ").rsplit(", ", 1)[0],
        }  # fmt: skip


def _budgets(context: Context, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The plan's month of the monthly review: what was spent of each budget."""
    period, review, mailed = _mail(context, "monthly")
    month = [row for row in rows if row["month_start"] == period.first.isoformat()]
    reported = _sum([row["spent_base"] for row in month])
    _, shown = _shown(context, review, "budget_spent", reported)
    lines = [line for line in mailed if " budget " in line and ", spent " in line]
    shown_rows = [_shown(context, review, "budget_spent", _number(row["spent_base"]))[1] for row in month]
    told = sorted(line.split(", spent ")[1].split(",  ")[0] for line in lines)
    yield {
        "metric": "budget_spent", "period": period.label, "rows": len(month), "report": reported, "expected": shown,
        "bi": _dashboard(context.settings, "plan_month", "budget_spent", period.first),
        "mail": shown if told == sorted(shown_rows) else f"lines {told} instead of {sorted(shown_rows)}",
    }  # fmt: skip


def differing(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not the same everywhere."""

    def is_same(row: dict[str, Any]) -> bool:
        if (row["report"] is None) != (row["bi"] is None):
            return False
        near = row["report"] is None or abs(row["report"] - row["bi"]) <= 1e-6 * max(1.0, abs(row["report"]))
        return near and bool(row["mail"] == row["expected"])

    return [row for row in figures if not is_same(row)]


def _mail(context: Context, kind: Kind) -> tuple[Period, Review, list[str]]:
    """The period that ended last, its figures, and the lines of the plain part as a reader gets it."""
    zone = ZoneInfo("UTC")
    period = period_of(kind, context.clock.now(), zone)
    config = context.settings.config
    with open_published(context.settings) as engine:
        review = read_review(engine, period, ())
    reader = Channel("person:reader", "en", zone, "", "", lambda *_: ("sent", ""))
    metrics = {metric.id: metric for metric in load_metrics(config)}
    written = compose_review(review, reader, metrics, load_vocabulary(config), "lead")
    return period, review, written.text.splitlines()


def _shown(context: Context, review: Review, metric: str, value: float | None) -> tuple[str, str]:
    """A metric's name, and a value as this mail writes it."""
    metrics = {one.id: one for one in load_metrics(context.settings.config)}
    teller = Teller(review, words_of("en"), metrics, load_vocabulary(context.settings.config))
    return teller.name(metric), teller.shown(metric, value)


def _dashboard(settings: Settings, dataset: str, metric: str, first: date) -> float | None:
    """What a chart's measure of that metric gives for one period."""
    found = load_datasets()[dataset]
    (measure,) = [one for one in found.measures.values() if one.metric == metric]
    source = f"marts.{found.mart}" if found.mart else f"({found.sql}) AS source"
    with open_published(settings) as engine, engine.connect() as connection:
        connection.execute(text("SET search_path = 'marts,ops'"))
        query = text(f"SELECT {measure.sql} FROM {source} WHERE {found.time} = :first")
        return _number(connection.execute(query, {"first": first}).scalar())


def _sum(values: list[Any]) -> float | None:
    """Added up; what one of them does not know, the sum does not know."""
    known = [_number(value) for value in values]
    return None if not known or None in known else sum(one for one in known if one is not None)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def main(arguments: list[str]) -> int:
    """Each seed's world in turn."""
    wrong = 0
    for seed in [int(word) for word in arguments] or SEEDS:
        with (
            tempfile.TemporaryDirectory(prefix="rebuttal-numbers-") as folder,
            company(Path(folder) / "home", World(seed, scale=0.2)) as place,
        ):
            place.loop()
            figures = compare(place)
            different = differing(figures)
            wrong += len(different)
            for row in figures:
                mark = "DIFFERS" if row in different else "same"
                told = f"{row['period']:<34}{row['metric']:<16}{row['report']!s:>22}  {row['mail']:>12}"
                print(f"seed {seed}  {told}  {mark}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
