"""The admission as a whole: what lands is typed, merged once, and accounted for, on DuckDB and Postgres alike."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from admitted import everything, outcome
from landed import STREAMS, context, land, read, row
from sqlalchemy import create_engine, text

from rebuttal import quality
from rebuttal.errors import LockedError
from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES, open_warehouse


def test_every_stream_becomes_its_entity_and_a_second_run_changes_nothing(any_settings: Settings) -> None:
    for stream in STREAMS:
        land(any_settings, stream, [row(stream)])

    report = quality.run(context(any_settings))

    assert (report.counts["batches_admitted"], report.counts["new"]) == (len(STREAMS), len(STREAMS))
    assert report.changed
    assert report.problems == []
    counts = {name: len(read(any_settings, f"select * from core.{name}")) for name in ENTITIES}
    assert counts == {**dict.fromkeys(ENTITIES, 1), "ad_performance": 2, "conversation": 2, "booking": 3}
    before = everything(any_settings)
    again = quality.run(context(any_settings))
    assert not again.changed
    assert again.counts == {}
    assert everything(any_settings) == before
    assert read(any_settings, "select * from information_schema.tables where table_schema = 'gate'") == []


def test_values_are_exact_and_times_are_utc(any_settings: Settings) -> None:
    land(
        any_settings,
        "google_ads.ad_performance",
        [
            row(
                "google_ads.ad_performance",
                cost_micros="1234567890123",
                ad_id="9007199254740993",
                final_url="https://b.example/p?utm_source=google&utm_campaign=%D0%B1%D1%80%D0%B5%D0%BD%D0%B4+1",
                final_url_suffix="utm_medium=cpc&utm_content=a%zz",
            )
        ],
    )
    land(
        any_settings,
        "yandex_metrica.visits",
        [
            row(
                "yandex_metrica.visits",
                start_url="https://b.example/Цена/?a=1&gclid=Cj0KCQiA-AbC_x%2F&yclid=12345678901234567890#top",
                date_time_utc="2026-03-29 02:30:00",
            )
        ],
    )
    land(
        any_settings, "yandex_metrica.hits", [row("yandex_metrica.hits", url="https://b.example?x=/no", goals_id=None)]
    )
    land(any_settings, "hubspot.deals", [row("hubspot.deals", amount="0.10", created_at="2026-10-01T12:00:00+03:00")])

    quality.run(context(any_settings))

    [ad] = read(any_settings, "select * from core.ad_performance")
    assert ad["cost"] == Decimal("1234567.890123")
    assert (ad["ad_id"], ad["report_date"]) == ("9007199254740993", date(2026, 11, 1))
    assert (ad["utm_source"], ad["utm_medium"], ad["utm_campaign"]) == ("google", "cpc", "бренд 1")
    assert ad["utm_content"] == "a%zz"
    [visit] = read(any_settings, "select * from core.visit")
    assert visit["started_at"].astimezone(UTC) == datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert (visit["gclid"], visit["yclid"]) == ("Cj0KCQiA-AbC_x%2F", "12345678901234567890")
    [hit] = read(any_settings, "select * from core.hit")
    assert (hit["page_path"], hit["goal_ids"]) == ("/", None)
    assert hit["occurred_at"].astimezone(UTC) == datetime(2026, 11, 1, 10, tzinfo=UTC)
    [deal] = read(any_settings, "select * from core.deal")
    assert (deal["amount"], deal["contact_id"]) == (Decimal("0.10"), "901")
    assert deal["created_at"].astimezone(UTC) == datetime(2026, 10, 1, 9, tzinfo=UTC)


def test_rows_that_landing_repeats_after_a_crash_count_once(any_settings: Settings) -> None:
    batch = land(any_settings, "hubspot.deals", [row("hubspot.deals"), row("hubspot.deals", deal_id="513")], repeat=3)

    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 2}
    assert len(read(any_settings, "select * from core.deal")) == 2


def test_rows_of_batches_that_do_not_exist_are_not_seen(any_settings: Settings) -> None:
    batch = land(any_settings, "hubspot.owners", [row("hubspot.owners")])
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(
            text(
                "insert into landing.hubspot__owners (owner_id, _batch_id, _row, _key, _row_hash)"
                " values ('8', 'unfinished', 0, '8', 'x')"
            )
        )

    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 1}
    assert [found["owner_id"] for found in read(any_settings, "select * from core.owner")] == ["7"]


def test_a_newer_version_replaces_and_an_older_one_does_not(any_settings: Settings) -> None:
    stream = "hubspot.deals"
    first = land(any_settings, stream, [row(stream, stage_id="sql", updated_at="2026-11-02T00:00:00Z")])
    newer = land(any_settings, stream, [row(stream, stage_id="won", updated_at="2026-11-03T00:00:00Z")])
    older = land(any_settings, stream, [row(stream, stage_id="lead", updated_at="2026-11-01T00:00:00Z")])
    same = land(any_settings, stream, [row(stream, stage_id="won", updated_at="2026-11-03T00:00:00Z")])

    quality.run(context(any_settings))

    assert [outcome(any_settings, batch) for batch in (first, newer, older, same)] == [
        {"new": 1},
        {"changed": 1},
        {"unchanged": 1},
        {"unchanged": 1},
    ]
    [deal] = read(any_settings, "select stage_id, batch_id from core.deal")
    assert deal == {"stage_id": "won", "batch_id": newer}


def test_without_a_version_the_later_batch_wins(any_settings: Settings) -> None:
    stream = "google_ads.ad_performance"
    land(any_settings, stream, [row(stream, clicks="5")])
    restated = land(any_settings, stream, [row(stream, clicks="4"), row(stream, ad_id="a2")])

    quality.run(context(any_settings))

    assert outcome(any_settings, restated) == {"new": 1, "changed": 1}
    found = read(any_settings, "select ad_id, clicks from core.ad_performance order by ad_id")
    assert found == [{"ad_id": "a1", "clicks": 4}, {"ad_id": "a2", "clicks": 7}]


def test_of_one_key_in_a_batch_the_newest_version_survives(any_settings: Settings) -> None:
    stream = "hubspot.deals"
    batch = land(
        any_settings,
        stream,
        [
            row(stream, stage_id="b", updated_at="2026-11-02T00:00:00Z"),
            row(stream, stage_id="c", updated_at="2026-11-03T00:00:00Z"),
            row(stream, stage_id="a", updated_at="2026-11-01T00:00:00Z"),
        ],
    )

    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 1, "deduplicated": 2}
    assert read(any_settings, "select stage_id from core.deal") == [{"stage_id": "c"}]
    evidence = read(any_settings, "select row_number, natural_key, survivor_key, kind from ops.duplicate order by 1")
    assert evidence == [
        {"row_number": number, "natural_key": "512", "survivor_key": "512", "kind": "same_key"} for number in (0, 2)
    ]


def test_of_equal_versions_both_engines_choose_alike(settings: Settings, postgres_url: Any) -> None:
    chosen = []
    server = Settings(settings.home, settings.config, settings.sandbox_url, postgres_url(), settings.state_url)
    for one in (settings, server):
        land(one, "hubspot.deals", [row("hubspot.deals", stage_id=stage) for stage in ("a", "B", "я", "_", "9")])
        quality.run(context(one))
        chosen.append(read(one, "select stage_id, row_hash from core.deal"))
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 1


def test_a_column_that_the_vendor_does_not_send_is_empty_and_reported(any_settings: Settings) -> None:
    _, _, columns = STREAMS["hubspot.companies"]
    without = tuple(name for name in columns if name not in ("city", "country"))
    batch = land(
        any_settings, "hubspot.companies", [row("hubspot.companies", _extra='{"town":"Kyiv"}')], columns=without
    )

    report = quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 1}
    [company] = read(any_settings, "select name, city from core.company")
    assert company == {"name": "Salon", "city": None}
    drift = read(any_settings, "select check_name, examples from ops.check_result where not is_passed order by 1")
    assert drift == [
        {"check_name": "fields_as_declared", "examples": '["city", "country"]'},
        {"check_name": "no_new_fields", "examples": '["town"]'},
    ]
    assert len(report.details[0]["warnings"]) == 2


def test_a_batch_from_before_a_new_column_reads_it_as_empty(any_settings: Settings) -> None:
    stream = "hubspot.companies"
    old = land(
        any_settings, stream, [row(stream)], columns=("company_id", "created_at", "updated_at", "archived", "name")
    )
    new = land(any_settings, stream, [row(stream, company_id="78", city="Kyiv")])

    quality.run(context(any_settings))

    found = read(any_settings, "select batch_id, city from core.company order by company_id")
    assert found == [{"batch_id": old, "city": None}, {"batch_id": new, "city": "Kyiv"}]


def test_unknown_words_are_a_bucket_and_a_warning(any_settings: Settings) -> None:
    batch = land(
        any_settings, "hubspot.contacts", [row("hubspot.contacts", segment="Franchise", lifecycle_stage="LEAD")]
    )

    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 1}
    [contact] = read(any_settings, "select segment, lifecycle_stage from core.contact")
    assert contact == {"segment": "unknown:Franchise", "lifecycle_stage": "lead"}
    warned = read(any_settings, "select check_name, failed_count, severity from ops.check_result where not is_passed")
    assert warned == [{"check_name": "segment_known", "failed_count": 1, "severity": "warning"}]


def test_what_a_check_found_can_be_found_again_by_its_query(any_settings: Settings) -> None:
    land(
        any_settings, "hubspot.contacts", [row("hubspot.contacts", segment="x"), row("hubspot.contacts", contact_id="")]
    )
    quality.run(context(any_settings))
    failed = read(any_settings, "select check_name, query, failed_count from ops.check_result where not is_passed")
    assert {found["check_name"] for found in failed} == {"segment_known", "key_present"}
    for found in failed:
        assert len(read(any_settings, found["query"].replace(":", "\\:"))) == found["failed_count"]


def test_two_admissions_at_once_on_a_server_are_refused(settings: Settings, postgres_url: Any) -> None:
    url = postgres_url()
    server = Settings(settings.home, settings.config, settings.sandbox_url, url, settings.state_url)
    land(server, "hubspot.owners", [row("hubspot.owners")])
    other = create_engine(url)
    with other.connect() as connection:
        connection.execute(text("select pg_advisory_lock(hashtextextended('rebuttal.admit', 0))"))
        with pytest.raises(LockedError, match="Another admission"):
            quality.run(context(server))
    other.dispose()
    assert quality.run(context(server)).counts["new"] == 1
