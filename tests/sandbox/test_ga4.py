"""The GA4 face on the wire; the vendor's own client reads its reports to the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import google.auth.credentials
import pytest
import requests
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.services.beta_analytics_data.transports import BetaAnalyticsDataRestTransport
from google.analytics.data_v1beta.types import (
    BatchRunReportsRequest,
    DateRange,
    Dimension,
    Filter,
    FilterExpression,
    Metric,
    MetricAggregation,
    MetricType,
    OrderBy,
    RunReportRequest,
    RunReportResponse,
)
from google.api_core.exceptions import BadRequest, Forbidden, TooManyRequests, Unauthorized
from small_world import recorded

from sandbox.faces.ga4_filters import Invalid
from sandbox.faces.ga4_report import Property, run_report

if TYPE_CHECKING:
    from serving import Serve, Served

TOKEN = {"Authorization": "Bearer sandbox-ga4-token"}
WEEK = {"startDate": "2026-10-05", "endDate": "2026-10-12"}


class Token(google.auth.credentials.Credentials):
    """An access token for which no other can be had."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def refresh(self, request: Any) -> None:
        """The client asks for this after a 401; the token stays what it is."""


def client(served: Served, token: str = "sandbox-ga4-token") -> BetaAnalyticsDataClient:
    transport = BetaAnalyticsDataRestTransport(host=f"{served.url}/ga4", credentials=Token(token))
    return BetaAnalyticsDataClient(transport=transport)


def request(**more: Any) -> RunReportRequest:
    return RunReportRequest(
        property="properties/314159265",
        date_ranges=[DateRange(start_date="2026-10-05", end_date="2026-10-12")],
        **more,
    )


def post(served: Served, body: Any, method: str = "runReport", **more: Any) -> requests.Response:
    property_id = more.pop("property_id", "314159265")
    headers = more.pop("headers", TOKEN)
    url = f"{served.url}/ga4/v1beta/properties/{property_id}:{method}"
    return requests.post(url, json=body, headers=headers, params=more.pop("params", None), timeout=30)


def names(*given: str) -> list[dict[str, str]]:
    return [{"name": name} for name in given]


def test_the_vendors_client_pages_a_report_to_the_end(served: Served) -> None:
    dimensions = [Dimension(name="dateHour"), Dimension(name="sessionSourceMedium")]
    rows, offset = [], 0
    while True:
        page = client(served).run_report(
            request(
                dimensions=dimensions,
                metrics=[Metric(name="sessions"), Metric(name="keyEvents")],
                order_bys=[OrderBy(dimension=OrderBy.DimensionOrderBy(dimension_name="dateHour"))],
                limit=3,
                offset=offset,
            )
        )
        rows += [tuple(value.value for value in row.dimension_values) for row in page.rows]
        offset += len(page.rows)
        if offset >= page.row_count:
            break
    assert len(rows) == len(set(rows)) == page.row_count == 20
    assert rows == sorted(rows)
    assert page.metric_headers[0].type_ == MetricType.TYPE_INTEGER
    assert page.metadata.time_zone == "Europe/Kyiv"


def test_the_vendors_client_filters_and_adds_up(served: Served) -> None:
    paid = Filter(field_name="sessionMedium", in_list_filter=Filter.InListFilter(values=["cpc"]))
    report = client(served).run_report(
        request(
            dimensions=[Dimension(name="date"), Dimension(name="deviceCategory")],
            metrics=[Metric(name="sessions"), Metric(name="totalUsers"), Metric(name="engagedSessions")],
            dimension_filter=FilterExpression(not_expression=FilterExpression(filter=paid)),
            metric_aggregations=[MetricAggregation.TOTAL],
            return_property_quota=True,
        )
    )
    sessions = served.sandbox.site.recorded().sessions
    direct = sessions[sessions["medium"] != "cpc"]
    assert sum(int(row.metric_values[0].value) for row in report.rows) == len(direct) == 10
    (total,) = report.totals
    assert [value.value for value in total.metric_values] == [
        str(len(direct)),
        str(direct["user_pseudo_id"].nunique()),
        str(int(direct["is_engaged"].sum())),
    ]
    assert {value.value for value in total.dimension_values} == {"RESERVED_TOTAL"}
    assert report.property_quota.tokens_per_day.consumed > 0


def test_totals_count_a_person_once() -> None:
    sessions = recorded().sessions.assign(user_pseudo_id="ga.1")
    asked = {"dateRanges": [WEEK], "dimensions": names("date"), "metrics": names("totalUsers")}
    report = run_report(
        {**asked, "metricAggregations": ["TOTAL"]}, sessions, Property("Europe/Kyiv", "EUR"), date(2026, 10, 12)
    )
    assert [row["metricValues"][0]["value"] for row in report["rows"]] == ["1"] * 7
    assert report["totals"][0]["metricValues"] == [{"value": "1"}]


