"""Attribution of any path table: from `a > b > c` with conversions, value and nulls to credit per channel.

Models: first, last, last_non_direct, linear, time_decay, position_based, markov, shapley. In every model the credits
add up to the conversions (and values) of the table. An association, not a cause.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rebuttal.errors import ConfigError
from rebuttal.journeys.credits import Credits, Row
from rebuttal.journeys.markov import markov_credit
from rebuttal.journeys.shapley import shapley_credit

SEPARATOR = ">"
UNKNOWN, DIRECT = "unknown", "direct"


@dataclass(frozen=True)
class TouchPath:
    """One distinct path: how often it converted, the value of these conversions together, how often it did not."""

    channels: tuple[str, ...]
    conversions: float
    value: float
    nulls: float


def read_paths(path: Path) -> list[TouchPath]:
    """Read a CSV with the columns path, conversions and optionally value and nulls (missing or empty: 0).

    The same path may stand in several rows. An empty path with conversions counts for the channel `unknown`.
    Raises ConfigError that names the line: wrong header, an empty channel, a number that is not finite or below zero.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read_rows(path.name, csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not a CSV file in UTF-8: {error}", next_step="Export it again") from None


def _read_rows(name: str, reader: csv.DictReader[str]) -> list[TouchPath]:
    columns = [column.strip() for column in reader.fieldnames or []]
    reader.fieldnames = columns
    missing = [column for column in ("path", "conversions") if column not in columns]
    unknown = [column for column in columns if column not in ("path", "conversions", "value", "nulls")]
    if missing or unknown or len(set(columns)) != len(columns):
        wrong = f"lacks {', '.join(missing)}" if missing else f"has unknown or repeated columns: {', '.join(columns)}"
        raise ConfigError(f"{name} {wrong}", next_step="Its columns are path,conversions,value,nulls")
    paths = []
    for row in reader:
        where = f"{name}:{reader.line_num}"
        if None in row or None in row.values():
            raise ConfigError(f"{where} has not as many cells as the header", next_step="Mend the row")
        text = row["path"].strip()
        channels = tuple(part.strip() for part in text.split(SEPARATOR)) if text else ()
        if not all(channels):
            raise ConfigError(f"{where} has an empty channel in its path", next_step="Write it as `a > b > c`")
        numbers = {column: _number(where, column, row.get(column, "")) for column in ("conversions", "value", "nulls")}
        if numbers["value"] and not numbers["conversions"]:
            raise ConfigError(f"{where} has a value without conversions", next_step="Mend the row")
        paths.append(TouchPath(channels, **numbers))
    if not paths:
        raise ConfigError(f"{name} has no rows", next_step="Give it at least one path")
    return paths


def _number(where: str, column: str, text: str) -> float:
    if not text.strip():
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{where}: {column} {text[:40]!r} is no number from 0 on", next_step="Mend the row")
    return value


def attribute(paths: Sequence[TouchPath], model: str) -> list[dict[str, Any]]:
    """Credit per channel: dicts of channel, conversions, value; most conversions first, then by name.

    Raises ConfigError for an unknown model.
    """
    if model not in MODELS:
        close = difflib.get_close_matches(model, list(MODELS), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(MODELS)}"
        raise ConfigError(f"There is no attribution model {model!r}; {hint}", next_step="Name one of them")
    known = [
        path if path.channels else TouchPath((UNKNOWN,), path.conversions, path.value, path.nulls) for path in paths
    ]
    credits = MODELS[model]([(path.channels, path.conversions, path.value, path.nulls) for path in known])
    rows = [{"channel": channel, "conversions": found[0], "value": found[1]} for channel, found in credits.items()]
    return sorted(rows, key=lambda row: (-row["conversions"], -row["value"], row["channel"]))


Weights = Callable[[tuple[str, ...]], list[float]]


def _by_weights(weights: Weights) -> Callable[[Iterable[Row]], Credits]:
    def credit(rows: Iterable[Row]) -> Credits:
        found: dict[str, list[float]] = {}
        for channels, conversions, value, _nulls in rows:
            for channel, weight in zip(channels, weights(channels), strict=True):
                total = found.setdefault(channel, [0.0, 0.0])
                total[0] += weight * conversions
                total[1] += weight * value
        return {channel: (total[0], total[1]) for channel, total in found.items()}

    return credit


def _only(place: int, count: int) -> list[float]:
    return [1.0 if index == place else 0.0 for index in range(count)]


def first(channels: tuple[str, ...]) -> list[float]:
    """All to the first touch."""
    return _only(0, len(channels))


def last(channels: tuple[str, ...]) -> list[float]:
    """All to the last touch."""
    return _only(len(channels) - 1, len(channels))


def last_non_direct(channels: tuple[str, ...]) -> list[float]:
    """All to the last touch that is not `direct` (in any case); to the last one when all are."""
    known = [place for place, channel in enumerate(channels) if channel.lower() != DIRECT]
    return _only(known[-1] if known else len(channels) - 1, len(channels))


def linear(channels: tuple[str, ...]) -> list[float]:
    """The same to every touch."""
    return [1 / len(channels)] * len(channels)


def time_decay(channels: tuple[str, ...]) -> list[float]:
    """A path table has no times: every touch earns half as much as the one after it."""
    raw = [2.0 ** -(len(channels) - 1 - place) for place in range(len(channels))]
    return [weight / sum(raw) for weight in raw]


def position_based(channels: tuple[str, ...]) -> list[float]:
    """40 % to the first, 40 % to the last, the rest shared between; two touches get half each, one gets all."""
    count = len(channels)
    if count <= 2:
        return linear(channels)
    return [0.4, *[0.2 / (count - 2)] * (count - 2), 0.4]


MODELS: dict[str, Callable[[Sequence[Row]], Credits]] = {
    **{
        weights.__name__: _by_weights(weights)
        for weights in (first, last, last_non_direct, linear, time_decay, position_based)
    },
    "markov": markov_credit,
    "shapley": shapley_credit,
}
