"""The Direct face on the wire: reports are queued, polled by the same POST, and written as TSV."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import requests
from small_world import recorded

from sandbox.faces.yandex_direct_report import LEAD_GOAL, Form, evaluate, tsv
from sandbox.faces.yandex_direct_spec import Refused, Spec, read
from sandbox.world.site import GOAL_LEAD

if TYPE_CHECKING:
    from serving import Serve, Served

TOKEN = {"Authorization": "Bearer sandbox-yandex-direct-token", "Client-Login": "beauty-brand"}
PLAIN = {"skipReportHeader": "true", "skipColumnHeader": "true", "skipReportSummary": "true"}
FIELDS = ["Date", "CampaignId", "CampaignName", "AdGroupId", "AdId", "Impressions", "Clicks", "Cost", "Conversions"]
TODAY = date(2026, 10, 12)


def params(**more: Any) -> dict[str, Any]:
    return {
        "SelectionCriteria": {"DateFrom": "2026-10-05", "DateTo": "2026-10-11"},
        "FieldNames": FIELDS,
        "ReportName": "ads",
        "ReportType": "AD_PERFORMANCE_REPORT",
        "DateRangeType": "CUSTOM_DATE",
        "Format": "TSV",
        "IncludeVAT": "YES",
        **more,
    }


def spec(**more: Any) -> Spec:
    return read({"params": params(**more)}, TODAY)


def ask(served: Served, headers: dict[str, str] | None = None, version: str = "v501", **more: Any) -> requests.Response:
    url = f"{served.url}/yandex-direct/json/{version}/reports"
    return requests.post(url, json={"params": params(**more)}, headers={**TOKEN, **(headers or {})}, timeout=30)


def call(served: Served, service: str, method: str, given: dict[str, Any], **headers: str) -> requests.Response:
    url = f"{served.url}/yandex-direct/json/v5/{service}"
    return requests.post(url, json={"method": method, "params": given}, headers={**TOKEN, **headers}, timeout=30)


def code(reply: requests.Response, status: int = 400) -> Any:
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"request_id", "error_code", "error_string", "error_detail"}
    return reply.json()["error"]["error_code"]


def online(served: Served, **more: Any) -> list[list[str]]:
    """The cells of a report that is answered at once, without frills."""
    reply = ask(served, {"processingMode": "online", **PLAIN}, **more)
    assert reply.status_code == 200, reply.text
    return [line.split("\t") for line in reply.text.splitlines()]


def test_the_same_post_is_queued_then_built_then_ready(served: Served) -> None:
    replies = [ask(served) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [201, 202, 200, 200]
    for reply in replies[:2]:
        assert reply.content == b""
        assert (reply.headers["retryIn"], reply.headers["reportsInQueue"]) == ("1", "1")
    assert replies[2].text == replies[3].text
    assert all(reply.headers["RequestId"] for reply in replies)
    title, names, *rows, total = replies[2].text.splitlines()
    assert title == '"ads (2026-10-05 - 2026-10-11)"'
    assert names.split("\t") == FIELDS
    assert total == "Total rows: 28"
    assert rows[0].split("\t") == [
        *("2026-10-05", "71", "Кампания 1 / spring", "710", "7101"),
        *("101", "10", "12120000", "1"),
    ]
    keys = [tuple(row.split("\t")[:5]) for row in rows]
    assert len(keys) == len(set(keys)) == 28


def test_small_reports_can_be_answered_at_once(served: Served) -> None:
    face: Any = next(face for face in served.sandbox.faces if face.prefix == "yandex-direct")
    face.online_rows = 1000
    assert ask(served).status_code == 200
    assert ask(served, {"processingMode": "offline"}).status_code == 201
    assert code(ask(served, {"processingMode": "soon"})) == 8000


def test_frills_can_be_left_out_and_money_written_as_decimals(served: Served) -> None:
    reply = ask(served, {"processingMode": "online", "returnMoneyInMicros": "false", **PLAIN})
    rows = [line.split("\t") for line in reply.text.splitlines()]
    assert len(rows) == 28
    assert rows[0][7] == "12.12"


def test_a_name_belongs_to_one_report(served: Served) -> None:
    assert ask(served).status_code == 201
    assert code(ask(served, FieldNames=["Date", "Cost"])) == 4000
    assert code(ask(served, {"returnMoneyInMicros": "false"})) == 4000
    assert ask(served).status_code == 202
    served.operate("advance", {"days": 1})
    assert ask(served, FieldNames=["Date", "Cost"]).status_code == 201


def test_the_queue_holds_five(served: Served) -> None:
    face: Any = next(face for face in served.sandbox.faces if face.prefix == "yandex-direct")
    face.retry_in = 60
    assert [ask(served, ReportName=f"r{number}").status_code for number in range(5)] == [201] * 5
    assert code(ask(served, ReportName="r5")) == 9000
    assert [ask(served, ReportName="r0").status_code for _ in range(2)] == [202, 200]
    assert ask(served, ReportName="r5").status_code == 201


def test_a_report_that_nobody_awaits_leaves_the_queue(served: Served) -> None:
    face: Any = next(face for face in served.sandbox.faces if face.prefix == "yandex-direct")
    face.retry_in = 0
    assert [ask(served, ReportName=f"r{number}").status_code for number in range(7)] == [201] * 7


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"ReportType": "SEARCH_QUERY_PERFORMANCE_REPORT"}, 8000),
        ({"ReportType": "CAMPAIGN_PERFORMANCE_REPORT"}, 4000),
        ({"FieldNames": []}, 8000),
        ({"FieldNames": ["Date", "Href"]}, 4000),
        ({"FieldNames": ["Date", "Date"]}, 4000),
        ({"FieldNames": ["Date", "Week", "Cost"]}, 4000),
        ({"Format": "CSV"}, 8000),
        ({"IncludeVAT": True}, 8000),
        ({"DateRangeType": "LAST_7_DAYS"}, 4000),
        ({"DateRangeType": "LATELY", "SelectionCriteria": {}}, 8000),
        ({"SelectionCriteria": {"DateFrom": "2026-10-12", "DateTo": "2026-10-11"}}, 4000),
        ({"SelectionCriteria": {"DateFrom": "2026-02-30", "DateTo": "2026-10-11"}}, 8000),
        ({"SelectionCriteria": {"DateFrom": "2020-01-01", "DateTo": "2026-10-11"}}, 4000),
        ({"Goals": ["lead"]}, 4000),
        ({"AttributionModels": ["BEST"]}, 4000),
        ({"OrderBy": [{"Field": "Ctr"}]}, 4000),
        ({"Page": {"Limit": 0}}, 8000),
        ({"ReportName": ""}, 8000),
        ({"Surprise": 1}, 8000),
    ],
)
def test_wrong_reports_are_refused_with_a_code(served: Served, change: dict[str, Any], number: int) -> None:
    assert code(ask(served, **change)) == number


def test_a_missing_field_and_a_body_that_is_no_json(served: Served) -> None:
    url = f"{served.url}/yandex-direct/json/v5/reports"
    for body in (b"{", b"[]", b'{"params": {"ReportName": "x"}}'):
        assert code(requests.post(url, data=body, headers=TOKEN, timeout=30)) == 8000


def test_money_and_counts_add_up_over_any_grouping(served: Served) -> None:
    frame = served.sandbox.site.recorded().ads["yandex-direct"]
    total = str(int(frame["cost_micros"].sum()))
    custom = {"ReportType": "CUSTOM_REPORT"}
    assert online(served, **custom, FieldNames=["Cost"]) == [[total]]
    assert online(served, ReportType="ACCOUNT_PERFORMANCE_REPORT", FieldNames=["ClientLogin", "Cost"]) == [
        ["beauty-brand", total]
    ]
    weeks = online(served, **custom, FieldNames=["Week", "CampaignId", "Cost"])
    assert [week[:2] for week in weeks] == [["2026-10-05", "71"], ["2026-10-05", "72"]]
    assert sum(int(week[2]) for week in weeks) == int(total)
    # The type groups by ad even when no field says so.
    assert len(online(served, FieldNames=["Cost"])) == 4


def test_goals_and_models_make_columns(served: Served) -> None:
    asked = {
        "Goals": ["30010001", "30010002"],
        "AttributionModels": ["LSC", "FC"],
        "FieldNames": ["AdId", "Conversions"],
    }
    reply = ask(served, {"processingMode": "online"}, **asked)
    names, first = (line.split("\t") for line in reply.text.splitlines()[1:3])
    assert names == ["AdId"] + [f"Conversions_{goal}_{model}" for goal in asked["Goals"] for model in ("LSC", "FC")]
    assert first == ["7101", "7", "7", "--", "--"]


def test_the_accounts_goal_is_the_worlds_lead() -> None:
    assert LEAD_GOAL == GOAL_LEAD


def test_filters_order_and_page(served: Served) -> None:
    asked = {"ReportType": "CUSTOM_REPORT", "FieldNames": ["Date", "AdId", "Clicks"]}
    order = [{"Field": "Clicks", "SortOrder": "DESCENDING"}, {"Field": "AdId"}]
    whole = online(served, **asked, OrderBy=order)
    assert [int(row[2]) for row in whole] == sorted((int(row[2]) for row in whole), reverse=True)
    parts = [online(served, **asked, OrderBy=order, Page={"Limit": 10, "Offset": offset}) for offset in (0, 10, 20)]
    assert [len(part) for part in parts] == [10, 10, 8]
    assert [row for part in parts for row in part] == whole
    dates = {"DateFrom": "2026-10-05", "DateTo": "2026-10-11"}
    for field, operator, values, count in (
        ("AdId", "IN", ["7101", "7202"], 14),
        ("CampaignId", "EQUALS", ["72"], 14),
        ("CampaignName", "STARTS_WITH_IGNORE_CASE", ["кампания 1"], 14),
        ("Clicks", "GREATER_THAN", ["20"], 12),
    ):
        given = [{"Field": field, "Operator": operator, "Values": values}]
        assert len(online(served, **asked, SelectionCriteria={**dates, "Filter": given})) == count


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("TODAY", date(2026, 10, 12), date(2026, 10, 12)),
        ("YESTERDAY", date(2026, 10, 11), date(2026, 10, 11)),
        ("LAST_7_DAYS", date(2026, 10, 5), date(2026, 10, 11)),
        ("LAST_WEEK", date(2026, 10, 5), date(2026, 10, 11)),
        ("LAST_MONTH", date(2026, 9, 1), date(2026, 9, 30)),
        ("AUTO", date(2026, 10, 9), date(2026, 10, 12)),
        ("ALL_TIME", date(2023, 10, 1), date(2026, 10, 12)),
    ],
)
def test_ranges_of_dates(kind: str, first: date, last: date) -> None:
    asked = spec(DateRangeType=kind, SelectionCriteria={})
    assert (asked.first, asked.last) == (first, last)


def test_what_is_not_there_is_two_dashes() -> None:
    ads = recorded().ads["yandex-direct"].head(1).assign(conversions=0.0, conversions_value=0.0, clicks=0)
    asked = spec(FieldNames=["Clicks", "AvgCpc", "Ctr", "Conversions", "Revenue", "CostPerConversion", "GoalsRoi"])
    line = tsv(asked, ads, "beauty-brand", Form(has_title=False, has_names=False, has_total=False)).decode()
    assert line == "0\t--\t0.00\t--\t--\t--\t--\n"


def test_names_with_tabs_and_quotes_are_quoted_and_are_those_of_now() -> None:
    ads = recorded().ads["yandex-direct"]
    ads["campaign_name"] = ['a\t"b"' if day == date(2026, 10, 11) else "old" for day in ads["date"]]
    asked = spec(ReportType="CUSTOM_REPORT", FieldNames=["CampaignName", "Impressions"], ReportName='the "best"')
    assert evaluate(asked, ads, "x")["CampaignName"].tolist() == ['a\t"b"']
    lines = tsv(asked, ads, "x", Form()).decode().splitlines()
    assert lines[0] == '"the ""best"" (2026-10-05 - 2026-10-11)"'
    assert lines[2].startswith('"a\t""b"""\t')


