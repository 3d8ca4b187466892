"""The journeys of the last build as flat arrays: those that led to a conversion, and all that is known of a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from rebuttal.journeys.columns import Columns
from rebuttal.journeys.credited import Touches, touches_of
from rebuttal.journeys.credits import Paths, Places
from rebuttal.journeys.known import DAY_MICROS, walked
from rebuttal.journeys.seen import Seen


@dataclass(frozen=True)
class Converted:
    """Journeys that led to a conversion (c). Months: 12 x year + month - 1, UTC. Values are micro-units.

    `kind` (c): place in CONVERSION_TYPES. `is_touched` (c): False where no touch is known and `unknown` stands for it.
    `touches` and `conversions`: what credit is given by.
    """

    paths: Paths
    kind: Places
    month: Places
    is_rate_missing: npt.NDArray[np.bool_]
    is_touched: npt.NDArray[np.bool_]
    touches: Touches
    conversions: Columns


@dataclass(frozen=True)
class Known:
    """Journeys of persons (p), over the same channels, and the months in which they ended.

    A journey ends with the person's last touch and goes back as far as the look-back. `kinds` (p): bits of the kinds of
    conversion that the person had.
    """

    paths: Paths
    kinds: Places
    month: Places


def read_converted(
    connection: Connection, conversions: Columns, own: Columns, lookback_days: int, half_life_days: float | None = None
) -> Converted:
    """Journeys of `own` touches (see Seen) that led to `conversions`; `connection` to `marts_build`, as they were read.

    With `half_life_days` (of a touch's weight by age) `touches` say what they are called, as adding up credit asks for.
    """
    names = channels(connection)
    touches = touches_of(connection, conversions, own, names.index("unknown"), lookback_days, half_life_days)
    nothing = np.zeros(len(touches.is_touched))
    value = conversions["value_micros"].astype(np.float64)
    return Converted(
        Paths(names, touches.channel, touches.starts, nothing + 1, value, nothing),
        conversions["kind"],
        month_of(conversions["converted_micros"]),
        conversions["missing_rate_count"].astype(bool),
        touches.is_touched,
        touches,
        conversions,
    )


def known_of(names: tuple[str, ...], seen: Seen, conversions: Columns, lookback_days: int) -> Known:
    """Journeys of all persons who were seen, over channels of these `names`. Asks no engine."""
    persons, codes, near, ended = walked(seen.person, seen.touch, seen.limits, lookback_days)
    starts = np.concatenate([[0], np.cumsum(near)])
    nobody, once = np.broadcast_to(0.0, len(persons)), np.broadcast_to(1.0, len(persons))  # of no memory
    kinds = _kinds(persons, conversions["person_hash"].view(np.int64), conversions["kind"])
    return Known(Paths(names, codes, starts, nobody, nobody, once), kinds, month_of(ended))


def channels(connection: Connection) -> tuple[str, ...]:
    """Channels in the order of their codes."""
    listed = connection.execute(text("SELECT channel FROM marts_build.int_channel_code ORDER BY channel_code"))
    return tuple(map(str, listed.scalars()))


def _kinds(persons: Places, person: Places, kind: Places) -> Places:
    """The kinds of conversion that each of `persons` had, as bits. Nothing may be known of a `person` who converted.

    Both are in order.
    """
    begin = np.flatnonzero(np.append(True, person[1:] != person[:-1])[: len(person)])
    converted, had = person[begin], np.bitwise_or.reduceat(1 << kind, begin)
    kinds = np.zeros(len(persons) + 1, dtype=np.int64)  # the last place is nobody's
    at = np.searchsorted(persons, converted)
    kinds[np.where(np.append(persons, 0)[at] == converted, at, len(persons))] = had
    return kinds[:-1]


def month_of(micros: Places) -> Places:
    """12 x year + month - 1, UTC, of microseconds since 1970."""
    if not len(micros):
        return micros
    day = micros // DAY_MICROS  # days are few: they are what the calendar is asked for
    first = day.min()
    days = np.arange(first, day.max() + 1).astype("datetime64[D]")
    return np.asarray((days.astype("datetime64[M]").astype(np.int64) + 1970 * 12)[day - first])
