"""The journeys of the last build as flat arrays: those that led to a conversion, and all that is known of a person."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Engine, text

from rebuttal.journeys.cells import Weights, add_up
from rebuttal.journeys.columns import Columns, stream_columns
from rebuttal.journeys.credited import channel_code, read_conversions, read_touches
from rebuttal.journeys.credits import Codes, Paths, Places
from rebuttal.journeys.known import packed, walked
from rebuttal.journeys.rules import DIRECT

CONVERSION_TYPES = ("lead", "mql", "sql", "won", "repeat", "booking_served")
_DAY_MICROS = 86_400_000_000


@dataclass(frozen=True)
class Journeys:
    """Converted journeys (c) and journeys of persons (p), over the same channels. Months: 12 x year + month - 1, UTC.

    `kind` (c): place in CONVERSION_TYPES. `is_touched` (c): False where no touch is known and `unknown` stands for it.
    Values are micro-units. `kinds` (p): bits of the kinds of conversion that the person had. `parts`: rows of
    ops.attribution_part, where they were asked for.
    """

    converted: Paths
    kind: Places
    month: Places
    is_rate_missing: npt.NDArray[np.bool_]
    is_touched: npt.NDArray[np.bool_]
    known: Paths
    kinds: Places
    known_month: Places
    parts: pd.DataFrame | None


def read_journeys(connection: Connection, lookback_days: int, weights: Weights | None = None) -> Journeys:
    """Read `marts_build`. A person's journey ends with the last touch and goes back as far as the look-back.

    With `weights` the credit of the models that go touch by touch is added up meanwhile. What is known of persons is
    read beside that, in a thread and with a connection of its own: call it before anything is written.
    """
    listed = connection.execute(text("SELECT channel, channel_code FROM marts_build.int_channel_code")).all()
    codes = {str(name): int(code) for name, code in listed}
    names = tuple(sorted(codes, key=codes.__getitem__))
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(_read_known, connection.engine, lookback_days)
        conversions = read_conversions(connection)
        touches = read_touches(connection, conversions["conversion_hash"], codes["unknown"], weights is not None)
        parts = add_up(touches, conversions, weights, codes[DIRECT]) if weights and len(touches.is_touched) else None
        persons, seen, starts, ended = reading.result()
    place = {name: at for at, name in enumerate(CONVERSION_TYPES)}
    kind = np.array([place[name] for name in conversions["conversion_type"].tolist()], dtype=np.int64)
    nothing, nobody = np.zeros(len(kind)), np.zeros(len(persons))
    return Journeys(
        Paths(names, touches.channel, touches.starts, nothing + 1, conversions["value_micros"] * 1.0, nothing),
        kind,
        _month(conversions["converted_micros"]),
        conversions["missing_rate_count"].astype(bool),
        touches.is_touched,
        Paths(names, seen, starts, nobody, nobody, nobody + 1),
        _kinds(persons, conversions, kind),
        _month(ended),
        parts,
    )


def _read_known(engine: Engine, lookback_days: int) -> tuple[Places, Codes, Places, Places]:
    """Persons (hashes, in order), the channels of their journeys, where each begins and ends, and when it ended."""
    with engine.connect() as connection:
        persons, seen, near, ended = walked(_read_touches(connection), lookback_days)
    return persons, seen, np.concatenate([[0], np.cumsum(near)]).astype(np.int64), ended


def _read_touches(connection: Connection) -> Places:
    """Whose each touch is, as a hash, and the touch, packed (touches x 2)."""
    (count,) = connection.execute(text("SELECT count(*) FROM marts_build.int_person_touch")).one()
    columns = f"person_hash, occurred_micros, {channel_code(connection)} AS channel_code"
    known, end = np.empty((count, 2), dtype=np.int64), 0
    for read in stream_columns(connection, f"SELECT {columns} FROM marts_build.int_person_touch"):
        begin, end = end, end + len(read["person_hash"])
        known[begin:end, 0] = read["person_hash"].view(np.int64)
        known[begin:end, 1] = packed(read["occurred_micros"], read["channel_code"])
    return known[:end]


def _kinds(persons: Places, conversions: Columns, kind: Places) -> Places:
    """The kinds of conversion that each person had, as bits. Nothing may be known of who has converted."""
    converted, which = np.unique(conversions["person_hash"].view(np.int64), return_inverse=True)
    had = np.zeros(len(converted), dtype=np.int64)
    np.bitwise_or.at(had, which, 1 << kind)
    kinds = np.zeros(len(persons) + 1, dtype=np.int64)  # the last place is nobody's
    at = np.searchsorted(persons, converted)
    kinds[np.where(np.append(persons, 0)[at] == converted, at, len(persons))] = had
    return kinds[:-1]


def _month(micros: Places) -> Places:
    """Days are few: they are what the calendar is asked for."""
    if not len(micros):
        return micros
    day = micros // _DAY_MICROS
    first = day.min()
    days = np.arange(first, day.max() + 1).astype("datetime64[D]")
    return np.asarray((days.astype("datetime64[M]").astype(np.int64) + 1970 * 12)[day - first])