def test_an_empty_report_has_no_rows() -> None:
    asked = spec(SelectionCriteria={"DateFrom": "2026-01-01", "DateTo": "2026-01-02"})
    lines = tsv(asked, recorded().ads["yandex-direct"], "x", Form()).decode().splitlines()
    assert lines[1:] == ["\t".join(FIELDS), "Total rows: 0"]


def test_refusals_name_what_is_meant() -> None:
    with pytest.raises(Refused, match="Href"):
        spec(FieldNames=["Date", "Href"])


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_told(served: Served, headers: dict[str, str]) -> None:
    assert code(ask(served, headers)) == 53
    reply = call(served, "ads", "get", {}, **headers)
    assert code(reply, 200) == "53"
    assert "result" not in reply.json()


def test_other_clients_are_out_of_reach(served: Served) -> None:
    assert code(ask(served, {"Client-Login": "somebody-else"})) == 54
    assert ask(served, {"client-login": "Beauty-Brand"}).status_code == 201


def test_above_the_limit_the_code_is_56(serve: Serve) -> None:
    served = serve(rate_factor=0.0001)
    assert ask(served, {"processingMode": "online"}).status_code == 200
    reply = ask(served)
    assert code(reply) == 56
    assert "retry-after" not in reply.headers
    asked = {"SelectionCriteria": {}, "FieldNames": ["Id"]}
    assert "result" in call(served, "campaigns", "get", asked).json()
    assert code(call(served, "campaigns", "get", asked), 200) == "56"


