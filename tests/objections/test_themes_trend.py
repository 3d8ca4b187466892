"""Rising and falling: steady themes are flagged no more often than stated, a doubling is found, too little says so."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebuttal.objections.themes_trend import (
    FALLING,
    FALSE_ALARMS,
    NEW,
    RISING,
    STEADY,
    TOO_LITTLE,
    complete_weeks,
    trends,
)

MONDAY = date(2025, 1, 6)
WEEKS = [MONDAY + timedelta(weeks=number) for number in range(30)]
DEALS = dict.fromkeys(WEEKS, 50)
THEMES = 45


def told(counts: np.ndarray, deals: dict[date, int] = DEALS) -> dict[str, str]:
    """Theme -> word of the last week; counts: themes x weeks."""
    weeks = WEEKS[: counts.shape[1]]
    voiced = {
        ("c", f"t{row:02}"): {week: int(n) for week, n in zip(weeks, counts[row], strict=True)}
        for row in range(len(counts))
    }
    return {one.theme: one.trend for one in trends(weeks, voiced, deals, newest=1)}


def simulated(rng: np.random.Generator, spread: float) -> np.ndarray:
    means = rng.choice([0.3, 1, 3, 8, 15, 25, 40], THEMES)
    noise = rng.gamma(1 / spread, spread, (THEMES, len(WEEKS))) if spread else np.ones((THEMES, len(WEEKS)))
    return means[:, None] * noise


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_steady_themes_are_flagged_no_more_than_the_stated_rate(spread: float) -> None:
    rng = np.random.default_rng(20)
    runs = 150
    alarmed = 0
    for _ in range(runs):
        words = told(rng.poisson(simulated(rng, spread)))
        assert len(words) >= 20
        alarmed += any(word in (NEW, RISING, FALLING) for word in words.values())
    # Three standard errors above the rate: a method that keeps it fails once in a thousand.
    assert alarmed / runs <= FALSE_ALARMS + 3 * (FALSE_ALARMS * (1 - FALSE_ALARMS) / runs) ** 0.5


def test_a_doubling_is_found() -> None:
    rng = np.random.default_rng(21)
    runs = 60
    found = 0
    for _ in range(runs):
        means = simulated(rng, 0.0)
        means[0] = 30
        means[0, -1] = 60
        found += told(rng.poisson(means))["t00"] == RISING
    assert found / runs >= 0.9


def test_a_halving_is_falling_and_a_first_time_is_new() -> None:
    counts = np.tile([[40], [40], [0]], (1, 20))
    counts[0, -1], counts[2, -1] = 10, 12
    assert told(counts) == {"t00": FALLING, "t01": STEADY, "t02": NEW}


def test_more_deals_alone_raise_nothing() -> None:
    counts = np.tile([[30], [20]], (1, 20))
    counts[:, -4:] *= 3
    deals = {week: 150 if week in WEEKS[16:20] else 50 for week in WEEKS}
    assert set(told(counts, deals).values()) == {STEADY}
    assert RISING in told(counts).values()


@pytest.mark.parametrize("weeks", [1, 3, 6])
def test_a_short_history_is_too_little_to_tell(weeks: int) -> None:
    counts = np.full((3, weeks), 5)
    counts[0, -1] = 50
    assert set(told(counts).values()) == {TOO_LITTLE}


def test_a_rare_theme_is_too_little_to_tell() -> None:
    counts = np.zeros((1, 20), dtype=int)
    counts[0, 3], counts[0, -1] = 1, 1
    assert told(counts) == {"t00": TOO_LITTLE}


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 60))
def test_only_whole_weeks_count(start: int, length: int) -> None:
    first = date(2025, 1, 1) + timedelta(days=start)
    until = first + timedelta(days=length)
    weeks = complete_weeks(first, until)
    assert all(week.weekday() == 0 and week + timedelta(days=6) <= until for week in weeks)
    assert weeks == sorted(set(weeks))
    following = (weeks[-1] if weeks else first - timedelta(days=first.weekday() + 7)) + timedelta(weeks=1)
    assert following + timedelta(days=6) > until
