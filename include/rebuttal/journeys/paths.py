"""Attribution of any path table: from `a > b > c` with conversions, value and nulls to credit per channel.

Models: first, last, last_non_direct, linear, time_decay, position_based, markov, markov_2 (of order 2), shapley,
shapley_rate. Credits add up to the conversions (and values) of the table in every model. An association, not a cause.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rebuttal.errors import ConfigError
from rebuttal.journeys import rules
from rebuttal.journeys.credits import Credit, Paths, encode
from rebuttal.journeys.markov import markov
from rebuttal.journeys.shapley import shapley, shapley_rate

SEPARATOR = ">"
UNKNOWN = "unknown"


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


def encoded(paths: Sequence[TouchPath]) -> Paths:
    """The paths as arrays, for more than one model."""
    return encode((path.channels or (UNKNOWN,), path.conversions, path.value, path.nulls) for path in paths)


def attribute(paths: Sequence[TouchPath] | Paths, model: str) -> list[dict[str, Any]]:
    """Credit per channel: dicts of channel, conversions, value; most conversions first, then by name.

    Where the model was sampled, `error` is the standard error of conversions. Channels of rows that count for nothing
    get nothing. Raises ConfigError for an unknown model.
    """
    if model not in MODELS:
        close = difflib.get_close_matches(model, list(MODELS), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(MODELS)}"
        raise ConfigError(f"There is no attribution model {model!r}; {hint}", next_step="Name one of them")
    table = paths if isinstance(paths, Paths) else encoded(paths)
    credit = MODELS[model](table)
    rows = [
        {"channel": name, "conversions": float(credit.conversions[code]), "value": float(credit.values[code])}
        | ({} if credit.error is None else {"error": float(credit.error[code])})
        for code, name in enumerate(table.names)
    ]
    return sorted(rows, key=lambda row: (-row["conversions"], -row["value"], row["channel"]))


MODELS: dict[str, Callable[[Paths], Credit]] = {
    "first": rules.first,
    "last": rules.last,
    "last_non_direct": rules.last_non_direct,
    "linear": rules.linear,
    "time_decay": rules.time_decay,
    "position_based": rules.position_based,
    "markov": markov,
    "markov_2": partial(markov, order=2),
    "shapley": shapley,
    "shapley_rate": shapley_rate,
}
