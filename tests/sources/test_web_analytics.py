"""The quirks of Yandex Metrica and GA4, one test each."""

from __future__ import annotations

import json
from typing import Any

from tests.sources.conftest import Setup
from tests.sources.wire import Call, Reply

from rebuttal.errors import CredentialsError, ThrottledError
from rebuttal.sources import yandex_metrica
from rebuttal.sources.declare import Answer


def test_metrica_counts_without_a_sample_or_not_at_all(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    original = setup.wire.reply_to

    def sampled(call: Call) -> Reply:
        reply = original(call)
        return Reply.of({"totals": [1.0], "sampled": True}) if call.path == "/stat/v1/data" else reply

    setup.wire.reply_to = sampled  # type: ignore[method-assign]
    assert setup.pull().problems == []
    assert setup.totals() == {}


def test_metrica_hits_come_with_their_counters_zone(make_setup: Any) -> None:
    setup: Setup = make_setup("yandex_metrica")
    setup.pull()
    assert set(setup.query("select time_zone from landing.yandex_metrica__hits")) == {("Asia/Almaty",)}
    original = setup.wire.reply_to
    nowhere = Reply.of({"counter": {"time_zone_name": "Mars/Olympus"}})
    setup.wire.reply_to = lambda call: nowhere if call.path.endswith("/246") else original(call)  # type: ignore[method-assign]
    [problem] = setup.pull().problems
    assert "'Mars/Olympus', which is none that is known here" in problem


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
    assert setup.totals() == {}  # of a report that withholds rows they say nothing
