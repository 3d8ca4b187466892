"""Shapley values against the definition, written out over all coalitions; and sampling against the exact value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from tests.journeys.path_tables import tables

from rebuttal.journeys import shapley as module
from rebuttal.journeys.credits import Row, encode
from rebuttal.journeys.shapley import channel_sets, shapley, shapley_rate


def by_definition(players: list[str], worth: Callable[[frozenset[str]], float]) -> list[float]:
    """Sum over all coalitions S without c: |S|! (n - |S| - 1)! / n! x (worth(S + c) - worth(S))."""
    count = len(players)
    values = []
    for player in players:
        others = [other for other in players if other != player]
        values.append(
            sum(
                factorial(size) * factorial(count - size - 1) / factorial(count)
                * (worth(frozenset(group) | {player}) - worth(frozenset(group)))
                for size in range(count)
                for group in combinations(others, size)
            )
        )  # fmt: skip
    return values


def within(table: list[Row], group: frozenset[str], column: int) -> float:
    return sum(row[column] for row in table if set(row[0]) <= group)


@settings(max_examples=60)
@given(table=tables)
def test_conversions_by_definition(table: list[Row]) -> None:
    paths = encode(table)
    credit = shapley(paths)
    for column, found in ((1, credit.conversions), (2, credit.values)):
        expected = by_definition(list(paths.names), lambda group, column=column: within(table, group, column))
        assert found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60)
@given(table=tables)
def test_rates_by_definition(table: list[Row]) -> None:
    paths = encode(table)
    credit = shapley_rate(paths)
    journeys = sum(row[1] + row[3] for row in table)

    def rate(group: frozenset[str], column: int) -> float:
        there = within(table, group, 1) + within(table, group, 3)
        return within(table, group, column) / there if there else 0.0

    for column, found in ((1, credit.conversions), (2, credit.values)):
        expected = by_definition(list(paths.names), lambda group, column=column: rate(group, column))
        assert found / journeys == pytest.approx(expected, abs=1e-9)
    assert credit.error is None


def test_a_channel_that_harms_earns_less_than_nothing() -> None:
    credit = shapley_rate(encode([(("email",), 10, 0, 0), (("email", "video"), 0, 0, 10)]))
    # Alone email sells always, with video half of the time: worths 1 and 0.5, and video's 0.
    assert credit.conversions == pytest.approx([20 * 0.75, 20 * -0.25])


def wide_table(channels: int) -> list[Row]:
    random = np.random.default_rng(5)
    names = [f"c{number:02}" for number in range(channels)]
    return [
        (tuple(random.choice(names, size)), float(random.integers(9)), 0.0, float(random.integers(1, 9)))
        for size in random.integers(1, 5, 800)
    ]


def test_above_the_limit_it_is_sampled_and_says_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    table = wide_table(12)
    exact = shapley_rate(encode(table))
    assert exact.error is None
    monkeypatch.setattr(module, "EXACT_CHANNELS", 11)
    sampled = shapley_rate(encode(table))
    assert sampled.error is not None
    assert (sampled.error > 0).all()
    assert (np.abs(sampled.conversions - exact.conversions) < 5 * sampled.error).all()
    assert sampled.error.max() < 0.02 * exact.conversions.sum(), "or the error says nothing"
    assert sampled.conversions.sum() == pytest.approx(exact.conversions.sum())
    again = shapley_rate(encode(table))
    assert (again.conversions == sampled.conversions).all()


def test_more_channels_than_bits_of_a_word() -> None:
    table = wide_table(130)
    paths = encode(table)
    sets = channel_sets(paths)
    assert len(paths.names) == 130
    expected = {tuple(sorted(set(row[0]))) for row in table}
    found = {tuple(np.array(paths.names)[row].tolist()) for row in sets.members}
    assert found == expected
    assert shapley(paths).conversions.sum() == pytest.approx(sum(row[1] for row in table))
    credit = shapley_rate(paths)
    assert credit.error is not None
    assert credit.conversions.sum() == pytest.approx(sum(row[1] for row in table))
