"""Components over numbered nodes: scipy does the work, these few lines keep labels between steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Longs = npt.NDArray[np.int64]


class Graph:
    """Nodes (the distinct numbers of `columns` but 0), the edges accepted so far, and by which rule each node was first
    joined (0: by none). A *place* is a node's position in `nodes`; `places` has that of every entry of every column (-1
    for 0). `first_row` and `first_column` say where a node is named first.
    """

    def __init__(self, columns: Sequence[Longs]) -> None:
        rows = [np.flatnonzero(column) for column in columns]
        named = np.concatenate([column[which] for column, which in zip(columns, rows, strict=True)])
        place, self.nodes = pd.factorize(named)
        ends = np.cumsum([len(which) for which in rows])
        self.places = [np.full(len(column), -1, dtype=np.int64) for column in columns]
        for found, which, part in zip(self.places, rows, np.split(place, ends[:-1]), strict=True):
            found[which] = part
        first = np.empty(len(self.nodes), dtype=np.int64)
        first[place[::-1]] = np.arange(len(place))[::-1]
        self.first_column: Longs = np.searchsorted(ends, first, side="right").astype(np.int64)
        self.first_row: Longs = np.concatenate(rows)[first]
        self.rule: npt.NDArray[np.int8] = np.zeros(len(self.nodes), dtype=np.int8)
        self._label: Longs = np.arange(len(self.nodes), dtype=np.int64)
        self._fresh: list[tuple[Longs, Longs]] = []

    def join(self, left: Longs, right: Longs, rule: int) -> None:
        """Accept edges between places; those that had no rule yet get this one."""
        if not len(left):
            return
        self._fresh.append((left, right))
        for places in (left, right):
            self.rule[places[self.rule[places] == 0]] = rule

    def components(self) -> Longs:
        """The present component of every place."""
        if self._fresh:
            left, right = (np.concatenate(side) for side in zip(*self._fresh, strict=True))
            self._fresh = []
            self._label = joined(len(self.nodes), self._label[left], self._label[right])[self._label]
        return self._label

    def strong_components(self, left: Longs, right: Longs) -> Longs:
        """The strong component of every place in the directed graph of these edges alone: a circle is one."""
        if not len(left):
            return np.arange(len(self.nodes), dtype=np.int64)
        found = connected_components(_matrix(len(self.nodes), left, right), directed=True, connection="strong")[1]
        return np.asarray(found, dtype=np.int64)


def joined(size: int, left: Longs, right: Longs) -> Longs:
    """The component of each of `size` places under these edges."""
    found = connected_components(_matrix(size, left, right), directed=False)[1]
    return np.asarray(found, dtype=np.int64)


def least_member(nodes: Longs, label: Longs) -> Longs:
    """For each place, the least node of its component: a name that does not depend on how labels were drawn."""
    least = np.full(int(label.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, label, nodes)
    found: Longs = least[label]
    return found


def spread(group: Longs, values: Longs, reduce: np.ufunc) -> Longs:
    """`reduce` (np.minimum or np.maximum) of the values of each group, given back to every row of it."""
    limits = np.iinfo(np.int64)
    start = limits.max if reduce is np.minimum else limits.min
    found: Longs = np.full(int(group.max(initial=-1)) + 1, start, dtype=np.int64)
    reduce.at(found, group, values)
    return found[group]


def distinct_count(group: Longs, value: Longs) -> Longs:
    """For each row, how many different values (from 0 up) its group has."""
    if not len(group):
        return group
    width = int(value.max()) + 1
    pairs = np.sort(group * width + value)
    is_new = np.append(True, pairs[1:] != pairs[:-1])
    found: Longs = np.bincount(pairs[is_new] // width)[group]
    return found


def _matrix(size: int, left: Longs, right: Longs) -> coo_array:
    return coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
