"""Periods: each day lies in exactly one of each kind, and the last one that has ended is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.reports.period import KINDS, Kind, period_of

MOMENTS = st.integers(0, 12 * 366 * 24).map(lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
ZONES = st.sampled_from(["UTC", "Europe/Kyiv", "Asia/Almaty", "America/New_York", "Pacific/Kiritimati"]).map(ZoneInfo)


@given(MOMENTS, ZONES, st.sampled_from(KINDS))
def test_the_last_one_has_ended_and_the_next_has_not(now: datetime, zone: ZoneInfo, kind: Kind) -> None:
    period = period_of(kind, now, zone)
    today = now.astimezone(zone).date()
    assert period.first <= period.last < today
    longest = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}[kind]
    assert (today - period.last).days <= longest, "a whole period lies between it and today"
    assert (period.last - period.first).days < longest
    assert period.ends_at - period.starts_at == timedelta(days=(period.last - period.first).days + 1)


@given(MOMENTS, ZONES, st.sampled_from(KINDS))
def test_the_one_before_ends_where_it_begins(now: datetime, zone: ZoneInfo, kind: Kind) -> None:
    period = period_of(kind, now, zone)
    assert period.before.last + timedelta(days=1) == period.first
    assert period.before.label < period.label


@pytest.mark.parametrize(
    ("kind", "label", "first", "last"),
    [
        ("daily", "2026-12-31", date(2026, 12, 31), date(2026, 12, 31)),
        ("weekly", "2026-W52", date(2026, 12, 21), date(2026, 12, 27)),
        ("monthly", "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("quarterly", "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_the_calendar_is_the_readers(kind: Kind, label: str, first: date, last: date) -> None:
    period = period_of(kind, datetime(2026, 12, 31, 23, tzinfo=UTC), ZoneInfo("Europe/Kyiv"))  # there it is January
    assert (period.label, period.first, period.last) == (label, first, last)
