"""The Google Ads face on the wire; the vendor's own strict JSON parser judges every body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsResponse,
    SearchGoogleAdsStreamResponse,
)

from sandbox.faces.google_ads_fields import FIELDS, VISIBLE

if TYPE_CHECKING:
    from serving import Serve, Served

TOKEN = {"Authorization": "Bearer sandbox-google-ads-token"}
REPORT = """
    SELECT segments.date, customer.currency_code, customer.time_zone, campaign.id, campaign.name, campaign.status,
      ad_group.id, ad_group.name, ad_group_ad.ad.id, ad_group_ad.ad.final_urls, ad_group_ad.ad.final_url_suffix,
      ad_group_ad.ad.tracking_url_template, metrics.impressions, metrics.clicks, metrics.cost_micros,
      metrics.conversions, metrics.conversions_value
    FROM ad_group_ad WHERE segments.date BETWEEN '2026-10-05' AND '2026-10-11'
"""


def ask(served: Served, query: str, method: str = "search", version: str = "v26", **more: Any) -> requests.Response:
    url = f"{served.url}/google-ads/{version}/customers/{more.pop('customer', '1234567890')}/googleAds:{method}"
    headers = more.pop("headers", TOKEN)
    return requests.post(url, json={"query": query, **more}, headers=headers, timeout=30)


def page_rows(served: Served, rows: int) -> None:
    face: Any = next(face for face in served.sandbox.faces if face.prefix == "google-ads")
    face.page_rows = rows


def judged(response: requests.Response) -> Any:
    assert response.status_code == 200, response.text
    return SearchGoogleAdsResponse.from_json(response.text)


def failure(response: requests.Response) -> tuple[str, Any]:
    """(status word, the first error), after the vendor's parser has taken the failure whole."""
    body = response.json()
    error = (body[0] if isinstance(body, list) else body)["error"]
    assert error["code"] == response.status_code
    (detail,) = error["details"]
    assert detail.pop("@type") == "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
    return error["status"], GoogleAdsFailure.from_json(json.dumps(detail)).errors[0]


def test_report_row_is_proto_json_with_int64_as_text(served: Served) -> None:
    body = ask(served, REPORT + " ORDER BY segments.date, ad_group_ad.ad.id")
    judged(body)
    first = body.json()["results"][0]
    assert first == {
        "customer": {
            "resourceName": "customers/1234567890",
            "currencyCode": "EUR",
            "timeZone": "Europe/Kyiv",
        },
        "campaign": {
            "resourceName": "customers/1234567890/campaigns/21",
            "id": "21",
            "name": "Кампания 1 / spring",
            "status": "ENABLED",
        },
        "adGroup": {"resourceName": "customers/1234567890/adGroups/210", "id": "210", "name": "Group 210"},
        "adGroupAd": {
            "resourceName": "customers/1234567890/adGroupAds/210~2101",
            "ad": {
                "resourceName": "customers/1234567890/ads/2101",
                "id": "2101",
                "finalUrls": ["https://brand.example/c1?utm_source=g&utm_medium=cpc&utm_campaign=2_1"],
            },
        },
        "segments": {"date": "2026-10-05"},
        "metrics": {
            "impressions": "101",
            "clicks": "10",
            "costMicros": "12120000",
            "conversions": 1.0,
            "conversionsValue": 50.5,
        },
    }


@pytest.mark.parametrize("resource", sorted(VISIBLE))
def test_the_vendors_parser_knows_every_field(served: Served, resource: str) -> None:
    names = [name for name, field in FIELDS.items() if field.resource in VISIBLE[resource]]
    if resource == "click_view":
        names += ["segments.date", "metrics.clicks"]
    else:
        names += [name for name, field in FIELDS.items() if field.is_segment or field.is_metric]
    query = f"SELECT {', '.join(names)} FROM {resource} WHERE segments.date = '2026-10-07'"
    page = judged(ask(served, query, searchSettings={"returnSummaryRow": True}))
    assert (
        len(page.results) == {"customer": 1, "campaign": 3, "ad_group": 3, "ad_group_ad": 6, "click_view": 2}[resource]
    )
    assert len(page.field_mask.paths) == len(names)


def test_pages_to_the_end_give_each_row_once(served: Served) -> None:
    page_rows(served, 9)
    settings = {"returnTotalResultsCount": True, "returnSummaryRow": True}
    keys, token, pages = [], "", 0
    while True:
        page = judged(ask(served, REPORT, searchSettings=settings, **({"pageToken": token} if token else {})))
        keys += [(row.segments.date, row.ad_group_ad.ad.id) for row in page.results]
        pages += 1
        assert page.total_results_count == 42
        assert page.summary_row.metrics.clicks == sum(page_clicks(served))
        token = page.next_page_token
        if not token:
            break
    assert pages == 5
    assert len(keys) == len(set(keys)) == 42


def page_clicks(served: Served) -> list[int]:
    return [int(clicks) for clicks in served.sandbox.site.recorded().ads["google-ads"]["clicks"]]


def test_stream_chunks_hold_each_row_once_and_the_summary_last(served: Served) -> None:
    page_rows(served, 20)
    response = ask(served, REPORT, "searchStream", summaryRowSetting="SUMMARY_ROW_WITH_RESULTS")
    chunks = [SearchGoogleAdsStreamResponse.from_json(json.dumps(chunk)) for chunk in response.json()]
    assert [len(chunk.results) for chunk in chunks] == [20, 20, 2, 0]
    keys = {(row.segments.date, row.ad_group_ad.ad.id) for chunk in chunks for row in chunk.results}
    assert len(keys) == 42
    assert (
        chunks[-1].summary_row.metrics.impressions
        == served.sandbox.site.recorded().ads["google-ads"]["impressions"].sum()
    )
    assert all(chunk.request_id for chunk in chunks)


