"""What attribution models take and give: many paths as flat arrays in, credit per channel out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer[Any]]
Row = tuple[Sequence[str], float, float, float]


@dataclass(frozen=True)
class Paths:
    """n paths over k channels: path i is `codes[starts[i]:starts[i + 1]]`, each code a place in `names`; none is empty.
    Codes are whole numbers of any width: millions of touches are counted quicker as bytes.

    `codes` (touches), `starts` (n + 1); `conversions`, their `values` together and `nulls` (journeys to none): each n.
    """

    names: tuple[str, ...]
    codes: Codes
    starts: Places
    conversions: Vector
    values: Vector
    nulls: Vector

    @property
    def lengths(self) -> Places:
        """Touches of each path."""
        return np.diff(self.starts)

    def parts(self, at_once: int = 1 << 16) -> Iterator[tuple[slice, Codes, Places]]:
        """Which paths, their codes and their starts: so many touches at a time (as many fit a processor's cache)."""
        limits = np.searchsorted(self.starts, np.arange(0, len(self.codes), at_once))
        for first, after in pairwise(np.unique(np.append(limits, len(self.nulls))).tolist()):
            begin = self.starts[first]
            yield slice(first, after), self.codes[begin : self.starts[after]], self.starts[first : after + 1] - begin


@dataclass(frozen=True)
class Credit:
    """Per channel, in the order of `Paths.names`; `error`: standard error of `conversions` where it was sampled."""

    conversions: Vector
    values: Vector
    error: Vector | None = None


def encode(rows: Iterable[Row]) -> Paths:
    """Flat arrays from rows of channels in order, conversions, value, nulls. Channels are sorted by name.

    Rows without conversions and nulls are left out, so that nobody's channel is no channel. Raises ValueError for an
    empty path.
    """
    kept = [row for row in rows if row[1] or row[3]]
    walked, conversions, values, nulls = zip(*kept, strict=True) if kept else ((), (), (), ())
    if not all(walked):
        raise ValueError("a path has no channel")
    names = tuple(sorted(set(chain.from_iterable(walked))))
    place = {name: code for code, name in enumerate(names)}
    starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, walked), np.int64, len(walked)))]).astype(np.int64)
    codes = map(place.__getitem__, chain.from_iterable(walked))
    return Paths(
        names,
        np.fromiter(codes, np.uint8 if len(names) <= 256 else np.int64, int(starts[-1])),
        starts,
        *(np.array(column, dtype=np.float64) for column in (conversions, values, nulls)),
    )


def summed(keys: Places, *weights: Vector) -> tuple[Any, ...]:
    """Distinct keys (from 0 on) in order, and the sums of each of the weights."""
    limit = int(keys.max()) + 1 if len(keys) else 0
    if limit > max(4 * len(keys), 1_000_000):
        found, keys = np.unique(keys, return_inverse=True)
        count = np.bincount(keys, minlength=len(found))
        return found, *(_sum(keys, weight, count) for weight in weights)
    count = np.bincount(keys, minlength=limit)
    found = np.flatnonzero(count)
    return found, *(_sum(keys, weight, count)[found] for weight in weights)


def _sum(keys: Places, weight: Vector, count: Places) -> Vector:
    """Sums by key. Where all weights are 0, or 1, nothing is left to add up: keys have been counted."""
    if (alike := weight[0] if len(weight) else 0.0) in (0.0, 1.0) and (weight == alike).all():
        return count.astype(np.float64) * alike
    return added(keys, weight, len(count))


def added(codes: npt.NDArray[np.integer], weights: Vector, size: int) -> Vector:
    """The sum of `weights` for each code from 0 to `size` - 1."""
    return np.bincount(codes, weights, size).astype(np.float64, copy=False)
