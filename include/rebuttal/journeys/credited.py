"""The touches that earn credit for conversions, in the order of each path, as flat arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from rebuttal.journeys.columns import Columns, read_columns
from rebuttal.journeys.credits import Codes, Places, Vector
from rebuttal.journeys.known import CHANNEL_BITS, DAY_MICROS, by_person
from rebuttal.warehouse.dialects import dialect_of

CONVERSION_TYPES = ("lead", "mql", "sql", "won", "repeat", "booking_served")
NAMED = ["channel", "source", "campaign", "content"]
NAMELESS = pd.DataFrame([["unknown"] * len(NAMED)], columns=NAMED, dtype=object)
_NAME_BITS = 18
Hashes = npt.NDArray[np.generic]
# In the order of name_key: fifteen digits of the md5 stand in the order of the number that they are.
_NAMES = """SELECT row_place, channel, source, campaign, content
FROM (
    SELECT touchpoint.{place} AS row_place, channel, coalesce(source_name, 'none') AS source,
        coalesce(campaign, 'none') AS campaign, coalesce(content, 'none') AS content
    FROM marts_build.touchpoint AS touchpoint
    WHERE touchpoint.{place} {among}
) AS name
ORDER BY left(md5(concat(channel, chr(9), source, chr(9), campaign, chr(9), content)), 15){collation}"""


@dataclass(frozen=True)
class Touches:
    """Touches (t) of conversions (c): those of conversion i are `starts[i]:starts[i + 1]`, in the order of its path.

    A conversion to which nothing is known to have led has one touch of the channel `unknown` (`is_touched` False).
    `name` (t): a row of `names` (channel, source, campaign, content; in the order of the keys of int_touch_name, and
    last of all what is called unknown). `channel` (t): a channel's code. `decay` (t): weight by age, in trillionths.
    """

    starts: Places
    name: Places
    channel: Codes
    decay: Vector
    names: pd.DataFrame
    is_touched: npt.NDArray[np.bool_]

    @property
    def lengths(self) -> Places:
        """Touches of each conversion."""
        return np.diff(self.starts)

    @property
    def number(self) -> Places:
        """The conversion of each touch."""
        return np.repeat(np.arange(len(self.is_touched)), self.lengths)

    def parts(self, at_once: int = 1 << 17) -> Iterator[tuple[slice, slice, Touches]]:
        """Which conversions, which touches, and both as Touches: as many at a time as fit a processor's cache."""
        limits = np.searchsorted(self.starts, np.arange(0, len(self.name), at_once))
        for first, after in pairwise(np.unique(np.append(limits, len(self.is_touched))).tolist()):
            at = slice(self.starts[first], self.starts[after])
            part = replace(
                self,
                starts=self.starts[first : after + 1] - at.start,
                name=self.name[at],
                channel=self.channel[at],
                decay=self.decay[at],
                is_touched=self.is_touched[first:after],
            )
            yield slice(first, after), at, part


def read_conversions(
    connection: Connection, query: str = "SELECT * FROM marts_build.int_credited_conversion"
) -> Columns:
    """The columns of marts_build.int_credited_conversion, in the order of the persons' hashes.

    `kind`, instead of the type, is its place in CONVERSION_TYPES. `value_count` 0 says that there is no value, not even
    0. Raises KeyError for a type that is none.
    """
    read = read_columns(connection, query)
    place = {name: at for at, name in enumerate(CONVERSION_TYPES)}
    read["kind"] = np.array([place[name] for name in read.pop("conversion_type").tolist()], dtype=np.int64)
    order, _ = by_person(read["person_hash"].view(np.int64))
    return {name: column.take(order) for name, column in read.items()}


def touches_of(
    connection: Connection,
    conversions: Columns,
    own: Columns,
    unknown: int,
    lookback_days: int,
    half_life_days: float | None = None,
) -> Touches:
    """The touches of `own` (see Seen) that earn credit for `conversions` (as read_conversions gives them).

    `unknown` is the code of that channel. Without `half_life_days` touches have no names, which not everybody needs:
    all are called unknown and have no weight.
    """
    count = len(conversions["person_hash"])
    number, at = matched(conversions["person_hash"].view(np.int64), own["person_hash"])
    place = own["touch"].take(at)
    age = conversions["converted_micros"].take(number) - (place >> CHANNEL_BITS)
    is_near = (age >= 0) & (age <= lookback_days * DAY_MICROS)
    if not is_near.all():
        number, at, place, age = number[is_near], at[is_near], place[is_near], age[is_near]
    name, names, decay = np.zeros_like(place), NAMELESS, np.zeros(len(place))
    if half_life_days is not None:
        which, size = numbered(own["name_hash"].take(at).view(np.int64))
        # A name is read where it comes first: names come again and again, and all stand near the table's beginning.
        begin = np.full(size, len(own["touch"]))
        np.minimum.at(begin, which, at)
        found, rank = _names(connection, own["row_place"].take(begin))
        name, names = rank.take(which), pd.concat([found, NAMELESS], ignore_index=True)
        decay = _decays(connection, age, half_life_days)
    order = in_order(number, place, name)
    if order is not None:
        place, name, decay = place.take(order), name.take(order), decay.take(order)
    channel = (place & (1 << CHANNEL_BITS) - 1).astype(np.uint8)
    lengths = np.bincount(number, minlength=count)
    untouched = np.flatnonzero(lengths == 0)
    if len(untouched):
        before = np.cumsum(lengths)[untouched]
        channel, name = np.insert(channel, before, unknown), np.insert(name, before, len(names) - 1)
        decay = np.insert(decay, before, 1e12)
    starts = np.concatenate([[0], np.cumsum(np.maximum(lengths, 1))]).astype(np.int64)
    return Touches(starts, name, channel, decay, names, lengths > 0)


