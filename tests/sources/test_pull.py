"""What a pull keeps, drops and tells when things go wrong half-way, and that its memory is bounded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests import apart
from tests.sources.conftest import Setup
from tests.sources.vendors import NOW
from tests.sources.wire import Call, Reply, failure

from rebuttal.clock import Clock
from rebuttal.errors import LockedError, UnavailableError
from rebuttal.settings import Settings
from rebuttal.sources import pull, spool
from rebuttal.sources.declare import Stream
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.spool import RowSpool, spool_folder
from rebuttal.warehouse import open_warehouse


def fail_from(setup: Setup, needle: str) -> None:
    """From the call whose body or address holds `needle` on, the vendor is down."""
    original = setup.wire.reply_to

    def reply(call: Call) -> Reply:
        if needle in f"{call.path} {call.query} {call.body.decode()}":
            setup.wire.every = failure(500)
        return original(call)

    setup.wire.reply_to = reply  # type: ignore[method-assign]


def old_and_new(setup: Setup) -> None:
    """Rows in two slices of the window: half a year ago, and now."""
    for number, row in enumerate(setup.vendor.data["rows"]):
        if number < 3:
            row["segments"]["date"] = "2026-05-01"


def test_whole_slices_are_landed_when_a_later_one_fails_and_the_next_pull_goes_on(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads", history_days=300)
    old_and_new(setup)
    fail_from(setup, "AND '2026-10-31'")
    report = setup.pull()
    assert [line.split(": ")[1] for line in report.problems] == ["UnavailableError"]
    assert report.details[0]["status"] == "failed"
    assert report.details[0]["rows_landed"] == 3
    # The window that the batch claims ends where the failing slice begins, so there is no hole to fall into.
    assert setup.query("SELECT row_count, cursor_after FROM ops.batch") == [(3, "2026-05-01")]
    ((until,),) = setup.query("SELECT window_to FROM ops.batch")
    assert until.astimezone(UTC) < NOW - timedelta(days=3)

    del setup.wire.reply_to  # type: ignore[attr-defined]
    setup.wire.every = None
    again = setup.pull()
    assert again.problems == []
    keys = {row[0] for row in setup.rows("ad_performance", "_key")}
    assert len(keys) == 7
    assert setup.query("SELECT max(cursor_after) FROM ops.batch") == [("2026-10-31",)]


def test_a_failing_stream_is_raised_only_when_asked_and_others_go_on(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    fail_from(setup, "/contacts/search")
    original = setup.wire.reply_to

    def recover(call: Call) -> Reply:
        if "/deals/" in call.path:
            setup.wire.every = None
        return original(call)

    setup.wire.reply_to = recover  # type: ignore[method-assign]
    with pytest.raises(UnavailableError):
        setup.pull(raise_on_failure=True)
    landed = {row[0] for row in setup.query("SELECT stream FROM ops.batch")}
    assert landed == {"pipelines", "owners", "companies", "deals", "deal_stage_changes", "notes", "calls"}


def test_a_source_that_is_down_is_not_waited_for_stream_by_stream(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    setup.wire.every = failure(503)
    assert len(setup.pull().problems) == 9
    assert len(setup.wire.calls) == 4 + 8  # all attempts once, then one for each other stream


def test_a_restated_row_lands_again_and_the_watermark_stays(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    setup.pull()
    setup.vendor.data["rows"][0]["metrics"]["conversions"] = 3.0
    report = setup.at(Clock(NOW + timedelta(hours=1))).pull()
    assert report.details[0]["status"] == "landed"
    assert setup.query("SELECT sequence, row_count, cursor_after FROM ops.batch ORDER BY sequence") == [
        (1, 7, "2026-10-31"),
        (2, 7, "2026-10-31"),
    ]
    setup.vendor.data["rows"][0]["metrics"]["conversions"] = 2.5  # back to what it was: that is news, too
    assert setup.pull().changed
    assert not setup.pull().changed


def test_a_batch_is_named_by_what_it_holds(make_setup: Any) -> None:
    setup: Setup = make_setup("ga4")
    setup.pull()
    ((first,),) = setup.query("SELECT batch_id FROM ops.batch")
    with open_warehouse(setup.context.settings) as engine, engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ops.batch")
        connection.exec_driver_sql("DELETE FROM landing.ga4__traffic")
    setup.pull()
    assert setup.query("SELECT batch_id FROM ops.batch") == [(first,)]


def test_a_page_that_comes_twice_is_asked_for_again(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    original, pages = setup.wire.reply_to, []

    def repeat(call: Call) -> Reply:
        reply = original(call)
        pages.append(reply)
        return pages[0] if len(pages) == 2 else reply

    setup.wire.reply_to = repeat  # type: ignore[method-assign]
    assert setup.pull().problems == []
    assert len(setup.rows("ad_performance")) == 7
    assert len(pages) == 4


def test_pages_in_a_circle_end(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    number = iter(range(1000))

    def circle(call: Call) -> Reply:
        setup.wire.calls.append(call)
        count = next(number)
        row = {**setup.vendor.data["rows"][0], "serial": count}
        return Reply.of({"results": [row], "nextPageToken": "AB"[count % 2]})

    setup.wire.reply_to = circle  # type: ignore[method-assign]
    report = setup.pull()
    assert len(report.problems) == 1
    assert "in a circle" in report.problems[0]
    assert len(setup.wire.calls) == 3


def test_pages_without_end_end(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    number = iter(range(1000))

    def endless(call: Call) -> Reply:
        return Reply.of({"results": [], "fieldMask": "x", "nextPageToken": f"t{next(number)}"})

    setup.wire.reply_to = endless  # type: ignore[method-assign]
    assert "more than 50 pages" in setup.pull().problems[0]


def test_odd_rows_land_with_their_defect_and_a_future_time_moves_nothing(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    rows = setup.vendor.data["rows"]
    rows[0]["campaign"]["name"] = "a\ud800\u0000b"
    rows[1]["campaign"]["name"] = "x" * 1_500_000
    rows[2]["segments"]["date"] = "2999-12-31"
    rows[3]["brandNew"] = {"field": 1}
    body = json.dumps({"results": [*rows, "no object", 7]}).encode()  # ASCII: the surrogate stands as \\ud800
    setup.wire.every = Reply(body)
    report = setup.pull()
    assert report.problems == []
    (detail,) = report.details
    assert detail["defects"] == {"encoding": 1, "oversize": 1, "malformed": 2}
    assert detail["extra_fields"] == ["brandNew"]
    assert ["future" in note for note in detail["notes"]] == [True, False]
    found = setup.rows("ad_performance", "_defect, length(campaign_name)")
    assert len(found) == 9
    assert ("oversize", 1000) in found
    assert setup.query("SELECT cursor_after FROM ops.batch") == [("2026-10-31",)]


KILLED = "from tests.sources.test_pull import pull_for_kill; pull_for_kill({base!r}, {home!r}, {config!r})"


def pull_for_kill(base: str, home: str, config: str) -> None:
    """In a process of its own: pull Google Ads from the fake at `base`."""
    from tests.sources.conftest import make_context
    from tests.sources.vendors import vendors
    from tests.sources.wire import Wire

    from rebuttal import sources

    wire = Wire("")
    wire.base = base
    path = Path(home)
    settings = Settings(
        path, Path(config), "", f"duckdb:///{path / 'warehouse.duckdb'}", f"sqlite:///{path / 'state.sqlite'}"
    )
    sources.run(make_context(settings, wire, vendors()["google_ads"]), "google_ads")


@pytest.mark.parametrize("point", ["pull.after_page", "pull.after_file", "pull.after_load", "pull.before_commit"])
def test_kill_9_and_a_rerun_equal_an_undisturbed_pull(make_setup: Any, point: str) -> None:
    setup: Setup = make_setup("google_ads")
    settings = setup.context.settings
    script = KILLED.format(base=setup.wire.base, home=str(settings.home), config=str(settings.config))
    environment = {**os.environ, "FAILPOINT": f"{point}:kill"}
    process = apart.run(script, env=environment)
    assert process.returncode == -signal.SIGKILL
    assert len(list(settings.spool.iterdir())) >= 1
    assert setup.query("SELECT count(*) FROM ops.batch") == [(0,)]
    assert "landing.google_ads__ad_performance" not in setup.tables() or setup.rows("ad_performance") == []
    report = setup.pull()
    assert report.problems == []
    assert list(settings.spool.iterdir()) == []
    assert len(setup.rows("ad_performance")) == 7
    assert setup.query("SELECT row_count FROM ops.batch") == [(7,)]


def test_a_held_warehouse_stops_the_pull_with_a_clear_error(make_setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    setup: Setup = make_setup("google_ads")
    path = setup.context.settings.home / "warehouse.duckdb"
    script = f"import duckdb, time; held = duckdb.connect({str(path)!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        monkeypatch.setattr("rebuttal.sources.pull.open_warehouse", lambda settings: open_warehouse(settings, wait=0.2))
        with pytest.raises(LockedError, match="held by another process"):
            setup.pull()
        holder.kill()


def test_long_pulls_are_landed_in_batches_of_whole_slices(make_setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    setup: Setup = make_setup("google_ads", history_days=300)
    old_and_new(setup)
    monkeypatch.setattr(pull, "BATCH_ROWS", 2)
    setup.pull()
    assert setup.query("SELECT row_count, cursor_after FROM ops.batch ORDER BY sequence") == [
        (3, "2026-05-01"),
        (4, "2026-10-31"),
    ]


def test_the_row_spool_holds_no_more_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the rows, the same peak: what grows is the disk."""
    monkeypatch.setattr(spool, "CHUNK_ROWS", 500)
    stream = Stream("s", "deal", {"id": "id", "note": "note"}, ("id",), lambda *_: iter(()), lambda _: ())

    def peak(count: int) -> int:
        maker = RowMaker(stream, b"key", ())
        tracemalloc.start()
        with spool_folder(tmp_path) as folder:
            rows = RowSpool(stream, folder)
            for start in range(0, count, 100):
                items = [{"id": str(number), "note": f"{number} " * 50} for number in range(start, start + 100)]
                rows.add(maker.make_all(items, {}, False))
            rows.keep_slice()
            piece = rows.take()
            assert piece.row_count == count
            assert len(piece.chunks) == -(-count // 500)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return top

    def least(count: int) -> int:
        return min(peak(count) for _ in range(3))  # what other threads hold meanwhile comes on top

    peak(1000)
    assert least(20_000) < 1.5 * least(2_000)


def test_large_texts_make_smaller_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "CHUNK_BYTES", 10_000)
    stream = Stream("s", "deal", {"id": "id"}, ("id",), lambda *_: iter(()), lambda _: ())
    with spool_folder(tmp_path) as folder:
        rows = RowSpool(stream, folder)
        for number in range(10):
            rows.add(RowMaker(stream, b"key", ()).make_all([{"id": f"{number}" * 6_000}], {}, False))
        rows.keep_slice()
        assert len(rows.take().chunks) == 5


def test_the_spool_is_private_and_left_overs_of_the_dead_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / "spool" / "pull-999999999-x"
    dead.mkdir(parents=True)
    (dead / "page-000001").write_text("personal")
    alive = tmp_path / "spool" / f"pull-{os.getpid()}-y"
    alive.mkdir()
    with spool_folder(tmp_path / "spool") as folder:
        assert not dead.exists()
        assert alive.exists()
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_landed_at_is_the_clock_of_the_run(make_setup: Any) -> None:
    setup: Setup = make_setup("ga4")
    setup.pull()
    ((moment,),) = setup.query("SELECT landed_at FROM ops.batch")
    assert moment.astimezone(UTC) == datetime(2026, 11, 1, tzinfo=UTC)
