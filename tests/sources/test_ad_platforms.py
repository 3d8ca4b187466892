"""The quirks of Google Ads and Yandex Direct, one test each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import Setup
from tests.sources.wire import Call, Reply

from rebuttal.errors import CredentialsError, ThrottledError, UnavailableError
from rebuttal.sources import google_ads, yandex_direct
from rebuttal.sources.declare import Answer, Page, Window
from rebuttal.sources.paging import ExpiredPagesError

WEEK = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC))


def page_of(data: Any) -> Page:
    return Page(Path("page"), 200, {}, 1, data)


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
