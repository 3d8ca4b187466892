"""The tokens of a GA4 property: what each report costs, what is left, and when the property has none."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# Standard property. The day begins at midnight Pacific time.
LIMITS = {"tokensPerDay": 200_000, "tokensPerHour": 40_000, "tokensPerProjectPerHour": 14_000}
_WORDS = {
    "tokensPerDay": "property tokens per day",
    "tokensPerHour": "property tokens per hour",
    "tokensPerProjectPerHour": "property tokens per project per hour",
}
_DAY_ZONE = ZoneInfo("America/Los_Angeles")


class Tokens:
    """Counts tokens against `limits` (name as in PropertyQuota -> tokens)."""

    def __init__(self, limits: dict[str, int] | None = None) -> None:
        self.limits = dict(limits or LIMITS)
        self._spent: dict[str, tuple[str, int]] = {}

    def exhausted(self, now: datetime) -> str | None:
        """The vendor's words for a quota that has run out, None while there are tokens; `now` is aware."""
        for name in self.limits:
            if self._left(name, now) <= 0:
                return f"Exhausted {_WORDS[name]}. These quota tokens will return with the next period."
        return None

    def spend(self, rows: int, columns: int, now: datetime) -> dict[str, Any]:
        """Take the price of a report; returns its PropertyQuota (values that are 0 absent, as proto3 JSON has it)."""
        price = 1 + columns // 4 + rows // 1000
        for name in self.limits:
            self._spent[name] = (_period(name, now), self._used(name, now) + price)
        quota: dict[str, Any] = {}
        for name in self.limits:
            left = max(0, self._left(name, now))
            quota[name] = {"consumed": price, **({"remaining": left} if left else {})}
        quota["concurrentRequests"] = {"remaining": 10}
        quota["serverErrorsPerProjectPerHour"] = {"remaining": 10}
        quota["potentiallyThresholdedRequestsPerHour"] = {"remaining": 120}
        return quota

    def _used(self, name: str, now: datetime) -> int:
        period, used = self._spent.get(name, ("", 0))
        return used if period == _period(name, now) else 0

    def _left(self, name: str, now: datetime) -> int:
        return self.limits[name] - self._used(name, now)


def _period(name: str, now: datetime) -> str:
    local = now.astimezone(_DAY_ZONE)
    return local.strftime("%Y-%m-%d" if name == "tokensPerDay" else "%Y-%m-%d %H")
