"""Shapley values of channels, in two games.

*Conversions*: the worth of a set of channels is the number of conversions whose paths use no other channel. There a
path's conversions are shared equally by the distinct channels on it, so the exact value needs no coalitions (Zhao,
Mahboobi & Bagheri 2018, "Shapley Value Methods for Attribution Modeling in Online Advertising").

*Rate*: the worth is the share of journeys that convert, among those that use no other channel (0 where there are none).
A channel whose journeys convert less often than those without it earns less than nothing. Exact up to EXACT_CHANNELS;
beyond, the mean over random orders of the channels (Castro, Gomez & Tejada 2009), with its standard error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from rebuttal.journeys.credits import Credit, Paths, Places, Vector, added, summed

EXACT_CHANNELS = 16
ORDERS = 2000
_SEED = 20_180_417  # fixed: the same paths give the same figures
WORD = 62


@dataclass(frozen=True)
class ChannelSets:
    """Distinct sets of channels (u x k, bool) with the conversions, value and nulls of the paths made of just them."""

    members: npt.NDArray[np.bool_]
    conversions: Vector
    values: Vector
    nulls: Vector


def channel_sets(paths: Paths) -> ChannelSets:
    """Which channels stand together on a path, whatever their order."""
    return grouped_sets(paths, np.zeros(len(paths.nulls), dtype=np.int64))[0]


def grouped_sets(paths: Paths, group: Places) -> tuple[ChannelSets, Places]:
    """The same, apart for each group of paths (n numbers from 0 on); and the group of each row."""
    size = len(paths.names)
    words = [_words(paths, low) for low in range(0, size, WORD)]
    weights = (paths.conversions, paths.values, paths.nulls)
    if len(words) == 1 and int(group.max(initial=0)) < 1 << (WORD - size):
        keys, *sums = summed(group << size | words[0], *weights)
        marks = np.column_stack([keys >> size, keys & ((1 << size) - 1)])
    else:
        marks, which = np.unique(np.column_stack([group, *words]), axis=0, return_inverse=True)
        sums = [added(which.reshape(-1), weight, len(marks)) for weight in weights]
    members = np.column_stack([marks[:, 1 + code // WORD] >> np.int64(code % WORD) & 1 for code in range(size)])
    return ChannelSets(members.astype(bool), *sums), marks[:, 0]


def _words(paths: Paths, low: int) -> Places:
    """Per path the bits of the channels `low` to `low + WORD`."""
    bits = np.zeros(len(paths.names), dtype=np.int64)
    bits[low : low + WORD] = 1 << np.arange(len(bits[low : low + WORD]))
    found = [np.bitwise_or.reduceat(bits[codes], starts[:-1]) for _, codes, starts in paths.parts()]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def shapley(paths: Paths) -> Credit:
    """Credit in the game of conversions; nulls earn nothing."""
    if not paths.names:
        return Credit(np.zeros(0), np.zeros(0))
    sets = channel_sets(paths)
    shares = sets.members / sets.members.sum(axis=1, keepdims=True)
    return Credit(sets.conversions @ shares, sets.values @ shares)


def shapley_rate(paths: Paths) -> Credit:
    """Credit in the game of rates, scaled so that it adds up to the conversions (and values) of the table."""
    return shapley_rate_of(channel_sets(paths)) if paths.names else Credit(np.zeros(0), np.zeros(0))


def shapley_rate_of(sets: ChannelSets) -> Credit:
    """The same from sets of channels; a set may stand in several rows."""
    journeys = sets.conversions + sets.nulls
    won = np.column_stack([sets.conversions, sets.values])
    if sets.members.shape[1] <= EXACT_CHANNELS:
        worth, error = _exact(sets.members, won, journeys), None
    else:
        worth, spread = _sampled(sets.members, won, journeys)
        error = spread[:, 0] * journeys.sum()
    # The worth of all channels together is conversions / journeys, so this gives back the conversions.
    worth = worth * journeys.sum()
    return Credit(worth[:, 0], worth[:, 1], error)


def _exact(members: npt.NDArray[np.bool_], won: Vector, journeys: Vector) -> Vector:
    size = members.shape[1]
    index = members @ (1 << np.arange(size))
    sums = np.zeros((1 << size, 3))
    np.add.at(sums, index, np.column_stack([won, journeys]))
    for code in range(size):  # sums over all subsets, one channel at a time
        folded = sums.reshape(-1, 2, 1 << code, 3)
        folded[:, 1] += folded[:, 0]
    rate = np.divide(sums[:, :2], sums[:, 2:], out=np.zeros((1 << size, 2)), where=sums[:, 2:] > 0)
    weight = np.array([factorial(n) * factorial(size - n - 1) / factorial(size) for n in range(size)])
    counts = np.array([mask.bit_count() for mask in range(1 << size)])
    worth = np.zeros((size, 2))
    for code in range(size):
        folded = rate.reshape(-1, 2, 1 << code, 2)
        without = counts.reshape(-1, 2, 1 << code)[:, 0]
        worth[code] = ((folded[:, 1] - folded[:, 0]) * weight[without][..., None]).sum(axis=(0, 1))
    return worth


def _sampled(members: npt.NDArray[np.bool_], won: Vector, journeys: Vector) -> tuple[Vector, Vector]:
    """Mean gain and its standard error per channel, over ORDERS random orders in which channels come."""
    size = members.shape[1]
    random = np.random.default_rng(_SEED)
    total, squares = np.zeros((size, 2)), np.zeros((size, 2))
    for _ in range(ORDERS):
        turn = random.permutation(size)
        # A set is whole once the last of its channels has come.
        complete = np.where(members, turn, -1).max(axis=1)
        sums = np.column_stack(
            [np.cumsum(added(complete, column, size)) for column in (won[:, 0], won[:, 1], journeys)]
        )
        rate = np.divide(sums[:, :2], sums[:, 2:], out=np.zeros((size, 2)), where=sums[:, 2:] > 0)
        gain = np.diff(rate, axis=0, prepend=0.0)[turn]
        total += gain
        squares += gain**2
    mean = total / ORDERS
    variance = np.maximum(squares / ORDERS - mean**2, 0.0) * ORDERS / (ORDERS - 1)
    return mean, np.sqrt(variance / ORDERS)
