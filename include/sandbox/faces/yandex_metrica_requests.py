"""Requests for logs: what may be asked, how they become ready, and what is kept until it is cleaned."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sandbox.faces.yandex_metrica_fields import ATTRIBUTIONS, Log, is_field, tsv

MAX_FIELDS_CHARACTERS = 3000
MAX_DAYS = 366


class Invalid(Exception):
    """A parameter that Metrica answers with 400; `parameter` names it."""

    def __init__(self, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Asked:
    """A valid request: days are ISO, in the counter's zone, both included."""

    source: str
    first: date
    last: date
    fields: tuple[str, ...]
    attribution: str


@dataclass
class LogRequest:
    """One request and, once processed, its parts (gzipped TSV)."""

    id: int
    asked: Asked
    log: Log
    status: str = "created"
    polls: int = 0
    sizes: list[int] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)

    def process(self, part_rows: int, most: int) -> None:
        """Make the next parts, `most` at a time; a log without rows is one part that holds only the names."""
        asked = self.asked
        rows = self.log.rows(asked.source, asked.first, asked.last)
        count = max(1, -(-len(rows) // part_rows))
        for number in range(len(self.parts), min(count, len(self.parts) + most)):
            part_of = rows.iloc[number * part_rows : (number + 1) * part_rows]
            part = tsv(self.log, asked.fields, part_of, asked.attribution)
            self.sizes.append(len(part))
            self.parts.append(gzip.compress(part, compresslevel=1, mtime=0))
        if len(self.parts) == count:
            self.status = "processed"

    def drop(self, status: str) -> None:
        """Forget the parts."""
        self.status, self.parts = status, []

    def told(self, counter: str) -> dict[str, Any]:
        """The `log_request` object."""
        told: dict[str, Any] = {
            "request_id": self.id,
            "counter_id": int(counter),
            "source": self.asked.source,
            "date1": self.asked.first.isoformat(),
            "date2": self.asked.last.isoformat(),
            "fields": list(self.asked.fields),
            "status": self.status,
            "size": sum(self.sizes) if self.status == "processed" else 0,
            "attribution": self.asked.attribution.upper(),
        }
        if self.status == "processed":
            told["parts"] = [{"part_number": number, "size": size} for number, size in enumerate(self.sizes)]
        return told


def read(parameters: dict[str, str], today: date) -> Asked:
    """The request in these query parameters; raises Invalid. `today` is the counter's date, which is not available."""
    source = parameters.get("source", "")
    if source not in ("visits", "hits"):
        raise Invalid("Parameter source must be visits or hits", "source")
    text = parameters.get("fields", "")
    if len(text) > MAX_FIELDS_CHARACTERS:
        raise Invalid(f"Parameter fields is longer than {MAX_FIELDS_CHARACTERS} characters", "fields")
    fields = tuple(text.split(",")) if text else ()
    unknown = next((name for name in fields if not is_field(name, source)), None)
    if not fields or unknown is not None:
        raise Invalid(f"Unknown field: {unknown}" if fields else "Parameter fields is empty", "fields")
    if len(set(fields)) < len(fields):
        raise Invalid("Parameter fields names a field twice", "fields")
    first, last = (_day(parameters.get(key, ""), key) for key in ("date1", "date2"))
    if first > last:
        raise Invalid("date1 is after date2", "date1")
    if last >= today:
        raise Invalid("date2 must be before the current day", "date2")
    if last - first > timedelta(days=MAX_DAYS):
        raise Invalid("The range is longer than one year", "date1")
    attribution = parameters.get("attribution", "lastsign").lower()
    if attribution not in ATTRIBUTIONS:
        raise Invalid("Unknown attribution", "attribution")
    return Asked(source, first, last, fields, attribution)


def _day(text: str, parameter: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid(f"Parameter {parameter} must be a date, YYYY-MM-DD", parameter)
