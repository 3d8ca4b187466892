"""One contract for all sources: what a pull must do whichever vendor it talks to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import inspect
from tests.sources.conftest import Setup, make_context
from tests.sources.vendors import CANARY_EMAIL, CANARY_NAME, CANARY_PHONE, CANARY_TOKEN, NOW
from tests.sources.wire import EMPTY, HTML, Reply, cut, failure

from rebuttal.clock import Clock
from rebuttal.errors import ContractError, CredentialsError, CutBodyError, ThrottledError, UnavailableError
from rebuttal.sources import batches, registry, stream_of
from rebuttal.warehouse import ENTITIES, open_warehouse

META = {"_batch_id", "_row", "_key", "_row_hash", "_defect", "_extra"}


def streams(setup: Setup) -> list[str]:
    """Those that are read without being asked for."""
    names = [stream.name for stream in registry()[setup.vendor.source].streams if not stream.option]
    assert names
    assert set(names) == set(setup.vendor.expected)
    return names


def problems_of(setup: Setup, error: type[Exception]) -> list[str]:
    """Pull, and give the problem lines: one for each stream, all of that kind, and nothing landed."""
    report = setup.pull()
    assert len(report.problems) == len(streams(setup))
    assert all(f": {error.__name__}: " in line for line in report.problems), report.problems
    assert not report.changed
    assert setup.query("SELECT count(*) FROM ops.batch") == [(0,)]
    return report.problems


def landed_once(setup: Setup) -> None:
    """Each row that the vendor has is landed, once, under a batch that says so."""
    for name in streams(setup):
        stream = stream_of(setup.vendor.source, name)
        keys = [row[0] for row in setup.rows(name, "_key")]
        assert keys
        expected = setup.vendor.expected[name]
        place = stream.key.index("session_campaign") if setup.vendor.source == "ga4" else -1
        assert {key.split("\x1f")[place] for key in keys} == expected
        assert len(keys) == len(set(keys))
        assert setup.query(f"SELECT sum(row_count) FROM ops.batch WHERE stream = '{name}'") == [(len(keys),)]


def test_every_row_of_every_page_lands_once_in_the_agreed_shape_and_a_second_pull_changes_nothing(
    each_anywhere: Setup,
) -> None:
    setup = each_anywhere
    report = setup.pull()
    assert report.problems == []
    assert report.changed
    landed_once(setup)
    with open_warehouse(setup.context.settings) as engine:
        for name in streams(setup):
            stream = stream_of(setup.vendor.source, name)
            assert stream.entity in ENTITIES
            columns = {one["name"] for one in inspect(engine).get_columns(f"{setup.vendor.source}__{name}", "landing")}
            assert columns == {*stream.column_names, *META}
            ordinals = [row[0] for row in setup.rows(name, "_row")]
            assert ordinals == list(range(len(ordinals)))
    batches_told = {name for detail in report.details for name in detail["batch_ids"]}
    assert batches_told == {row[0] for row in setup.query("SELECT batch_id FROM ops.batch WHERE status = 'landed'")}
    extras = [row for name in streams(setup) for row in setup.rows(name, "_extra, _defect") if row != (None, None)]
    assert extras == [] or setup.vendor.source == "typeform"
    before = setup.tables()
    told = json.dumps(report.as_dict(), default=str) + repr(before)
    for canary in (CANARY_TOKEN, CANARY_EMAIL, CANARY_PHONE, CANARY_NAME):
        assert canary not in told

    again = setup.pull()
    assert not again.changed
    assert {detail["status"] for detail in again.details} == {"unchanged"}
    assert setup.tables() == before
    assert list(setup.context.settings.spool.iterdir()) == []


def test_wrong_credentials_are_told_and_not_retried(each: Setup) -> None:
    setup = replace(each, context=make_context(each.context.settings, each.wire, each.vendor, "wrong-token"))
    lines = problems_of(setup, CredentialsError)
    assert all(setup.vendor.source in line for line in lines)
    assert len(setup.wire.calls) == len(streams(setup))


def test_missing_credentials_are_told_before_any_call(each: Setup) -> None:
    setup = replace(each, context=make_context(each.context.settings, each.wire, each.vendor, ""))
    report = setup.pull()
    assert [line.split(":")[1].strip() for line in report.problems] == ["CredentialsError"]
    assert setup.wire.calls == []


def test_faults_that_pass_are_survived(each: Setup) -> None:
    """Throttles, 5xx, cut bodies and error pages, some in the middle of the pages: every row still lands once."""
    each.wire.faults.extend([each.vendor.throttle, failure(500), cut(), HTML])
    each.wire.faults.extend([None, each.vendor.throttle, EMPTY, failure(503, **{"Retry-After": "0.05"}), cut(b"")])
    assert each.pull().problems == []
    assert not each.wire.faults
    landed_once(each)


def test_a_throttle_beyond_the_budget_defers_the_stream(each: Setup) -> None:
    each.wire.every = Reply.of({"code": "RATE"}, 429, **{"Retry-After": "864000"})
    if each.vendor.source in ("google_ads", "yandex_direct"):  # these say how long in the body, or not at all
        each.wire.every = each.vendor.throttle
    report = each.pull()
    assert {detail["status"] for detail in report.details} == {"deferred"}
    assert all(ThrottledError.__name__ in line for line in report.problems)
    assert len(each.wire.calls) < 500
    assert each.query("SELECT count(*) FROM ops.batch") == [(0,)]


def test_a_failure_that_stays_is_told_and_lands_nothing(each: Setup) -> None:
    each.wire.every = failure(500)
    problems_of(each, UnavailableError)
    assert 4 <= len(each.wire.calls) <= 4 * len(streams(each))


def test_a_body_that_is_always_cut_lands_nothing(each: Setup) -> None:
    each.wire.every = cut()
    problems_of(each, CutBodyError)


@pytest.mark.parametrize("page", [HTML, EMPTY, Reply(b"", 204)], ids=["html", "empty", "no content"])
def test_an_error_page_with_status_200_is_no_data(each: Setup, page: Reply) -> None:
    each.wire.every = page
    report = each.pull()
    assert len(report.problems) == len(streams(each))
    assert all("ErrorPageError" in line for line in report.problems)
    assert each.query("SELECT count(*) FROM ops.batch") == [(0,)]


def test_an_answer_of_another_shape_is_told(each: Setup) -> None:
    each.wire.every = Reply.of({"something": "else"})
    problems_of(each, ContractError)


def test_an_error_object_with_status_200_is_told(each: Setup) -> None:
    each.wire.every = Reply.of({"error": {"message": CANARY_EMAIL}, "errors": [{}], "code": "X", "status": "error"})
    problems_of(each, ContractError)


def test_a_redirect_is_refused_and_the_token_stays_here(each: Setup) -> None:
    each.wire.every = Reply(b"", 302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    problems_of(each, ContractError)


def test_rows_and_batch_are_landed_together_or_not_at_all(
    each_anywhere: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull that dies between load and batch row leaves neither; the next one lands both."""

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(batches, "enter", die)
        with pytest.raises(Killed):
            each_anywhere.pull()
    first = streams(each_anywhere)[0]
    assert each_anywhere.rows(first) == []
    assert each_anywhere.query("SELECT count(*) FROM ops.batch") == [(0,)]
    each_anywhere.pull()
    landed_once(each_anywhere)


