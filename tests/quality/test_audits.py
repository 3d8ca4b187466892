"""Checks over core as a whole: silent about seven quiet weeks, and each finds what was put there for it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from landed import context, land, read, row
from network import CONTACTS, DEALS, HITS, Weeks, hit, sales, visit
from sqlalchemy import text

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality.audits.catalog import audits, rule_name
from rebuttal.quality.audits.limits import AuditLimits, load_limits
from rebuttal.quality.expectations import ExpectNoRowsFrom
from rebuttal.quality.utm_spend import SPEND, VISITS
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def answers(settings: Settings) -> dict[str, dict[str, Any]]:
    """The newest answer of each audit, but for money and tagged visits, which are tested by themselves."""
    rows = read(settings, "select * from ops.audit_result order by sequence")
    return {found["check_name"]: found for found in rows if found["check_name"] not in (SPEND, VISITS)}


def bad_weeks() -> Weeks:
    """The same weeks with every fault that an audit looks for."""
    weeks = Weeks()
    sales(weeks)
    # Clocks: half an hour ahead, ten minutes behind; a hit three hours after its visit is no clock.
    noon = datetime(2026, 11, 5, 12, 7, tzinfo=UTC)
    weeks.add(visit("ahead", noon), noon + 30 * MINUTE, noon + 31 * MINUTE)
    weeks.add(visit("behind", noon), noon - 10 * MINUTE)
    weeks.add(visit("stray", noon), noon, noon + 3 * HOUR)
    # A day and an hour of another zone.
    weeks.drop(date(2026, 11, 4))
    weeks.visits_of(date(2026, 11, 4), hits_late=3 * HOUR)
    for number in range(4):
        at = datetime(2026, 10, 25, 0, 10 + number, tzinfo=UTC)
        weeks.add(visit(f"dst{number}", at), at + HOUR)
    # A machine, a goal without a page, a visit cut at Moscow's midnight.
    friday = noon + timedelta(days=1)
    weeks.add(visit("robot", friday, page_views="25"), *(friday + timedelta(seconds=number) for number in range(25)))
    weeks.add(visit("goal", noon, goals_id="[3]"), noon, is_page_view="0", goals_id="[3]")
    late = datetime(2026, 11, 5, 20, 59, tzinfo=UTC)
    weeks.add(visit("late", late, client_id="one"), late)
    weeks.add(visit("early", late + 2 * MINUTE, client_id="one", traffic_source="internal"), late + 2 * MINUTE)
    # Days: none, too many, no click ids in a week, a platform that stopped.
    weeks.drop(date(2026, 11, 3))
    for number in range(100):
        at = datetime(2026, 10, 31, 8, tzinfo=UTC) + number * MINUTE
        weeks.add(visit(f"more{number}", at), at)
    for found in weeks.rows["yandex_metrica.visits"]:
        if "2026-10-12" <= str(found["date_time_utc"]) < "2026-10-19" and "gclid" in str(found["start_url"]):
            found["start_url"] = "https://brand.example/"
    weeks.rows["yandex_direct.ad_performance"] = [
        row("yandex_direct.ad_performance", date=str(date(2026, 10, 1) + timedelta(days=number)))
        for number in range(20)
    ]
    # What is referred to is not there; 77 was merged into 901, so it is.
    weeks.rows[HITS].append(hit("nowhere", "lost", noon))
    weeks.rows[CONTACTS] += [
        row(CONTACTS, contact_id="c", merged_ids="b;77"),
        row(CONTACTS, contact_id="b", merged_ids='["a"]'),
        row(CONTACTS, contact_id="x", merged_ids="y"),
        row(CONTACTS, contact_id="y", merged_ids="x"),
        row(CONTACTS, contact_id="p", merged_ids="z"),
        row(CONTACTS, contact_id="q", merged_ids="z", segment="martian"),
    ]
    weeks.rows[DEALS] += [
        row(DEALS, deal_id="1", contact_ids='["404"]', owner_id="404", stage_id="404"),
        row(DEALS, deal_id="2", contact_ids='["77"]'),
    ]
    weeks.rows["hubspot.deal_stage_changes"].append(row("hubspot.deal_stage_changes", deal_id="404"))
    weeks.rows["hubspot.contact_stage_changes"].append(row("hubspot.contact_stage_changes", contact_id="404"))
    weeks.rows["hubspot.notes"].append(
        row("hubspot.notes", conversation_id="n3", deal_ids='["404"]', contact_ids='["404"]')
    )
    weeks.rows["typeform.responses"].append(
        row("typeform.responses", response_id="t3", comment="?", hidden='{"deal_id":"404"}')
    )
    return weeks


# What is found in the bad weeks: how many, and what people are shown of it.
FOUND = {
    "days_complete": (2, "visit of yandex_metrica: none on 2026-11-03, usually 32"),
    "streams_fresh": (1, "ad_performance of yandex_direct: nothing after 2026-10-20, landed until 2026-11-10"),
    "volume_usual_for_weekday": (2, "visit of yandex_metrica, 2026-10-31: 132 rows, usually 32"),
    "sessions_agree": (1, "2026-10-31: 30 sessions in ga4, 132 visits"),
    "clicks_arrive": (1, "google_ads, week of 2026-10-12: 56 clicks, 0 visits with its click id"),
    "clocks_aligned": (2, "visit ahead: hits 30 minutes after its start"),
    "hours_aligned": (2, "2026-11-04 UTC, yandex_metrica: hits of 32 of 32 visits are 3 h late"),
    "events_inside_session": (1, "hit strayh1 of visit stray: 179 minutes after its end"),
    "no_burst": (1, "visit robot at 2026-11-06 12:07:00 UTC: 25 page views or more"),
    "goals_with_page_views": (1, "visit goal: 1 hits, a goal, no page view"),
    "visits_uncut": (1, "visit early goes on one cut at 2026-11-05 21:00:00 UTC"),
    "contact_merges_resolve": (3, "contact z is said to be merged into p and q"),
    "hit_visit_exists": (1, "hit lost refers to visit nowhere"),
    "deal_contact_exists": (1, "deal 1 refers to contact 404"),
    "deal_owner_exists": (1, "deal 1 refers to owner 404"),
    "deal_pipeline_stage_exists": (1, "deal 1 refers to pipeline_stage 404"),
    "stage_change_deal_exists": (1, "stage_change sql refers to deal 404"),
    "lifecycle_change_contact_exists": (1, "lifecycle_change lead refers to contact 404"),
    "conversation_deal_exists": (1, "conversation n3 refers to deal 404"),
    "conversation_contact_exists": (1, "conversation n3 refers to contact 404"),
    "survey_response_deal_exists": (1, "survey_response t3 refers to deal 404"),
    "segment_known": (1, "contact q: unknown:martian"),
}


def test_quiet_weeks_are_looked_at_and_nothing_is_found(any_settings: Settings) -> None:
    weeks = Weeks()
    sales(weeks)
    weeks.land(any_settings)
    report = quality.run(context(any_settings))
    assert report.problems == []
    found = answers(any_settings)
    assert sorted(found) == sorted(rule_name(rule) for rule in audits(AuditLimits()))
    assert {name: one["examples"] for name, one in found.items() if not one["is_passed"]} == {}
    assert [name for name, one in found.items() if not one["row_count"] and name != "contact_merges_resolve"] == []
    assert found["clocks_aligned"]["row_count"] == 49 * 32
    before = read(any_settings, "select * from ops.audit_result order by check_name, sequence")
    again = quality.run(context(any_settings))
    assert not again.changed
    assert read(any_settings, "select * from ops.audit_result order by check_name, sequence") == before


def test_every_fault_is_found_and_shown(any_settings: Settings) -> None:
    bad_weeks().land(any_settings)
    report = quality.run(context(any_settings))
    assert report.problems == []
    found = answers(any_settings)
    failed = {name: one["failed_count"] for name, one in found.items() if not one["is_passed"]}
    assert failed == {name: count for name, (count, _) in FOUND.items()}
    for name, (count, example) in FOUND.items():
        assert example in json.loads(found[name]["examples"]), name
        again = read(
            any_settings, f"select count(*) as rows from ({found[name]['query'].replace(':', chr(92) + ':')}) as x"
        )
        assert again == [{"rows": count}], name
    shown = "2026-10-25 00:00:00 UTC, yandex_metrica: hits of 4 of 4 visits are 1 h late"
    assert shown in json.loads(found["hours_aligned"]["examples"])
    merged = read(any_settings, "select record_id, survivor_id, via from ops.merged_record order by record_id")
    assert [tuple(one.values()) for one in merged] == [("77", "c", "c"), ("a", "c", "b"), ("b", "c", "c")]


def test_an_answer_is_written_again_only_when_it_differs(settings: Settings) -> None:
    land(settings, CONTACTS, [row(CONTACTS), row(CONTACTS, contact_id="q", segment="martian")])
    quality.run(context(settings))
    count = len(read(settings, "select * from ops.audit_result"))
    assert count == len({*(rule_name(rule) for rule in audits(AuditLimits())), SPEND, VISITS})
    land(settings, CONTACTS, [row(CONTACTS, contact_id="r", updated_at="2026-11-02T09:00:00Z")])
    quality.run(context(settings))
    assert len(read(settings, "select * from ops.audit_result")) == count
    land(settings, CONTACTS, [row(CONTACTS, contact_id="q", updated_at="2026-11-03T09:00:00Z")])
    quality.run(context(settings))
    segment = "select sequence, failed_count from ops.audit_result where check_name = 'segment_known' order by sequence"
    assert [tuple(one.values()) for one in read(settings, segment)] == [(1, 1), (3, 0)]


def test_a_copy_that_the_merge_missed_is_an_alarm(any_settings: Settings) -> None:
    land(any_settings, HITS, [row(HITS), row(HITS, watch_id="2", date_time="2026-11-01 13:00:03")])
    quality.run(context(any_settings))
    assert answers(any_settings)["no_hit_twice"]["failed_count"] == 0
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(
            text("update core.hit set occurred_at = occurred_at - interval '2 seconds' where hit_id = '2'")
        )
    land(any_settings, HITS, [row(HITS, watch_id="3", date_time="2026-11-01 14:00:03")])
    quality.run(context(any_settings))
    found = answers(any_settings)["no_hit_twice"]
    assert (found["severity"], found["failed_count"], json.loads(found["examples"])) == (
        "alarm",
        1,
        ["hit 2 at 2026-11-01 10:00:01 UTC"],
    )


def test_a_question_that_fails_is_a_problem_and_no_answer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from rebuttal.quality.audits import catalog
    from rebuttal.quality.expectations import across

    broken = across(
        ExpectNoRowsFrom, "broken", "visit", "select no_such_column from core.visit", "1", "d", "n", reads=()
    )
    monkeypatch.setattr(catalog, "GROUPS", [*catalog.GROUPS, lambda limits: [broken]])
    land(settings, CONTACTS, [row(CONTACTS)])
    report = quality.run(context(settings))
    assert [problem for problem in report.problems if "broken" in problem] == report.problems
    assert len(report.problems) == 1
    assert "broken" not in answers(settings)
    assert len(answers(settings)) == len(audits(AuditLimits())) - 1
    assert read(settings, "select * from ops.audit_run") == []


def test_every_audit_has_its_words(settings: Settings) -> None:
    rules = audits(load_limits(settings.config))
    assert len(rules) == len(FOUND) + 2
    for rule in rules:
        assert rule.meta is not None
        assert len(rule.description or "") > 20, rule.meta
        assert len(rule.meta["next_step"]) > 20, rule.meta
        assert rule.meta["severity"] in ("notice", "warning", "alarm")
        assert rule.meta["reads"]
        assert type(rule) is not ExpectNoRowsFrom


def test_limits_are_read_and_mistakes_named(settings: Settings, tmp_path: Any) -> None:
    assert load_limits(settings.config) == AuditLimits()
    (tmp_path / "audits.yml").write_text("burst_page_veiws: 5\n")
    with pytest.raises(ConfigError, match=r"audits.yml.*burst_page_views"):
        load_limits(tmp_path)