def test_a_stream_without_rows_is_a_chunk_without_results(served: Served) -> None:
    nothing = REPORT.replace("2026-10-05", "2025-01-01").replace("2026-10-11", "2025-01-02")
    (chunk,) = ask(served, nothing, "searchStream").json()
    assert "results" not in chunk
    assert SearchGoogleAdsStreamResponse.from_json(json.dumps(chunk)).field_mask.paths[0] == "segments.date"
    assert "results" not in ask(served, nothing).json()


def test_tokens_belong_to_a_query_and_end_when_the_account_changes(served: Served) -> None:
    page_rows(served, 10)
    token = ask(served, REPORT).json()["nextPageToken"]
    status, error = failure(ask(served, REPORT + " LIMIT 20", pageToken=token))
    assert (status, error.error_code.request_error.name) == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")
    _, error = failure(ask(served, REPORT, pageToken="bm9uc2Vuc2U"))
    assert error.error_code.request_error.name == "INVALID_PAGE_TOKEN"
    served.operate("advance", {"days": 1})
    _, error = failure(ask(served, REPORT, pageToken=token))
    assert error.error_code.request_error.name == "EXPIRED_PAGE_TOKEN"
    assert error.location.field_path_elements[0].field_name == "page_token"


def test_tokens_expire_with_time(served: Served) -> None:
    page_rows(served, 10)
    face: Any = served.sandbox.faces[0]
    token = ask(served, REPORT).json()["nextPageToken"]
    assert len(ask(served, REPORT, pageToken=token).json()["results"]) == 10
    face.token_seconds = -1.0
    _, error = failure(ask(served, REPORT, pageToken=token))
    assert error.error_code.request_error.name == "EXPIRED_PAGE_TOKEN"


def test_page_size_is_refused(served: Served) -> None:
    status, error = failure(ask(served, REPORT, pageSize=100))
    assert (status, error.error_code.request_error.name) == ("INVALID_ARGUMENT", "PAGE_SIZE_NOT_SUPPORTED")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT campaign.foo FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT segments.date, metrics.clicks FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.id FROM keyword_view", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("UPDATE campaign", "EXPECTED_SELECT"),
    ],
)
def test_a_wrong_query_is_refused_in_the_vendors_words(served: Served, query: str, code: str) -> None:
    for method in ("search", "searchStream"):
        response = ask(served, query, method)
        status, error = failure(response)
        assert response.status_code == 400
        assert isinstance(response.json(), list) == (method == "searchStream")
        assert (status, error.error_code.query_error.name) == ("INVALID_ARGUMENT", code)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
def test_without_the_token_nothing_is_told(served: Served, headers: dict[str, str]) -> None:
    for method in ("search", "searchStream"):
        response = ask(served, REPORT, method, headers=headers)
        status, error = failure(response)
        assert (response.status_code, status) == (401, "UNAUTHENTICATED")
        assert error.error_code.authentication_error.name in ("OAUTH_TOKEN_INVALID", "AUTHENTICATION_ERROR")
        assert "results" not in response.text


def test_other_customers_and_managers_are_out_of_reach(served: Served) -> None:
    status, error = failure(ask(served, REPORT, customer="1112223334"))
    assert (status, error.error_code.authorization_error.name) == ("PERMISSION_DENIED", "USER_PERMISSION_DENIED")
    foreign = ask(served, REPORT, headers={**TOKEN, "login-customer-id": "1112223334"})
    assert failure(foreign)[0] == "PERMISSION_DENIED"
    dashed = ask(served, REPORT, headers={**TOKEN, "login-customer-id": "987-654-3210"})
    assert failure(dashed)[1].error_code.header_error.name == "INVALID_LOGIN_CUSTOMER_ID"
    ours = ask(served, REPORT, headers={**TOKEN, "login-customer-id": "9876543210"})
    assert len(judged(ours).results) == 42


def test_versions(served: Served) -> None:
    assert [ask(served, REPORT, version=version).status_code for version in ("v24", "v25", "v26")] == [200, 200, 200]
    assert failure(ask(served, REPORT, version="v20"))[1].error_code.request_error.name == "UNSUPPORTED_VERSION"
    assert ask(served, REPORT, version="v27").status_code == 404
    listed = requests.get(f"{served.url}/google-ads/v26/customers:listAccessibleCustomers", headers=TOKEN, timeout=30)
    assert listed.json() == {"resourceNames": ["customers/1234567890"]}


def test_above_the_limit_the_body_says_when_to_come_back(serve: Serve) -> None:
    served = serve(rate_factor=0.0001)
    assert ask(served, REPORT).status_code == 200
    response = ask(served, REPORT)
    status, error = failure(response)
    assert (response.status_code, status) == (429, "RESOURCE_EXHAUSTED")
    assert error.error_code.quota_error.name == "RESOURCE_TEMPORARILY_EXHAUSTED"
    assert error.details.quota_error_details.retry_delay.total_seconds() > 0
    assert "retry-after" not in response.headers


def test_server_faults_keep_the_envelope(served: Served) -> None:
    for kind, status in (("error_500", "INTERNAL"), ("error_503", "UNAVAILABLE")):
        served.fault("google-ads", kind)
        assert failure(ask(served, REPORT))[0] == status
    assert len(judged(ask(served, REPORT)).results) == 42


def test_oauth_gives_the_token_for_the_refresh_token_only(served: Served) -> None:
    url = f"{served.url}/google-ads/token"
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s"}
    good = requests.post(url, data={**form, "refresh_token": "sandbox-google-ads-refresh-token"}, timeout=30)
    assert good.json()["access_token"] == "sandbox-google-ads-token"
    dead = requests.post(url, data={**form, "refresh_token": "dead"}, timeout=30)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
