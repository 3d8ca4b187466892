"""Markov removal effects, exact: a chain over the last one or two channels, solved instead of simulated.

A channel's removal effect is the share of conversions that would be lost if everybody who comes to it left there
(Anderl, Becker, von Wangenheim & Schumann 2016, "Mapping the customer journey"). Effects are scaled to the conversions
of the table. Value is treated alike, with the mean value of a conversion in its last state as the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from rebuttal.journeys.credits import Credit, Paths, Places, Vector

# A dense inverse of so many states takes about a second; beyond, the chain is solved sparsely, once for each channel.
DENSE_STATES = 1500


@dataclass(frozen=True)
class Chain:
    """An absorbing chain. A state is the last channels of a walk; `channel` (s) the very last one, as a code.

    `start` (s) sums to 1; `steps` (s x s, sparse) chances of a step; `converted` (s) the chance of a conversion next,
    `value` (s) its mean value counted over all visits of the state. What is missing from 1 leaves without converting.
    """

    start: Vector
    steps: sparse.csr_matrix
    converted: Vector
    value: Vector
    channel: Places


def markov(paths: Paths, order: int = 1) -> Credit:
    """Credit by removal effect. Without any nulls every walk converts: the model works, but knows less."""
    size = len(paths.names)
    if not size:
        return Credit(np.zeros(0), np.zeros(0))
    effect, worth = removal_effects(paths, order)
    return Credit(_scaled(effect, paths.conversions.sum()), _scaled(worth, paths.values.sum()))


def removal_effects(paths: Paths, order: int = 1) -> tuple[Vector, Vector]:
    """Per channel: the share of conversions, and the share of value, that is lost without it (0 to 1)."""
    chain = build_chain(paths, order)
    size = len(paths.names)
    lost = _lost_dense(chain, size) if len(chain.start) <= DENSE_STATES else _lost_sparse(chain, size)
    effects = [np.clip(row / whole, 0.0, 1.0) if whole > 0 else np.zeros(size) for row, whole in lost]
    return effects[0], effects[1]


def build_chain(paths: Paths, order: int = 1) -> Chain:
    """Count the steps of all walks, nulls included. Raises ValueError for an order below 1."""
    if order < 1:
        raise ValueError(f"order {order} is below 1")
    known, states = np.unique(_states(paths, order), return_inverse=True)
    size = len(known)
    times = paths.conversions + paths.nulls
    of_touch = np.repeat(times, paths.lengths)
    has_next = np.ones(len(states), dtype=bool)
    has_next[paths.starts[1:] - 1] = False
    here = states[:-1][has_next[:-1]]
    there = states[1:][has_next[:-1]]
    counts = sparse.coo_matrix((of_touch[:-1][has_next[:-1]], (here, there)), shape=(size, size)).tocsr()
    visits = np.bincount(states, of_touch, size)
    ends = states[paths.starts[1:] - 1]
    start = np.bincount(states[paths.starts[:-1]], times, size)
    return Chain(
        start / times.sum(),
        sparse.csr_matrix(sparse.diags(1.0 / visits) @ counts),
        np.bincount(ends, paths.conversions, size) / visits,
        np.bincount(ends, paths.values, size) / visits,
        known % len(paths.names),
    )


def _states(paths: Paths, order: int) -> Places:
    """For each touch a number for it and the `order - 1` touches before it; the last channel is the rest modulo k."""
    size = len(paths.names)
    place = np.arange(len(paths.codes)) - np.repeat(paths.starts[:-1], paths.lengths)
    states = paths.codes.copy()
    for back in range(1, order):
        before = np.full(len(states), size, dtype=np.int64)  # `size` says: the walk had not begun
        before[back:] = np.where(place[back:] >= back, paths.codes[: len(states) - back], size)
        states = states + before * size * (size + 1) ** (back - 1)
    return states


def _lost_dense(chain: Chain, size: int) -> list[tuple[Vector, float]]:
    """(lost by channel, of all) for conversions and for value.

    With N = (I - steps)^-1 and B the states that end in the channel, a walk first comes to B with the chances f that
    solve f N_BB = (start N)_B, and earns (N reward)_B from there on: that is what removing the channel loses.
    """
    walks = np.linalg.inv(np.eye(len(chain.start)) - chain.steps.toarray())
    visits = chain.start @ walks
    ahead = walks @ np.column_stack([chain.converted, chain.value])
    lost = np.zeros((size, 2))
    for code in range(size):
        ends = np.flatnonzero(chain.channel == code)
        if len(ends):
            first = np.linalg.solve(walks[np.ix_(ends, ends)].T, visits[ends])
            lost[code] = first @ ahead[ends]
    whole = chain.start @ ahead
    return [(lost[:, column], float(whole[column])) for column in (0, 1)]


def _lost_sparse(chain: Chain, size: int) -> list[tuple[Vector, float]]:
    """The same by solving the chain without each channel."""
    reward = np.column_stack([chain.converted, chain.value])

    def earned(open_states: Vector) -> Vector:
        gate = sparse.diags(open_states)
        system = sparse.identity(len(chain.start), format="csc") - sparse.csc_matrix(gate @ chain.steps @ gate)
        return np.asarray((chain.start * open_states) @ splu(system).solve(gate @ reward))

    whole = earned(np.ones(len(chain.start)))
    kept = np.array([earned((chain.channel != code).astype(np.float64)) for code in range(size)])
    return [(whole[column] - kept[:, column], float(whole[column])) for column in (0, 1)]


def _scaled(effects: Vector, total: float) -> Vector:
    whole = effects.sum()
    return np.asarray(effects / whole * total if whole > 0 else np.zeros_like(effects))
