"""GAQL: what is understood, what is refused, and how rows are added up."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_world import recorded

from sandbox.faces.gaql import Condition, QueryRefused, parse
from sandbox.faces.google_ads_query import Answer, evaluate
from sandbox.faces.google_ads_rules import during
from sandbox.recorded import ACCOUNTS

WEEK = "segments.date BETWEEN '2026-10-05' AND '2026-10-11'"


def run(query: str) -> Answer:
    return evaluate(parse(query), recorded(), ACCOUNTS["google-ads"])


def metrics(answer: Answer, name: str) -> list[Any]:
    return [row["metrics"][name] for row in answer.rows]


def test_a_query_is_read_in_parts() -> None:
    query = parse(
        "select campaign.id , metrics.clicks from campaign where campaign.name = 'O\\'Neil, \"x\"' and "
        'campaign.id not in (1, 2) AND segments.date between "2026-10-01" and "2026-10-02" '
        "AND campaign.name IS NOT NULL "
        "order by metrics.clicks desc, campaign.id limit 5 parameters omit_unselected_resource_names = true"
    )
    assert query.select == ("campaign.id", "metrics.clicks")
    assert query.where == (
        Condition("campaign.name", "=", ('O\'Neil, "x"',)),
        Condition("campaign.id", "NOT IN", ("1", "2")),
        Condition("segments.date", "BETWEEN", ("2026-10-01", "2026-10-02")),
        Condition("campaign.name", "IS NOT NULL"),
    )
    assert query.order_by == (("metrics.clicks", True), ("campaign.id", False))
    assert query.limit == 5
    assert query.parameters == {"omit_unselected_resource_names": True}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT campaign.id", "EXPECTED_FROM"),
        ("SELECT FROM", "EXPECTED_FROM"),
        ("SELECT campaign.id FROM campaign WHERE", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN ()", "PROHIBITED_EMPTY_LIST_IN_CONDITION"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 1 OR campaign.id = 2", "EXPECTED_AND"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'x", "STRING_NOT_TERMINATED"),
        ("SELECT campaign.id FROM campaign LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
        ("SELECT campaign.id FROM campaign LIMIT many", "BAD_LIMIT_VALUE"),
        ("SELECT campaign.id FROM campaign PARAMETERS foo=true", "BAD_PARAMETER_NAME"),
        ("SELECT campaign.id FROM campaign; DROP TABLE x", "BAD_SYMBOL"),
        ("SELECT campaign.id FROM campaign campaign", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaign ORDER campaign.id", "EXPECTED_BY"),
        ("SELECT ad_group.id FROM campaign", "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign ORDER BY metrics.clicks", "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.status = 'ON'", "BAD_ENUM_CONSTANT"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 'x'", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name > 'x'", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE segments.date = '2026-02-30'", "INVALID_DATE_FORMAT"),
        ("SELECT segments.date FROM campaign WHERE segments.date >= '2026-10-01'", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT segments.date FROM campaign WHERE segments.date DURING EVER", "INVALID_VALUE_WITH_DURING_OPERATOR"),
        (
            "SELECT segments.date FROM campaign WHERE segments.date BETWEEN '2026-10-02' AND '2026-10-01'",
            "PROHIBITED_VALUE_COMBINATION_WITH_BETWEEN_OPERATOR",
        ),
        ("SELECT segments.week FROM campaign WHERE segments.week = '2026-10-06'", "MISALIGNED_DATE_FOR_FILTER"),
        ("SELECT click_view.gclid FROM click_view", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        (f"SELECT click_view.gclid FROM click_view WHERE {WEEK}", "DATE_RANGE_TOO_WIDE"),
        ("SELECT click_view.gclid FROM click_view WHERE segments.date = '2026-01-01'", "DATE_RANGE_TOO_WIDE"),
        (
            "SELECT metrics.cost_micros FROM click_view WHERE segments.date = '2026-10-06'",
            "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
        ),
    ],
)
def test_refusals(query: str, code: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        run(query)
    assert refused.value.code == code


def test_rows_add_up_to_what_is_selected() -> None:
    frame = recorded().ads["google-ads"]
    clicks = int(frame["clicks"].sum())
    total = run("SELECT metrics.clicks FROM customer")
    assert metrics(total, "clicks") == [str(clicks)]
    by_campaign = run("SELECT campaign.id, metrics.clicks FROM campaign ORDER BY campaign.id")
    assert [row["campaign"]["id"] for row in by_campaign.rows] == ["21", "22", "23"]
    assert sum(map(int, metrics(by_campaign, "clicks"))) == clicks
    by_week = run(f"SELECT segments.week, ad_group.id, metrics.clicks FROM ad_group WHERE {WEEK}")
    assert {row["segments"]["week"] for row in by_week.rows} == {"2026-10-05"}
    assert len(by_week.rows) == 3
    assert sum(map(int, metrics(by_week, "clicks"))) == clicks


def test_the_date_filter_need_not_be_selected_and_zero_rows_come_only_unsegmented() -> None:
    days = "segments.date BETWEEN '2026-09-01' AND '2026-09-02'"
    unsegmented = run(f"SELECT campaign.id, metrics.clicks, metrics.conversions FROM campaign WHERE {days}")
    assert metrics(unsegmented, "clicks") == ["0", "0", "0"]
    assert metrics(unsegmented, "conversions") == [0.0, 0.0, 0.0]
    assert run(f"SELECT segments.date, campaign.id, metrics.clicks FROM campaign WHERE {days}").rows == []


def test_conditions_on_metrics_hold_after_adding_up() -> None:
    query = (
        "SELECT campaign.id, metrics.impressions FROM campaign WHERE metrics.impressions > 3000 ORDER BY campaign.id"
    )
    frame = recorded().ads["google-ads"].groupby("campaign_id")["impressions"].sum()
    expected = sorted(frame[frame > 3000].index)
    assert 0 < len(expected) < 3
    assert [row["campaign"]["id"] for row in run(query).rows] == expected


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("campaign.id IN (21, 23)", ["21", "23"]),
        ("campaign.id NOT IN (21, 23)", ["22"]),
        ("campaign.id != 21", ["22", "23"]),
        ("campaign.id BETWEEN 22 AND 23", ["22", "23"]),
        ("campaign.name LIKE '%КАМПАНИЯ 2%'", ["22"]),
        ("campaign.name NOT LIKE '%2%'", ["21", "23"]),
        ("campaign.status = 'ENABLED' AND campaign.id > 22", ["23"]),
        ("campaign.tracking_url_template IS NULL AND campaign.id <= 21", ["21"]),
        ("customer.manager = false AND campaign.id < 22", ["21"]),
    ],
)
def test_conditions(condition: str, ids: list[str]) -> None:
    rows = run(f"SELECT campaign.id FROM campaign WHERE {condition} ORDER BY campaign.id").rows
    assert [row["campaign"]["id"] for row in rows] == ids


def test_order_limit_and_ratios() -> None:
    query = f"SELECT segments.date, metrics.ctr, metrics.average_cpc, metrics.clicks FROM customer WHERE {WEEK}"
    rows = run(query + " ORDER BY segments.date DESC LIMIT 2").rows
    assert [row["segments"]["date"] for row in rows] == ["2026-10-11", "2026-10-10"]
    day = recorded().ads["google-ads"]
    day = day[day["date"] == date(2026, 10, 11)]
    assert rows[0]["metrics"]["averageCpc"] == pytest.approx(day["cost_micros"].sum() / day["clicks"].sum())
    assert rows[0]["metrics"]["ctr"] == pytest.approx(day["clicks"].sum() / day["impressions"].sum())


def test_unselected_resource_names_can_be_left_out() -> None:
    (row,) = run("SELECT customer.currency_code FROM customer PARAMETERS omit_unselected_resource_names=true").rows
    assert row == {"customer": {"currencyCode": "EUR"}}


def test_clicks_of_one_day_in_the_accounts_zone() -> None:
    found = []
    for day in range(5, 13):
        where = f"segments.date = '2026-10-{day:02d}'"
        rows = run(f"SELECT click_view.gclid, campaign.id, segments.date FROM click_view WHERE {where}").rows
        assert {row["segments"]["date"] for row in rows} <= {f"2026-10-{day:02d}"}
        found += [row["clickView"]["gclid"] for row in rows]
    assert sorted(found) == sorted(recorded().clicks["gclid"])
    assert len(found) == 10


def test_names_are_those_of_the_latest_day() -> None:
    shown = recorded()
    frame = shown.ads["google-ads"]
    is_last = (frame["campaign_id"] == "21") & (frame["date"] == date(2026, 10, 11))
    frame.loc[is_last, "campaign_name"] = "Renamed"
    query = f"SELECT segments.date, campaign.name FROM campaign WHERE {WEEK} AND campaign.id = 21"
    rows = evaluate(parse(query), shown, ACCOUNTS["google-ads"]).rows
    assert [row["campaign"]["name"] for row in rows] == ["Renamed"] * 7


@pytest.mark.parametrize(
    ("literal", "first", "last"),
    [
        ("LAST_30_DAYS", date(2026, 9, 12), date(2026, 10, 11)),
        ("LAST_7_DAYS", date(2026, 10, 5), date(2026, 10, 11)),
        ("YESTERDAY", date(2026, 10, 11), date(2026, 10, 11)),
        ("LAST_WEEK_MON_SUN", date(2026, 10, 5), date(2026, 10, 11)),
        ("LAST_WEEK_SUN_SAT", date(2026, 10, 4), date(2026, 10, 10)),
        ("LAST_BUSINESS_WEEK", date(2026, 10, 5), date(2026, 10, 9)),
        ("THIS_MONTH", date(2026, 10, 1), date(2026, 10, 12)),
        ("LAST_MONTH", date(2026, 9, 1), date(2026, 9, 30)),
    ],
)
def test_date_literals_on_a_monday(literal: str, first: date, last: date) -> None:
    assert during(literal, date(2026, 10, 12)) == (first, last)


@given(st.text(alphabet="SELECT campaign.id FROM,='()\"\\\n%<>!0123456789-WHEREANDORDERBYLIMITéё", max_size=120))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(QueryRefused):
        assert parse(text).select


def test_an_account_without_rows_answers_without_rows() -> None:
    shown = recorded()
    frames = {"google-ads": shown.ads["google-ads"].head(0)}
    shown = type(shown)(**{**vars(shown), "ads": frames, "clicks": shown.clicks.head(0)})
    for query, count in (
        (f"SELECT segments.date, campaign.id, metrics.ctr FROM ad_group_ad WHERE {WEEK} ORDER BY segments.date", 0),
        ("SELECT campaign.id, metrics.clicks FROM campaign", 0),
        ("SELECT metrics.clicks FROM customer", 1),
        ("SELECT click_view.gclid FROM click_view WHERE segments.date = '2026-10-06'", 0),
    ):
        assert len(evaluate(parse(query), shown, ACCOUNTS["google-ads"]).rows) == count
