"""Markov removal effects, exact: a first-order chain over channels, solved instead of simulated.

A channel's removal effect is the share of conversions that would be lost if everybody who comes to it left there
(Anderl, Becker, von Wangenheim & Schumann 2016, "Mapping the customer journey"). Effects are scaled to the conversions
of the table. Value is treated alike, with the mean value of a conversion after its last channel as the reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rebuttal.journeys.credits import Credits, Row

Vector = npt.NDArray[np.float64]


def markov_credit(rows: Sequence[Row]) -> Credits:
    """Channel -> (conversions, value). `rows`: channels in order, conversions, value, nulls.

    Without any nulls every walk converts, and only removals make losses: the model still works, but knows less.
    """
    channels = sorted({channel for path, *_ in rows for channel in path})
    start, steps, ends, values = _transitions(rows, channels)
    conversions = _shares(start, steps, ends) * sum(row[1] for row in rows)
    value = _shares(start, steps, values) * sum(row[2] for row in rows)
    return {
        channel: (float(count), float(worth))
        for channel, count, worth in zip(channels, conversions, value, strict=True)
    }


def _transitions(rows: Sequence[Row], channels: list[str]) -> tuple[Vector, Vector, Vector, Vector]:
    """Start probabilities, steps, and per channel the chance (and the mean value) of a conversion right after it."""
    place = {channel: index for index, channel in enumerate(channels)}
    size = len(channels)
    start, steps = np.zeros(size), np.zeros((size, size))
    converted, value, left = np.zeros(size), np.zeros(size), np.zeros(size)
    for path, conversions, worth, nulls in rows:
        times = conversions + nulls
        walk = [place[channel] for channel in path]
        start[walk[0]] += times
        for here, there in pairwise(walk):
            steps[here, there] += times
        converted[walk[-1]] += conversions
        value[walk[-1]] += worth
        left[walk[-1]] += times
    out = steps.sum(axis=1) + left
    out[out == 0] = 1.0
    total = start.sum() or 1.0
    return start / total, steps / out[:, None], converted / out, value / out


def _shares(start: Vector, steps: Vector, reward: Vector) -> Vector:
    """Removal effects of all channels, scaled to add up to 1; zeros when there is nothing to share.

    With N = (I - steps)^-1, a walk ever comes to c with probability (start N)_c / N_cc, and earns (N reward)_c from
    there on: that is what removing c loses.
    """
    walks = np.linalg.inv(np.eye(len(start)) - steps)
    ahead = walks @ reward
    lost = (start @ walks) / np.diag(walks) * ahead
    total = lost.sum()
    return np.asarray(lost / total if total > 0 else np.zeros_like(lost))
