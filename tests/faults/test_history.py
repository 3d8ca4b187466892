"""Faults that show over several pulls (65-66, 68-69, 72-73, 79-80): what is kept, held, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from landed import context, land, read, row
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault
from tests.sources.conftest import Setup
from tests.sources.vendors import NOW
from tests.sources.wire import Call, Reply

from rebuttal import quality
from rebuttal.clock import Clock
from rebuttal.errors import ConfigError
from rebuttal.quality import holds
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

pytestmark = SECOND_ENGINE
Make = Callable[..., Setup]
ADS, DEALS, OWNERS, CONTACTS = "google_ads.ad_performance", "hubspot.deals", "hubspot.owners", "hubspot.contacts"
NEXT_DAY = Clock(NOW + timedelta(days=1))


def execute(setup: Setup, statement: str) -> None:
    with open_warehouse(setup.context.settings) as engine, engine.begin() as connection:
        connection.exec_driver_sql(statement)


# --- 65, 66: the future ----------------------------------------------------------------------------------------------


@fault(65, "a row of the year 2999", "wire", "quarantined; the watermark stays, and the next day is pulled")
def test_a_poisoned_row_moves_no_watermark(vendor: Make) -> None:
    setup = vendor("google_ads")
    setup.vendor.data["rows"][2]["segments"]["date"] = "2999-12-31"
    body = json.dumps({"fieldMask": "x", "results": setup.vendor.data["rows"]}).encode()
    setup.wire.every = Reply(body)
    report = setup.pull()
    assert ["in the future" in note for note in report.details[0]["notes"]] == [True]
    assert setup.query("select cursor_after from ops.batch") == [("2026-10-31",)]
    quality.run(setup.context)
    told = setup.query("select check_name, value from ops.quarantine")
    assert told == [("report_date_possible", "2999-12-31")]
    assert setup.at(NEXT_DAY).pull().details[0]["window"].endswith("2026-11-01")


@fault(65, "an instant in the future, as the newest version", "gate", "quarantined; it blocks no true version")
def test_a_version_of_the_future_blocks_nothing(any_settings: Settings) -> None:
    land(any_settings, DEALS, [row(DEALS, stage_id="never", updated_at="2999-01-01T00:00:00Z")])
    land(any_settings, DEALS, [row(DEALS, stage_id="true")])
    quality.run(context(any_settings))
    assert read(any_settings, "select stage_id from core.deal") == [{"stage_id": "true"}]
    assert read(any_settings, "select check_name from ops.quarantine") == [{"check_name": "updated_at_possible"}]


@fault(66, "a stored cursor in the year 2999", "wire", "nothing asked, nothing landed, and a problem, not a success")
@pytest.mark.parametrize(("source", "cursor"), [("google_ads", "2999-12-31"), ("typeform", "2999-12-31T00:00:00.000Z")])
def test_a_cursor_of_the_future_is_told(vendor: Make, source: str, cursor: str) -> None:
    setup = vendor(source)
    setup.pull()
    execute(setup, f"update ops.batch set cursor_after = '{cursor}'")
    calls, before = len(setup.wire.calls), setup.tables()
    report = setup.at(NEXT_DAY).pull()
    assert len(report.problems) == 1
    assert f"is in the future ({cursor})" in report.problems[0]
    assert report.details[0]["status"] == "failed"
    assert (len(setup.wire.calls), setup.tables()) == (calls, before)


# --- 68, 69: the past changes ----------------------------------------------------------------------------------------


@fault(68, "conversions of a past day restated", "wire", "core has the new number; each old one is found by a query")
def test_a_restated_number_leaves_its_history(vendor: Make) -> None:
    setup = vendor("google_ads")
    one = setup.vendor.data["rows"][0]
    batches = []
    for days, conversions in enumerate((2.5, 4, 3)):
        one["metrics"]["conversions"] = conversions
        batches += setup.at(Clock(NOW + timedelta(hours=days))).pull().details[0]["batch_ids"]
        quality.run(setup.context)
    key = f"{one['segments']['date']}\x1f{one['adGroupAd']['ad']['id']}"
    history = setup.query(
        "select batch.batch_id, landed.conversions from landing.google_ads__ad_performance as landed"
        f" join ops.batch as batch on batch.batch_id = landed._batch_id where landed._key = '{key}'"
        " order by batch.sequence"
    )
    assert history == list(zip(batches, ("2.5", "4", "3"), strict=True))
    # core names the landed row that it was last made of, and the accounting the batch that changed it.
    now = setup.query(
        "select core.platform_conversions, landed.conversions from core.ad_performance as core"
        " join landing.google_ads__ad_performance as landed"
        f" on landed._batch_id = core.batch_id and landed._row = core.row_number where landed._key = '{key}'"
    )
    assert now == [(3.0, "3")]
    outcomes = dict(setup.query("select batch_id, changed from ops.batch_outcome"))
    assert [outcomes[batch] for batch in batches] == [0, 1, 1]


@fault(69, "a row deleted at the vendor", "gate", "a tombstone in core; older living versions never bring it back")
def test_a_tombstone_stays(any_settings: Settings) -> None:
    alive = row(DEALS, updated_at="2026-11-01T09:00:00Z")
    gone = row(DEALS, updated_at="2026-11-02T09:00:00Z", archived="true")
    later = row(DEALS, updated_at="2026-11-01T10:00:00Z", stage_id="late news")
    for version in (alive, gone, later, alive, gone):
        land(any_settings, DEALS, [version])
    quality.run(context(any_settings))
    [deal] = read(any_settings, "select is_deleted, stage_id from core.deal")
    assert deal == {"is_deleted": True, "stage_id": "sql"}
    changed = read(any_settings, "select new, changed, unchanged from ops.batch_outcome order by batch_id")
    assert [tuple(one.values()) for one in changed] == [(1, 0, 0), (0, 1, 0), *[(0, 0, 1)] * 3]
    # The vendor restores it: a newer living version is one.
    land(any_settings, DEALS, [row(DEALS, updated_at="2026-11-03T09:00:00Z")])
    quality.run(context(any_settings))
    assert read(any_settings, "select is_deleted from core.deal") == [{"is_deleted": False}]
    assert read(any_settings, "select count(*) as versions from landing.hubspot__deals") == [{"versions": 6}]


# --- 72, 73: whose and which -----------------------------------------------------------------------------------------


@fault(72, "one id with two contents in one answer", "gate", "the newest version; the other one is evidence")
@fault(72, "one id, two contents, one version", "gate", "the same choice whatever the order, and evidence")
def test_of_two_contents_one_is_chosen_and_the_other_recorded(any_settings: Settings) -> None:
    newer = row(DEALS, stage_id="newer", updated_at="2026-11-02T00:00:00Z")
    older = row(DEALS, stage_id="older", updated_at="2026-11-01T00:00:00Z")
    chosen = []
    twins = [row(DEALS, deal_id="9", stage_id=stage) for stage in ("a", "b", "c")]
    for order in (1, -1):
        account = str(order)
        batch = land(any_settings, DEALS, [newer, older, *twins][::order], account=account)
        quality.run(context(any_settings))
        found = read(any_settings, "select deal_id, stage_id from core.deal where account_id = :id", id=account)
        chosen.append({one["deal_id"]: one["stage_id"] for one in found})
        evidence = read(any_settings, "select * from ops.duplicate where batch_id = :id", id=batch)
        assert sorted(one["natural_key"] for one in evidence) == ["512", "9", "9"]
        assert {one["kind"] for one in evidence} == {"same_key"}
    assert chosen[0] == chosen[1]
    assert chosen[0]["512"] == "newer"


@fault(73, "a row of another account", "wire", "the whole answer is refused and told, nothing landed")
@pytest.mark.parametrize("source", ["google_ads", "yandex_metrica"])
def test_another_accounts_rows_are_refused(make_setup: Make, source: str) -> None:
    setup = make_setup(source)
    original = setup.wire.reply_to

    def swap(call: Call) -> Reply:
        reply = original(call)
        body = reply.body.replace(b'{"id": "111"', b'{"id": "999"', 1).replace(b"\t246\t", b"\t999\t", 1)
        return Reply(body, reply.status, reply.content_type)

    setup.wire.reply_to = swap  # type: ignore[method-assign]
    problems = setup.pull().problems
    assert problems
    assert all("rows of another account" in line for line in problems)
    assert setup.query("select count(*) from ops.batch") == [(0,)]


@fault(73, "a landed batch of another account", "gate", "held whole; no named person can let it in")
def test_another_accounts_batch_is_held_for_good(any_settings: Settings) -> None:
    for stream, field in ((ADS, "customer_id"), ("ga4.traffic", "property"), ("yandex_metrica.hits", "counter_id")):
        batch = land(any_settings, stream, [row(stream), row(stream, **{field: "999"})])
        quality.run(context(any_settings))
        with pytest.raises(ConfigError, match="account that was asked for"):
            holds.release(context(any_settings), batch, by="Olena", reason="it is ours")
        quality.run(context(any_settings))
        [held] = read(any_settings, "select status from ops.batch where batch_id = :id", id=batch)
        assert held["status"] == "held"
    for table in ("ad_performance", "traffic", "hit"):
        assert read(any_settings, f"select * from core.{table}") == []


# --- 79, 80: estimates and volume ------------------------------------------------------------------------------------


@fault(79, "the vendor says that it sampled, withheld or folded rows", "wire", "each number marked; told, admitted")
@pytest.mark.parametrize(
    "flag",
    [
        {"samplingMetadatas": [{"samplesReadCount": "5"}]},
        {"subjectToThresholding": True},
        {"dataLossFromOtherRow": True},
    ],
)
def test_estimates_are_marked(vendor: Make, flag: dict[str, Any]) -> None:
    setup = vendor("ga4")
    original = setup.wire.reply_to

    def sampled(call: Call) -> Reply:
        data = json.loads(original(call).body)
        data["metadata"] |= flag
        return Reply.of(data)

    setup.pull()
    quality.run(setup.context)
    assert setup.query("select distinct is_estimated from core.traffic") == [(False,)]
    setup.wire.reply_to = sampled  # type: ignore[method-assign]
    report = setup.at(NEXT_DAY).pull()
    assert ["sampled or incomplete" in note for note in report.details[0]["notes"]] == [True]
    told = quality.run(setup.context)
    assert told.problems == []
    marked = setup.query("select is_estimated, count(*) from core.traffic group by 1")
    restated = len(setup.query("select 1 from core.traffic where report_date >= '2026-10-30'"))
    assert dict(marked)[True] == restated
    warned = setup.query("select check_name, severity, failed_count from ops.check_result where not is_passed")
    assert warned == [("counted_in_full", "warning", restated)]


@fault(80, "50 times the usual rows", "gate", "held with the numbers; a named person lets it in, and is named")
def test_a_flood_is_held_until_somebody_answers_for_it(any_settings: Settings) -> None:
    for number in range(3):
        land(any_settings, OWNERS, [row(OWNERS, owner_id=f"usual{number}")], days=1)
    flood = land(any_settings, OWNERS, [row(OWNERS, owner_id=str(number)) for number in range(2000)], days=1)
    problems = quality.run(context(any_settings)).problems
    assert len(problems) == 1
    assert "volume_usual" in problems[0]
    assert read(any_settings, "select count(*) as rows from core.owner") == [{"rows": 3}]
    holds.release(context(any_settings), flood, by="Olena, marketing", reason="a campaign of ours")
    assert quality.run(context(any_settings)).counts["new"] == 2000
    [released] = read(any_settings, "select status_reason from ops.batch where batch_id = :id", id=flood)
    assert "Olena, marketing" in released["status_reason"]


def many_ads(setup: Setup, count: int) -> None:
    """Serve `count` ads a day on three days, in one page."""
    rows = setup.vendor.data["rows"]
    rows[:] = [{**rows[n % 3], "adGroupAd": {"ad": {"id": str(n)}}} for n in range(3 * count)]
    setup.wire.every = Reply(json.dumps({"fieldMask": "x", "results": rows}).encode())


@fault(80, "no row at all where hundreds are usual", "wire", "a problem, not `nothing new`; the data stays")
def test_silence_is_told(vendor: Make) -> None:
    setup = vendor("google_ads")
    many_ads(setup, 300)
    assert setup.pull().problems == []
    before = setup.tables()
    setup.wire.every = Reply.of({"fieldMask": "x", "results": []})
    report = setup.at(NEXT_DAY).pull()
    assert len(report.problems) == 1
    assert "no rows for 2026-10-04..2026-11-01 where about" in report.problems[0]
    assert report.details[0]["status"] == "failed"
    assert setup.tables() == before
    # A backfill of a time before the company advertised is no surprise, nor is silence that has lasted for months.
    late = setup.at(Clock(NOW + timedelta(days=90))).pull()
    assert late.problems == []
    assert late.details[0]["status"] == "unchanged"


@fault(80, "no row where a few are usual", "wire", "zero is zero")
def test_a_quiet_day_of_a_small_company_is_no_alarm(make_setup: Make) -> None:
    setup = make_setup("google_ads")
    setup.pull()
    setup.wire.every = Reply.of({"fieldMask": "x", "results": []})
    assert setup.at(NEXT_DAY).pull().problems == []
