"""What one pull of one stream is given: the client, the account, the options, and a spool for its pages."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rebuttal.connections import Connection
from rebuttal.errors import ThrottledError
from rebuttal.sources.client import Client
from rebuttal.sources.config import Limits
from rebuttal.sources.declare import Page, Request
from rebuttal.state.failpoint import failpoint

# What a vendor announces the end of an endpoint with (RFC 8594, RFC 9745).
_ENDINGS = ("Sunset", "Deprecation")
_READABLE = re.compile(r"[^\w ,:@+-]")


@dataclass
class Session:
    """`account` is the vendor's account id; `notes` are lines for the report (sampled data and the like).

    `totals` are what the vendor says that the rows of the slice being read add up to: entity's measure -> sum; or
    `records` -> how many different ones there are. `unknown` are ids that were asked for and
    that the vendor does not know.
    """

    client: Client
    connection: Connection
    account: str
    options: Mapping[str, Any]
    limits: Limits
    now: datetime
    spool: Path
    notes: list[str] = field(default_factory=list)
    page_count: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def fetch(self, request: Request) -> Page:
        """One page, kept in the spool as it came."""
        self.page_count += 1
        page = self.client.fetch(request, self.spool / f"page-{self.page_count:06d}")
        for name in _ENDINGS:
            if date := _READABLE.sub("?", page.headers.get(name) or "")[:60]:
                self.note(f"The vendor ends what was asked for ({name}: {date}): move to its successor before that")
        failpoint("pull.after_page")
        return page

    def note(self, line: str) -> None:
        """Remember a line for the report, once."""
        if line not in self.notes:
            self.notes.append(line)


@dataclass
class Patience:
    """Waiting for a vendor that prepares something: growing pauses within `limits.prepare_seconds` in all."""

    session: Session
    what: str
    pause: float = 0.2
    waited: float = 0.0

    def wait(self, asked: float | None = None) -> None:
        """Pause as long as the vendor asked, or longer each time. Raises ThrottledError when it takes too long."""
        seconds = self.pause if asked is None or asked < 0 else max(asked, 0.05)
        if self.waited + seconds > self.session.limits.prepare_seconds:
            raise ThrottledError(
                f"{self.what} was not ready after {self.waited:.0f} s",
                next_step="The next run asks again; or raise limits.prepare_seconds",
                retry_after=seconds,
            )
        time.sleep(seconds)
        self.waited += seconds
        self.pause = min(self.pause * 1.6, 20.0)
