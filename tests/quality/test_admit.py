"""The admission as a whole: what lands is typed, merged once, and accounted for, on DuckDB and Postgres alike."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from landed import STREAMS, context, land, read, row
from sqlalchemy import create_engine, select, text

from rebuttal import quality
from rebuttal.errors import ConfigError, LockedError
from rebuttal.quality import holds, quarantine
from rebuttal.records import OUTCOMES
from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES, open_warehouse
from rebuttal.warehouse.accounting import account, recount
from rebuttal.warehouse.tables import metadata

OLENA = {"by": "Olena", "reason": "the currency was mended"}


def outcome(settings: Settings, batch_id: str) -> dict[str, int]:
    """The outcomes of a batch that are not zero."""
    with open_warehouse(settings) as engine:
        found = [one for one in account(engine) if one["batch_id"] == batch_id]
        assert recount(engine) == []
    assert len(found) == 1
    return {name: found[0][name] for name in OUTCOMES if found[0][name]}


def everything(settings: Settings) -> dict[str, list[Any]]:
    """All rows of all declared tables, as sorted text."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            str(table): sorted(str(tuple(found)) for found in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


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


# --- holds -----------------------------------------------------------------------------------------------------------


def _deals(count: int, **changed: str | None) -> list[dict[str, str | None]]:
    return [row("hubspot.deals", deal_id=str(number), **changed) for number in range(count)]


def test_a_batch_of_mostly_bad_rows_is_held_and_the_others_go_on(any_settings: Settings) -> None:
    good = land(any_settings, "hubspot.deals", _deals(30))
    bad = land(any_settings, "hubspot.deals", _deals(30, amount="1.200,50"))
    other = land(any_settings, "hubspot.owners", [row("hubspot.owners")])

    report = quality.run(context(any_settings))

    assert report.counts["batches_held"] == 1
    assert outcome(any_settings, good) == {"new": 30}
    assert outcome(any_settings, bad) == {}
    assert outcome(any_settings, other) == {"new": 1}
    told = [problem.split(". ")[0] for problem in report.problems]
    assert len(told) == 2
    assert told[0].startswith(f"Held hubspot.deals {bad}: rows_mostly_good: 30 of 30")
    assert told[1].startswith(f"Held hubspot.deals {bad}: fields_keep_type")
    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=bad)
    assert held["status"] == "held"
    assert "rows_mostly_good: 30 of 30" in held["status_reason"]
    assert len(read(any_settings, "select * from core.deal where amount is not null")) == 30
    assert read(any_settings, "select * from ops.quarantine") == []
    assert not quality.run(context(any_settings)).changed


def test_a_column_that_turned_empty_holds_the_batch(any_settings: Settings) -> None:
    land(any_settings, "hubspot.deals", _deals(60))
    emptied = land(any_settings, "hubspot.deals", _deals(60, pipeline=None, updated_at="2026-11-05T00:00:00Z"))

    quality.run(context(any_settings))

    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=emptied)
    assert held["status"] == "held"
    assert "such as pipeline" in held["status_reason"]
    assert len(read(any_settings, "select * from core.deal where pipeline_id = 'default'")) == 60


def test_a_column_that_was_never_filled_holds_nothing(any_settings: Settings) -> None:
    for _ in range(2):
        batch = land(any_settings, "hubspot.deals", _deals(60, lost_reason=None))
        quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"unchanged": 60}


def test_many_times_the_usual_volume_is_held_until_a_named_person_lets_it_in(any_settings: Settings) -> None:
    for number in range(3):
        land(any_settings, "hubspot.owners", [row("hubspot.owners", owner_id=f"usual{number}")], days=1)
    flood = [row("hubspot.owners", owner_id=str(number)) for number in range(2000)]
    batch = land(any_settings, "hubspot.owners", flood, days=1)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {}
    assert len(read(any_settings, "select * from core.owner")) == 3

    for nobody in ({"by": " ", "reason": "a mass change"}, {"by": "Olena", "reason": ""}):
        with pytest.raises(ConfigError, match="named person for a reason"):
            holds.release(context(any_settings), batch, **nobody)
    holds.release(context(any_settings), batch, by="Olena, marketing", reason="a mass change")
    quality.run(context(any_settings))

    assert outcome(any_settings, batch) == {"new": 2000}
    [released] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=batch)
    assert released["status"] == "admitted"
    assert released["status_reason"].startswith("hold released by Olena, marketing: a mass change (volume_usual")


def test_the_same_rows_over_more_days_are_usual(any_settings: Settings) -> None:
    for number in range(3):
        rows = [row("hubspot.owners", owner_id=f"{number}-{one}") for one in range(10)]
        land(any_settings, "hubspot.owners", rows, days=1)
    rows = [row("hubspot.owners", owner_id=str(number)) for number in range(2000)]
    batch = land(any_settings, "hubspot.owners", rows, days=20)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 2000}


