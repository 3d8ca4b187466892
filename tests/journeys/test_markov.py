"""Removal effects against an independent solution of the chain, order 1 and 2, and against a simulation."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from tests.journeys.path_tables import tables

from rebuttal.journeys import markov as module
from rebuttal.journeys.credits import Row, encode
from rebuttal.journeys.markov import build_chain, markov, removal_effects

START, SALE, GONE = ("start",), ("sale",), ("gone",)
State = tuple[str, ...]


def removal_by_linear_algebra(table: list[Row], order: int) -> dict[str, float]:
    """Textbook way: write out states, make the channel's states absorbing, solve (I - Q) x = r, once per channel."""
    moves: dict[State, Counter[State]] = defaultdict(Counter)
    for path, conversions, _value, nulls in table:
        for end, times in ((SALE, conversions), (GONE, nulls)):
            padded = ("",) * (order - 1) + tuple(path)
            states = [START, *(padded[i : i + order] for i in range(len(path))), end]
            for here, there in pairwise(states):
                moves[here][there] += times
    names = [state for state, out in moves.items() if sum(out.values())]

    def chance(removed: str | None) -> float:
        open_states = [state for state in names if state is START or state[-1] != removed]
        place = {state: i for i, state in enumerate(open_states)}
        steps, reward = np.zeros((len(place), len(place))), np.zeros(len(place))
        for state, i in place.items():
            whole = sum(moves[state].values())
            reward[i] = moves[state][SALE] / whole
            for there, times in moves[state].items():
                if there in place:
                    steps[i, place[there]] += times / whole
        return float(np.linalg.solve(np.eye(len(place)) - steps, reward)[place[START]])

    whole = chance(None)
    channels = {channel for path, conversions, _, nulls in table if conversions + nulls for channel in path}
    return {channel: 1 - chance(channel) / whole for channel in sorted(channels)}


@pytest.mark.parametrize("order", [1, 2, 3])
@settings(max_examples=60)
@given(table=tables)
def test_equals_the_removal_effect_by_linear_algebra(order: int, table: list[Row]) -> None:
    paths = encode(table)
    effects, _ = removal_effects(paths, order)
    expected = removal_by_linear_algebra(table, order)
    assert list(paths.names) == list(expected)
    assert effects == pytest.approx(list(expected.values()), abs=1e-9)


@pytest.mark.parametrize("order", [1, 2])
@settings(max_examples=40)
@given(table=tables)
def test_large_chains_are_solved_otherwise_with_the_same_result(order: int, table: list[Row]) -> None:
    paths = encode(table)
    chain, size = build_chain(paths, order), len(paths.names)
    dense, loose = module._lost_dense(chain, size), module._lost_sparse(chain, size)
    for (one, whole), (other, total) in zip(dense, loose, strict=True):
        assert one == pytest.approx(other, abs=1e-9 * max(1, whole))
        assert whole == pytest.approx(total)


def test_order_two_knows_what_order_one_forgets() -> None:
    # After social, email sells; by itself it never does.
    table: list[Row] = [(("social", "email"), 10, 0, 0), (("email",), 0, 0, 10)]
    effects, _ = removal_effects(encode(table), 2)
    assert effects == pytest.approx([1, 1])
    first_order, _ = removal_effects(encode(table), 1)
    assert first_order == pytest.approx([1, 0.5])


@settings(max_examples=40)
@given(table=tables)
def test_the_chain_sells_as_often_as_the_table(table: list[Row]) -> None:
    chain = build_chain(encode(table), 1)
    sold = chain.start @ np.linalg.solve(np.eye(len(chain.start)) - chain.steps.toarray(), chain.converted)
    assert sold == pytest.approx(sum(row[1] for row in table) / sum(row[1] + row[3] for row in table))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_agrees_with_a_simulation(order: int, seed: int) -> None:
    ours, simulated = _simulated(order, seed)
    assert ours.keys() == simulated.keys()
    assert len(ours) == 5
    assert ours == pytest.approx(simulated, abs=2e-2)


def _simulated(order: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of conversions by channel, ours and ChannelAttribution's."""
    import pandas as pd

    ChannelAttribution = pytest.importorskip("ChannelAttribution")
    chance = random.Random(seed)
    likely = {name: chance.uniform(0.1, 0.6) for name in ("ads", "direct", "email", "social", "video")}
    table: list[Row] = []
    for _ in range(300):
        path = tuple(chance.choices(list(likely), k=chance.randint(1, 5)))
        sold = sum(chance.random() < likely[path[-1]] for _ in range(20))
        table.append((path, float(sold), 0.0, float(20 - sold)))
    frame = pd.DataFrame([(" > ".join(path), sold, gone) for path, sold, _, gone in table], columns=["p", "c", "n"])
    found = ChannelAttribution.markov_model(
        frame, "p", "c", var_null="n", order=order, max_step=1000, seed=seed, verbose=False, flg_pro=False
    )
    total = found.iloc[:, 1].sum()
    simulated = {str(row.iloc[0]): float(row.iloc[1]) / total for _, row in found.iterrows()}
    paths = encode(table)
    credit = markov(paths, order).conversions
    return dict(zip(paths.names, (credit / credit.sum()).tolist(), strict=True)), simulated
