"""The journeys of the last build as flat arrays: those that led to a conversion, and all that is known of a person."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from rebuttal.journeys.credits import Codes, Paths, Places
from rebuttal.warehouse.dialects import dialect_of

CONVERSION_TYPES = ("lead", "mql", "sql", "won", "repeat", "booking_served")
CHANNEL_BITS = 7  # of a packed touch: microseconds since 1970 x 128 + the channel's code
_DAY_MICROS = 86_400_000_000
_AT_ONCE = 1 << 15  # paths: enough for few steps, few enough for the processor's cache


@dataclass(frozen=True)
class Journeys:
    """Converted journeys (c) and journeys of persons (p), over the same channels. Months: 12 x year + month - 1, UTC.

    `kind` (c): place in CONVERSION_TYPES. `is_touched` (c): False where no touch is known and `unknown` stands for it.
    Values are micro-units. `kinds` (p): bits of the kinds of conversion that the person had.
    """

    converted: Paths
    kind: Places
    month: Places
    is_rate_missing: npt.NDArray[np.bool_]
    is_touched: npt.NDArray[np.bool_]
    known: Paths
    kinds: Places
    known_month: Places


def read_journeys(connection: Connection, lookback_days: int) -> Journeys:
    """Read `marts_build`. A person's journey ends with the last touch and goes back as far as the look-back."""
    listed = connection.execute(text("SELECT channel, channel_code FROM marts_build.int_channel_code")).all()
    codes = {str(name): int(code) for name, code in listed}
    names = tuple(sorted(codes, key=codes.__getitem__))
    micros = dialect_of(connection).epoch_us("conversion.converted_at")
    rows = _read(connection, _sql("journeys_converted").replace("{converted_micros}", micros))[0]
    kind = {name: place for place, name in enumerate(CONVERSION_TYPES)}
    kinds = " ".join(f"WHEN '{name}' THEN {1 << place}" for name, place in kind.items())
    persons, flat, lengths = _read(connection, _sql("journeys_known").replace("{kinds}", kinds))
    conversions = rows["person_number"], rows["converted_micros"]
    before, count = led(flat, lengths, persons["person_number"], conversions, lookback_days)
    is_touched = count > 0
    touches = np.full(int(np.maximum(count, 1).sum()), codes["unknown"], dtype=np.uint8)
    touches[np.repeat(is_touched, np.maximum(count, 1))] = before
    nothing = np.zeros(len(count))
    converted = Paths(
        names, touches, _starts(np.maximum(count, 1)), nothing + 1, rows["value_micros"].astype(np.float64), nothing
    )
    seen, near, ended = walked(flat, lengths, lookback_days)
    nobody = np.zeros(len(lengths))
    known = Paths(names, seen, _starts(near), nobody, nobody, nobody + 1)
    return Journeys(
        converted,
        np.array([kind[name] for name in rows["conversion_type"].tolist()], dtype=np.int64),
        rows["month"].astype(np.int64),
        rows["missing_rate_count"].astype(bool),
        is_touched,
        known,
        persons["kinds"].astype(np.int64),
        ended.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) + 1970 * 12,
    )


def led(
    flat: Places, lengths: Places, number: Places, conversions: tuple[Places, Places], lookback_days: int
) -> tuple[Codes, Places]:
    """What led to conversions: channel codes of the touches up to each, within the look-back, in order; and how many.

    `flat` and `lengths` (n) as in `walked`; `number` (n) is what a conversion calls the person, -1 if none does.
    `conversions`: the person of each (-1: nobody known) and its time (microseconds since 1970 UTC).
    """
    person, at = conversions
    rows = np.flatnonzero(number >= 0)
    starts = _starts(lengths[rows])
    own = _sorted(flat[_places(_starts(lengths)[rows], lengths[rows])], starts)
    row_of = np.full(int(max(number.max(initial=-1), person.max(initial=-1))) + 2, -1, dtype=np.int64)
    row_of[number[rows]] = np.arange(len(rows))
    row = row_of[person]  # a person without touches, and nobody (the last place), have none
    count = np.where(row >= 0, np.append(lengths[rows], 0)[row], 0)
    touches = own[_places(starts[row], count)]
    age = np.repeat(at, count) - (touches >> CHANNEL_BITS)
    is_near = (age >= 0) & (age <= lookback_days * _DAY_MICROS)
    near = np.bincount(np.repeat(np.arange(len(at)), count)[is_near], minlength=len(at)).astype(np.int64)
    return (touches[is_near] & (1 << CHANNEL_BITS) - 1).astype(np.uint8), near


