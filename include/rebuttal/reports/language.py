"""How the three languages write numbers, money, dates and plurals, and where their words are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from rebuttal.reports.people import Language
from rebuttal.reports.period import Period
from rebuttal.reports.week import Week

_NARROW = "\u202f"  # narrow no-break space: groups thousands without breaking the line
_SIGNS = {"EUR": "€", "USD": "$", "UAH": "₴", "RUB": "₽", "GBP": "£", "KZT": "₸"}


@dataclass(frozen=True)
class Words:
    """The words of one language: `words("section.themes")`, `words("theme_line", voices=...)`."""

    language: Language
    data: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """The text at `key` with {names} filled in. Raises KeyError for a key that does not exist."""
        found = self._at(key)
        return str(found).format(**values) if values else str(found)

    def has(self, key: str) -> bool:
        """Whether `key` exists."""
        found: Any = self.data
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return False
            found = found[part]
        return True

    def count(self, key: str, n: int) -> str:
        """`n` with its noun in the right form."""
        return str(self._at(key)[plural_form(self.language, n)]).format(n=self.number(n))

    def _at(self, key: str) -> Any:
        found: Any = self.data
        for part in key.split("."):
            found = found[part]
        return found

    def number(self, value: float, digits: int = 0) -> str:
        """1,234.5 or 1 234,5."""
        shown = f"{value:,.{digits}f}"
        if self.language == "en":
            return shown
        return shown.replace(",", _NARROW).replace(".", ",")

    def usual(self, value: float) -> str:
        """A mean: one digit when it is small."""
        return self.number(value, 0 if value >= 10 or value == round(value) else 1)

    def money(self, value: float | None, currency: str) -> str:
        """€1,234 or 1 234 €; in words when it is not known."""
        if value is None:
            return self("numbers.unknown")
        sign = _SIGNS.get(currency, currency)
        if self.language == "en":
            return f"{sign}{self.number(value)}" if currency in _SIGNS else f"{sign} {self.number(value)}"
        return f"{self.number(value)}{_NARROW}{sign}"

    def percent(self, share: float, *, signed: bool = False) -> str:
        """25 % of 0.25; a minus is a real one."""
        digits = self.number(abs(share) * 100)
        sign = "−" if share < 0 and signed else "+" if signed else ""
        return f"{sign}{digits}%" if self.language == "en" else f"{sign}{digits}{_NARROW}%"

    def day(self, day: date) -> str:
        """9 November."""
        return f"{day.day}\u00a0{self.data['months'][day.month - 1]}"

    def period(self, period: Period) -> str:
        """15 November 2026, 9–15 November 2026, November 2026, or the fourth quarter of 2026."""
        first = period.first
        if period.kind == "daily":
            return f"{self.day(first)} {first.year}"
        if period.kind == "weekly":
            return self.range(Week(first))
        if period.kind == "monthly":
            return f"{self.data['review']['month_names'][first.month - 1]} {first.year}"
        ordinal = self.data["review"]["ordinals"][(first.month - 1) // 3]
        return self("review.quarter", n=ordinal, year=first.year)

    def range(self, week: Week) -> str:
        """9–15 November 2026."""
        first, last = week.monday, week.sunday
        if first.year != last.year:
            return f"{self.day(first)} {first.year} – {self.day(last)} {last.year}"
        start = str(first.day) if first.month == last.month else f"{self.day(first)} "
        dash = "–" if first.month == last.month else "– "
        return f"{start}{dash}{self.day(last)} {last.year}"


def plural_form(language: Language, n: int) -> int:
    """Index into [one, few, many] (CLDR cardinal rules for integers)."""
    if language == "en":
        return 0 if n == 1 else 2
    if n % 10 == 1 and n % 100 != 11:
        return 0
    return 1 if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else 2


@cache
def words_of(language: Language) -> Words:
    """The words shipped for `language`; those of the reviews stand under `review`."""
    folder = files("rebuttal.reports") / "strings"
    found, review = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        for name in (f"{language}.yml", f"review.{language}.yml")
    )
    return Words(language, {**found, "review": review})
