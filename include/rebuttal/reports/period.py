"""What a review tells of: a day, an ISO week, a month or a quarter that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from rebuttal.reports.week import Week, week_of

Kind = Literal["daily", "weekly", "monthly", "quarterly"]
KINDS: tuple[Kind, ...] = ("daily", "weekly", "monthly", "quarterly")
# How long after its end a review is still news. Later nobody is told of it: a new reader gets no old mail.
FRESH_DAYS = {"daily": 1, "weekly": 3, "monthly": 10, "quarterly": 20}


@dataclass(frozen=True, order=True)
class Period:
    """From `first` to `last`, both included. Figures of marts are by UTC days."""

    kind: Kind
    first: date
    last: date

    @property
    def label(self) -> str:
        """`2026-11-15`, `2026-W46`, `2026-11`, `2026-Q4`."""
        if self.kind == "daily":
            return self.first.isoformat()
        if self.kind == "weekly":
            return Week(self.first).iso
        if self.kind == "monthly":
            return f"{self.first:%Y-%m}"
        return f"{self.first.year}-Q{(self.first.month + 2) // 3}"

    @property
    def starts_at(self) -> datetime:
        """Its first instant, UTC."""
        return datetime.combine(self.first, datetime.min.time(), UTC)

    @property
    def ends_at(self) -> datetime:
        """The instant after it, UTC."""
        return datetime.combine(self.last + timedelta(days=1), datetime.min.time(), UTC)

    @property
    def before(self) -> Period:
        """The one that ends where this begins."""
        return _period_with(self.kind, self.first - timedelta(days=1))

    def is_fresh(self, today: date) -> bool:
        """Whether it is still news on `today`."""
        return today <= self.last + timedelta(days=FRESH_DAYS[self.kind])


def period_of(kind: Kind, now: datetime, zone: ZoneInfo) -> Period:
    """The last one of `kind` that has ended at `now` by the calendar of `zone`."""
    today = now.astimezone(zone).date()
    if kind == "weekly":
        return _period_with(kind, week_of(now, zone, "last").monday)
    return _period_with(kind, _period_with(kind, today).first - timedelta(days=1))


def _period_with(kind: Kind, day: date) -> Period:
    if kind == "daily":
        return Period(kind, day, day)
    if kind == "weekly":
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    month, count = (day.month, 1) if kind == "monthly" else ((day.month - 1) // 3 * 3 + 1, 3)
    first = date(day.year, month, 1)
    after = date(day.year + (month + count > 12), (month + count - 1) % 12 + 1, 1)
    return Period(kind, first, after - timedelta(days=1))
