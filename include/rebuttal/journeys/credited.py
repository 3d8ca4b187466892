"""The touches that earn credit for conversions, in the order of each path, as flat arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sqlalchemy import Connection

from rebuttal.journeys.columns import Columns, read_columns
from rebuttal.journeys.credits import Codes, Places, Vector
from rebuttal.journeys.known import CHANNEL_BITS, packed
from rebuttal.warehouse.dialects import dialect_of

NAMED = ["channel", "source", "campaign", "content"]
NAMELESS = pd.DataFrame([["unknown"] * len(NAMED)], columns=NAMED, dtype=object)
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


def read_conversions(connection: Connection) -> Columns:
    """The columns of marts_build.int_credited_conversion; `value_count` 0 says that there is no value, not even 0."""
    return read_columns(connection, "SELECT * FROM marts_build.int_credited_conversion")


def read_touches(connection: Connection, conversion_hash: Hashes, unknown: int, with_names: bool) -> Touches:
    """Read marts_build.int_credited_touch for conversions in this order; `unknown` is the code of that channel.

    Without names, which not everybody needs, all touches are called unknown and have no weight. Call it in the
    transaction of read_conversions.
    """
    columns = f"conversion_hash, occurred_micros, {channel_code(connection)} AS channel_code"
    columns += ", name_hash, row_place, decay" if with_names else ""
    read = read_columns(connection, f"SELECT {columns} FROM marts_build.int_credited_touch")
    place = packed(read["occurred_micros"], read["channel_code"])
    number = _places(conversion_hash, read["conversion_hash"])
    name, names, decay = np.zeros_like(place), NAMELESS, np.zeros(len(place))
    if with_names:
        which, distinct = pd.factorize(read["name_hash"])
        begin = np.empty(len(distinct), dtype=np.int64)
        begin[which[::-1]] = np.arange(len(which))[::-1]
        found, rank = _names(connection, read["row_place"][begin])
        name, names = rank[which], pd.concat([found, NAMELESS], ignore_index=True)
        decay = read["decay"].astype(np.float64, copy=False)
    count = len(conversion_hash)
    is_touched = np.bincount(number, minlength=count) > 0
    untouched = np.flatnonzero(~is_touched)
    if len(untouched):
        number, place = np.append(number, untouched), np.append(place, np.full(len(untouched), unknown))
        name = np.append(name, np.full(len(untouched), len(names) - 1))
        decay = np.append(decay, np.full(len(untouched), 1e12))
    order, starts = in_order(number, count, place, name)
    channel = (place[order] & (1 << CHANNEL_BITS) - 1).astype(np.uint8)
    return Touches(starts, name[order], channel, decay[order], names, is_touched)


def channel_code(connection: Connection) -> str:
    """The code of a row's `channel` in SQL. It is looked up in one list, which costs a third of a join."""
    listed = "SELECT {}(channel ORDER BY channel_code) FROM marts_build.int_channel_code"
    if connection.dialect.name == "duckdb":
        connection.exec_driver_sql(f"SET VARIABLE channels = ({listed.format('list')})")
        return "CAST(array_position(getvariable('channels'), channel) - 1 AS UTINYINT)"
    return f"array_position(({listed.format('array_agg')}), channel) - 1"


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


def in_order(number: Places, count: int, place: Places, name: Places) -> tuple[Places, Places]:
    """The order of touches (t) by conversion (`number`, below `count`), then by place and name; and the starts (c + 1).

    Touches mostly come as they happened, so only conversions are sorted whose touches do not.
    """
    narrow = np.int32 if max(len(number), count) < 1 << 31 else np.int64
    column = np.arange(len(number), dtype=narrow)
    order = sparse.csr_array((column, (number.astype(narrow), column)), shape=(count, len(number))).indices
    lengths = np.bincount(number, minlength=count)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    number, place, name = np.repeat(np.arange(count, dtype=narrow), lengths), place[order], name[order]
    is_wrong = (place[1:] == place[:-1]) & (name[1:] < name[:-1])
    is_wrong |= place[1:] < place[:-1]
    is_wrong &= number[1:] == number[:-1]
    if is_wrong.any():
        wrong = np.zeros(count, dtype=bool)
        wrong[number[1:][is_wrong]] = True
        at = np.flatnonzero(wrong[number])
        order[at] = order[at[np.lexsort((name[at], place[at], number[at]))]]
    return order, starts


def _places(known: Hashes, wanted: Hashes) -> Places:
    """Where in `known` (distinct) each of `wanted` is. Raises ValueError where one is missing."""
    found = np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)), dtype=np.int64)
    if (found < 0).any():
        raise ValueError("touches of a conversion or a name that is not there: tables changed while they were read")
    return found