def test_another_accounts_data_is_refused_whole_and_nobody_can_wave_it_through(any_settings: Settings) -> None:
    rows = [row("google_ads.ad_performance"), row("google_ads.ad_performance", ad_id="a2", customer_id="999")]
    batch = land(any_settings, "google_ads.ad_performance", rows)
    quality.run(context(any_settings))
    with pytest.raises(ConfigError, match="cannot be released: Every row belongs to the account"):
        holds.release(context(any_settings), batch, by="Olena", reason="looks fine")
    quality.run(context(any_settings))
    [held] = read(any_settings, "select status, status_reason from ops.batch where batch_id = :id", id=batch)
    assert held["status"] == "held"
    assert "account_is_ours: 1 of 2" in held["status_reason"]
    assert read(any_settings, "select * from core.ad_performance") == []


def test_account_ids_in_the_vendors_two_spellings_are_one(any_settings: Settings) -> None:
    rows = [row("google_ads.ad_performance", customer_id="123-456-7890")]
    batch = land(any_settings, "google_ads.ad_performance", rows)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1}


def test_a_batch_whose_rows_are_not_all_there_is_held(any_settings: Settings) -> None:
    batch = land(any_settings, "hubspot.owners", [row("hubspot.owners")], row_count=2)
    report = quality.run(context(any_settings))
    assert "landed_whole" in report.problems[0]
    assert "1 of 2 rows" in report.problems[0]
    assert outcome(any_settings, batch) == {}


def test_a_batch_without_its_table_is_a_problem_of_that_batch_only(any_settings: Settings) -> None:
    land(any_settings, "hubspot.owners", [row("hubspot.owners")])
    batch = land(any_settings, "hubspot.deals", [row("hubspot.deals")])
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("drop table landing.hubspot__owners"))
    report = quality.run(context(any_settings))
    assert len(report.problems) == 1
    assert "landing.hubspot__owners does not exist" in report.problems[0]
    assert report.counts["new"] == 1
    assert len(read(any_settings, "select * from core.deal where batch_id = :id", id=batch)) == 1


# --- quarantine ------------------------------------------------------------------------------------------------------


def test_a_released_row_is_admitted_once_and_the_batch_still_adds_up(any_settings: Settings) -> None:
    stream = "hubspot.deals"
    batch = land(
        any_settings,
        stream,
        [row(stream), row(stream, deal_id="9", currency="XBT"), row(stream, deal_id="8", amount="?")],
    )
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1, "quarantined": 2}
    listed = quarantine.list_rows(context(any_settings))
    assert [(found["row_number"], found["check_name"], found["value"]) for found in listed] == [
        (1, "currency_known", "XBT"),
        (2, "values_readable", "amount=?"),
    ]
    shown = quarantine.show(context(any_settings), batch, 1)
    assert (shown["raw"]["deal_id"], shown["raw"]["currency"]) == ("9", "XBT")

    # Nothing was mended: nothing moves.
    before = everything(any_settings)
    assert not quarantine.release(context(any_settings), batch, **OLENA).changed
    assert everything(any_settings) == before

    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("update landing.hubspot__deals set currency = 'EUR' where deal_id = '9'"))
    assert quarantine.release(context(any_settings), batch, 2, **OLENA).counts.get("new") == 0
    report = quarantine.release(context(any_settings), batch, **OLENA)
    assert report.changed
    assert outcome(any_settings, batch) == {"new": 2, "quarantined": 1}
    assert len(read(any_settings, "select * from core.deal where deal_id = '9' and currency = 'EUR'")) == 1
    assert [found["row_number"] for found in quarantine.list_rows(context(any_settings))] == [2]
    before = everything(any_settings)
    assert not quarantine.release(context(any_settings), batch, 1, **OLENA).changed
    assert everything(any_settings) == before


def test_a_released_row_does_not_replace_what_was_landed_later(any_settings: Settings) -> None:
    stream = "google_ads.ad_performance"
    first = land(any_settings, stream, [row(stream, clicks="5")])
    held_back = land(any_settings, stream, [row(stream, clicks="6", currency="XBT")])
    land(any_settings, stream, [row(stream, clicks="5")])  # told again, later: 5 is what is true now
    quality.run(context(any_settings))
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("update landing.google_ads__ad_performance set currency = 'EUR'"))
    report = quarantine.release(context(any_settings), held_back, **OLENA)
    assert report.counts["unchanged"] == 1
    assert read(any_settings, "select clicks, batch_id from core.ad_performance") == [{"clicks": 5, "batch_id": first}]


def test_an_unknown_quarantined_row_is_a_clear_error(any_settings: Settings) -> None:
    with pytest.raises(ConfigError, match="No row 3 of batch nothing is in quarantine"):
        quarantine.show(context(any_settings), "nothing", 3)
    assert not quarantine.release(context(any_settings), "nothing", **OLENA).changed


def test_rows_of_an_erased_person_are_suppressed_and_counted(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("insert into ops.suppression (identifier) values ('gone')"))
    rows = [row("hubspot.contacts", email_hash="gone", updated_at="broken"), row("hubspot.contacts", contact_id="2")]
    batch = land(any_settings, "hubspot.contacts", rows)
    quality.run(context(any_settings))
    assert outcome(any_settings, batch) == {"new": 1, "suppressed": 1}
    assert read(any_settings, "select * from ops.quarantine") == []


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
