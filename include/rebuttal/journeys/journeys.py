"""The journeys of the last build as flat arrays: those that led to a conversion, and all that is known of a person."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from rebuttal.journeys.credits import Paths, Places

CONVERSION_TYPES = ("lead", "mql", "sql", "won", "repeat", "booking_served")
CHANNEL_BITS = 7  # of a packed touch: microseconds since 1970 x 128 + the channel's code
_DAY_MICROS = 86_400_000_000


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
    rows, flat, lengths = _read(connection, _sql("journeys_converted"))
    is_touched = lengths > 0
    touches = np.full(int(np.maximum(lengths, 1).sum()), codes["unknown"], dtype=np.int64)
    touches[np.repeat(is_touched, np.maximum(lengths, 1))] = flat & (1 << CHANNEL_BITS) - 1
    nothing = np.zeros(len(lengths))
    converted = Paths(
        names, touches, _starts(np.maximum(lengths, 1)), nothing + 1, rows["value_micros"].astype(np.float64), nothing
    )
    kind = {name: place for place, name in enumerate(CONVERSION_TYPES)}
    kinds = " ".join(f"WHEN '{name}' THEN {1 << place}" for name, place in kind.items())
    persons, flat, lengths = _read(connection, _sql("journeys_known").replace("{kinds}", kinds))
    starts = _starts(lengths)
    at = flat >> CHANNEL_BITS
    ended = at[starts[1:] - 1]
    is_near = at >= np.repeat(ended - lookback_days * _DAY_MICROS, lengths)
    near = np.add.reduceat(is_near, starts[:-1], dtype=np.int64) if len(lengths) else lengths
    nobody = np.zeros(len(lengths))
    known = Paths(names, flat[is_near] & (1 << CHANNEL_BITS) - 1, _starts(near), nobody, nobody, nobody + 1)
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


def _starts(lengths: Places) -> Places:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _sql(name: str) -> str:
    return resources.files("rebuttal.journeys").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def _read(connection: Connection, query: str) -> tuple[dict[str, npt.NDArray[Any]], Places, Places]:
    """Columns by name, and the column `touches` as its flat values and the length of each list."""
    if connection.dialect.name == "duckdb":
        driver: Any = connection.connection.driver_connection
        table = driver.execute(query).to_arrow_table()
        columns = {name: table.column(name).to_numpy() for name in table.column_names if name != "touches"}
        lists = table.column("touches").combine_chunks()
        lengths = np.diff(lists.offsets.to_numpy()).astype(np.int64)
        return columns, lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64, copy=False), lengths
    result = connection.execute(text(query))
    names, found = list(result.keys()), result.all()
    columns = {name: np.array([row[place] for row in found]) for place, name in enumerate(names) if name != "touches"}
    lists = [row[names.index("touches")] or [] for row in found]
    lengths = np.array([len(touches) for touches in lists], dtype=np.int64)
    return columns, np.array([touch for touches in lists for touch in touches], dtype=np.int64), lengths
