"""rates.csv: the exchange rates that the company itself declares, each valid until the next of its currency."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from rebuttal.errors import ConfigError


def read_declared_rates(path: Path, base: str) -> list[dict[str, Any]]:
    """Rows of ops.exchange_rate, sorted; raises ConfigError that names file and line."""
    if not path.is_file():
        raise ConfigError(f"{path} does not exist", next_step="Add it with the header valid_from,currency,rate_to_base")
    rows: dict[tuple[str, date], dict[str, Any]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if set(reader.fieldnames or ()) != {"valid_from", "currency", "rate_to_base"}:
            raise ConfigError(
                f"{path} has the wrong header", next_step="Its columns are valid_from,currency,rate_to_base"
            )
        for number, row in enumerate(reader, 2):
            try:
                currency, rate = row["currency"].strip().upper(), Decimal(row["rate_to_base"])
                valid_from = date.fromisoformat(row["valid_from"].strip())
            except (InvalidOperation, ValueError, AttributeError):
                raise ConfigError(
                    f"{path}:{number} is not a date, a currency and a number", next_step="Mend it"
                ) from None
            if not rate.is_finite() or rate <= 0 or (currency == base and rate != 1):
                raise ConfigError(f"{path}:{number}: rate {rate} of {currency} cannot be", next_step="Mend it")
            if (currency, valid_from) in rows:
                raise ConfigError(f"{path}:{number} repeats {currency} from {valid_from}", next_step="Keep one of them")
            rows[currency, valid_from] = {"currency": currency, "valid_from": valid_from, "rate_to_base": rate}
    return [rows[key] for key in sorted(rows)]
