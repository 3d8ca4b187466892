"""ISO weeks: the one that a digest tells of, by the reader's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week by its Monday. Figures of marts are by UTC days."""

    monday: date

    @property
    def iso(self) -> str:
        """`2026-W46`."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    @property
    def ends_at(self) -> datetime:
        """The instant after it, UTC."""
        return datetime.combine(self.monday + timedelta(weeks=1), datetime.min.time(), UTC)

    def before(self, count: int) -> Week:
        """The week `count` weeks earlier."""
        return Week(self.monday - timedelta(weeks=count))


def week_of(now: datetime, zone: ZoneInfo, which: Literal["last", "current"]) -> Week:
    """The week to tell of at `now`, where the calendar is `zone`'s."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return Week(monday) if which == "current" else Week(monday).before(1)
