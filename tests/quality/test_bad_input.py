"""Bad rows, one by one: each ends in quarantine with its reason and its raw row, and the good row beside it goes on."""

from __future__ import annotations

import json

import pytest
from landed import context, land, read, row

from rebuttal import quality
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import recount

ADS, HITS, VISITS = "google_ads.ad_performance", "yandex_metrica.hits", "yandex_metrica.visits"
DEALS, CONTACTS, NOTES = "hubspot.deals", "hubspot.contacts", "hubspot.notes"
SURVEYS = "typeform.responses"

# stream, changed values, the first reason, what is shown of it
BAD: list[tuple[str, dict[str, str | None], str, str | None]] = [
    (ADS, {"date": "2026-02-30"}, "values_readable", "date=2026-02-30"),
    (ADS, {"date": "9999-12-31"}, "report_date_possible", "9999-12-31"),
    (ADS, {"date": "1970-01-01"}, "report_date_possible", "1970-01-01"),
    (ADS, {"date": "2026-11-12"}, "report_date_possible", "2026-11-12"),
    (ADS, {"date": None}, "key_present", None),
    (ADS, {"clicks": "101"}, "clicks_within_impressions", "101 clicks, 100 impressions"),
    (ADS, {"clicks": "-1"}, "clicks_not_negative", "-1"),
    (ADS, {"cost_micros": "-5000000"}, "cost_not_negative", None),
    (ADS, {"cost_micros": "1.234.567,89"}, "values_readable", "cost_micros=1.234.567,89"),
    (ADS, {"cost_micros": "12,5"}, "values_readable", "cost_micros=12,5"),
    (ADS, {"cost_micros": "99999999999999999999"}, "values_readable", None),
    (ADS, {"cost_micros": None}, "cost_present", None),
    (ADS, {"impressions": "1e3"}, "values_readable", "impressions=1e3"),
    (ADS, {"impressions": "NaN"}, "values_readable", "impressions=NaN"),
    (ADS, {"conversions": "NaN"}, "values_readable", "conversions=NaN"),
    (ADS, {"conversions": "Infinity"}, "values_readable", None),
    (ADS, {"conversions": "1e400"}, "values_readable", "conversions=1e400"),
    (ADS, {"impressions": "{}"}, "values_readable", None),
    (ADS, {"currency": "EURO"}, "currency_known", "EURO"),
    (ADS, {"currency": None}, "currency_known", None),
    (ADS, {"ad_id": "null"}, "key_present", None),
    (ADS, {"ad_id": "9007199254740993.0"}, "id_exact", None),
    (ADS, {"ad_id": "9.007199254740993E+15"}, "id_exact", None),
    (HITS, {"watch_id": " "}, "key_present", None),
    (HITS, {"watch_id": None}, "key_present", None),
    (HITS, {"watch_id": "\t\u00a0"}, "key_present", None),
    (HITS, {"watch_id": " Undefined "}, "key_present", None),
    (HITS, {"watch_id": "123e15"}, "id_exact", None),
    (HITS, {"date_time": "2026-11-01 25:00:00"}, "values_readable", None),
    (HITS, {"date_time": "1762000000"}, "values_readable", "date_time=1762000000"),
    (HITS, {"date_time": "1999-12-31 23:00:00"}, "occurred_at_possible", None),
    (HITS, {"_defect": "encoding"}, "row_decoded", "encoding"),
    (HITS, {"_defect": "malformed"}, "row_decoded", "malformed"),
    (VISITS, {"date_time_utc": None}, "started_at_present", None),
    (VISITS, {"page_views": "many"}, "values_readable", "page_views=many"),
    (VISITS, {"visit_duration": "-3"}, "duration_seconds_not_negative", "-3"),
    (VISITS, {"bounce": "perhaps"}, "values_readable", "bounce=perhaps"),
    (DEALS, {"updated_at": "2026-13-01T00:00:00Z"}, "values_readable", None),
    (DEALS, {"updated_at": "2026-11-01 10:00:00"}, "values_readable", None),  # no zone: not guessed
    (DEALS, {"updated_at": "2026-12-24T00:00:00Z"}, "updated_at_possible", None),  # a poisoned cursor
    (DEALS, {"updated_at": None}, "updated_at_present", None),
    (DEALS, {"amount": "-1"}, "amount_not_negative", None),
    (DEALS, {"amount": "12.5", "currency": None}, "currency_known", None),
    (DEALS, {"contact_ids": '["901"'}, "values_readable", 'contact_ids=["901"'),
    (CONTACTS, {"contact_id": "NaN"}, "key_present", None),
    (CONTACTS, {"email_hash": "anna@example.com"}, "hash_not_address", None),
    (NOTES, {"_defect": "oversize", "body": "я" * 200_000}, "row_decoded", "oversize"),
    (NOTES, {"occurred_at": None, "created_at": None}, "occurred_at_present", None),
    (SURVEYS, {"nps": "11"}, "nps_in_range", "11"),
    (SURVEYS, {"hidden": "{'client_id': 1}"}, "values_readable", None),
    (SURVEYS, {"submitted_at": "0001-01-01T00:00:00Z", "landed_at": None}, "has_time", None),
]


