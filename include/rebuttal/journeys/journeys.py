"""The journeys of the last build as flat arrays: those that led to a conversion, and all that is known of a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, text

from rebuttal.journeys.columns import Columns, read_lists
from rebuttal.journeys.credited import CHANNEL_BITS, Hashes, Touches, read_conversions, read_touches
from rebuttal.journeys.credits import Codes, Paths, Places

CONVERSION_TYPES = ("lead", "mql", "sql", "won", "repeat", "booking_served")
_DAY_MICROS = 86_400_000_000
_AT_ONCE = 1 << 15  # paths: enough for few steps, few enough for the processor's cache


@dataclass(frozen=True)
class Journeys:
    """Converted journeys (c) and journeys of persons (p), over the same channels. Months: 12 x year + month - 1, UTC.

    `kind` (c): place in CONVERSION_TYPES. `is_touched` (c): False where no touch is known and `unknown` stands for it.
    Values are micro-units. `kinds` (p): bits of the kinds of conversion that the person had. `touches` and
    `conversions`: of converted journeys, what credit is given by.
    """

    converted: Paths
    kind: Places
    month: Places
    is_rate_missing: npt.NDArray[np.bool_]
    is_touched: npt.NDArray[np.bool_]
    known: Paths
    kinds: Places
    known_month: Places
    touches: Touches
    conversions: Columns


def read_journeys(connection: Connection, lookback_days: int, *, with_names: bool = False) -> Journeys:
    """Read `marts_build`. A person's journey ends with the last touch and goes back as far as the look-back.

    `with_names`: `touches` say what they are called, as adding up their credit asks for.
    """
    listed = connection.execute(text("SELECT channel, channel_code FROM marts_build.int_channel_code")).all()
    codes = {str(name): int(code) for name, code in listed}
    names = tuple(sorted(codes, key=codes.__getitem__))
    conversions = read_conversions(connection)
    touches = read_touches(connection, conversions["conversion_hash"], codes["unknown"], with_names)
    nothing = np.zeros(len(touches.is_touched))
    value = conversions["value_micros"].astype(np.float64)
    converted = Paths(names, touches.channel, touches.starts, nothing + 1, value, nothing)
    place = {name: at for at, name in enumerate(CONVERSION_TYPES)}
    kind = np.array([place[name] for name in conversions["conversion_type"].tolist()], dtype=np.int64)
    known, kinds, ended = _read_known(connection, names, (conversions["person_hash"], kind), lookback_days)
    return Journeys(
        converted,
        kind,
        _month(conversions["converted_micros"]),
        conversions["missing_rate_count"].astype(bool),
        touches.is_touched,
        known,
        kinds,
        _month(ended),
        touches,
        conversions,
    )


def _read_known(
    connection: Connection, names: tuple[str, ...], had: tuple[Hashes, Places], lookback_days: int
) -> tuple[Paths, Places, Places]:
    """Journeys of persons, the kinds of conversion they had, and when the journeys ended (microseconds).

    `had`: the person of each conversion and its kind.
    """
    codes, distinct = pd.factorize(had[0])
    kinds = np.zeros(len(distinct) + 1, dtype=np.int64)  # the last place: persons who had none
    np.bitwise_or.at(kinds, codes, 1 << had[1])
    converted = pd.Index(distinct)
    empty = np.zeros(0, dtype=np.int64)
    found: list[tuple[Codes, Places, Places, Places]] = [(empty.astype(np.uint8), empty, empty, empty)]
    query = "SELECT person_hash, touches FROM marts_build.int_person_path"
    for persons, flat, lengths in read_lists(connection, query, "touches"):
        had_kinds = kinds[converted.get_indexer(pd.Index(persons["person_hash"]))]
        found.append((*walked(flat, lengths, lookback_days), had_kinds))
    seen, near, ended, of_person = (np.concatenate(column) for column in zip(*found, strict=True))
    nobody = np.zeros(len(near))
    return Paths(names, seen, _starts(near), nobody, nobody, nobody + 1), of_person, ended


def _month(micros: Places) -> Places:
    return micros.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


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


def _starts(lengths: Places) -> Places:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
