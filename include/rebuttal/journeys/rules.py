"""Rule models: each touch's weight follows from its place on the path alone. All paths at once."""

from __future__ import annotations

import numpy as np

from rebuttal.journeys.credits import Credit, Paths, Places, Vector, added

DIRECT = "direct"


def first(paths: Paths) -> Credit:
    """All to the first touch."""
    return _credit_one(paths, paths.starts[:-1])


def last(paths: Paths) -> Credit:
    """All to the last touch."""
    return _credit_one(paths, paths.starts[1:] - 1)


def last_non_direct(paths: Paths) -> Credit:
    """All to the last touch that is not `direct` (in any case); to the last one when all are."""
    direct = np.array([name.lower() == DIRECT for name in paths.names], dtype=bool)
    known = np.where(direct[paths.codes], -1, np.arange(len(paths.codes)))
    last_known = np.maximum.reduceat(known, paths.starts[:-1]) if len(known) else known
    return _credit_one(paths, np.where(last_known >= 0, last_known, paths.starts[1:] - 1))


def linear(paths: Paths) -> Credit:
    """The same to every touch."""
    return _credit_all(paths, np.repeat(1.0 / paths.lengths, paths.lengths))


def time_decay(paths: Paths) -> Credit:
    """A path table has no times: every touch earns half as much as the one after it."""
    lengths = paths.lengths
    behind = np.repeat(paths.starts[1:] - 1, lengths) - np.arange(len(paths.codes))
    whole = 2.0 - 2.0 ** (1.0 - lengths)
    return _credit_all(paths, 2.0**-behind / np.repeat(whole, lengths))


def position_based(paths: Paths) -> Credit:
    """40 % to the first, 40 % to the last, the rest shared between; two touches get half each, one gets all."""
    lengths = paths.lengths
    middle = np.where(lengths > 2, 0.2 / np.maximum(lengths - 2, 1), 1.0 / np.maximum(lengths, 1))
    weights = np.repeat(middle, lengths)
    ends = lengths > 2
    weights[paths.starts[:-1][ends]] = 0.4
    weights[paths.starts[1:][ends] - 1] = 0.4
    return _credit_all(paths, weights)


def _credit_one(paths: Paths, touches: Places) -> Credit:
    codes, size = paths.codes[touches], len(paths.names)
    return Credit(added(codes, paths.conversions, size), added(codes, paths.values, size))


def _credit_all(paths: Paths, weights: Vector) -> Credit:
    lengths, size = paths.lengths, len(paths.names)
    return Credit(
        added(paths.codes, weights * np.repeat(paths.conversions, lengths), size),
        added(paths.codes, weights * np.repeat(paths.values, lengths), size),
    )
