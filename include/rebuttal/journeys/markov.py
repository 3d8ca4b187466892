"""Markov removal effects, exact: a chain over the last one or two channels, solved instead of simulated.

A channel's removal effect is the share of conversions that would be lost if everybody who comes to it left there
(Anderl, Becker, von Wangenheim & Schumann 2016, "Mapping the customer journey"). Effects are scaled to the conversions
of the table. Value is treated alike, with the mean value of a conversion in its last state as the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from rebuttal.journeys.credits import Credit, Paths, Places, Vector, summed

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


@dataclass(frozen=True)
class Walks:
    """Counted steps of many walks, added up by group: m rows, each (group, state, next channel) once.

    `state`: the last `order` channels as one number, the very last being `state % size`; -1 is the start.
    `next`: a channel's code, or SALE or GONE. `value`: of the conversions that this step ends in.
    """

    size: int
    order: int
    group: Places
    state: Places
    next: Places
    times: Vector
    value: Vector


SALE, GONE = -1, -2


def markov(paths: Paths, order: int = 1) -> Credit:
    """Credit by removal effect. Without any nulls every walk converts: the model works, but knows less."""
    if not paths.names:
        return Credit(np.zeros(0), np.zeros(0))
    effect, worth = removal_effects(paths, order)
    return Credit(scaled(effect, paths.conversions.sum()), scaled(worth, paths.values.sum()))


def removal_effects(paths: Paths, order: int = 1) -> tuple[Vector, Vector]:
    """Per channel: the share of conversions, and the share of value, that is lost without it (0 to 1)."""
    return effects_of(build_chain(paths, order), len(paths.names))


def effects_of(chain: Chain, size: int) -> tuple[Vector, Vector]:
    """The same from a chain over `size` channels."""
    lost = _lost_dense(chain, size) if len(chain.start) <= DENSE_STATES else _lost_sparse(chain, size)
    effects = [np.clip(row / whole, 0.0, 1.0) if whole > 0 else np.zeros(size) for row, whole in lost]
    return effects[0], effects[1]


def build_chain(paths: Paths, order: int = 1) -> Chain:
    """The chain of all paths, nulls included. Raises ValueError for an order below 1."""
    return chain_of(count_walks(paths, order, np.zeros(len(paths.nulls), dtype=np.int64)))


def count_walks(paths: Paths, order: int, group: Places) -> Walks:
    """Count steps; `group` (n) says where each path counts. Sums of whole numbers do not depend on the paths' order."""
    if order < 1:
        raise ValueError(f"order {order} is below 1")
    size = len(paths.names)
    # Keys are small: (group, state, step), one after another; `row` numbers the groups that there are.
    states, steps = size * (size + 1) ** (order - 1), size + 2
    groups = np.flatnonzero(np.bincount(group))
    numbers = np.zeros(int(group.max(initial=0)) + 1, dtype=np.int64)
    numbers[groups] = np.arange(len(groups))
    row = numbers.take(group)
    cells, end = len(groups) * states * steps, size + 1  # `end` is told apart from any channel
    is_dense = cells <= max(len(paths.codes), 1 << 20)
    weight = paths.conversions + paths.nulls
    is_alike = bool((weight == 1).all())  # every path was walked once: plain counting is quicker
    total, scattered = np.zeros(cells if is_dense else 0), []
    last = np.zeros(len(row), dtype=np.int64)
    for part, narrow, starts in paths.parts(max(1 << 16, 2 * cells) if is_dense else 1 << 16):
        codes, lengths, ends = narrow.astype(np.int64), np.diff(starts), starts[1:] - 1
        key = _states(codes, starts, size, order) * steps
        if len(groups) > 1:
            key += np.repeat(row[part] * (states * steps), lengths)
        last[part] = key[ends]
        key[:-1] += codes[1:]
        key[ends] = last[part] + end
        if is_dense:
            total += np.bincount(key, None if is_alike else np.repeat(weight[part], lengths), cells)
        else:
            scattered.append(key)
    gone, nulls, sold, worth = summed(last + end, paths.nulls, paths.conversions, paths.values)
    if is_dense:
        total[gone] = nulls
        keys = np.flatnonzero(total)
        total = total[keys]
    else:
        keys, total = summed(np.concatenate(scattered), np.repeat(weight, paths.lengths))
        total[np.searchsorted(keys, gone)] = nulls
    begun, starts = summed(group * size + paths.codes[paths.starts[:-1]], weight)
    return Walks(
        size,
        order,
        np.concatenate([begun // size, groups[keys // (states * steps)], groups[gone // (states * steps)]]),
        np.concatenate([np.full(len(begun), -1), keys // steps % states, gone // steps % states]),
        np.concatenate([begun % size, np.where(keys % steps == end, GONE, keys % steps), np.full(len(gone), SALE)]),
        np.concatenate([starts, total, sold]),
        np.concatenate([np.zeros(len(begun) + len(keys)), worth]),
    )


def first_order(walks: Walks) -> Walks:
    """The same steps with only the last channel remembered."""
    states, steps = walks.size + 1, walks.size + 2
    state = np.where(walks.state < 0, -1, walks.state % walks.size)
    keys, times, value = summed((walks.group * states + state + 1) * steps + walks.next + 2, walks.times, walks.value)
    state, step = keys // steps % states - 1, keys % steps - 2
    return Walks(walks.size, 1, keys // (states * steps), state, step, times, value)


def chain_of(walks: Walks, chosen: npt.NDArray[np.bool_] | None = None) -> Chain:
    """The chain of the chosen rows (all, when not given)."""
    rows = np.flatnonzero(walks.times if chosen is None else np.where(chosen, walks.times, 0))
    state, step, times = walks.state[rows], walks.next[rows], walks.times[rows]
    begin, sale, on = state < 0, step == SALE, (state >= 0) & (step >= 0)
    first = step[begin] + _none_before(walks)
    there = step[on] + _moved(state[on], walks)
    known = np.unique(np.concatenate([first, state[~begin]]))
    count = len(known)

    def place(states: Places) -> Places:
        return np.searchsorted(known, states)

    visits = np.bincount(place(state[~begin]), times[~begin], count)
    start = np.bincount(place(first), times[begin], count)
    counts = sparse.coo_matrix((times[on], (place(state[on]), place(there))), shape=(count, count)).tocsr()
    ends = place(state[sale])
    return Chain(
        start / start.sum(),
        sparse.csr_matrix(sparse.diags(1.0 / visits) @ counts),
        np.bincount(ends, times[sale], count) / visits,
        np.bincount(ends, walks.value[rows][sale], count) / visits,
        known % walks.size,
    )


def _none_before(walks: Walks) -> int:
    """What a state adds to its channel when the walk has just begun."""
    return sum(walks.size * walks.size * (walks.size + 1) ** (back - 1) for back in range(1, walks.order))


def _moved(state: Places, walks: Walks) -> Places:
    """What a state adds to the next channel: its own channels, each one place further back."""
    if walks.order == 1:
        return np.zeros_like(state)
    before = state // walks.size % (walks.size + 1) ** (walks.order - 2)
    return np.asarray(walks.size * (state % walks.size + (walks.size + 1) * before))


def _states(codes: Places, starts: Places, size: int, order: int) -> Places:
    """For each touch a number for it and the `order - 1` touches before it; see Walks."""
    states = codes
    for back in range(1, order):
        before = np.full(len(codes), size, dtype=np.int64)  # `size` says: the walk had not begun
        before[back:] = codes[:-back]
        for place in range(back):
            at = starts[:-1] + place
            before[at[at < starts[1:]]] = size
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


def scaled(effects: Vector, total: float) -> Vector:
    """Shares of the total in proportion to the effects; zeros when there are none."""
    whole = effects.sum()
    return np.asarray(effects / whole * total if whole > 0 else np.zeros_like(effects))
