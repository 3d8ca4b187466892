"""Windows and watermarks: re-reading never eats the run, and the future never moves anything."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.clock import Clock
from rebuttal.errors import ConfigError
from rebuttal.sources import google_ads, hubspot, stream_of, typeform, yandex_direct, yandex_metrica, yclients
from rebuttal.sources.declare import Window
from rebuttal.sources.windows import Watermark, backfill_window, live_window, slices, whole_days

NOW = datetime(2026, 11, 1, 15, 30, tzinfo=UTC)
ADS, NOTES = stream_of("google_ads", "ad_performance"), stream_of("hubspot", "notes")


def test_a_first_pull_reads_the_configured_history_up_to_the_last_full_day() -> None:
    window = live_window(ADS, Clock(NOW), None, 90)
    assert (window.first_date, window.last_date) == (date(2026, 8, 3), date(2026, 10, 31))


def test_until_a_day_means_that_day_is_read() -> None:
    assert live_window(ADS, Clock.until(date(2026, 10, 31)), None, 7).last_date == date(2026, 10, 31)


def test_a_later_pull_reads_what_may_be_restated_and_all_that_is_new() -> None:
    window = live_window(ADS, Clock(NOW), "2026-10-20", 90)
    assert window.first_date == date(2026, 9, 23)
    assert (date(2026, 10, 20) - window.first_date).days + 1 == 28
    assert window.last_date == date(2026, 10, 31)


def test_a_stream_by_instants_reads_up_to_now_from_shortly_before_its_watermark() -> None:
    window = live_window(NOTES, Clock(NOW), "2026-10-31T12:00:00.500Z", 90)
    assert window.since == datetime(2026, 10, 31, 11, 45, 0, 500_000, UTC)
    assert window.until == NOW


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_watermark_always_advances_by_what_is_new(watermark_days: int, run_days: int) -> None:
    """However long the re-read window is, a run that sees its newest day moves the watermark to it."""
    start = date(2026, 1, 1)
    before, now = start + timedelta(days=watermark_days), start + timedelta(days=watermark_days + run_days + 1)
    window = live_window(ADS, Clock(datetime(now.year, now.month, now.day, tzinfo=UTC)), before.isoformat(), 90)
    assert window.first_date <= before + timedelta(days=1)
    mark = Watermark(ADS, before.isoformat(), window.until)
    mark.see(window.last_date.isoformat())
    assert mark.text() == max(before, now - timedelta(days=1)).isoformat()


def test_a_cursor_in_the_future_moves_no_watermark_and_is_counted() -> None:
    mark = Watermark(NOTES, None, NOW)
    for moment in ("2026-10-30T10:00:00Z", "2999-01-01T00:00:00Z", "2026-10-29T10:00:00Z"):
        mark.see(moment)
    assert mark.text() == "2026-10-30T10:00:00.000Z"
    assert mark.future_count == 1


@pytest.mark.parametrize("value", [None, "", "yesterday", "2026-02-30T10:00:00Z"])
def test_a_cursor_that_is_no_time_moves_no_watermark(value: str | None) -> None:
    mark = Watermark(NOTES, "2026-10-01T00:00:00.000Z", NOW)
    mark.see(value)
    assert mark.text() == "2026-10-01T00:00:00.000Z"
    assert mark.unreadable_count == 1


def test_days_are_read_in_both_notations() -> None:
    mark = Watermark(ADS, None, NOW)
    mark.see("20261030")
    mark.see("2026-10-29 23:59:59")
    assert mark.text() == "2026-10-30"


def test_a_backfill_ends_at_now_and_is_not_empty() -> None:
    window = backfill_window(Clock(NOW), (date(2026, 10, 1), date(2026, 12, 31)))
    assert window == Window(datetime(2026, 10, 1, tzinfo=UTC), NOW)
    assert whole_days(window).until == datetime(2026, 11, 1, tzinfo=UTC)
    for bad in ((date(2026, 10, 2), date(2026, 10, 1)), (date(2026, 11, 2), date(2026, 11, 3))):
        with pytest.raises(ConfigError):
            backfill_window(Clock(NOW), bad)


@given(st.integers(1, 400), st.integers(1, 100))
def test_slices_cover_the_window_without_hole_or_overlap(hours: int, days: int) -> None:
    window = Window(NOW, NOW + timedelta(hours=hours))
    pieces = list(slices(window, days))
    assert pieces[0].since == window.since
    assert pieces[-1].until == window.until
    assert all(left.until == right.since for left, right in itertools.pairwise(pieces))
    assert all(piece.until - piece.since <= timedelta(days=days) for piece in pieces)


def test_a_stream_without_restatement_goes_on_where_it_was() -> None:
    window = live_window(replace(NOTES, restatement=None), Clock(NOW), "2026-10-31T12:00:00.000Z", 90)
    assert window.since == datetime(2026, 10, 31, 12, tzinfo=UTC)


def test_every_restatement_has_a_reason() -> None:
    streams = [
        stream
        for module in (google_ads, yandex_direct, yandex_metrica, hubspot, typeform, yclients)
        for stream in module.SOURCE.streams
        if stream.cursor
    ]
    assert len(streams) == 14
    assert all(stream.restatement and stream.restatement.why for stream in streams)
    assert google_ads.SOURCE.streams[0].restatement is not None
    assert google_ads.SOURCE.streams[0].restatement.back == timedelta(days=28)
