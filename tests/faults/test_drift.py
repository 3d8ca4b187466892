"""Faults of the vendor's contract (59-61): fields that change, come and go, and words that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from landed import context, land, read, row
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault
from tests.sources.conftest import Setup
from tests.sources.vendors import NOW

from rebuttal import quality
from rebuttal.clock import Clock
from rebuttal.settings import Settings

pytestmark = SECOND_ENGINE
Make = Callable[..., Setup]
DEALS, CONTACTS = "hubspot.deals", "hubspot.contacts"
NEXT_DAY = Clock(NOW + timedelta(days=1))


# --- 59, 60: drift ---------------------------------------------------------------------------------------------------


@fault(59, "a field renamed in every row", "wire", "the batch is held, the new name is told, the last good data stays")
def test_a_renamed_field_holds_the_batch(vendor: Make) -> None:
    setup = vendor("google_ads")
    good = setup.vendor.data["rows"]
    good += [{**good[0], "adGroupAd": {"ad": {"id": f"more{number}"}}} for number in range(30)]
    setup.pull()
    quality.run(setup.context)
    before = setup.query("select ad_id, clicks from core.ad_performance order by ad_id")
    assert len(before) == 37

    for one in good:
        one["metrics"] = {"clickCount" if name == "clicks" else name: value for name, value in one["metrics"].items()}
    report = setup.at(NEXT_DAY).pull()
    assert "metrics.clickCount" in report.details[0]["extra_fields"]
    problems = quality.run(setup.context).problems
    assert len(problems) == 1
    assert "rows_mostly_good" in problems[0]
    assert setup.query("select ad_id, clicks from core.ad_performance order by ad_id") == before
    failed = setup.query("select check_name, failed_count from ops.check_result where not is_passed")
    assert ("clicks_present", 37) in failed
    assert ("no_new_fields", 1) in failed


@fault(59, "an optional field gone from every row", "wire", "the batch is held: a filled column turned empty")
def test_a_field_that_is_gone_holds_the_batch(any_settings: Settings) -> None:
    land(any_settings, DEALS, [row(DEALS, deal_id=str(number)) for number in range(60)])
    land(any_settings, DEALS, [row(DEALS, deal_id=str(number), stage_id=None) for number in range(60)])
    problems = quality.run(context(any_settings)).problems
    assert len(problems) == 1
    assert "columns_still_filled" in problems[0]
    assert "stage_id" in problems[0]
    assert read(any_settings, "select count(*) as rows from core.deal where stage_id = 'sql'") == [{"rows": 60}]


@fault(60, "a new field, list and object", "wire", "landed raw in _extra and told, the rows admitted")
def test_a_new_field_lands_and_is_told(vendor: Make) -> None:
    setup = vendor("google_ads")
    setup.vendor.data["rows"][0]["metrics"]["brandNew"] = [1, {"a": None}]
    report = setup.pull()
    assert report.details[0]["extra_fields"] == ["metrics.brandNew"]
    told = quality.run(setup.context)
    assert told.problems == []
    assert ["no_new_fields" in line for line in told.details[0]["warnings"]] == [True]
    assert setup.query("select count(*) from core.ad_performance") == [(7,)]
    [extra] = [json.loads(one) for (one,) in setup.rows("ad_performance", "_extra") if one]
    assert extra == {"metrics.brandNew": [1, {"a": None}]}


# --- 61: new words ---------------------------------------------------------------------------------------------------


@fault(61, "a new word for a status, in any spelling", "gate", "admitted as unknown:<raw> and told; never a default")
def test_new_words_become_a_bucket_of_their_own(any_settings: Settings) -> None:
    words = ["Franchise", "салон", "salon owner", "salon_owner ", "unknown:x", "'; --"]
    rows = [row(CONTACTS, contact_id=str(number), segment=word) for number, word in enumerate(words)]
    land(any_settings, CONTACTS, [*rows, row(CONTACTS, contact_id="known", segment="SALON_OWNER")])
    report = quality.run(context(any_settings))
    assert report.counts["new"] == 7
    found = {one["contact_id"]: one["segment"] for one in read(any_settings, "select * from core.contact")}
    assert found == {**{str(n): f"unknown:{word}" for n, word in enumerate(words)}, "known": "salon_owner"}
    [warned] = read(any_settings, "select * from ops.check_result where not is_passed")
    assert (warned["check_name"], warned["failed_count"]) == ("segment_known", 6)


@pytest.mark.long_form("the fault is one word of one list; here every list is gone through")
@pytest.mark.parametrize(
    ("stream", "field", "table", "column"),
    [
        ("yandex_metrica.visits", "traffic_source", "visit", "traffic_source"),
        ("yandex_metrica.visits", "device", "visit", "device"),
        ("hubspot.calls", "direction", "conversation", "direction"),
        (CONTACTS, "lifecycle_stage", "contact", "lifecycle_stage"),
        (CONTACTS, "email_kind", "contact", "email_kind"),
        ("typeform.responses", "form_kind", "survey_response", "form_kind"),
    ],
)
def test_each_list_of_words_has_its_bucket(
    any_settings: Settings, stream: str, field: str, table: str, column: str
) -> None:
    land(any_settings, stream, [row(stream, **{field: "Neu"})])
    quality.run(context(any_settings))
    assert read(any_settings, f"select {column} from core.{table}") == [{column: "unknown:Neu"}]
    warned = read(any_settings, "select check_name from ops.check_result where not is_passed and failed_count = 1")
    assert {"check_name": f"{column}_known"} in warned
