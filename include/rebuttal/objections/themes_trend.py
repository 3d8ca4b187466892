"""Whether a theme rises or falls, measured against its own weekly noise. Pure.

The count of a week is compared with the weeks before by a negative binomial prediction: its mean is the theme's rate
per deal times the week's deals; its spread is the weeks' own (variance = mean + alpha mean^2, alpha by moments, drawn
to what all themes show) and how little is known of the rate. Over all themes of a week the false discovery rate is
held by Benjamini and Hochberg (J. R. Statist. Soc. B 57, 1995): where nothing changes, at most FALSE_ALARMS of the
weeks have any theme called rising, falling or new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from scipy.stats import nbinom
from statsmodels.stats.multitest import multipletests

NEW, RISING, FALLING, STEADY, TOO_LITTLE = "new", "rising", "falling", "steady", "too little to tell"

FALSE_ALARMS = 0.10
HISTORY_WEEKS = 26
LEAST_WEEKS = 6  # of history
LEAST_VOICES = 5  # in the week and its history together, to call a theme steady
TREND_WEEKS = 12  # newest complete weeks that get a word
_POOLED_WEEKS = 20.0  # weeks' worth of what all themes show in a theme's alpha
_HALF = 0.5  # Jeffreys' prior of a Poisson rate
_DEAL_WEEKS = 4  # a doubt is voiced some weeks after its deal was created: exposure is the mean of so many weeks

Counts = npt.NDArray[np.float64]
Theme = tuple[str, str]


@dataclass(frozen=True)
class Trend:
    """One theme in one week. `expected` and the values are None when nothing could be tested."""

    week_start: date
    category: str
    theme: str
    trend: str
    subject_count: int
    history_week_count: int
    expected: float | None = None
    p_value: float | None = None
    q_value: float | None = None


def complete_weeks(first: date, until: date) -> list[date]:
    """The Mondays from `first`'s week on whose Sunday is not after `until`, the newest day that data tell of."""
    monday = first - timedelta(days=first.weekday())
    count = ((until - monday).days + 1) // 7
    return [monday + timedelta(weeks=number) for number in range(max(count, 0))]


def trends(
    weeks: Sequence[date],
    voiced: Mapping[Theme, Mapping[date, int]],
    deals: Mapping[date, int],
    newest: int = TREND_WEEKS,
) -> list[Trend]:
    """A word for every theme heard until then and each of the `newest` of `weeks` (all Mondays, in order).

    `voiced`: subjects by theme and week; `deals`: deals created by week.
    """
    if not weeks:
        return []
    names = sorted(voiced)
    counts = np.array([[voiced[name].get(week, 0) for week in weeks] for name in names], dtype=np.float64)
    exposure = _exposure(weeks, deals)
    found: list[Trend] = []
    for place in range(max(len(weeks) - newest, 0), len(weeks)):
        begin = max(place - HISTORY_WEEKS, 0)
        heard = [row for row in range(len(names)) if counts[row, : place + 1].any()]
        if heard:
            window = slice(begin, place + 1)
            found += _of_week(weeks[place], [names[row] for row in heard], counts[heard, window], exposure[window])
    return found


def p_values(counts: Counts, exposure: Counts) -> tuple[Counts, Counts]:
    """(two-sided p, expected) of each row's last week, given the weeks before. counts: themes x weeks."""
    history, past = counts[:, :-1], exposure[:-1]
    total, length = history.sum(axis=1), past.sum()
    rate = (total + _HALF) / length
    expected = rate * exposure[-1]
    size = 1.0 / (_alpha(history, past) + 1.0 / (total + _HALF))
    chance = size / (size + expected)
    last = counts[:, -1]
    above, below = nbinom.sf(last - 1, size, chance), nbinom.cdf(last, size, chance)
    return np.minimum(1.0, 2 * np.minimum(above, below)), expected


def _of_week(week: date, names: Sequence[Theme], counts: Counts, exposure: Counts) -> list[Trend]:
    weeks = counts.shape[1] - 1
    last = counts[:, -1].astype(int)
    if weeks < LEAST_WEEKS or not exposure.all():
        return [Trend(week, *name, TOO_LITTLE, int(count), weeks) for name, count in zip(names, last, strict=True)]
    p, expected = p_values(counts, exposure)
    q = multipletests(p, method="fdr_bh")[1]
    totals = counts[:, :-1].sum(axis=1)
    return [
        Trend(
            week,
            *name,
            _word(int(last[row]), float(totals[row]), float(expected[row]), float(q[row])),
            int(last[row]),
            weeks,
            round(float(expected[row]), 4),
            round(float(p[row]), 8),
            round(float(q[row]), 8),
        )
        for row, name in enumerate(names)
    ]


def _word(count: int, before: float, expected: float, q: float) -> str:
    if q <= FALSE_ALARMS:
        if count > expected:
            return RISING if before else NEW
        return FALLING
    return STEADY if count + before >= LEAST_VOICES else TOO_LITTLE


def _alpha(history: Counts, past: Counts) -> Counts:
    """Each theme's spread beyond Poisson, by moments, drawn to that of all themes together; never below 0."""
    mean = history.sum(axis=1, keepdims=True) / past.sum() * past
    weeks = history.shape[1]
    beyond = ((history - mean) ** 2 * weeks / (weeks - 1) - mean).sum(axis=1)
    squares = (mean**2).sum(axis=1)
    pooled = max(float(beyond.sum()) / max(float(squares.sum()), 1e-9), 0.0)
    own = np.where(squares > 0, beyond / np.maximum(squares, 1e-9), pooled)
    return np.asarray(np.maximum((weeks * own + _POOLED_WEEKS * pooled) / (weeks + _POOLED_WEEKS), 0.0))


def _exposure(weeks: Sequence[date], deals: Mapping[date, int]) -> Counts:
    """The deals that can voice a doubt in each week; where a company has no deals, every week counts alike."""
    created = np.array([deals.get(week, 0) for week in weeks], dtype=np.float64)
    if not created.any():
        return np.ones(len(weeks))
    sums = np.cumsum(np.concatenate([[0.0], created]))
    ends = np.arange(1, len(weeks) + 1)
    starts = np.maximum(ends - _DEAL_WEEKS, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
