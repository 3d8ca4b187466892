"""Unit economics, cohorts, roles and questions of a company small enough to reckon by hand, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rebuttal.journeys.model import run
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.reports import report

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (date(2025, month, 1) for month in (9, 10, 11, 12))
Rows = Callable[..., list[dict[str, Any]]]


def deal(deal_id: str, day: str, amount: int, contact: str | None, currency: str = "EUR") -> dict[str, Any]:
    return {
        "deal_id": deal_id, "created_at": f"{day} 08:00", "closed_at": f"{day} 10:00", "is_closed": True,
        "is_won": True, "amount": amount, "currency": currency, "pipeline_id": "p", "stage_id": "won",
        "contact_id": contact,
    }  # fmt: skip


# Anna came by a brand advertisement and bought twice; Boris came by himself and bought once; the person of the third
# deal is not known. December is not over. The last advertisement has a currency without a rate.
COMPANY: dict[str, list[dict[str, Any]]] = {
    "visit": [
        {"visit_id": "1", "client_id": "c1", "started_at": "2025-09-05 09:00", "gclid": "G1",
         "utm_source_norm": "google", "utm_medium_norm": "cpc", "utm_campaign_norm": "brand_ua"},
        {"visit_id": "2", "client_id": "c2", "started_at": "2025-10-01 09:00", "traffic_source": "direct"},
        {"visit_id": "3", "client_id": "c1", "started_at": "2025-12-05 09:00", "traffic_source": "direct"},
        {"visit_id": "4", "client_id": "c9", "started_at": "2025-09-06 09:00", "utm_source_norm": "instagram",
         "utm_medium_norm": "social"},
    ],
    "hit": [
        {"hit_id": "1", "visit_id": "1", "client_id": "c1", "occurred_at": "2025-09-05 09:00", "page_path": "/",
         "is_page_view": True},
        {"hit_id": "2", "visit_id": "1", "client_id": "c1", "occurred_at": "2025-09-05 09:01", "page_path": "/prices/",
         "is_page_view": True},
        {"hit_id": "3", "visit_id": "4", "client_id": "c9", "occurred_at": "2025-09-06 09:00",
         "page_path": "/blog/new_thing", "is_page_view": True},
        {"hit_id": "4", "visit_id": "3", "client_id": "c1", "occurred_at": "2025-12-05 09:00", "page_path": "/reviews",
         "is_page_view": False},
        {"hit_id": "5", "visit_id": "2", "client_id": "c2", "occurred_at": "2025-10-01 09:00", "page_path": "/jobs",
         "is_page_view": True},
    ],
    "contact": [
        {"contact_id": "101", "created_at": "2025-09-06 09:30", "client_id": "c1", "email_hash": "anna",
         "email_kind": "personal", "lifecycle_stage": "customer", "segment": "salon_owner", "is_deleted": False},
        {"contact_id": "102", "created_at": "2025-10-02 09:30", "client_id": "c2", "email_hash": "boris",
         "email_kind": "personal", "lifecycle_stage": "customer", "is_deleted": False},
    ],
    # Of Boris the CRM has a history, of Anna none.
    "lifecycle_change": [
        {"contact_id": "102", "changed_at": "2025-10-02 09:30", "lifecycle_stage": "lead"},
        {"contact_id": "102", "changed_at": "2025-10-05 09:30", "lifecycle_stage": "marketingqualifiedlead"},
        {"contact_id": "102", "changed_at": "2025-10-10 11:00", "lifecycle_stage": "customer"},
    ],
    "deal": [
        deal("d1", "2025-09-13", 100, "101"),
        deal("d2", "2025-11-10", 50, "101"),
        deal("d3", "2025-10-10", 70, "102"),
        deal("d4", "2025-10-11", 900, None),
    ],
    "ad_performance": [
        {"report_date": "2025-09-05", "ad_id": "x", "campaign_id": "20110003", "campaign_name": "Brand UA",
         "currency": "EUR", "impressions": 10, "clicks": 1, "cost": 120},
        {"report_date": "2025-10-15", "ad_id": "x", "campaign_id": "20110003", "campaign_name": "Brand UA",
         "currency": "EUR", "impressions": 10, "clicks": 1, "cost": 30},
        {"report_date": "2025-12-05", "ad_id": "x", "campaign_id": "20110003", "campaign_name": "Brand UA",
         "currency": "XXX", "impressions": 10, "clicks": 1, "cost": 1},
    ],
}  # fmt: skip


@pytest.fixture
def rows(any_settings: Settings, fill: Any, context_of: Any, tmp_path: Path) -> Rows:
    """rows(mart, **where): what is published, numbers as floats, in the order of the report."""
    folder = tmp_path / "config"
    folder.mkdir()
    for path in any_settings.config.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    journey = (folder / "journey.yml").read_text(encoding="utf-8")
    for old, new in (
        ("repeat_window_days: 90", "repeat_window_days: 60"),
        ("roles_min_touches: 30", "roles_min_touches: 1"),
    ):
        assert old in journey
        journey = journey.replace(old, new)
    (folder / "journey.yml").write_text(journey, encoding="utf-8")
    settings = replace(any_settings, config=folder)
    fill(settings, **COMPANY)
    context = context_of(settings)
    assert run(context).changed
    assert not run(context).changed, "the second run changes nothing"

    def find(name: str, **where: Any) -> list[dict[str, Any]]:
        columns, found = report(settings, name)
        plain = [
            {key: float(v) if isinstance(v, Decimal) else v for key, v in zip(columns, row, strict=True)}
            for row in found
        ]
        return [row for row in plain if all(row[key] == value for key, value in where.items())]

    return find


def test_the_money_of_a_small_company(rows: Rows, any_settings: Settings) -> None:
    def economics(month: date, channel: str) -> tuple[Any, ...]:
        (row,) = rows("unit-economics", month_start=month, channel=channel)
        names = ("acquisition_cost_base", "new_customers", "cac_base", "orders", "revenue_base", "ltv_observed_base")
        return (*(row[name] for name in names), row["payback_months"], row["payback_status"])

    assert economics(SEPTEMBER, "search_brand") == (120, 1, 120, 1, 100, 150, 3, "paid_back"), (
        "100, then 50 in November"
    )
    assert economics(OCTOBER, "search_brand") == (30, 0, None, 0, 0, None, None, "no_customers")
    assert economics(NOVEMBER, "search_brand") == (0, 0, None, 1, 50, None, None, "no_customers")
    assert economics(OCTOBER, "direct") == (0, 1, 0, 1, 70, 70, None, "no_cost")
    assert economics(OCTOBER, "unknown") == (0, 0, None, 1, 900, None, None, "no_customers"), "nobody's deal"
    (late,) = rows("unit-economics", month_start=DECEMBER)
    assert (late["ad_cost_base"], late["missing_rate_count"], late["is_complete"]) == (None, 1, False)

    first = [
        (row["months_since"], row["orders"], row["ltv_observed_base"], row["repeat_rate"], row["is_paid_back"])
        for row in rows("cohorts", cohort_month=SEPTEMBER)
    ]
    assert first == [(0, 1, 100, 0, False), (1, 0, 100, 0, False), (2, 1, 150, 1, True), (3, 0, 150, 1, True)]
    assert [row["is_complete"] for row in rows("cohorts", cohort_month=SEPTEMBER)] == [True, True, True, False]
    (again,) = rows("repeat", cohort_month=SEPTEMBER)
    assert (again["observed_customers"], again["repeat_rate"], again["interval_median_days"]) == (1, 1, 58)
    (not_yet,) = rows("repeat", cohort_month=OCTOBER)
    assert (not_yet["customers"], not_yet["observed_customers"], not_yet["repeat_rate"]) == (1, 0, None)
    (value,) = rows("ltv", cohort_month=SEPTEMBER, segment="all")
    assert (value["ltv_observed_base"], value["ltv_predicted_base"]) == (150, None)
    assert "fewer than" in value["reason"]

    (speed,) = rows("velocity", step="lead_to_won", month_start=SEPTEMBER)
    assert (speed["entered"], speed["reached"], speed["censored"]) == (1, 1, 0)
    assert speed["median_days"] == pytest.approx(7 + 0.5 / 24)
    (unknown,) = rows("velocity", step="lead_to_mql", month_start=SEPTEMBER)
    assert (unknown["is_measured"], unknown["reached"], unknown["time_unknown"]) == (False, 1, 1)
    assert unknown["median_days"] is None, "nobody knows since when Anna was one"
    (since,) = rows("velocity", step="mql_to_sql", month_start=SEPTEMBER)
    assert (since["is_measured"], since["median_days"]) == (False, None)
    (told,) = rows("velocity", step="lead_to_mql", month_start=OCTOBER)
    assert (told["is_measured"], told["reached"], told["time_unknown"], told["median_days"]) == (True, 1, 0, 3)

    (brand,) = rows("roles", channel="search_brand")
    # Its one visit opens and closes the way to the lead, to the first and to the second deal.
    assert (brand["conversions"], brand["opener"], brand["assist"], brand["closer"]) == (3, 3, 0, 3)
    (direct,) = rows("roles", channel="direct")
    assert (direct["after_sale"], direct["is_turning"]) == (1, True), "Anna came back by herself"
    (social,) = rows("roles", channel="social")
    assert (social["is_turning"], social["reason"]) == (False, "touches, but none on the way to a conversion")
    (offline,) = rows("roles", channel="offline")
    assert (offline["is_turning"], offline["reason"]) == (False, "nothing was seen of it")

    questions = {(row["question"], row["item"]): row for row in rows("questions")}
    what = questions["what", "all"]
    assert (what["reached"], what["went_on"], what["waiting"], what["dropped"]) == (2, 1, 0, 1)
    assert questions["what", "/blog/new_thing"]["dropped"] == 1
    prices = questions["worth", "/prices"]
    assert (prices["reached"], prices["went_on"], prices["content_id"], prices["declared_role"]) == (
        1, 1, "price-list", "help decide",
    )  # fmt: skip
    assert (questions["trust", "all"]["reached"], questions["trust", "/reviews"]["reached"]) == (0, 0), "no page view"
    assert questions["trust", "/safety"]["is_turning"] is False
    assert questions["start", "lead"]["reached"] == 2
    assert questions["next", "won"]["reached"] == 2
    assert questions["next", "won"]["dropped"] is None
    assert not [key for key in questions if key[1] == "/jobs"], "a page of no question is none's"

    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        revenue = connection.execute(text("SELECT sum(amount_base) FROM marts.deal")).scalar_one()
    assert sum(row["revenue_base"] for row in rows("unit-economics")) == revenue


def test_the_shipped_questions_are_in_the_order_of_the_journey() -> None:
    from rebuttal.journeys.configuration import load_model_config

    config = load_model_config(PROJECT_ROOT / "include" / "config")
    assert [question.id for question in config.journey.questions] == [
        "what", "for_me", "trust", "worth", "start", "next",
    ]  # fmt: skip
    evidence = {row["evidence"]: row for row in config.question_evidence}
    assert evidence["/prices"]["content_id"] == "price-list"
    assert evidence["/training/%"]["question"] == "for_me"
