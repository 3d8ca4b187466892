"""Each vendor's quirks, one test each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import Setup
from tests.sources.wire import Call, Reply

from rebuttal.errors import CredentialsError, ThrottledError, UnavailableError
from rebuttal.sources import google_ads, hubspot, hubspot_reading, typeform, yandex_direct, yandex_metrica, yclients
from rebuttal.sources.declare import Answer, Page, Window
from rebuttal.sources.paging import ExpiredPagesError

WEEK = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC))


def page_of(data: Any) -> Page:
    return Page(Path("page"), 200, {}, 1, "", data)


# Google Ads


def test_google_ads_asks_for_whole_days_in_a_stable_order() -> None:
    text = google_ads.query(WEEK)
    assert "BETWEEN '2026-10-01' AND '2026-10-07' ORDER BY segments.date, ad_group_ad.ad.id" in text
    assert "ad_group_ad.ad.final_urls" in text
    assert "metrics.cost_micros" in text


def test_google_ads_tags_of_the_lowest_level_win() -> None:
    assert google_ads.COLUMNS["final_url_suffix"].split("|")[0] == "adGroupAd.ad.finalUrlSuffix"


def test_google_ads_tells_clicks_where_they_are_asked_for_one_query_a_day(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads", sources={"google_ads": {"options": {"clicks": True}}}, history_days=95)
    report = setup.pull()
    assert report.problems == []
    assert setup.rows("clicks", "gclid, campaign_id, ad") == [
        (f"Cj0KC-{number}", "22", str(number)) for number in (0, 3, 6, 1, 4, 2, 5)
    ]
    asked = [call.json()["query"] for call in setup.wire.calls if "FROM click_view" in call.json()["query"]]
    days = {text.split("segments.date = '")[1][:10] for text in asked}
    assert len(asked) == len(days) == 90, "the vendor keeps no more"
    (told,) = [detail for detail in report.details if detail["stream"] == "clicks"]
    assert len(told["notes"]) == 5
    before = setup.tables()
    setup.pull()
    assert setup.tables() == before


def test_google_ads_first_url_counts_and_an_empty_page_is_a_page() -> None:
    item = {"adGroupAd": {"ad": {"finalUrls": ["a", "b"]}}}
    assert list(google_ads.first_url(item)) == [{"adGroupAd": {"ad": {"finalUrls": "a"}}}]
    assert list(google_ads.results(page_of({"fieldMask": "x"}))) == []
    with pytest.raises(KeyError):
        google_ads.results(page_of({}))


def test_google_ads_delay_is_in_the_body_and_a_lost_token_starts_the_slice_anew() -> None:
    def answer(status: int, code: dict[str, str], details: dict[str, Any]) -> Answer:
        errors = [{"errorCode": code, "details": details}]
        return Answer(status, {}, [{"error": {"details": [{"errors": errors}]}}])  # searchStream wraps it in a list

    quota = google_ads.explain(answer(429, {"quotaError": "X"}, {"quotaErrorDetails": {"retryDelay": "30s"}}))
    assert isinstance(quota, ThrottledError)
    assert quota.retry_after == 30
    assert isinstance(google_ads.explain(answer(400, {"requestError": "EXPIRED_PAGE_TOKEN"}, {})), ExpiredPagesError)
    assert google_ads.explain(Answer(500, {}, None)) is None


def test_google_ads_expired_page_token_is_survived(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    body = {"error": {"details": [{"errors": [{"errorCode": {"requestError": "EXPIRED_PAGE_TOKEN"}}]}]}}
    setup.wire.faults.extend([None, Reply.of(body, 400)])
    assert setup.pull().problems == []
    assert len(setup.rows("ad_performance")) == 7


def test_google_ads_ids_above_two_to_the_53_stay_exact_and_amounts_literal(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    setup.pull()
    rows = setup.rows("ad_performance", "ad_id, conversions, final_url, final_url_suffix, conversions_value")
    assert {row[0] for row in rows} == {str(9007199254740993 + number) for number in range(7)}
    assert {row[1:] for row in rows} == {("2.5", "https://shop.test/a", "utm_campaign=brand", None)}


def test_rows_of_another_account_are_refused(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    setup.vendor.data["rows"][3]["customer"] = {"id": "999"}
    report = setup.pull()
    assert len(report.problems) == 1
    assert "another account" in report.problems[0]
    assert not report.changed


def test_a_missing_row_against_the_vendors_total_is_noticed(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    setup.wire.every = Reply.of({"fieldMask": "x", "totalResultsCount": "5", "results": setup.vendor.data["rows"][:4]})
    report = setup.pull()
    assert len(report.problems) == 1
    assert "says 5 rows" in report.problems[0]


# Yandex Direct


def reports_asked(setup: Setup) -> dict[str, list[Call]]:
    """The calls by kind of report."""
    kinds: dict[str, list[Call]] = {}
    for call in setup.wire.calls:
        kinds.setdefault(call.json()["params"]["ReportType"], []).append(call)
    return kinds


def test_yandex_direct_polls_with_the_same_body_until_the_report_is_ready(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_direct")
    # The rows are queued, the sums are queued, the rows are being built.
    setup.wire.faults.extend([None, None, Reply(b"", 202, headers={"retryIn": "0"})])
    setup.pull()
    asked = reports_asked(setup)
    assert {kind: len(calls) for kind, calls in asked.items()} == {
        "AD_PERFORMANCE_REPORT": 3,
        "ACCOUNT_PERFORMANCE_REPORT": 2,
    }
    assert [len({call.body for call in calls}) for calls in asked.values()] == [1, 1]
    assert setup.wire.calls[0].headers["client-login"] == "brand"
    assert "returnmoneyinmicros" not in setup.wire.calls[0].headers


def test_yandex_direct_two_pulls_never_share_a_report(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_direct")
    setup.pull()
    setup.pull()
    names = [{call.json()["params"]["ReportName"] for call in calls} for calls in reports_asked(setup).values()]
    assert [len(of_a_kind) for of_a_kind in names] == [2, 2]


def totals(setup: Setup) -> dict[str, float]:
    return {measure: float(total) for measure, total in setup.query("select measure, total from ops.vendor_total")}


def test_yandex_direct_without_sums_lands_its_rows_all_the_same(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_direct")
    refusal = Reply.of({"error": {"error_code": 4000, "error_string": "no such report"}}, 400)
    setup.wire.faults.extend([None, refusal])
    report = setup.pull()
    assert (report.problems, len(setup.rows("ad_performance")), totals(setup)) == ([], 5, {})
    assert ["no totals to compare with" in note for note in report.details[0]["notes"]] == [True]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("yandex_direct", {"impressions": 6000.0, "clicks": 185.0, "cost": 92.25}),
        ("yandex_metrica", {"records": 6.0}),
        ("ga4", {"sessions": 28.0, "engaged_sessions": 28.0, "key_events": 28.0}),
    ],
)
def test_totals_are_those_of_all_pages_and_slices(make_setup: Any, source: str, told: dict[str, float]) -> None:
    setup: Setup = make_setup(source)
    assert setup.pull().problems == []
    assert totals(setup) == told


def test_a_total_of_some_slices_is_no_total(make_setup: Any) -> None:
    setup: Setup = make_setup("ga4", history_days=120)
    original = setup.wire.reply_to
    first: list[str] = []

    def withheld(call: Call) -> Reply:
        data = json.loads(original(call).body)
        first.append(call.json()["dateRanges"][0]["startDate"])
        if first[-1] == first[0]:
            data["metadata"]["subjectToThresholding"] = True
        return Reply.of(data)

    setup.wire.reply_to = withheld  # type: ignore[method-assign]
    assert setup.pull().problems == []
    assert len(set(first)) == 2
    assert (len(setup.rows("traffic")), totals(setup)) == (7, {})


def test_metrica_counts_without_a_sample_or_not_at_all(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    original = setup.wire.reply_to

    def sampled(call: Call) -> Reply:
        reply = original(call)
        return Reply.of({"totals": [1.0], "sampled": True}) if call.path == "/stat/v1/data" else reply

    setup.wire.reply_to = sampled  # type: ignore[method-assign]
    assert setup.pull().problems == []
    assert totals(setup) == {}


def test_metrica_hits_come_with_their_counters_zone(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    setup.pull()
    assert set(setup.query("select time_zone from landing.yandex_metrica__hits")) == {("Asia/Almaty",)}
    original = setup.wire.reply_to
    nowhere = Reply.of({"counter": {"time_zone_name": "Mars/Olympus"}})
    setup.wire.reply_to = lambda call: nowhere if call.path.endswith("/246") else original(call)  # type: ignore[method-assign]
    [problem] = setup.pull().problems
    assert "'Mars/Olympus', which is none that is known here" in problem


def test_yandex_direct_dashes_are_no_value_and_the_account_is_added(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_direct")
    setup.pull()
    rows = setup.rows("ad_performance", "conversions, revenue_micros, cost_micros, client_login, time_zone, currency")
    assert set(rows) == {(None, None, "18450000", "brand", "Europe/Moscow", "RUB")}


@pytest.mark.parametrize("code", [56, "152", 506, "9000"])
def test_yandex_direct_throttles_are_codes_as_number_or_text(code: int | str) -> None:
    assert isinstance(yandex_direct.explain(Answer(400, {}, {"error": {"error_code": code}})), ThrottledError)


def test_yandex_direct_other_codes() -> None:
    assert isinstance(yandex_direct.explain(Answer(400, {}, {"error": {"error_code": 53}})), CredentialsError)
    assert isinstance(yandex_direct.explain(Answer(200, {}, {"error": {"error_code": 1002}})), UnavailableError)
    assert yandex_direct.explain(Answer(400, {}, {"error": {"error_code": 8000}})) is None


# Yandex Metrica


def test_yandex_metrica_cleans_up_whatever_happens(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    setup.pull()
    made = [call for call in setup.wire.calls if call.path.endswith("/logrequests")]
    assert len(setup.vendor.data["cleaned"]) == len(made) == 2
    setup.wire.faults.extend([None, None, Reply.of({"errors": [{"error_type": "invalid_parameter"}]}, 400)])
    assert len(setup.pull().problems) == 1
    assert len(setup.vendor.data["cleaned"]) == 4


def test_yandex_metrica_text_is_unescaped_and_arrays_stay() -> None:
    item = {"title": r"a\tb \\n it\'s", "goals": r"['a\'b']", "none": None}
    assert list(yandex_metrica.unescaped(item)) == [{"title": "a\tb \\n it's", "goals": r"['a\'b']", "none": None}]


def test_yandex_metrica_quota_is_429_and_in_old_documents_420() -> None:
    for status in (420, 429, 400):
        body = {"errors": [{"error_type": "quota_parallel_requests"}]}
        assert isinstance(yandex_metrica.explain(Answer(status, {}, body)), ThrottledError)
    assert isinstance(
        yandex_metrica.explain(Answer(403, {}, {"errors": [{"error_type": "invalid_token"}]})), CredentialsError
    )


def test_yandex_metrica_authorises_with_its_own_scheme(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    setup.pull()
    assert all(call.headers["authorization"].startswith("OAuth ") for call in setup.wire.calls)


# GA4


def test_ga4_an_empty_report_is_zero_rows(make_setup: Any) -> None:
    setup: Setup = make_setup("ga4")
    setup.vendor.data["rows"].clear()
    report = setup.pull()
    assert report.problems == []
    assert report.details[0]["status"] == "unchanged"


def test_ga4_sampled_numbers_are_noted(make_setup: Any) -> None:
    setup: Setup = make_setup("ga4")
    original = setup.wire.reply_to

    def sampled(call: Call) -> Reply:
        data = json.loads(original(call).body)
        data["metadata"]["subjectToThresholding"] = True
        return Reply.of(data)

    setup.wire.reply_to = sampled  # type: ignore[method-assign]
    report = setup.pull()
    assert ["sampled" in note for note in report.details[0]["notes"]] == [True]
    assert len(setup.rows("traffic")) == 7
    assert totals(setup) == {}  # of a report that withholds rows they say nothing


# HubSpot


def test_hubspot_walks_by_id_and_never_pages_deep(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    setup.pull()
    searches = [call.json() for call in setup.wire.calls if call.path.endswith("/contacts/search")]
    assert len(searches) == 2 + 2, "contacts, and the history of their stages"
    assert all("after" not in one for one in searches)
    assert [one["filterGroups"][0]["filters"][2]["value"] for one in searches] == ["0", "899"] * 2
    assert searches[0]["filterGroups"][0]["filters"][0]["propertyName"] == "lastmodifieddate"
    others = [call.json() for call in setup.wire.calls if call.path.endswith("/deals/search")]
    assert others[0]["filterGroups"][0]["filters"][0]["propertyName"] == "hs_lastmodifieddate"


def test_hubspot_an_object_that_changes_meanwhile_makes_no_gap(make_setup: Any) -> None:
    """With paging by offset the object after the changed one would slip from the second page to the first."""
    setup: Setup = make_setup("hubspot")
    original, seen = setup.wire.reply_to, []

    def change_one(call: Call) -> Reply:
        reply = original(call)
        if call.path.endswith("/contacts/search") and not seen:
            seen.append(call)
            setup.vendor.data["objects"][5]["updatedAt"] = "2026-11-01T10:00:00.000Z"  # leaves the window
        return reply

    setup.wire.reply_to = change_one  # type: ignore[method-assign]
    setup.pull()
    assert len({row[0] for row in setup.rows("contacts", "contact_id")}) == 251


def test_hubspot_never_asks_for_names() -> None:
    for stream in hubspot.SOURCE.streams:
        assert not any("firstname" in path or "dealname" in path for path in stream.columns.values())


def test_hubspot_associations_keep_their_order_and_each_id_once() -> None:
    ids = [{"id": "31"}, {"id": 30}, {"id": "31"}]
    found = list(hubspot_reading.linked({"id": "1", "associations": {"contacts": {"results": ids}}}))
    assert found == [{"id": "1", "links": {"contacts": ["31", "30"]}}]


def test_hubspot_archived_objects_come_from_the_list_with_the_time_they_went(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    setup.pull()
    rows = setup.rows("deals", "deal_id, archived, updated_at, contact_ids")
    assert ("9001", "true", "2026-10-20T10:00:00.000Z", None) in rows
    assert len(rows) == 251
    assert {row[3] for row in rows} == {'["31","30"]', None}


def test_hubspot_reads_history_in_batches_of_fifty(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    setup.pull()
    reads = [call.json() for call in setup.wire.calls if call.path.endswith("/batch/read") and "/v3/" in call.path]
    assert len(reads) == 5 + 5
    assert {len(one["inputs"]) for one in reads} == {50}
    assert setup.query("SELECT count(*) FROM landing.hubspot__deal_stage_changes") == [(251 * 2,)]
    assert setup.query("SELECT count(*) FROM landing.hubspot__contact_stage_changes") == [(251 * 2,)]


def test_hubspot_owners_keep_their_primary_team_only(make_setup: Any) -> None:
    setup: Setup = make_setup("hubspot")
    setup.pull()
    assert {row[0] for row in setup.rows("owners", "team")} == {"A"}
    assert all("evil.example" not in call.path for call in setup.wire.calls)


# Typeform


def test_typeform_answers_by_reference_and_unknown_hidden_fields_are_blotted_out(make_setup: Any) -> None:
    setup: Setup = make_setup("typeform")
    setup.pull()
    rows = setup.rows("responses", "nps, reason, comment, hidden, email_kind, _extra, form_kind")
    assert set(rows) == {
        ("9", "Price", "дорого 💸", '{"deal_id":"512"}', "personal", '{"unknown_hidden":{"email":"[email]"}}', "nps")
    }


def test_typeform_walks_back_by_token_without_a_sort(make_setup: Any) -> None:
    setup: Setup = make_setup("typeform")
    setup.pull()
    calls = [call.query for call in setup.wire.calls if "nps7Qx" in call.path]
    assert [query.get("before") for query in calls] == [None, "t3", "t1"]
    assert all("sort" not in query for query in calls)


def test_typeform_other_answer_types() -> None:
    answers = [
        {"field": {"ref": "reason"}, "type": "choice", "choice": {"other": "мені дорого"}},
        {"field": {"ref": "many"}, "type": "choices", "choices": {"labels": ["a", "b"]}},
    ]
    (item,) = typeform.answered({"answers": answers})
    assert item["answers"] == {"reason": "мені дорого", "many": ["a", "b"]}


# YCLIENTS


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "awaited"),
        ({"confirmed": 1}, "confirmed"),
        ({"attendance": 2, "confirmed": 1}, "confirmed_by_client"),
        ({"attendance": 1}, "came"),
        ({"attendance": 1, "paid_full": 1}, "paid"),
        ({"attendance": -1}, "no_show"),
        ({"attendance": 1, "deleted": True}, "deleted"),
        # A salon's own word wins over an attendance that it does not keep.
        ({"record_labels": [{"id": 1, "title": "була"}]}, "була"),
        # A number that nobody knows is told as it is, not guessed.
        ({"attendance": 7}, "attendance:7"),
        ({"attendance": None}, None),
    ],
)
def test_yclients_says_what_became_of_a_record(changed: dict[str, Any], word: str | None) -> None:
    item = {"attendance": 0, "confirmed": 0, "deleted": False, "paid_full": 0, "record_labels": [], "client": []}
    (row,) = yclients.record({**item, **changed})
    assert row["status"] == word
    assert row["client"] is None


def test_yclients_adds_up_services_and_mends_the_offset(make_setup: Any) -> None:
    setup: Setup = make_setup("yclients")
    setup.pull()
    rows = setup.rows("bookings", "service, amount, currency, partner_id, created_at, phone_kind, email_kind")
    whole = ("Cut, Colour", "120.5")
    assert {row[:2] for row in rows} == {whole}
    assert {row[2:4] for row in rows} == {("UAH", "a"), ("EUR", "b")}
    assert {row[4] for row in rows} == {"2026-10-18T10:00:00+03:00"}
    assert {row[5:] for row in rows} == {("personal", "personal"), (None, None)}


def test_yclients_needs_a_currency_for_each_branch(make_setup: Any) -> None:
    options = {"options": {"branches": {"101": "a"}, "currencies": {}}}
    setup: Setup = make_setup("yclients", sources={"yclients": options})
    (line,) = setup.pull().problems
    assert "currencies lacks branch 101" in line
    assert setup.wire.calls == []


def test_every_restatement_has_a_reason() -> None:
    streams = [
        stream
        for module in (google_ads, yandex_direct, yandex_metrica, hubspot, typeform, yclients)
        for stream in module.SOURCE.streams
        if stream.cursor
    ]
    assert len(streams) == 12
    assert all(stream.restatement and stream.restatement.why for stream in streams)
    assert google_ads.SOURCE.streams[0].restatement is not None
    assert google_ads.SOURCE.streams[0].restatement.back == timedelta(days=28)