def test_each_bad_row_is_quarantined_with_its_reason(any_settings: Settings) -> None:
    batches = {}
    for stream in dict.fromkeys(case[0] for case in BAD):
        bad = [row(stream, **changed) for case, changed, _, _ in BAD if case == stream]
        apart = {HITS: "client_id", SURVEYS: "email_hash"}.get(stream, _key(stream))  # else they are one event
        good = [row(stream, **{_key(stream): f"good{n}", apart: f"good{n}"}) for n in range(len(bad))]
        batches[stream] = (land(any_settings, stream, [*bad, *good]), len(bad))

    quality.run(context(any_settings))

    for stream, (batch, count) in batches.items():
        rows = read(any_settings, "select * from ops.quarantine where batch_id = :id order by row_number", id=batch)
        cases = [case for case in BAD if case[0] == stream]
        assert [found["row_number"] for found in rows] == list(range(count)), stream
        for found, (_, changed, reason, value) in zip(rows, cases, strict=True):
            assert found["check_name"] == reason, changed
            assert value is None or found["value"] == value, changed
            reasons = json.loads(found["reasons"])
            assert reasons[0]["check_name"] == reason
            assert found["reason"] == reasons[0]["reason"]
            raw = json.loads(found["raw"])
            assert "head" in raw or all(raw[name] == told for name, told in changed.items())
        [outcome] = read(any_settings, "select * from ops.batch_outcome where batch_id = :id", id=batch)
        assert (outcome["new"], outcome["quarantined"], outcome["landed"]) == (count, count, 2 * count), stream
    with open_warehouse(any_settings) as engine:
        assert recount(engine) == []


def _key(stream: str) -> str:
    return {
        ADS: "ad_id",
        HITS: "watch_id",
        VISITS: "visit_id",
        DEALS: "deal_id",
        CONTACTS: "contact_id",
        NOTES: "conversation_id",
        SURVEYS: "response_id",
    }[stream]


def test_all_reasons_of_a_row_are_kept_the_weightiest_first(any_settings: Settings) -> None:
    land(any_settings, ADS, [row(ADS, date="1970-01-01", clicks="500", currency="?"), row(ADS)])
    quality.run(context(any_settings))
    [found] = read(any_settings, "select reasons from ops.quarantine")
    told = [(reason["check_name"], reason["value"]) for reason in json.loads(found["reasons"])]
    assert told == [
        ("report_date_possible", "1970-01-01"),
        ("clicks_within_impressions", "500 clicks, 100 impressions"),
        ("currency_known", "?"),
    ]


def test_a_huge_raw_row_is_kept_as_hash_and_head(any_settings: Settings) -> None:
    land(any_settings, NOTES, [row(NOTES, _defect="oversize", body="ю" * 300_000), row(NOTES, conversation_id="n2")])
    quality.run(context(any_settings))
    [found] = read(any_settings, "select raw from ops.quarantine")
    raw = json.loads(found["raw"])
    assert raw["length"] > 300_000
    assert len(raw["head"]) == 1000
    assert len(raw["md5"]) == 32


# What looks odd and is right.
GOOD: list[tuple[str, dict[str, str | None]]] = [
    (ADS, {"clicks": "100", "impressions": "100"}),
    (ADS, {"impressions": "100.0", "conversions": "1e-2", "cost_micros": "0"}),
    (ADS, {"date": "2024-02-29"}),
    (ADS, {"date": "2026-11-10"}),  # today, at midnight
    (ADS, {"ad_id": "18446744073709551615"}),
    (VISITS, {"visit_duration": "100000"}),
    (VISITS, {"utm_source": "'; drop table core.visit; --", "utm_campaign": "{{ 7*7 }} %s :x ~ \\"}),
    (DEALS, {"closed_at": "2027-06-01T00:00:00Z"}),
    (DEALS, {"amount": None, "currency": None}),
    (DEALS, {"lost_reason": "<script>alert(1)</script> 🙈 \u202e", "contact_ids": "[]"}),
    (NOTES, {"body": '=HYPERLINK("http://x")\t\r\n\''}),
    (SURVEYS, {"submitted_at": "0001-01-01T00:00:00Z"}),
    (SURVEYS, {"hidden": None, "nps": None}),
]


@pytest.mark.parametrize(("stream", "changed"), GOOD)
def test_odd_but_right_rows_are_admitted(settings: Settings, stream: str, changed: dict[str, str | None]) -> None:
    land(settings, stream, [row(stream, **changed)])
    assert quality.run(context(settings)).counts["new"] == 1


def test_odd_but_right_rows_are_admitted_on_postgres_too(any_settings: Settings) -> None:
    for stream, changed in GOOD:
        land(any_settings, stream, [row(stream, **changed, **({} if stream == ADS else {_key(stream): "odd"}))])
    report = quality.run(context(any_settings))
    assert report.counts["quarantined"] == 0
    assert report.counts["landed"] == len(GOOD)
    bodies = read(any_settings, "select body from core.conversation")
    assert bodies == [{"body": '=HYPERLINK("http://x")\t\r\n\''}]
    [hostile] = read(any_settings, "select utm_source, utm_campaign from core.visit where utm_source is not null")
    assert hostile == {"utm_source": "'; drop table core.visit; --", "utm_campaign": "{{ 7*7 }} %s :x ~ \\"}


def test_no_address_of_a_person_stands_in_check_results_or_reports(any_settings: Settings) -> None:
    land(any_settings, ADS, [row(ADS, clicks="mail anna@example.com"), row(ADS, ad_id="a2")])
    report = quality.run(context(any_settings))
    told = str(report.as_dict()) + str(read(any_settings, "select * from ops.check_result"))
    assert "values_readable" in told
    assert "anna@" not in told
    assert "<address>" in told