def test_a_batch_and_the_metadata_through_the_vendors_client(served: Served) -> None:
    one = request(metrics=[Metric(name="sessions")])
    batch = BatchRunReportsRequest(property=one.property, requests=[one, one])
    assert [
        int(report.rows[0].metric_values[0].value) for report in client(served).batch_run_reports(batch).reports
    ] == [
        20,
        20,
    ]
    metadata = client(served).get_metadata(name="properties/314159265/metadata")
    assert {"date", "sessionSourceMedium"} <= {item.api_name for item in metadata.dimensions}
    assert {item.api_name: item.type_ for item in metadata.metrics}["keyEvents"] == MetricType.TYPE_FLOAT


def test_the_vendors_client_sees_the_vendors_errors(served: Served) -> None:
    with pytest.raises(Unauthorized):
        client(served, "wrong").run_report(request(metrics=[Metric(name="sessions")]))
    with pytest.raises(BadRequest, match="purchaseSize"):
        client(served).run_report(request(metrics=[Metric(name="purchaseSize")]))
    foreign = request(metrics=[Metric(name="sessions")])
    foreign.property = "properties/27"
    with pytest.raises(Forbidden):
        client(served).run_report(foreign)


def test_days_are_the_propertys_days(served: Served) -> None:
    body = {"dateRanges": [WEEK], "dimensions": names("date"), "metrics": names("sessions"), "limit": "100"}
    reply = post(served, body)
    RunReportResponse.from_json(reply.text)
    started = served.sandbox.site.recorded().sessions["started_at"]
    days = Counter(f"{moment.tz_convert('Europe/Kyiv'):%Y%m%d}" for moment in started)
    found = {row["dimensionValues"][0]["value"]: int(row["metricValues"][0]["value"]) for row in reply.json()["rows"]}
    assert found == dict(days)
    assert len(found) == 7


def test_an_evening_in_utc_is_the_next_day_in_kyiv() -> None:
    evening = recorded().sessions.head(1).assign(started_at=datetime(2026, 10, 5, 21, 30, tzinfo=UTC))
    asked = {"dateRanges": [{"startDate": "2026-10-06", "endDate": "2026-10-06"}], "metrics": names("sessions")}
    report = run_report(
        {**asked, "dimensions": names("date", "dateHour")}, evening, Property("Europe/Kyiv", "EUR"), date(2026, 10, 12)
    )
    assert [[value["value"] for value in row["dimensionValues"]] for row in report["rows"]] == [
        ["20261006", "2026100600"]
    ]


def test_an_empty_result_has_no_rows_and_no_count(served: Served) -> None:
    body = {"dateRanges": [{"startDate": "2020-01-01", "endDate": "2020-01-02"}], "metrics": names("sessions")}
    for dimensions in ([], names("date")):
        reply = post(served, {**body, "dimensions": dimensions, "metricAggregations": ["TOTAL"]})
        assert reply.status_code == 200
        assert not {"rows", "rowCount", "totals"} & set(reply.json())
        assert reply.json()["metricHeaders"] == [{"name": "sessions", "type": "TYPE_INTEGER"}]
        RunReportResponse.from_json(reply.text)


def test_enums_are_numbers_for_those_who_ask(served: Served) -> None:
    body = {"dateRanges": [WEEK], "metrics": names("sessions", "keyEvents")}
    reply = post(served, body, params={"$alt": "json;enum-encoding=int"})
    assert [header["type"] for header in reply.json()["metricHeaders"]] == [1, 2]


def test_rows_without_any_value_come_on_request(served: Served) -> None:
    body = {"dateRanges": [WEEK], "dimensions": names("dateHour"), "metrics": names("keyEvents")}
    dropped, kept = post(served, body).json(), post(served, {**body, "keepEmptyRows": True}).json()
    assert (dropped["rowCount"], kept["rowCount"]) == (4, 20)


def test_two_ranges_make_a_dimension(served: Served) -> None:
    ranges = [{"startDate": "2026-10-05", "endDate": "2026-10-06"}, {**WEEK, "name": "all"}]
    body = post(served, {"dateRanges": ranges, "metrics": names("sessions")}).json()
    assert body["dimensionHeaders"] == [{"name": "dateRange"}]
    rows = {row["dimensionValues"][0]["value"]: row["metricValues"][0]["value"] for row in body["rows"]}
    assert rows == {"date_range_0": "6", "all": "20"}


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ({"filter": {"fieldName": "sessionSource", "stringFilter": {"value": "GOOGLE"}}}, 10),
        ({"filter": {"fieldName": "sessionSource", "stringFilter": {"value": "GOOGLE", "caseSensitive": True}}}, 0),
        ({"filter": {"fieldName": "sessionSource", "stringFilter": {"matchType": "CONTAINS", "value": "oog"}}}, 10),
        ({"filter": {"fieldName": "sessionSource", "stringFilter": {"matchType": 2, "value": "goo"}}}, 10),
        ({"filter": {"fieldName": "date", "stringFilter": {"matchType": "FULL_REGEXP", "value": "2026100[56]"}}}, 6),
        ({"filter": {"fieldName": "landingPage", "inListFilter": {"values": ["/course", "/x"]}}}, 20),
        ({"filter": {"fieldName": "sessionCampaignName", "emptyFilter": {}}}, 10),
        (
            {
                "andGroup": {
                    "expressions": [
                        {"filter": {"fieldName": "sessionMedium", "stringFilter": {"value": "cpc"}}},
                        {
                            "orGroup": {
                                "expressions": [
                                    {"filter": {"fieldName": "deviceCategory", "stringFilter": {"value": "mobile"}}},
                                    {"filter": {"fieldName": "deviceCategory", "stringFilter": {"value": "tablet"}}},
                                ]
                            }
                        },
                    ]
                }
            },
            6,
        ),
    ],
)
def test_dimension_filters(served: Served, expression: dict[str, Any], count: int) -> None:
    body = {"dateRanges": [WEEK], "metrics": names("sessions"), "dimensionFilter": expression, "keepEmptyRows": True}
    rows = post(served, body).json().get("rows", [])
    assert sum(int(row["metricValues"][0]["value"]) for row in rows) == count


