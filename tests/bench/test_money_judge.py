"""The judge of money: equal to the cent is told from nearly equal, and a moved date from lost money."""

from __future__ import annotations

from typing import Any

import pytest
from bench.judges.measure import Measures, query_of
from bench.judges.money import money
from sqlalchemy import create_engine, text

TRUTH: dict[str, Any] = {
    "from": "2026-08-24T00:00:00.000Z",
    "now": "2026-11-16T00:00:00.000Z",
    "eur_per_unit": {"EUR": "1", "UAH": "0.02"},
    "spend": [
        {"platform": "google-ads", "date": "2026-09-01", "cost_micros": 1_234_560},
        {"platform": "google-ads", "date": "2026-11-16", "cost_micros": 9_000_000},
    ],
    "deals": [
        {"deal_id": "1", "outcome": "won", "closed_at": "2026-08-27T11:00:00.000Z", "amount": "100.10", "refund": None,
         "currency": "EUR"},
        {"deal_id": "2", "outcome": "won", "closed_at": "2026-09-27T11:00:00.000Z", "amount": "500.00",
         "refund": "200.00", "currency": "UAH"},
        {"deal_id": "3", "outcome": "won", "closed_at": "2026-09-27T11:00:00.000Z", "amount": "70.00",
         "refund": "70.00", "currency": "EUR"},
        {"deal_id": "4", "outcome": "won", "closed_at": "2026-08-20T11:00:00.000Z", "amount": "40.00", "refund": None,
         "currency": "EUR"},
        {"deal_id": "5", "outcome": "lost", "closed_at": "2026-09-20T11:00:00.000Z", "amount": "40.00", "refund": None,
         "currency": "EUR"},
    ],
}  # fmt: skip
OURS = {
    "1": ("won", "2026-08-27 11:00", "100.10", "EUR"),
    "2": ("won", "2026-09-27 11:00", "300.00", "UAH"),
    "3": ("lost", "2026-09-29 11:00", "70.00", "EUR"),
    "4": ("won", "2026-08-20 11:00", "40.00", "EUR"),
}


def judged(ours: dict[str, tuple[str, str, str, str]], cost: str = "1.23456") -> Measures:
    engine = create_engine("duckdb:///:memory:")
    with engine.begin() as connection:
        for statement in (
            "SET TimeZone = 'UTC'",
            "CREATE SCHEMA core",
            "CREATE SCHEMA marts",
            f"CREATE TABLE core.ad_performance AS SELECT 'google_ads' AS source, {cost}::DECIMAL(18, 6) AS cost",
            "CREATE TABLE marts.deal (deal_id TEXT, outcome TEXT, closed_at TIMESTAMPTZ, amount DECIMAL(18, 6),"
            " currency TEXT)",
        ):
            connection.exec_driver_sql(statement)
        for deal_id, (outcome, closed_at, amount, currency) in ours.items():
            values = {"id": deal_id, "outcome": outcome, "at": closed_at, "amount": amount, "currency": currency}
            connection.execute(text("INSERT INTO marts.deal VALUES (:id, :outcome, :at, :amount, :currency)"), values)
        return money(query_of(connection), TRUTH)


def test_equal_is_equal() -> None:
    found = judged(OURS)
    assert found["spend_google-ads_off_by_cents_lower_is_better"] == 0
    assert (found["orders_ratio"], found["revenue_ratio"]) == (1, 1)
    assert found["revenue_off_by_cents_lower_is_better"] == 0
    assert found["revenue_in_its_week"] == 1


def test_a_cent_is_seen() -> None:
    found = judged(OURS | {"1": ("won", "2026-08-27 11:00", "100.11", "EUR")}, cost="1.22456")
    assert found["revenue_off_by_cents_lower_is_better"] == pytest.approx(1)
    assert found["spend_google-ads_off_by_cents_lower_is_better"] == pytest.approx(1)


def test_an_earlier_closing_date_moves_money_and_loses_none() -> None:
    found = judged(OURS | {"1": ("won", "2026-08-10 11:00", "100.10", "EUR")})
    assert found["revenue_ratio"] == 1
    assert found["revenue_in_its_week"] == pytest.approx(6 / 106.10)


def test_a_lost_a_doubled_and_an_unpaid_order_are_seen() -> None:
    lost = judged({key: row for key, row in OURS.items() if key != "1"})
    assert (lost["orders_ratio"], lost["revenue_ratio"]) == (0.5, pytest.approx(6 / 106.10))
    doubled = judged(OURS | {"1b": OURS["1"]})
    assert doubled["orders_ratio"] == 1.5
    unpaid = judged(OURS | {"3": ("won", "2026-09-27 11:00", "70.00", "EUR")})
    assert unpaid["revenue_off_by_cents_lower_is_better"] == pytest.approx(7000)