def test_the_watermark_is_the_newest_thing_seen(each: Setup) -> None:
    each.pull()
    cursors = dict(each.query("SELECT stream, cursor_after FROM ops.batch"))
    for name in streams(each):
        stream = stream_of(each.vendor.source, name)
        if stream.cursor is None:
            assert cursors[name] is None
        elif stream.by_day:
            assert cursors[name] == (NOW - timedelta(days=1)).date().isoformat()
        else:
            assert "2026-10-" in cursors[name] < NOW.isoformat()


def test_a_backfill_moves_no_watermark(each: Setup) -> None:
    each.pull(window=(date(2026, 10, 1), date(2026, 10, 31)))
    dated = [name for name in streams(each) if stream_of(each.vendor.source, name).cursor]
    assert dated
    found = {row[0]: row[1:] for row in each.query("SELECT stream, kind, cursor_after FROM ops.batch")}
    assert found == dict.fromkeys(dated, ("backfill", None))
    later = each.at(Clock(NOW + timedelta(hours=1))).pull()
    live = [detail for detail in later.details if detail["stream"] in dated]
    # 40 days of history are read, as if nothing had been pulled before; all of it is known already.
    assert {detail["status"] for detail in live} == {"unchanged"}
    assert all(detail["window"].startswith("2026-09-22") for detail in live)
