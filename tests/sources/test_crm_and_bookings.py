"""The quirks of HubSpot, Typeform and YCLIENTS, one test each."""

from __future__ import annotations

from typing import Any

import pytest
from tests.faults.table import fault
from tests.sources.conftest import Setup
from tests.sources.wire import Call, Reply

from rebuttal.erasure import end_partner
from rebuttal.sources import hubspot, hubspot_reading, typeform, yclients


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


@fault(147, "sources.yml still names a partner that left", "wire", "its branch is not asked for any more")
def test_yclients_is_not_asked_for_the_branch_of_a_partner_that_left(make_setup: Any) -> None:
    setup: Setup = make_setup("yclients")
    setup.pull()
    assert {call.path.rpartition("/")[2] for call in setup.wire.calls} == {"101", "102"}
    end_partner(setup.context, "a", "olena", None)
    setup.wire.calls.clear()
    setup.pull()
    assert {call.path.rpartition("/")[2] for call in setup.wire.calls} == {"102"}


def test_yclients_needs_a_currency_for_each_branch(make_setup: Any) -> None:
    options = {"options": {"branches": {"101": "a"}, "currencies": {}}}
    setup: Setup = make_setup("yclients", sources={"yclients": options})
    (line,) = setup.pull().problems
    assert "currencies lacks branch 101" in line
    assert setup.wire.calls == []