def matched(person: Places, whose: Places) -> tuple[Places, Places]:
    """Pairs of the conversion's place in `person` (in order) and the touch's place in `whose` (in any), by conversion.

    Touches of one person are as they came.
    """
    order, whose = by_person(whose)
    begin, end = np.searchsorted(whose, person), np.searchsorted(whose, person, side="right")
    count = end - begin
    number = np.repeat(np.arange(len(person)), count)
    at = np.repeat(begin - np.cumsum(count) + count, count)
    at += np.arange(len(at))
    return number, order.take(at)


def numbered(hashes: Places) -> tuple[Places, int]:
    """A number for each distinct hash, and how many there are.

    Few are told apart by their first bits, which takes a fifth of the time of looking all up; those that begin as
    another one are looked up.
    """
    first = (hashes >> 64 - _NAME_BITS) + (1 << _NAME_BITS - 1)
    one = np.zeros(1 << _NAME_BITS, dtype=np.int64)
    one[first] = hashes
    is_there = np.zeros(len(one), dtype=bool)
    is_there[first] = True
    which, size = (np.cumsum(is_there) - 1).take(first), int(is_there.sum())
    others = np.flatnonzero(one.take(first) != hashes)
    if len(others):
        number, distinct = pd.factorize(hashes.take(others))
        which[others], size = number + size, size + len(distinct)
    return which, size


def _decays(connection: Connection, age: Places, half_life_days: float) -> Vector:
    """Weights by age (microseconds), in trillionths, as macro decay has them: the engine's own powers."""
    days = "(CAST(age AS double precision) / 86400000000)"
    decay = f"floor(power(CAST(2 AS double precision), -{days} / {half_life_days!r}) * 1000000000000 + 0.5) AS decay"
    if connection.dialect.name == "duckdb":
        driver: Any = connection.connection.driver_connection
        driver.register("credited_age", pd.DataFrame({"age": age}))
        columns = read_columns(connection, f"SELECT {decay} FROM credited_age")
        driver.unregister("credited_age")
    else:
        listed = "unnest(CAST(:ages AS bigint[])) WITH ORDINALITY AS touch (age, place)"
        columns = read_columns(connection, f"SELECT {decay} FROM {listed} ORDER BY place", ages=age.tolist())
    return columns["decay"].astype(np.float64, copy=False)


def _names(connection: Connection, places: npt.NDArray[Any]) -> tuple[pd.DataFrame, Places]:
    """What touches in these places of the table are called, in order of their keys; and the row of each place."""
    dialect = dialect_of(connection)
    query = _NAMES.replace("{place}", dialect.place).replace("{collation}", dialect.collation)
    if connection.dialect.name == "duckdb":
        driver: Any = connection.connection.driver_connection
        driver.register("credited_place", pd.DataFrame({"row_place": places}))
        columns = read_columns(connection, query.replace("{among}", "IN (SELECT row_place FROM credited_place)"))
        driver.unregister("credited_place")
    else:
        among = "= ANY(CAST(:places AS tid[]))"
        columns = read_columns(connection, query.replace("{among}", among), places=places.tolist())
    found = columns.pop("row_place")
    return pd.DataFrame(columns, columns=NAMED, dtype=object), _places(found, places)


def in_order(number: Places, place: Places, name: Places) -> Places | None:
    """The order of touches (t) by conversion (`number`, which never falls), then by place and name; None if they are.

    Touches mostly come as they happened, so only conversions are sorted whose touches do not.
    """
    is_wrong = (place[1:] == place[:-1]) & (name[1:] < name[:-1])
    is_wrong |= place[1:] < place[:-1]
    is_wrong &= number[1:] == number[:-1]
    if not is_wrong.any():
        return None
    wrong = np.zeros(int(number[-1]) + 1, dtype=bool)
    wrong[number[1:][is_wrong]] = True
    at = np.flatnonzero(wrong[number])
    order = np.arange(len(number))
    order[at] = at[np.lexsort((name[at], place[at], number[at]))]
    return order


def _places(known: Hashes, wanted: Hashes) -> Places:
    """Where in `known` (distinct) each of `wanted` is. Raises ValueError where one is missing."""
    found = np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)), dtype=np.int64)
    if (found < 0).any():
        raise ValueError("a touch's name is not there: tables changed while they were read")
    return found
