"""Published exchange rates: files of the European Central Bank's layout into ops.reference_rate.

CSV (eurofxref-hist.csv, eurofxref.csv): `Date,USD,JPY,...`, units of each currency for 1 EUR, `N/A` where none was
fixed. XML (eurofxref-*.xml): `Cube` elements with `time`, within them `currency` and `rate`. Another bank's rates fit
when they are written in this layout. What a file says of a day stands in place of what was known of it, so a corrected
rate restates; days that the file does not name stay.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from sqlalchemy import Connection, text

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.records import Report
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.model_tables import reference_rate
from rebuttal.warehouse.replace import replace_rows

# (day, currency) -> units of the currency for 1 EUR; None where the file says that there is none.
Rates = dict[tuple[date, str], Decimal | None]
_KEY = ["rate_source", "rate_date", "currency"]
_LARGEST_BYTES = 64 * 1024 * 1024
_LARGEST_RATE = Decimal(10) ** 10  # what the column holds
_MISSING = ("", "N/A", "-")


def import_rates(context: Context, path: Path, source: str) -> Report:
    """Make ops.reference_rate say what the file says of its days, all of it or nothing.

    Counts: days, rates (values in the file), new, corrected, withdrawn (a rate was known, the file says there is none).
    Raises ConfigError, with file and line, for anything that is no rate, and for days that have not come.
    """
    rates = read_rates(path)
    now = context.clock.now()
    if rates and (last := max(day for day, _ in rates)) > now.date():
        raise ConfigError(f"{path} has rates of {last}, which has not come", next_step="Get the file again")
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        known = _known(connection)
        counts = _apply(known, rates, source, now)
        rows = pd.DataFrame(
            [(*key, *value) for key, value in known.items()],
            columns=[*_KEY, "units_per_eur", "imported_at"],
            dtype=object,
        )
        rows["imported_at"] = pd.to_datetime(rows["imported_at"], utc=True).astype("datetime64[us, UTC]")
        written = replace_rows(connection, reference_rate, rows, tuple(_KEY))
    days = len({day for day, _ in rates})
    given = sum(rate is not None for rate in rates.values())
    return Report("rates", counts={"days": days, "rates": given, **counts}, changed=bool(written))


def known_rates(context: Context) -> list[dict[str, Any]]:
    """Per source and currency: first_date, last_date, days; sorted."""
    query = text(
        "SELECT rate_source, currency, min(rate_date) AS first_date, max(rate_date) AS last_date, count(*) AS days"
        " FROM ops.reference_rate GROUP BY rate_source, currency ORDER BY rate_source, currency"
    )
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def read_rates(path: Path) -> Rates:
    """The rates of a file, CSV or XML by its content. Raises ConfigError for a file that is neither, or is empty."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", next_step="Name an existing file") from None
    if len(content) > _LARGEST_BYTES:
        raise ConfigError(f"{path} is larger than 64 MiB", next_step="Give the bank's own file")
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8", next_step="Unpack it if it is an archive") from None
    rates: Rates = {}
    for where, day, currency, value in _xml(path, words) if words.lstrip().startswith("<") else _csv(path, words):
        key = (day, currency)
        if key in rates:
            raise ConfigError(f"{where} repeats {currency} of {day}", next_step="Keep one of them")
        rates[key] = _rate(where, currency, value)
    if not rates:
        raise ConfigError(f"{path} holds no rates", next_step="Give a file in the layout of eurofxref-hist.csv")
    return rates


def _csv(path: Path, words: str) -> Iterator[tuple[str, date, str, str]]:
    reader = csv.reader(io.StringIO(words))
    header = [name.strip() for name in next(reader, [])]
    while header and not header[-1]:
        header.pop()  # the bank's lines end in a comma
    if not header or header[0] != "Date" or not all(re.fullmatch("[A-Z]{3}", name) for name in header[1:]):
        raise ConfigError(f"{path} has the wrong header", next_step="It begins with Date, then codes of currencies")
    for row in reader:
        where = f"{path}:{reader.line_num}"
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise ConfigError(f"{where} has another number of columns than the header", next_step="Get it again")
        day = _day(where, cells[0])
        for currency, value in zip(header[1:], cells[1:], strict=False):
            yield where, day, currency, value


def _xml(path: Path, words: str) -> Iterator[tuple[str, date, str, str]]:
    # Real files declare no entities; a declaration is how an XML file becomes a bomb.
    if "<!" in words.replace("<!--", ""):
        raise ConfigError(f"{path} declares a document type", next_step="Get the file from the bank again")
    try:
        root = ElementTree.fromstring(words.encode())
    except ElementTree.ParseError as error:
        raise ConfigError(f"{path} is not XML: {error}", next_step="Get the file again") from None
    for cube in (element for element in root.iter() if element.get("time")):
        where = f"{path}, {cube.get('time')}"
        day = _day(where, cube.get("time", ""))
        for rate in cube:
            currency = rate.get("currency", "")
            if not re.fullmatch("[A-Z]{3}", currency):
                raise ConfigError(f"{where}: {currency!r} is no currency", next_step="Get the file again")
            yield where, day, currency, rate.get("rate", "")


def _day(where: str, value: str) -> date:
    for layout in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(value, layout).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise ConfigError(f"{where}: {value!r} is no date", next_step="Write it as 2026-11-20")


def _rate(where: str, currency: str, value: str) -> Decimal | None:
    if value.strip() in _MISSING:
        return None
    try:
        rate = Decimal(value.strip())
    except InvalidOperation:
        raise ConfigError(f"{where}: {value!r} of {currency} is no number", next_step="Get the file again") from None
    if not rate.is_finite() or not 0 < rate < _LARGEST_RATE or (currency == "EUR" and rate != 1):
        raise ConfigError(f"{where}: a rate of {rate} {currency} for 1 EUR cannot be", next_step="Get the file again")
    rounded = rate.quantize(Decimal("1e-8"))
    if not rounded:
        raise ConfigError(f"{where}: {rate} {currency} for 1 EUR is too small to keep", next_step="Check the file")
    return rounded


Known = dict[tuple[str, date, str], tuple[Decimal, datetime]]


def _known(connection: Connection) -> Known:
    query = text("SELECT rate_source, rate_date, currency, units_per_eur, imported_at FROM ops.reference_rate")
    return {(row[0], row[1], row[2]): (Decimal(row[3]), row[4]) for row in connection.execute(query)}


def _apply(known: Known, rates: Rates, source: str, now: datetime) -> dict[str, int]:
    """Put the file into what is known, in place."""
    counts = dict.fromkeys(("new", "corrected", "withdrawn"), 0)
    for (day, currency), rate in rates.items():
        key = (source, day, currency)
        before = known.get(key)
        if rate is None:
            counts["withdrawn"] += known.pop(key, None) is not None
        elif before is None or before[0] != rate:
            counts["new" if before is None else "corrected"] += 1
            known[key] = (rate, now)
    return counts
