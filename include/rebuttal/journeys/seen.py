"""All touches that may earn credit, read once, as numbers; those of people who converted with what they are called."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, text

from rebuttal.journeys.columns import Columns, read_columns, stream_columns
from rebuttal.journeys.credits import Places
from rebuttal.journeys.known import AT_ONCE, bucket_bits, gathered, packed

# How many bits of a person's hash say whether it may be somebody who converted: 16 for each lets few others
# pass, and more places, a byte each, would not stay in the processor's cache.
_MOST_BITS = 24


@dataclass(frozen=True)
class Seen:
    """Touches, of each (t) a hash of the `person` and the packed `touch`; `limits` (see known.walked) say which.

    `own`: the touches of those who converted and of some others, about as they lie in their table, with the columns
    person_hash, touch (packed), name_hash and row_place, the last two only where they were asked for.
    """

    person: Places
    touch: Places
    limits: Places
    own: Columns

    @property
    def count(self) -> int:
        """How many touches there are: the arrays may have more places."""
        return int((self.limits[:, -1] - self.limits[:, 0]).sum())


def read_seen(engine: Engine, conversions: Columns, *, with_names: bool) -> Seen:
    """Read `marts_build`, on connections of its own: half of the table each, where the engine has one writer only."""
    with engine.connect() as connection:
        counts, parts = _parts(connection)
    # Memory that is not written to costs nothing.
    person, touch = (np.empty(sum(counts), dtype=np.int64) for _ in range(2))
    begins = np.cumsum([0, *counts])[:-1].tolist()
    theirs = _Theirs(conversions["person_hash"].view(np.int64))
    with ThreadPoolExecutor(len(parts)) as pool:
        reading = [
            pool.submit(_read, engine, part, person, touch, begin, theirs, with_names)
            for part, begin in zip(parts, begins, strict=True)
        ]
        found = [one.result() for one in reading]
    limits = np.concatenate([limits for limits, _ in found])
    own = {name: list(chain.from_iterable(own[name] for _, own in found)) for name in found[0][1]}
    return Seen(person, touch, limits, {name: _joined(column) for name, column in own.items()})


def seen_of(connection: Connection, query: str) -> Seen:
    """A part of the table, small enough to be read at once: `query` has the columns of marts_build.int_person_touch.

    All of it is `own`.
    """
    columns = f"person_hash, occurred_micros, {channel_code(connection)} AS channel_code"
    read = read_columns(connection, f"SELECT {columns} FROM ({query}) AS touch")
    person = read["person_hash"].view(np.int64)
    touch = packed(read["occurred_micros"], read["channel_code"])
    return Seen(person, touch, np.array([[0, len(touch)]]), {"person_hash": person, "touch": touch})


def seen_count(connection: Connection) -> int:
    """How many touches read_seen reads."""
    return int(connection.execute(text("SELECT count(*) FROM marts_build.int_person_touch")).scalar_one())


def _joined(column: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(column) if column else np.zeros(0, dtype=np.int64)


class _Theirs:
    """Whether a hash may be that of one of some persons: by its first bits, which tells most others apart."""

    def __init__(self, persons: Places) -> None:
        bits = min((16 * len(persons)).bit_length(), _MOST_BITS)
        self._shift = 64 - max(bits, 1)
        self._is_theirs = np.zeros(1 << max(bits, 1), dtype=bool)
        self._is_theirs[persons >> self._shift] = True  # what is below nothing counts from the end

    def places(self, persons: Places) -> Places:
        return np.flatnonzero(self._is_theirs.take(persons >> self._shift))


def _parts(connection: Connection) -> tuple[list[int], list[str]]:
    """How many touches there are at most in each part of the table, and what tells the parts apart."""
    counted = "SELECT count(*) FROM marts_build.touchpoint"
    count = connection.execute(text(counted)).scalar_one()
    if connection.dialect.name != "duckdb":
        return [count], ["true"]
    half = count // 2
    parts = [f"row_place < {half}", f"row_place >= {half}"]
    first = connection.execute(text(f"{counted} WHERE rowid < {half}")).scalar_one()
    return [first, count - first], parts


def _read(
    engine: Engine, part: str, person: Places, touch: Places, begin: int, theirs: _Theirs, with_names: bool
) -> tuple[Places, dict[str, list[npt.NDArray[Any]]]]:
    """Fill `person` and `touch` from `begin` on; returns the limits, and the columns of Seen.own in pieces."""
    names = ["name_hash", "row_place"] if with_names else []
    own: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in ("person_hash", "touch", *names)}
    bits = bucket_bits(len(person))
    limits: list[Places] = []
    with engine.connect() as connection:
        columns = ", ".join(["person_hash", "occurred_micros", f"{channel_code(connection)} AS channel_code", *names])
        query = f"SELECT {columns} FROM marts_build.int_person_touch WHERE {part}"
        for read in stream_columns(connection, query, AT_ONCE):
            read["person_hash"] = read["person_hash"].view(np.int64)
            read["touch"] = packed(read["occurred_micros"], read["channel_code"])
            order, found = gathered(read["person_hash"], bits)
            limits.append(found + begin)
            end = begin + len(order)
            # `clip`: every place is there, and numpy then writes where it is told to, without a copy.
            read["person_hash"].take(order, out=person[begin:end], mode="clip")
            read["touch"].take(order, out=touch[begin:end], mode="clip")
            order = order.take(theirs.places(person[begin:end]))  # neighbours there look in one place
            begin = end
            for name, column in own.items():
                column.append(read[name].take(order))
    return np.array(limits, dtype=np.int64).reshape(-1, (1 << bits) + 1), own


def channel_code(connection: Connection) -> str:
    """The code of a row's `channel` in SQL. It is looked up in one list, which costs a third of a join."""
    listed = "SELECT {}(channel ORDER BY channel_code) FROM marts_build.int_channel_code"
    if connection.dialect.name == "duckdb":
        connection.exec_driver_sql(f"SET VARIABLE channels = ({listed.format('list')})")
        return "CAST(array_position(getvariable('channels'), channel) - 1 AS UTINYINT)"
    return f"array_position(({listed.format('array_agg')}), channel) - 1"
