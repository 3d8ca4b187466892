"""Weekly looks: the rule errs no more often than it says, an ordinary interval looked at weekly does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import exp, log, sqrt

import numpy as np
import pytest
from bench.effects_null import CRITERION, RULE, SAMPLE, simulate
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.effects.estimate import Estimate, Finding, Group
from rebuttal.effects.sequence import DEADLINE_ERROR, always_valid
from rebuttal.effects.verdict import judge

ENOUGH = replace(CRITERION, minimum_sample=100)
BEFORE, LAST = CRITERION.deadline - timedelta(days=7), CRITERION.deadline


def finding(log_ratio: float, error: float, deals: int = 400, events: int = 100) -> Finding:
    return Finding(
        "objection_rate", "exposed_vs_not", Group(deals, deals, events), Group(deals, deals, events),
        Estimate(log_ratio, error),
    )  # fmt: skip


def test_of_texts_without_effect_few_are_confirmed_though_looked_at_every_week() -> None:
    found = simulate(1.0, exposed=80, other=160, rate=0.3, runs=600, seed=11)
    assert found.confirmed <= 0.045
    assert found.weekly > 0.07  # the ordinary interval, looked at as often: the rule is needed
    assert 0.93 <= found.covered <= 0.975


def test_true_effects_are_found_and_clear_ones_early() -> None:
    found = simulate(0.5, exposed=40, other=80, rate=0.3, runs=200, seed=11)
    assert found.confirmed >= 0.95
    assert found.early >= 0.6


def test_the_always_valid_interval_holds_at_all_looks_at_once() -> None:
    """Normal increments, 200 looks, no deadline: at most one in a hundred runs ever leaves it."""
    draw, runs, misses = np.random.default_rng(4), 400, 0
    for _ in range(runs):
        information = np.arange(1, 201) * 2.0
        score = draw.normal(0, sqrt(2.0), 200).cumsum()
        intervals = [
            always_valid(Estimate(s / i, 1 / sqrt(i)), 0.25, 0.05) for s, i in zip(score, information, strict=True)
        ]
        misses += any(not low <= 0 <= high for low, high in intervals)
    assert misses / runs <= 0.05
    assert misses > 0  # it is no interval that holds everything


def test_the_interval_is_the_likelihood_ratio_of_the_mixture() -> None:
    """At its ends the mixture likelihood ratio (Johari and others) is one by the error."""
    found, mixture, variance = Estimate(-0.4, 0.2), log(0.75) ** 2, 0.04
    for end in always_valid(found, 0.25, 0.01):
        distance = found.log_ratio - log(1 + end)
        power = distance**2 * mixture / (2 * variance * (variance + mixture))
        assert sqrt(variance / (variance + mixture)) * exp(power) == pytest.approx(100)


@given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(0.02, 0.9))
def test_the_interval_of_all_looks_is_wider_than_that_of_one(log_ratio: float, error: float, size: float) -> None:
    found = Estimate(log_ratio, error)
    low, high = always_valid(found, size)
    assert low < found.interval(0.01)[0] < found.effect < found.interval(0.01)[1] < high


@pytest.mark.parametrize(
    ("log_ratio", "error", "day", "word", "is_final"),
    [
        (-0.5, 0.2, BEFORE, "not_enough_data", False),  # clear for one look, not for all
        (-0.5, 0.2, LAST, "confirmed", True),
        (-1.5, 0.2, BEFORE, "confirmed", True),
        (1.5, 0.2, BEFORE, "rejected", True),
        (0.5, 0.2, LAST, "rejected", True),
        (0.0, 0.1, LAST, "rejected", True),  # the hoped-for quarter is ruled out
        (-0.2, 0.2, LAST, "not_enough_data", True),  # nothing and a quarter are both possible
    ],
)
def test_verdicts(log_ratio: float, error: float, day: object, word: str, is_final: bool) -> None:
    found = judge(ENOUGH, finding(log_ratio, error), day)  # type: ignore[arg-type]
    assert (found.word, found.is_final) == (word, is_final)


def test_what_is_clear_at_every_look_needs_no_more() -> None:
    """A very large effect shows in fewer deals than the hoped-for one needs, on the deadline as before it."""
    for day in (BEFORE, LAST):
        found = judge(ENOUGH, finding(-1.5, 0.2, events=30), day)
        assert (found.word, found.is_final) == ("confirmed", True)
        assert "at every look" in found.reason


def test_the_sample_is_made_for_the_rule_that_judges() -> None:
    assert RULE.error == DEADLINE_ERROR
    weekly = round(1.15 * SAMPLE / 0.3 / 12)  # exposed occasions that bring the sample, whatever the others' rate seems
    others = round(weekly * (1 - RULE.exposed_share) / RULE.exposed_share)
    found = simulate(0.75, exposed=weekly, other=others, rate=0.3, runs=250, seed=5)
    assert RULE.power - 0.05 <= found.confirmed <= RULE.power + 0.12


def test_an_increase_is_judged_the_other_way_round() -> None:
    wanted = replace(ENOUGH, direction="increase")
    assert judge(wanted, finding(0.5, 0.2), LAST).word == "confirmed"
    assert judge(wanted, finding(-0.5, 0.2), LAST).word == "rejected"
    assert judge(wanted, finding(0.0, 0.1), LAST).reason.endswith("is ruled out")


def test_below_the_minimum_sample_nothing_is_said() -> None:
    found = judge(ENOUGH, finding(-0.5, 0.2, events=99), LAST)
    assert (found.word, found.is_final) == ("not_enough_data", True)
    assert found.reason == "voiced again about 99 times by as many others, 100 were needed to see 25%"
    assert judge(ENOUGH, finding(-0.5, 0.2, events=100), LAST).word == "confirmed"
    rare = judge(ENOUGH, finding(-2.0, 0.2, deals=400, events=9), LAST)
    assert (rare.word, rare.is_final) == ("not_enough_data", True)
    assert "too rarely" in rare.reason


def test_words_say_association_and_never_cause() -> None:
    reason = judge(ENOUGH, finding(-0.5, 0.2), LAST).reason
    assert "associated with" in reason
    assert not {"caused", "because", "thanks"} & set(reason.split())