def test_server_faults_keep_the_error_body(served: Served) -> None:
    for kind, status in (("error_500", 500), ("error_502", 502), ("error_503", 503)):
        served.fault("yandex-direct", kind)
        assert code(ask(served), status) in (1000, 1002)


def test_ads_tell_where_they_lead(served: Served) -> None:
    asked = {
        "SelectionCriteria": {"CampaignIds": [71]},
        "FieldNames": ["Id", "CampaignId", "AdGroupId"],
        "TextAdFieldNames": ["Href"],
    }
    reply = call(served, "ads", "get", asked)
    assert reply.json()["result"]["Ads"] == [
        {
            "Id": number,
            "CampaignId": 71,
            "AdGroupId": 710,
            "TextAd": {"Href": "https://brand.example/c1?utm_source=g&utm_medium=cpc&utm_campaign=7_1"},
        }
        for number in (7101, 7102)
    ]
    assert reply.headers["Units"] == "10/63990/64000"


def test_lists_are_paged_by_limited_by(served: Served) -> None:
    asked = {"SelectionCriteria": {}, "FieldNames": ["Id", "Name", "State", "TimeZone", "Currency"]}
    first = call(served, "campaigns", "get", {**asked, "Page": {"Limit": 1}}).json()["result"]
    assert first["LimitedBy"] == 1
    second = call(served, "campaigns", "get", {**asked, "Page": {"Limit": 1, "Offset": 1}}).json()["result"]
    assert "LimitedBy" not in second
    assert [campaign["Id"] for campaign in first["Campaigns"] + second["Campaigns"]] == [71, 72]
    assert second["Campaigns"][0]["TimeZone"] == "Europe/Moscow"
    groups = call(served, "adgroups", "get", {"SelectionCriteria": {"Ids": [720]}, "FieldNames": ["Id", "Name"]})
    assert groups.json()["result"] == {"AdGroups": [{"Id": 720, "Name": "Group 720"}]}
    nothing = call(served, "adgroups", "get", {"SelectionCriteria": {"Ids": [1]}, "FieldNames": ["Id"]})
    assert nothing.json() == {"result": {}}


