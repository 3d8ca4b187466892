"""Predicted lifetime value: it finds what made the data, says what it does not know, and measures its own error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import text

from rebuttal.journeys.ltv import HORIZON_MONTHS, ltv_predicted, predict_ltv, predictions
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

Rate = Callable[[str, int], float]


def cohorts(rate: Rate, *, months: int = 24, customers: int = 200, seed: int | None = None) -> pd.DataFrame:
    """Cohorts of two segments whose members buy again by `rate`, for 50 (a) or 100 (b) each; exact without a seed."""
    random = np.random.default_rng(seed)
    rows = []
    for start in range(months):
        for segment, price in (("a", 50.0), ("b", 100.0)):
            for since in range(months - start):
                mean = customers * rate(segment, since) if since else 0.0
                orders = mean if seed is None else random.poisson(mean)
                first = customers * price if since == 0 else 0.0
                month = date(2024 + start // 12, start % 12 + 1, 1)
                rows.append((month, segment, since, customers, orders, orders * price, first, 0))
    names = ["cohort_month", "segment", "months_since", "customers", "repeat_orders", "repeat_revenue"]
    return pd.DataFrame(rows, columns=[*names, "first_revenue", "missing_rate_count"])


def decaying(segment: str, month: int) -> float:
    return (0.08 if segment == "a" else 0.03) / month**0.5


def by_key(rows: list[dict[str, Any]]) -> dict[tuple[date, str], dict[str, Any]]:
    return {(row["cohort_month"], row["segment"]): row for row in rows}


def test_it_finds_the_process_that_made_the_data() -> None:
    rows = by_key(predictions(cohorts(decaying), "EUR"))
    newest = date(2025, 12, 1)
    for segment, price in (("a", 50), ("b", 100)):
        true = price * (1 + sum(decaying(segment, month) for month in range(1, HORIZON_MONTHS + 1)))
        row = rows[newest, segment]
        assert row["observed_months"] == 0
        assert row["ltv_observed_base"] == price
        assert row["ltv_predicted_base"] == pytest.approx(true, rel=1e-6)
        assert (row["held_back_months"], row["held_back_error"]) == (3, pytest.approx(0, abs=1e-6))
    together = rows[newest, "all"]
    assert together["customers"] == 400
    assert together["ltv_predicted_base"] == pytest.approx(
        (rows[newest, "a"]["ltv_predicted_base"] + rows[newest, "b"]["ltv_predicted_base"]) / 2
    )


@pytest.mark.parametrize("customers", [30, 200])
def test_the_range_holds_what_comes_eight_of_ten_times(customers: int) -> None:
    """Forty companies whose later months are known; of each the cohorts three to nine months old when it is asked."""
    inside = []
    for seed in range(40):
        months = cohorts(decaying, months=24, customers=customers, seed=seed)
        born = months["cohort_month"].map(lambda day: day.year * 12 + day.month)
        asked = months[born + months["months_since"] <= born.min() + 11]
        later = months[(months["months_since"] >= 1) & (months["months_since"] <= HORIZON_MONTHS)]
        came = later.groupby(["cohort_month", "segment"])["repeat_revenue"].sum() / customers
        for (month, segment), row in by_key(predictions(asked, "EUR")).items():
            if segment != "all" and 3 <= row["observed_months"] <= 9:
                true = {"a": 50.0, "b": 100.0}[segment] + came[month, segment]
                inside.append(row["ltv_low_base"] - 1e-6 <= true <= row["ltv_high_base"] + 1e-6)
    assert len(inside) == 40 * 7 * 2
    assert 0.75 <= np.mean(inside) <= 0.95, "small counts come in steps: a range is rather too wide than too narrow"


def test_the_more_is_known_the_narrower_is_the_range() -> None:
    few, many = (
        by_key(predictions(cohorts(decaying, customers=size, seed=3), "EUR"))[date(2025, 12, 1), "all"]
        for size in (20, 2000)
    )
    for row in (few, many):
        assert row["ltv_observed_base"] <= row["ltv_low_base"] < row["ltv_predicted_base"] < row["ltv_high_base"]
    assert few["ltv_high_base"] - few["ltv_low_base"] > 5 * (many["ltv_high_base"] - many["ltv_low_base"])


def test_what_was_seen_to_the_horizon_is_not_predicted() -> None:
    rows = by_key(predictions(cohorts(decaying), "EUR"))
    old = rows[date(2024, 1, 1), "a"]
    assert old["observed_months"] == 23
    assert old["ltv_predicted_base"] == old["ltv_observed_base"]
    assert old["ltv_low_base"] == old["ltv_high_base"] == old["ltv_observed_base"]
    true = 50 * (1 + sum(decaying("a", month) for month in range(1, HORIZON_MONTHS + 1)))
    assert old["ltv_observed_base"] == pytest.approx(true), "twelve months, though more were seen"


def test_noise_shows_in_the_error_and_a_change_of_habits_even_more() -> None:
    noisy = by_key(predictions(cohorts(decaying, seed=7), "EUR"))[date(2025, 12, 1), "all"]
    assert 0.02 < noisy["held_back_error"] < 0.5
    assert abs(noisy["held_back_bias"]) < 0.2
    changed = cohorts(decaying)
    ends = changed.groupby("cohort_month")["months_since"].transform("max")
    late = (changed["months_since"] > ends - 3) & (changed["months_since"] > 0)
    changed.loc[late, ["repeat_orders", "repeat_revenue"]] *= 2
    doubled = by_key(predictions(changed, "EUR"))[date(2025, 12, 1), "all"]
    assert doubled["held_back_bias"] == pytest.approx(-0.5, abs=1e-6)


def test_too_little_is_said_and_not_guessed() -> None:
    rows = predictions(cohorts(decaying, months=3, customers=10), "EUR")
    assert len(rows) == 3 * 3
    assert {row["ltv_predicted_base"] for row in rows} == {None}
    assert all("fewer than 20 repeat purchases" in row["reason"] for row in rows)
    assert all(row["ltv_observed_base"] > 0 for row in rows)
    assert predictions(cohorts(decaying).iloc[:0], "EUR") == []


def test_money_without_a_rate_is_missing() -> None:
    months = cohorts(decaying)
    first = (months["cohort_month"] == date(2024, 1, 1)) & (months["segment"] == "a")
    months.loc[first & (months["months_since"] == 2), "missing_rate_count"] = 1
    rows = by_key(predictions(months, "EUR"))
    for segment in ("a", "all"):
        row = rows[date(2024, 1, 1), segment]
        assert (row["ltv_observed_base"], row["ltv_predicted_base"]) == (None, None)
        assert row["reason"] == "an exchange rate is missing"
    assert rows[date(2024, 1, 1), "b"]["ltv_predicted_base"] is not None


def test_habits_that_grow_are_not_drawn_on_beyond_what_was_seen() -> None:
    rows = by_key(predictions(cohorts(lambda _, month: 0.02 * month, months=5), "EUR"))
    row = rows[date(2024, 5, 1), "a"]
    seen = sum(0.02 * month for month in range(1, 5))
    assert row["ltv_predicted_base"] == pytest.approx(50 * (1 + seen + 0.08 * (HORIZON_MONTHS - 4)), rel=1e-6)


@examples(max_examples=40)
@given(st.integers(0, 1000), st.integers(2, 16), st.integers(1, 300))
def test_a_prediction_is_never_below_what_was_seen(seed: int, months: int, customers: int) -> None:
    for row in predictions(cohorts(decaying, months=months, customers=customers, seed=seed), "EUR"):
        assert (row["ltv_predicted_base"] is None) == (row["reason"] is not None)
        if row["ltv_predicted_base"] is not None:
            assert row["ltv_predicted_base"] >= row["ltv_observed_base"] - 1e-9
            assert np.isfinite(row["ltv_predicted_base"])
            assert row["ltv_observed_base"] - 1e-9 <= row["ltv_low_base"] <= row["ltv_high_base"] < np.inf


def test_a_segment_that_never_came_back_shares_the_rate_of_all() -> None:
    months = cohorts(lambda segment, month: decaying("a", month) if segment == "a" else 0.0)
    rows = by_key(predictions(months, "EUR"))
    newest = date(2025, 12, 1)
    pooled = sum(decaying("a", month) / 2 for month in range(1, HORIZON_MONTHS + 1))
    assert rows[newest, "b"]["ltv_predicted_base"] == pytest.approx(100 + 50 * pooled, rel=1e-6)


def test_it_is_written_once(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "CREATE TABLE marts_build.int_cohort_month (cohort_month date, channel text, segment text,"
                    " months_since bigint, customers bigint, repeat_orders bigint,"
                    " repeat_revenue_known_base numeric(18, 6), revenue_known_base numeric(18, 6),"
                    " missing_rate_count bigint, is_complete boolean)"
                )
            )
            months = cohorts(decaying, seed=1)
            rows = [
                {**row, "channel": "x", "is_complete": True, "revenue": row["repeat_revenue"] + row["first_revenue"]}
                for row in months.to_dict("records")
            ]
            connection.execute(
                text(
                    "INSERT INTO marts_build.int_cohort_month VALUES (:cohort_month, :channel, :segment, :months_since,"
                    " :customers, :repeat_orders, :repeat_revenue, :revenue, :missing_rate_count, :is_complete)"
                ),
                rows,
            )
        assert predict_ltv(engine, "EUR") == 24 * 3
        assert predict_ltv(engine, "EUR") == 0, "a second run changes nothing"
        with engine.connect() as connection:
            found = connection.execute(ltv_predicted.select().where(ltv_predicted.c.segment == "b")).mappings().all()
        expected = by_key(predictions(months, "EUR"))
        assert len(found) == 24
        for row in found:
            want = expected[row["cohort_month"], "b"]
            assert row["ltv_predicted_base"] == pytest.approx(want["ltv_predicted_base"], abs=1e-6)
            assert float(row["held_back_observed_base"] or 0) == pytest.approx(want["held_back_observed_base"] or 0)
