"""Queries of include/bi/sql that compute something: figures by paper and pencil, on a few rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from bi import marts_connection
from bi.declarations import load_datasets, load_marts

MONDAY = date(2026, 11, 9)


@pytest.fixture
def marts() -> Any:
    """Every mart, empty."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in marts_connection._empty(load_marts(), set()):
            connection.execute(statement)
        yield connection


def fill(marts: Any, name: str, **row: Any) -> None:
    marts.execute(f'INSERT INTO "{name}" ({", ".join(row)}) VALUES ({", ".join("?" * len(row))})', [*row.values()])


def ask(marts: Any, dataset: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = marts.execute(
        f"SELECT {columns} FROM ({load_datasets()[dataset].sql}) AS source ORDER BY {order}"
    ).fetchall()
    return found


def test_a_booking_counts_once_whatever_led_to_it(marts: Any) -> None:
    shared = {"conversion_type": "booking_served", "partner": "salon-01", "conversion_value_base": 40}
    for position in (1, 2, 3):
        fill(marts, "attribution_credit", conversion_id="a", position=position, converted_at=MONDAY, **shared)
    fill(marts, "attribution_credit", conversion_id="b", position=None, converted_at=MONDAY, **shared)
    fill(marts, "attribution_credit", conversion_id="c", position=1, conversion_type="won", conversion_value_base=9)
    found = ask(marts, "partner_booking", "conversion_id, partner, served_date, value_base", "1")
    assert found == [("a", "salon-01", MONDAY, 40), ("b", "salon-01", MONDAY, 40)]


def test_a_deal_counts_once_in_a_doubt_whatever_themes_of_it_were_voiced(marts: Any) -> None:
    told = [
        ("a", "d1", "missing_feature", "function", "lost", 700.0, 1),
        ("b", "d1", "missing_feature", "assortment", "lost", 700.0, 0),
        ("c", "d1", "price", "too_high", "lost", 700.0, 0),
        ("d", "d2", "missing_feature", "function", "open", 50.0, 0),
        ("e", "d3", "missing_feature", "function", "won", 0.0, 0),
        ("f", "p4", "integration", "software", None, None, 0),
        ("g", "d5", "integration", "software", "won", 0.0, 0),
    ]
    for name, subject, category, theme, outcome, money, day in told:
        fill(
            marts, "objection", objection_id=name, subject_id=subject, category=category, theme=theme, outcome=outcome,
            money_at_risk_base=money, first_voiced_at=datetime(2026, 11, 9 + day, tzinfo=UTC), week_start=MONDAY,
        )  # fmt: skip
    found = ask(marts, "objection", "objection_id, money_of_doubt", "1")
    assert found == [("a", None), ("b", 700), ("c", 700), ("d", 50), ("e", None), ("f", None), ("g", None)]


def test_nobody_has_a_task_only_where_that_is_known(marts: Any) -> None:
    given = [("open", "Daria Koval"), ("open", ""), ("open", None), ("proposed", None), ("awaiting_approval", None),
             ("published", "Gareth Pryce")]  # fmt: skip
    for number, (status, assignee) in enumerate(given):
        fill(marts, "content_task", task_id=str(number), status=status, assignee=assignee)
    found = [name for (name,) in ask(marts, "content_task", "assignee", "task_id")]
    assert found == ["Daria Koval", "nobody", None, "nobody", "nobody", "Gareth Pryce"]


def test_a_week_beside_those_before(marts: Any) -> None:
    orders = [6, 0, *range(1, 9)]  # the newest first; the last one is too long ago
    for back, count in enumerate(orders):
        monday = MONDAY - timedelta(weeks=back)
        revenue = None if back == 3 else 100 * count
        fill(
            marts, "kpi_weekly", week_start=monday, is_complete=True, deals_won=count, visits=10 + back, win_rate=0.25,
            revenue_base=revenue, currency="EUR",
        )  # fmt: skip
    fill(marts, "kpi_weekly", week_start=MONDAY + timedelta(weeks=1), is_complete=False, deals_won=99)
    found = {row[0]: row[1:] for row in ask(marts, "week_beside", "metric, newest, before, usual, change, unit", "1")}
    assert found["orders"] == (6, 0, (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7) / 8, None, ""), "from nothing there is no per cent"
    assert found["reach"] == (10, 11, (11 + 18) / 2, pytest.approx(-1 / 11), "")
    assert found["revenue"] == (600, 0, None, None, "EUR"), "one week without a rate: what is usual is not known"
    assert found["win_rate"] == (25, 25, 25, 0, "%")
    assert found["cpa"] == (None, None, None, None, "EUR")
    assert len(found) == 8


def test_a_day_beside_the_same_weekday_before(marts: Any) -> None:
    newest = date(2026, 11, 21)
    for family in ("crm", "visits", "ads"):
        first = newest - timedelta(days=30) if family == "ads" else newest - timedelta(days=90)
        fill(marts, "source_window", family=family, first_date=first, until_date=newest + timedelta(days=1))
    for back in range(80):
        fill(marts, "kpi_daily", date_day=newest - timedelta(days=back), visits=100 + back, leads=back % 7, deals_won=0)
    found = {row[0]: row[1:] for row in ask(marts, "day_beside", "metric, newest, before, usual, change", "1")}
    assert found["reach"] == (100, 107, (107 + 114 + 121 + 128) / 4, pytest.approx(-7 / 107)), "data begin 30 days ago"
    assert found["orders"] == (0, 0, 0, None)
    assert found["leads"] == (0, 0, 0, None), "other weekdays do not count"
    assert found["revenue"] == (None, None, None, None)


def test_goals_are_shown_in_their_unit(marts: Any) -> None:
    goals = {"win_rate": (0.3, "%", 30), "revenue": (9000, "EUR", 9000), "orders": (60, "", 60)}
    for metric, (target, _, _) in goals.items():
        fill(marts, "goal_progress", goal_id=metric, metric=metric, target=target, currency="EUR")
    found = ask(marts, "goal", "metric, unit, target_shown, current_shown", "1")
    assert found == [(metric, goals[metric][1], goals[metric][2], None) for metric in sorted(goals)]


def test_the_end_of_a_stream_is_its_last_day(marts: Any) -> None:
    for stream, until in (("a", "2026-11-22 00:00:00+00"), ("b", "2026-11-21 15:00:00+00"), ("c", None)):
        fill(marts, "quality_stream", stream=stream, covered_until=until)
    found = ask(marts, "quality_stream", "last_day", "stream")
    assert found == [(date(2026, 11, 21),), (date(2026, 11, 21),), (None,)]


def test_a_notice_asks_for_nothing_and_a_budget_off_its_pace_does(marts: Any) -> None:
    for severity in ("notice", "warning"):
        fill(
            marts, "quality_check", severity=severity, is_failing=True, source="", entity="visit", description=severity
        )
    month = date(2026, 11, 1)
    for channel, state in (("video", "over"), ("social", "on"), ("email", "unplanned")):
        fill(
            marts, "plan_pace", month_start=month, channel=channel, state=state, budget_base=100, forecast_base=180.4,
            currency="EUR", measured_until=MONDAY,
        )  # fmt: skip
    fill(marts, "plan_pace", month_start=date(2026, 12, 1), channel="later", state="under", currency="EUR")
    found = ask(marts, "attention", "what, subject, details", "urgency, subject")
    assert found == [
        ("Budget off its pace", "email", "Money is spent and no budget is planned"),
        ("Budget off its pace", "video", "About 180 EUR by the end of the month, of a budget of 100 EUR"),
        ("Check fails", "visit", "warning"),
    ]