def test_changes_tell_from_which_day_statistics_are_new(served: Served) -> None:
    asked = {"CampaignIds": [71, 72, 9], "Timestamp": "2026-10-10T00:00:00Z", "FieldNames": ["CampaignsStat"]}
    result = call(served, "changes", "check", asked).json()["result"]
    assert result == {
        "Timestamp": "2026-10-12T00:00:00Z",
        "CampaignsStat": [{"CampaignId": number, "BorderDate": "2026-10-07"} for number in (71, 72)],
        "Unprocessed": {"CampaignIds": [9]},
    }
    later = {**asked, "Timestamp": "2026-10-20T00:00:00Z"}
    assert call(served, "changes", "check", later).json()["result"]["CampaignsStat"] == []


@pytest.mark.parametrize(
    ("service", "method", "given", "number"),
    [
        ("ads", "get", {"SelectionCriteria": {}, "FieldNames": ["Id"]}, "4001"),
        ("ads", "get", {"SelectionCriteria": {"Ids": [1]}, "FieldNames": ["Colour"]}, "8000"),
        ("ads", "delete", {}, "55"),
        ("campaigns", "get", {"FieldNames": ["Id"], "Page": {"Limit": 10_001}}, "4002"),
        ("campaigns", "get", {"SelectionCriteria": {"Names": ["x"]}, "FieldNames": ["Id"]}, "8000"),
        ("changes", "check", {"CampaignIds": [71], "Timestamp": "yesterday", "FieldNames": ["CampaignsStat"]}, "4000"),
        ("changes", "check", {"CampaignIds": [], "FieldNames": ["CampaignsStat"]}, "8000"),
    ],
)
def test_services_refuse_with_status_200(
    served: Served, service: str, method: str, given: dict[str, Any], number: str
) -> None:
    assert code(call(served, service, method, given), 200) == number


@pytest.mark.parametrize("key", sorted(params(Page={}, OrderBy=[], Goals=[], AttributionModels=[])))
def test_junk_is_refused_or_ignored_and_never_breaks(key: str) -> None:
    refused = 0
    for junk in (None, 5, "", [5], [[]], {"Limit": []}, [{"Field": []}], {"Filter": [{"Field": []}]}):
        try:
            assert spec(**{key: junk}).fields
        except Refused:
            refused += 1
    assert refused >= 3


@pytest.mark.parametrize("service", ["campaigns", "ads", "changes"])
def test_junk_in_services_is_refused(served: Served, service: str) -> None:
    method = "check" if service == "changes" else "get"
    for junk in (None, 5, [], [[]], {"SelectionCriteria": 5}, {"FieldNames": [[]], "CampaignIds": [1], "Page": []}):
        reply = call(served, service, method, junk)  # type: ignore[arg-type]
        assert code(reply, 200) in ("8000", "4000", "4001")
