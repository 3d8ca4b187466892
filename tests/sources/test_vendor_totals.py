"""What vendors say that their rows add up to is kept for the gate, whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.conftest import Setup
from tests.sources.wire import Call, Reply


def test_a_missing_row_against_the_vendors_total_is_noticed(make_setup: Any) -> None:
    setup: Setup = make_setup("google_ads")
    setup.wire.every = Reply.of({"fieldMask": "x", "totalResultsCount": "5", "results": setup.vendor.data["rows"][:4]})
    report = setup.pull()
    assert len(report.problems) == 1
    assert "says 5 rows" in report.problems[0]


def test_yandex_direct_without_sums_lands_its_rows_all_the_same(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_direct")
    refusal = Reply.of({"error": {"error_code": 4000, "error_string": "no such report"}}, 400)
    setup.wire.faults.extend([None, refusal])
    report = setup.pull()
    assert (report.problems, len(setup.rows("ad_performance")), setup.totals()) == ([], 5, {})
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
    assert setup.totals() == told


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
    assert (len(setup.rows("traffic")), setup.totals()) == (7, {})
