"""What time it is for leases, limits and waits, and how one waits: an argument, so that hours can pass in a test."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Waiting(Protocol):
    """The wall clock of those who wait."""

    def now(self) -> datetime:
        """This instant, UTC."""

    def sleep(self, seconds: float) -> None:
        """Come back `seconds` later."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See Waiting.now."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """See Waiting.sleep."""
        time.sleep(seconds)


WALL_CLOCK = WallClock()
