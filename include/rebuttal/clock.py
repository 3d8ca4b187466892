"""The clock is an argument: a run can be told what "now" is, so that it can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class Clock:
    """What time it is for a run. Without `as_of` it is the wall clock; all times are UTC."""

    as_of: datetime | None = None

    @classmethod
    def until(cls, day: date | None) -> Clock:
        """A clock that stands at the end of `day` (UTC): everything of that day has happened, nothing later."""
        return cls() if day is None else cls(datetime.combine(day + timedelta(days=1), time(), UTC))

    def now(self) -> datetime:
        """The instant up to which this run looks (exclusive), UTC."""
        return self.as_of or datetime.now(UTC)

    def last_full_day(self) -> date:
        """The newest date that has wholly passed, UTC."""
        return self.now().date() - timedelta(days=1)
