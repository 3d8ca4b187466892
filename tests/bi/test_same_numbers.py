"""One number, three places: a review, the dashboards and `rebuttal report` say the same of the same period.

The marts are three made-up companies, one of which lacks a rate; what the figures are is for the marts' own tests.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bi.declarations import Measure, load_datasets
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.reports.period import Kind, period_of
from rebuttal.reports.review_figures import read_review
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.publish import publish
from rebuttal.warehouse.reports import report

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
MONDAY, MONTH = date(2026, 11, 9), date(2026, 10, 1)
WEEK_COLUMNS = (
    "week_start", "is_complete", "visits", "impressions", "clicks", "ctr", "cpc_base", "ad_cost_base", "leads",
    "cost_per_lead_base", "mqls", "sqls", "deals_created", "deals_won", "deals_lost", "win_rate", "revenue_base",
    "average_order_value_base", "roas", "nps", "currency",
)  # fmt: skip
# Metric of the weekly review -> column of kpi_weekly; those of the monthly one -> column of unit_economics.
WEEKLY = {
    "reach": "visits", "leads": "leads", "sql": "sqls", "orders": "deals_won", "win_rate": "win_rate",
    "revenue": "revenue_base", "ad_cost": "ad_cost_base", "cpa": "cost_per_lead_base", "roas": "roas",
}  # fmt: skip
MONTHLY = {"new_customers": "new_customers", "orders": "orders", "revenue": "revenue_base"}


def a_week(chance: random.Random, monday: date, has_rate: bool) -> dict[str, Any]:
    visits, leads = chance.randint(100, 900), chance.randint(5, 60)
    won, lost = chance.randint(1, 9), chance.randint(1, 9)
    impressions, clicks = chance.randint(1000, 9000), chance.randint(10, 400)
    cost = chance.randint(100, 900) / 4 if has_rate else None
    revenue = chance.randint(500, 9000) / 4
    values = (
        monday, True, visits, impressions, clicks, clicks / impressions, None if cost is None else cost / clicks, cost,
        leads, None if cost is None else cost / leads, leads // 2, leads // 3, won + lost, won, lost,
        won / (won + lost), revenue, revenue / won, None if cost is None else revenue / cost, 10.0, "EUR",
    )  # fmt: skip
    return dict(zip(WEEK_COLUMNS, values, strict=True))


def create(connection: Any, name: str, rows: list[dict[str, Any]], types: dict[str, str]) -> None:
    columns = ", ".join(f"{column} {types.get(column, 'DOUBLE')}" for column in rows[0])
    connection.execute(text(f"CREATE OR REPLACE TABLE marts.{name} ({columns})"))
    places = ", ".join(f":{column}" for column in rows[0])
    connection.execute(text(f"INSERT INTO marts.{name} VALUES ({places})"), rows)


@pytest.fixture(params=[1, 2, 3])
def company(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A published company; the third lacks the rate of its last week."""
    chance = random.Random(request.param)
    weeks = [a_week(chance, MONDAY - timedelta(weeks=n), request.param < 3 or n > 0) for n in range(10)]
    months = [
        {"month_start": month, "channel": channel, "is_complete": True, "ad_cost_base": float(chance.randint(0, 500)),
         "acquisition_cost_base": float(chance.randint(0, 500)), "new_customers": chance.randint(0, 9),
         "orders": chance.randint(0, 9), "revenue_base": chance.randint(0, 9000) / 4, "currency": "EUR"}
        for month in (MONTH, date(2026, 9, 1)) for channel in ("social", "video", "email")
    ]  # fmt: skip
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            create(
                connection, "kpi_weekly", weeks, {"week_start": "DATE", "is_complete": "BOOLEAN", "currency": "TEXT"}
            )
            types = {"month_start": "DATE", "channel": "TEXT", "is_complete": "BOOLEAN", "currency": "TEXT"}
            create(connection, "unit_economics", months, types | {"new_customers": "BIGINT", "orders": "BIGINT"})
        publish(Context(settings, Clock(NOW), lambda _: None, b"0123456789abcdef"))  # type: ignore[arg-type,return-value]
    return settings


def in_bi(settings: Settings, dataset: str, metric: str, first: date) -> float | None:
    """What a dashboard's measure of that metric gives for one period."""
    found = load_datasets()[dataset]
    (measure,) = [one for one in found.measures.values() if one.metric == metric]
    assert isinstance(measure, Measure)
    with open_published(settings) as engine, engine.connect() as connection:
        query = text(f"SELECT {measure.sql} FROM marts.{found.mart} WHERE {found.time} = :first")
        value = connection.execute(query, {"first": first}).scalar()
    return None if value is None else float(value)


def in_mail(settings: Settings, kind: Kind) -> dict[str, float | None]:
    """What a review tells of the last period."""
    with open_published(settings) as engine:
        review = read_review(engine, period_of(kind, NOW, ZoneInfo("UTC")), ())
    assert review.measures is not None
    return {measure.metric: measure.value for measure in review.measures}


def in_report(settings: Settings, name: str, column: str, first: date) -> list[float | None]:
    """What `rebuttal report` shows in a column of the period's rows."""
    columns, rows = report(settings, name)
    found = [row[columns.index(column)] for row in rows if row[0] == first]
    return [None if value is None else float(value) for value in found]


def test_a_weeks_numbers_are_the_same_everywhere(company: Settings) -> None:
    mailed = in_mail(company, "weekly")
    for metric, column in WEEKLY.items():
        (shown,) = in_report(company, "kpi_weekly", column, MONDAY)
        assert mailed[metric] == pytest.approx(shown), metric
        assert in_bi(company, "kpi_weekly", metric, MONDAY) == pytest.approx(shown), metric
    assert len(WEEKLY) + len(MONTHLY) + 1 >= 10


def test_a_months_numbers_are_the_same_everywhere(company: Settings) -> None:
    mailed = in_mail(company, "monthly")
    for metric, column in MONTHLY.items():
        shown = in_report(company, "unit_economics", column, MONTH)
        assert len(shown) == 3
        total = sum(value for value in shown if value is not None)
        assert mailed[metric] == pytest.approx(total), metric
        assert in_bi(company, "unit_economics", metric, MONTH) == pytest.approx(total), metric
    assert mailed["cac"] == pytest.approx(in_bi(company, "unit_economics", "cac", MONTH))


def test_the_metrics_are_those_of_the_dictionary() -> None:
    from rebuttal.metrics import load_metrics

    known = {metric.id: metric.columns for metric in load_metrics(Path(PROJECT_ROOT) / "include" / "config")}
    assert all(f"kpi_weekly.{column}" in known[metric] for metric, column in WEEKLY.items())
    assert all(f"unit_economics.{column}" in known[metric] for metric, column in MONTHLY.items())
