"""What earlier work taught and what exists already: properties of draws, win rates and coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, kstest

from rebuttal.content.inventory import Answers, Covering, Piece, Reading, covered, covering
from rebuttal.content.learning import Draw, draw_formats, iso_week, tally_verdicts
from rebuttal.content.scoring import winnability

COUNTS = st.integers(0, 60)
NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True)


def draw(theme: str = "price/too_high", formats: Any = ("page", "calculator"), week: str = "2026-W47", seed: int = 1,
         **tally: tuple[int, int]) -> Draw:  # fmt: skip
    known = {("price", name): counts for name, counts in tally.items()}
    return draw_formats(theme, "price", formats, known, seed, week)


@given(NAMES, COUNTS, COUNTS, st.integers(), st.text())
def test_the_same_week_and_seed_draw_the_same_and_the_order_of_formats_does_not_matter(
    formats: list[str], confirmed: int, rejected: int, seed: int, theme: str
) -> None:
    tally = {formats[0]: (confirmed, rejected)}
    first = draw(theme, formats, seed=seed, **tally)
    assert draw(theme, formats, seed=seed, **tally) == first
    backwards = draw(theme, formats[::-1], seed=seed, **tally)
    assert {arm.format: arm.draw for arm in backwards.arms} == {arm.format: arm.draw for arm in first.arms}
    assert [arm.draw for arm in first.arms] == sorted((arm.draw for arm in first.arms), reverse=True)
    assert all(0 <= arm.draw <= 1 for arm in first.arms)
    assert 0 <= first.factor <= 2


@given(COUNTS, COUNTS, st.integers())
def test_one_more_confirmation_never_lowers_a_draw_and_one_more_rejection_never_raises_it(
    confirmed: int, rejected: int, seed: int
) -> None:
    def drawn(*counts: int) -> float:
        return draw(formats=("page",), seed=seed, page=(counts[0], counts[1])).chosen.draw

    now = drawn(confirmed, rejected)
    assert drawn(confirmed + 1, rejected) >= now
    assert drawn(confirmed, rejected + 1) <= now


@pytest.mark.parametrize("counts", [(0, 0), (7, 2), (1, 9)])
def test_draws_over_themes_and_weeks_are_spread_as_the_posterior_says(counts: tuple[int, int]) -> None:
    draws = [draw(f"price/t{n}", ("page",), f"2026-W{1 + n % 52:02d}", page=counts).chosen.draw for n in range(3000)]
    assert kstest(draws, beta(1 + counts[0], 1 + counts[1]).cdf).pvalue > 0.001


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_when_nothing_is_known_the_factor_is_one_on_average_however_many_formats_there_are(number: int) -> None:
    formats = [f"format {n}" for n in range(number)]
    factors = [draw(f"price/t{n}", formats).factor for n in range(4000)]
    assert np.mean(factors) == pytest.approx(1.0, abs=4 * np.std(factors) / np.sqrt(len(factors)))


def test_what_nobody_tried_gets_its_turn_beside_a_format_that_works_and_what_failed_hardly_does() -> None:
    tally = {"good": (8, 2), "bad": (0, 12), "new": (0, 0)}
    chosen = [draw(f"price/t{n}", list(tally), **tally).chosen.format for n in range(2000)]
    shares = {name: chosen.count(name) / len(chosen) for name in tally}
    assert 0.1 < shares["new"] < 0.5
    assert shares["good"] > shares["new"]
    assert shares["bad"] < 0.02


def test_learning_finds_the_better_format_and_keeps_to_it() -> None:
    """A calculator that helps in 70 % of cases, a page that helps in 30 %, and a verdict each week for three years."""
    true_rate, tally, picks = {"page": 0.3, "calculator": 0.7}, {"page": (0, 0), "calculator": (0, 0)}, []
    chance = np.random.default_rng(5)
    for week in range(156):
        name = draw(week=f"w{week}", **tally).chosen.format
        confirmed, rejected = tally[name]
        is_good = chance.random() < true_rate[name]
        tally[name] = (confirmed + is_good, rejected + (not is_good))
        picks.append(name)
    assert {"page", "calculator"} <= set(picks[:12])  # both were tried early
    assert picks[-52:].count("calculator") >= 45


def test_another_week_theme_or_seed_is_another_draw() -> None:
    drawn = {draw().chosen.draw, draw(week="2026-W48").chosen.draw, draw("price/no_budget").chosen.draw,
             draw(seed=2).chosen.draw}  # fmt: skip
    assert len(drawn) == 4


def test_the_week_is_the_iso_week_of_the_utc_day() -> None:
    from datetime import UTC, datetime

    assert iso_week(datetime.fromisoformat("2026-11-16T01:00:00+02:00")) == "2026-W46"  # still Sunday in UTC
    assert iso_week(datetime(2027, 1, 1, tzinfo=UTC)) == "2026-W53"


def test_verdicts_teach_the_format_of_their_task_and_only_on_the_registered_metric() -> None:
    def row(task_id: str, verdict: str, metric: str = "objection_rate") -> dict[str, str]:
        return {"task_id": task_id, "category": "price", "metric": metric, "verdict": verdict}

    verdicts = [row("a", "confirmed"), row("a", "rejected", "win_rate"), row("b", "rejected"), row("b2", "confirmed"),
                row("gone", "confirmed"), row("c", "not_enough_data")]  # fmt: skip
    tasks = {"a": ("objection_rate", "page"), "b": ("objection_rate", "page"), "b2": ("objection_rate", None),
             "c": ("objection_rate", "page")}  # fmt: skip
    assert tally_verdicts(verdicts, tasks) == {("price", "page"): (1, 1), ("price", ""): (2, 0)}
    # What named no format counts for each of them.
    arms = draw_formats("price/x", "price", ["page", "calculator"], tally_verdicts(verdicts, tasks), 1, "w").arms
    assert {arm.format: (arm.confirmed_count, arm.rejected_count) for arm in arms} == {
        "page": (3, 1),
        "calculator": (2, 0),
    }


@given(COUNTS, COUNTS, st.integers(1, 500), st.integers(0, 500))
def test_winnability_stays_in_its_bounds_and_its_interval_is_one(
    won: int, lost: int, other_won: int, other_lost: int
) -> None:
    found = winnability(won, lost, other_won, other_lost)
    assert 0.05 <= found.value <= 1
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.high


@given(st.integers(1, 60), st.integers(1, 60), st.integers(5, 500), st.integers(5, 500))
def test_a_win_more_raises_winnability_and_a_hundred_times_the_deals_make_the_interval_narrower(
    won: int, lost: int, other_won: int, other_lost: int
) -> None:
    here = winnability(won, lost, other_won, other_lost)
    better = winnability(won + 1, lost, other_won, other_lost)
    assert better.value >= here.value
    more = winnability(won * 100, lost * 100, other_won * 100, other_lost * 100)
    assert None not in (here.low, here.high, more.low, more.high)
    assert np.log(more.high / more.low) < np.log(here.high / here.low)  # type: ignore[operator]


def test_few_deals_say_little_and_many_say_what_they_are() -> None:
    assert winnability(0, 2, 50, 50).value > 0.8
    assert winnability(0, 200, 50, 50).value < 0.1
    assert winnability(0, 0, 50, 50).value == 1.0
    assert (winnability(0, 5, 0, 50).value, winnability(0, 5, 0, 50).low) == (1.0, None)


@pytest.mark.parametrize("true_ratio", [1.0, 0.7])
def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says(true_ratio: float) -> None:
    """Shrinking pulls a low ratio up, so with few deals the interval errs on the side of "changes nothing"."""
    chance, without = np.random.default_rng(2), 0.4
    held = []
    for _ in range(3000):
        won, other = chance.binomial(60, without * true_ratio), chance.binomial(300, without)
        found = winnability(int(won), 60 - int(won), int(other), 300 - int(other))
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= true_ratio <= found.high)
    assert 0.93 <= np.mean(held) <= 0.995


def piece(item_id: str, *answers: Answers, failed: tuple[str, ...] = ()) -> Piece:
    url = f"https://brand.example/{item_id}"
    return Piece(item_id, url, item_id, "page", "csv", answers=answers, did_not_help=failed)


SHARES = st.floats(0, 1)
READINGS = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: Reading(max(pair), min(pair)))


@given(st.lists(st.tuples(SHARES, READINGS), max_size=6))
def test_coverage_is_a_share_grows_with_each_piece_and_what_is_unread_covers_nothing(
    told: list[tuple[float, Reading]],
) -> None:
    pieces = [Covering(piece(str(n)), Answers("price", "told", s), r) for n, (s, r) in enumerate(told)]
    total = covered(pieces)
    assert -1e-12 <= total <= 1
    assert covered(pieces[1:]) <= total + 1e-12
    assert all(one.coverage == 0 for one in pieces if one.reading is None or one.reading.reader_count == 0)
    assert total >= max((one.coverage for one in pieces), default=0) - 1e-12


def test_only_what_people_said_covers_and_a_piece_whose_reading_is_not_known_does_not() -> None:
    read = Reading(10, 5)
    assert Covering(piece("a"), Answers("price", "told", 0.6), read).coverage == pytest.approx(0.3)
    assert Covering(piece("a"), Answers("price", "proposed", 0.6, 0.99), read).coverage == 0
    assert Covering(piece("a"), Answers("price", "confirmed", 0.6), None).coverage == 0
    assert Covering(piece("a"), Answers("price", "confirmed", 0.6), Reading(0, 0)).coverage == 0


def test_the_piece_to_update_is_said_by_people_then_of_the_theme_then_most_read() -> None:
    pieces = [
        piece("guess", Answers("price/too_high", "proposed", None, 0.9)),
        piece("general", Answers("price", "told", 0.2)),
        piece("known", Answers("price/too_high", "confirmed", 0.3)),
        piece("read", Answers("price/too_high", "told", 0.3)),
        piece("failed", Answers("price/too_high", "told", 0.3), failed=("price/too_high",)),
        piece("other", Answers("price/no_budget", "told", 0.3)),
    ]
    readings = {("read", "price", "too_high"): Reading(9, 4), ("general", "price", "too_high"): Reading(9, 9)}
    found = covering("price", "too_high", pieces, readings)
    assert [one.piece.item_id for one in found] == ["read", "known", "general", "guess"]
