"""Which window a pull reads: from the watermark minus what the vendor may restate, up to the clock's now.

The watermark is the newest thing seen (`ops.batch.cursor_after` of live batches), so re-reading never moves it and a
vendor that is late loses nothing. A time in the future never moves it either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from rebuttal.clock import Clock
from rebuttal.errors import AbortError, ConfigError
from rebuttal.sources.declare import Stream, Window, stamp

DAY = timedelta(days=1)
# By how much a watermark may be ahead of this machine's clock.
SKEW = timedelta(days=1)


def live_window(stream: Stream, clock: Clock, watermark: str | None, history_days: int) -> Window:
    """The window of a live pull; for day-grained streams whole days up to the last full day.

    Raises AbortError when the watermark lies in the future.
    """
    until = clock.now()
    back = stream.restatement.back if stream.restatement else timedelta()
    if stream.by_day:
        until = _midnight(until.date())
        newest = _midnight(date.fromisoformat(watermark)) + DAY if watermark else None
    else:
        newest = datetime.fromisoformat(watermark) if watermark else None
    since = newest - back if newest else _midnight(until.date()) - history_days * DAY
    if newest and newest > clock.now() + SKEW:
        raise AbortError(
            f"The watermark of {stream.name} is in the future ({watermark}): nothing would be asked for",
            next_step="Mend this machine's clock, or set cursor_after of the stream's last batches in ops.batch back",
        )
    return Window(min(since, until), until)


def backfill_window(clock: Clock, window: tuple[date, date]) -> Window:
    """The window of a backfill, `(from, to)` both inclusive, cut at the clock's now. Raises ConfigError when empty."""
    since, until = _midnight(window[0]), min(_midnight(window[1]) + DAY, clock.now())
    if since >= until:
        raise ConfigError(
            f"The window {window[0]}..{window[1]} is empty or wholly in the future",
            next_step="Give --from and --to as dates, the earlier one first",
        )
    return Window(since, until)


def whole_days(window: Window) -> Window:
    """The window without a last day that has not wholly passed."""
    return Window(window.since, max(window.since, _midnight(window.until.date())))


def slices(window: Window, days: int) -> Iterator[Window]:
    """The window in pieces of at most `days`, in order."""
    since = window.since
    while since < window.until:
        until = min(since + days * DAY, window.until)
        yield Window(since, until)
        since = until


class Watermark:
    """The newest cursor seen, never beyond `until`; how many were beyond it is counted."""

    def __init__(self, stream: Stream, before: str | None, until: datetime) -> None:
        self._by_day, self._until = stream.by_day, until
        self._newest = self._parse(before) if before else None
        self.future_count = 0
        self.unreadable_count = 0

    def see_all(self, values: Iterable[str | None]) -> None:
        """Look at the cursors of many items."""
        values = list(values)
        if not self._by_day:
            # Nearly always all are readable, with their zone, and in the past: the newest says it all.
            try:
                newest = max(map(datetime.fromisoformat, values))  # type: ignore[arg-type]
                if newest < self._until:
                    values = [newest.isoformat()]
            except (TypeError, ValueError):
                pass
        for value, count in Counter(values).items():
            self.see(value, count)

    def see(self, value: str | None, count: int = 1) -> None:
        """Look at the cursor of `count` items (ISO 8601 or YYYYMMDD; naive times are taken as they stand)."""
        moment = self._parse(value) if value else None
        if moment is None:
            self.unreadable_count += count
        elif moment >= self._until:
            self.future_count += count
        elif self._newest is None or moment > self._newest:
            self._newest = moment

    def text(self) -> str | None:
        """The watermark as it is stored: a date for day-grained streams, else a UTC instant; it sorts as text."""
        if self._newest is None:
            return None
        return self._newest.date().isoformat() if self._by_day else stamp(self._newest)

    def _parse(self, value: str) -> datetime | None:
        try:
            if self._by_day:
                return _midnight(date.fromisoformat(value[:10]))
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError:
            return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
