"""Shapley values of channels, exact.

The worth of a set of channels is the number of conversions whose paths use no other channel. In that game a path's
conversions are shared equally by the distinct channels on it, so the exact value needs no coalitions to be enumerated
(Zhao, Mahboobi & Bagheri 2018, "Shapley Value Methods for Attribution Modeling in Online Advertising").
"""

from __future__ import annotations

from collections.abc import Sequence

from rebuttal.journeys.credits import Credits, Row


def shapley_credit(rows: Sequence[Row]) -> Credits:
    """Channel -> (conversions, value). `rows`: channels in order, conversions, value, nulls (which earn nothing)."""
    found: dict[str, list[float]] = {}
    for channels, conversions, value, _nulls in rows:
        players = sorted(set(channels))
        for channel in players:
            total = found.setdefault(channel, [0.0, 0.0])
            total[0] += conversions / len(players)
            total[1] += value / len(players)
    return {channel: (total[0], total[1]) for channel, total in found.items()}