def test_metric_filters_hold_after_adding_up(served: Served) -> None:
    body = {"dateRanges": [WEEK], "dimensions": names("date"), "metrics": names("sessions")}
    three = {"filter": {"fieldName": "sessions", "numericFilter": {"operation": "EQUAL", "value": {"int64Value": "3"}}}}
    between = {
        "filter": {
            "fieldName": "sessions",
            "betweenFilter": {"fromValue": {"int64Value": 1}, "toValue": {"doubleValue": 2.5}},
        }
    }
    whole = post(served, body).json()["rowCount"]
    some = post(served, {**body, "metricFilter": three}).json()["rowCount"]
    rest = post(served, {**body, "metricFilter": between}).json()["rowCount"]
    assert 0 < some < whole
    assert some + rest == whole == 7


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": []},
        {"metrics": names("nonsense")},
        {"dimensions": names("nonsense")},
        {"dimensions": names("date", "date")},
        {"dateRanges": []},
        {"dateRanges": [{"startDate": "2026-10-06", "endDate": "2026-10-05"}]},
        {"dateRanges": [{"startDate": "2026-02-30", "endDate": "2026-10-05"}]},
        {"limit": -1},
        {"offset": "many"},
        {"pageSize": 5},
        {"orderBys": [{"metric": {"metricName": "keyEvents"}}]},
        {"dimensionFilter": {"filter": {"fieldName": "sessions", "stringFilter": {"value": "1"}}}},
        {"dimensionFilter": {"filter": {"fieldName": "date", "stringFilter": {"value": "(", "matchType": 5}}}},
        {"metricFilter": {"filter": {"fieldName": "date", "numericFilter": {"operation": "EQUAL", "value": {}}}}},
    ],
)
def test_wrong_requests_are_invalid_arguments(served: Served, change: dict[str, Any]) -> None:
    body = {"dateRanges": [WEEK], "dimensions": names("date"), "metrics": names("sessions")}
    reply = post(served, {**body, **change})
    assert reply.status_code == 400
    assert set(reply.json()["error"]) == {"code", "message", "status"}
    assert reply.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_quota_runs_out_in_the_vendors_words(served: Served) -> None:
    face: Any = next(face for face in served.sandbox.faces if face.prefix == "ga4")
    face.tokens.limits["tokensPerHour"] = 2
    body = {"dateRanges": [WEEK], "metrics": names("sessions")}
    replies = [post(served, body) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[-1].json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert "tokens per hour" in replies[-1].json()["error"]["message"]
    assert "retry-after" not in replies[-1].headers


def test_above_the_rate_the_vendors_client_sees_exhaustion(serve: Serve) -> None:
    served = serve(rate_factor=0.0001)
    ask = request(metrics=[Metric(name="sessions")])
    client(served).run_report(ask)
    with pytest.raises(TooManyRequests):
        client(served).run_report(ask, retry=None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_told(served: Served, headers: dict[str, str]) -> None:
    reply = post(served, {"dateRanges": [WEEK], "metrics": names("sessions")}, headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["status"] == "UNAUTHENTICATED"
    assert "rows" not in reply.text


JUNK = (None, 5, "x", [], [5], [[]], {}, {"name": []}, [{"name": {}}], {"filter": {"fieldName": []}}, [{"metric": 5}])


@pytest.mark.parametrize("key", ["dateRanges", "dimensions", "metrics", "dimensionFilter", "metricFilter", "orderBys"])
def test_junk_is_refused_or_ignored_and_never_breaks(key: str) -> None:
    sessions, of = recorded().sessions, Property("Europe/Kyiv", "EUR")
    refused = 0
    for junk in JUNK:
        asked = {"dateRanges": [WEEK], "dimensions": names("date"), "metrics": names("sessions"), key: junk}
        try:
            assert run_report(asked, sessions, of, date(2026, 10, 12))["metricHeaders"]
        except Invalid:
            refused += 1
    assert refused >= 6