def walked(flat: Places, lengths: Places, lookback_days: int) -> tuple[Codes, Places, Places]:
    """Paths from packed touches that stand in any order within each of n paths, `lengths` (n) of them, none without.

    Returns the channel codes of the touches within the look-back before each path's last one, in order; how many they
    are by path (n); and when each path ended (n, microseconds since 1970 UTC).
    """
    starts = _starts(lengths)
    found = []
    for first in range(0, len(lengths), _AT_ONCE):
        begin = starts[first : first + _AT_ONCE + 1]
        found.append(_walked(flat[begin[0] : begin[-1]].copy(), begin - begin[0], lookback_days))
    if not found:
        return flat, lengths, lengths
    codes, near, ended = (np.concatenate(column) for column in zip(*found, strict=True))
    return codes, near, ended


def _walked(touches: Places, starts: Places, lookback_days: int) -> tuple[Codes, Places, Places]:
    touches, lengths = _sorted(touches, starts), np.diff(starts)
    ended = touches[starts[1:] - 1] >> CHANNEL_BITS
    oldest = ended - lookback_days * _DAY_MICROS << CHANNEL_BITS
    if (touches[starts[:-1]] < oldest).any():
        is_near = touches >= np.repeat(oldest, lengths)
        touches, lengths = touches[is_near], np.add.reduceat(is_near, starts[:-1], dtype=np.int64)
    return (touches & (1 << CHANNEL_BITS) - 1).astype(np.uint8), lengths, ended


def _sorted(touches: Places, starts: Places) -> Places:
    """Sort each path in place: paths of one length are the rows of a matrix."""
    lengths = np.diff(starts)
    for length in np.flatnonzero(np.bincount(lengths)[2:]) + 2:
        places = starts[:-1][lengths == length, None] + np.arange(length)
        touches[places] = np.sort(touches[places], axis=1)
    return touches


def _places(starts: Places, lengths: Places) -> Places:
    """`lengths` places from each of `starts` on, one after another."""
    return np.arange(int(lengths.sum())) + np.repeat(starts - _starts(lengths)[:-1], lengths)


def _starts(lengths: Places) -> Places:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _sql(name: str) -> str:
    return resources.files("rebuttal.journeys").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def _read(connection: Connection, query: str) -> tuple[dict[str, npt.NDArray[Any]], Places, Places]:
    """Columns by name; of a column `touches` its flat values and the length of each list (both empty without one)."""
    nothing = np.zeros(0, dtype=np.int64)
    if connection.dialect.name == "duckdb":
        driver: Any = connection.connection.driver_connection
        table = driver.sql(query).to_arrow_table()  # collected as Arrow right away, unlike `execute`
        columns = {name: table.column(name).to_numpy() for name in table.column_names if name != "touches"}
        if "touches" not in table.column_names:
            return columns, nothing, nothing
        lists = table.column("touches").combine_chunks()
        lengths = np.diff(lists.offsets.to_numpy()).astype(np.int64)
        return columns, lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64, copy=False), lengths
    result = connection.execute(text(query))
    names, found = list(result.keys()), result.all()
    kinds = {name: object if name == "conversion_type" else np.int64 for name in names}
    columns = {
        name: np.array([row[at] for row in found], kinds[name]) for at, name in enumerate(names) if name != "touches"
    }
    if "touches" not in names:
        return columns, nothing, nothing
    lists = [row[names.index("touches")] for row in found]
    lengths = np.array([len(touches) for touches in lists], dtype=np.int64)
    return columns, np.array([touch for touches in lists for touch in touches], dtype=np.int64), lengths
