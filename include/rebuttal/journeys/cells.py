"""Credit of the models that go touch by touch, added up by the conversion's period, kind and partner, and by name.

What attribution_credit says of one touch, for all touches at once: shares are whole trillionths, what rounding leaves
goes to the last touch, and money times share is exact. A refresh adds up attribution_credit itself; both ways give the
same to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from rebuttal.journeys.columns import Columns
from rebuttal.journeys.credited import CONVERSION_TYPES, Touches
from rebuttal.journeys.credits import Places, Vector
from rebuttal.journeys.known import DAY_MICROS

WHOLE = 10**12  # trillionths
_MILLION = 10**6
_MOST_MICROS = 9e18  # money of all conversions together: more does not fit 64 bits


@dataclass(frozen=True)
class Weights:
    """Shares of a path's first and last touch by position, 0 to 1; days after which a touch's weight by age halves."""

    first: float
    last: float
    half_life_days: float

    @property
    def between(self) -> float:
        """What is left for the touches between, as decimals subtract."""
        return float(1 - Decimal(str(self.first)) - Decimal(str(self.last)))


def add_up(touches: Touches, conversions: Columns, weights: Weights, direct: int) -> pd.DataFrame:
    """Rows of ops.attribution_part; `conversions` as read_conversions gives them, `direct` the code of that channel.

    Raises OverflowError for money beyond 64 bits.
    """
    group, periods = _periods(conversions)
    size = len(touches.names)
    keys, cell = _distinct(np.repeat(group * size, touches.lengths) + touches.name)
    sums = _Sums(conversions, len(keys))
    for chosen, at, part in touches.parts():
        sums.begin(chosen, cell[at], part)
        for model, end in _ends(part, direct).items():
            sums.give(model, end)
        for model, share in _shares(part, weights).items():
            sums.share(model, share)
    rows = pd.concat(
        [
            periods.take(keys // size).reset_index(drop=True),
            touches.names.take(keys % size).reset_index(drop=True),
            pd.DataFrame(sums.columns()),
        ],
        axis="columns",
    )
    rows["is_touched"] = keys % size < size - 1
    return rows


class _Sums:
    """Columns by cell, some conversions at a time. Money is NULL in cells to which no conversion with a value came."""

    def __init__(self, conversions: Columns, size: int) -> None:
        self._value = conversions["value_micros"].astype(np.int64)
        if np.abs(self._value.astype(np.float64)).sum() > _MOST_MICROS:
            raise OverflowError("conversions are worth more than nine million millions of the base currency")
        # All of one width: adding up numbers that have to be widened first takes eight times as long.
        self._known = conversions["value_count"].astype(np.int64)
        self._missing = conversions["missing_rate_count"].astype(np.int64)
        self._totals: defaultdict[str, Places] = defaultdict(lambda: np.zeros(size, dtype=np.int64))

    def begin(self, chosen: slice, cell: Places, part: Touches) -> None:
        """The next conversions, and the cells of their touches."""
        self._of, self._cell = part.number, cell
        self._here = value, known = self._value[chosen], self._known[chosen]
        high = value // _MILLION
        self._millions = high[self._of], (value - high * _MILLION)[self._of]
        self._add("missing_rate_count", cell, self._missing[chosen][self._of])
        self._add("share_known", cell, known[self._of])

    def give(self, model: str, end: Places) -> None:
        """All of each conversion to one touch."""
        (value, known), cell = self._here, self._cell[end]
        self._add(f"{model}_touch", cell, np.ones_like(value))
        self._add(f"{model}_micros", cell, value)
        self._add(f"{model}_known", cell, known)

    def share(self, model: str, share: Places) -> None:
        """`share` (trillionths) of its conversion to each touch, and of its money in three numbers, by their weight."""
        self._add(f"{model}_share", self._cell, share)
        # (a million a + b) x (a million c + d): no sum is larger than that of all money.
        (a, b), c = self._millions, share // _MILLION
        d = share - c * _MILLION
        for unit, worth in (("micros", a * c), ("small", a * d + b * c), ("least", b * d)):
            self._add(f"{model}_{unit}", self._cell, worth)

    def columns(self) -> dict[str, Any]:
        """The columns of ops.attribution_part that are sums."""
        found: dict[str, Any] = {}
        for name, total in self._totals.items():
            model, _, unit = name.rpartition("_")
            if unit in ("micros", "small", "least"):
                known = self._totals["share_known" if f"{model}_share" in self._totals else f"{model}_known"]
                found[name] = pd.arrays.IntegerArray(total, known == 0)
            elif unit != "known":
                found[name] = total
        return found

    def _add(self, name: str, cell: Places, numbers: Places) -> None:
        np.add.at(self._totals[name], cell, numbers)


def _ends(touches: Touches, direct: int) -> dict[str, Places]:
    """The touch (a place among all) that gets everything, of each conversion."""
    first, last = touches.starts[:-1], touches.starts[1:] - 1
    known = np.maximum.reduceat(np.where(touches.channel == direct, -1, np.arange(len(touches.channel))), first)
    return {"first": first, "last": last, "last_non_direct": np.where(known >= 0, known, last)}


def _shares(touches: Touches, weights: Weights) -> dict[str, Places]:
    """By model what each touch gets, in trillionths; what rounding leaves goes to the last touch."""
    first, last, count = touches.starts[:-1], touches.starts[1:] - 1, touches.lengths
    total = np.repeat(np.add.reduceat(touches.decay, first), count)
    weighed = np.divide(touches.decay, total, out=np.zeros_like(total), where=total > 0)
    middle = np.where(count > 2, _trillionths(weights.between / np.maximum(count - 2, 1)), 0)
    opening = np.select([count == 1, count == 2], [0, WHOLE // 2], _trillionths(np.float64(weights.first)) - middle)
    shares = {
        "linear": np.repeat(_trillionths(1 / count), count),
        "time_decay": _trillionths(weighed),
        "position_based": np.repeat(middle, count),
        "shapley": _trillionths(1 / _alike(touches)),
    }
    shares["position_based"][first] += opening
    for share in shares.values():
        share[last] += WHOLE - np.add.reduceat(share, first)
    return shares


def _alike(touches: Touches) -> Places:
    """For each touch: channels of its path x touches of its channel there."""
    size = int(touches.channel.max(initial=0)) + 1
    way = touches.number * size + touches.channel
    times = np.bincount(way, minlength=len(touches.lengths) * size)
    channels = np.count_nonzero(times.reshape(-1, size), axis=1)
    return np.asarray(np.repeat(channels, touches.lengths) * times[way])


def _trillionths(share: Vector | np.float64) -> Places:
    return np.floor(share * 1e12 + 0.5).astype(np.int64)


def _periods(conversions: Columns) -> tuple[Places, pd.DataFrame]:
    """Which group each conversion is in, and what the groups are: week, month (UTC), kind and partner."""
    day = (conversions["converted_micros"] // DAY_MICROS).astype("datetime64[D]")
    week = day - (day.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    month = day.astype("datetime64[M]").astype("datetime64[D]")
    frame = pd.DataFrame(
        {
            "week_start": week.astype("datetime64[s]"),
            "month_start": month.astype("datetime64[s]"),
            "kind": conversions["kind"],
            "partner_id": pd.Series(conversions["partner_id"], dtype=object),
        }
    )
    number = np.zeros(len(day), dtype=np.int64)
    for column in frame.columns:
        codes, distinct = pd.factorize(frame[column], use_na_sentinel=True)
        number = number * (len(distinct) + 1) + codes + 1
    group = _distinct(number)[1]
    _, begin = np.unique(group, return_index=True)
    periods = frame.take(begin).reset_index(drop=True)
    periods["conversion_type"] = np.array(CONVERSION_TYPES, dtype=object)[periods.pop("kind")]
    return group, periods


def _distinct(numbers: Places) -> tuple[Places, Places]:
    """Distinct numbers (from 0 on) and, for each of `numbers`, its place among them."""
    limit = int(numbers.max(initial=-1)) + 1
    if limit > max(len(numbers), 1 << 20):
        which, distinct = pd.factorize(numbers)
        return np.asarray(distinct), np.asarray(which, dtype=np.int64)
    is_there = np.zeros(limit, dtype=bool)
    is_there[numbers] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1).take(numbers)
