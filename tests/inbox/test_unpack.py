"""From bodies to events: what each vendor sends, and what cannot be understood."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from rebuttal.inbox.arrivals import Arrival
from rebuttal.inbox.hooks import Hook
from rebuttal.inbox.unpack import unpack
from rebuttal.inbox.verify import Delivery

AT = datetime.fromtimestamp(1759491000.123, UTC)
HUBSPOT: dict[str, Any] = {
    "eventId": 1, "subscriptionId": 12, "portalId": 62515, "appId": 54321, "occurredAt": 1759491000123,
    "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": 512, "propertyName": "dealstage",
    "propertyValue": "closedlost", "changeSource": "CRM_UI", "sourceId": "userId:5",
}  # fmt: skip
TYPEFORM = {
    "event_id": "01HX",
    "event_type": "form_response",
    "form_response": {"form_id": "f1", "token": "tok1", "submitted_at": "2025-10-03T11:30:00Z", "answers": []},
}
JIRA = {"timestamp": 1759491000123, "webhookEvent": "jira:issue_updated", "issue": {"id": "10007", "key": "MKT-7"}}
TRELLO = {
    "action": {"id": "a1", "type": "updateCard", "date": "2025-10-03T11:30:00.123Z", "data": {"card": {"id": "c1"}}},
    "model": {},
}
YCLIENTS = {"company_id": 1, "resource": "record", "resource_id": 2, "status": "update", "data": {}}
STANDARD = {"type": "invoice.paid", "timestamp": "2025-10-03T11:30:00.123456Z", "data": {"id": "inv_1"}}
HEADERS = [(b"x-atlassian-webhook-identifier", b"id-7"), (b"webhook-id", b"msg_1")]


def a_hook(vendor: str, **more: Any) -> Hook:
    return Hook(name="h", vendor=vendor, source="s", url="https://h.example", secrets=(), **more)  # type: ignore[arg-type]


def events(vendor: str, told: object, **more: Any) -> list[Arrival]:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return unpack(a_hook(vendor, **more), Delivery(HEADERS, body))


@pytest.mark.parametrize(
    ("vendor", "told", "expected"),
    [
        ("hubspot", [HUBSPOT], ("deal.propertyChange", "deal", "512", "new")),
        ("typeform", TYPEFORM, ("form_response", "form_response", "tok1", "new")),
        ("jira", JIRA, ("jira:issue_updated", "issue", "10007", "new")),
        ("trello", TRELLO, ("updateCard", "card", "c1", "new")),
        (
            "trello",
            {**TRELLO, "action": {**TRELLO["action"], "type": "addMemberToCard"}},
            ("addMemberToCard", "card", "c1", "new"),
        ),
        ("yclients", YCLIENTS, ("record:update", "record", "2", "new")),
        ("standard", STANDARD, ("invoice.paid", "invoice", "inv_1", "unhandled")),
    ],
)
def test_each_vendor_is_understood(vendor: str, told: object, expected: tuple[str, ...]) -> None:
    (found,) = events(vendor, told)
    assert (found.event_type, found.object_type, found.object_id, found.state) == expected
    assert json.loads(found.body) == (told[0] if isinstance(told, list) else told)


def test_a_resend_is_the_same_event_with_the_same_content() -> None:
    (first,), (again,) = events("hubspot", [HUBSPOT]), events("hubspot", [HUBSPOT | {"attemptNumber": 3}])
    assert (first.delivery_key, first.content) == (again.delivery_key, again.content)
    (other,) = events("hubspot", [HUBSPOT | {"propertyValue": "closedwon"}])
    assert (first.delivery_key, first.content) != (other.delivery_key, other.content)


@pytest.mark.parametrize("field", ["eventId", "objectId", "occurredAt", "subscriptionId", "portalId"])
def test_hubspots_event_id_alone_is_no_key(field: str) -> None:
    (one,), (other,) = events("hubspot", [HUBSPOT]), events("hubspot", [HUBSPOT | {field: 77_777_777}])
    assert one.delivery_key != other.delivery_key


def test_two_deliveries_of_one_that_names_none_are_two() -> None:
    assert events("yclients", YCLIENTS)[0].delivery_key != events("yclients", YCLIENTS)[0].delivery_key


def test_one_bad_item_of_a_hundred_is_dead_and_the_others_go_on() -> None:
    items: list[object] = [HUBSPOT | {"eventId": number} for number in range(100)]
    items[41] = HUBSPOT | {"objectId": None}
    found = events("hubspot", items)
    assert [arrival.state for arrival in found].count("new") == 99
    assert (found[41].state, found[41].reason) == ("dead", "objectId is missing or is no plain word or number")
    assert len({arrival.delivery_key for arrival in found}) == 100


@pytest.mark.parametrize(
    ("vendor", "told"),
    [
        ("hubspot", b""),
        ("hubspot", b"\xff\xfe["),
        ("hubspot", b"[" * 200_000),
        ("hubspot", b"[" + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"]"),
        ("hubspot", [[HUBSPOT]]),
        ("hubspot", [HUBSPOT | {"occurredAt": 10**30}]),
        ("hubspot", [HUBSPOT | {"occurredAt": "soon"}]),
        ("hubspot", [HUBSPOT | {"occurredAt": True}]),
        ("hubspot", [HUBSPOT | {"objectId": "5\u0000"}]),
        ("hubspot", [HUBSPOT | {"objectId": "\ud800"}]),
        ("hubspot", [HUBSPOT | {"objectId": "x" * 5000}]),
        ("hubspot", [HUBSPOT | {"objectId": 5.5}]),
        ("hubspot", [1] * 1001),
        ("typeform", {**TYPEFORM, "form_response": None}),
        ("typeform", "text"),
        ("jira", {**JIRA, "issue": {}}),
        ("trello", {"action": []}),
        ("trello", {}),
    ],
)
def test_what_cannot_be_understood_is_kept_dead_with_its_bytes(vendor: str, told: object) -> None:
    (found,) = events(vendor, told)
    assert found.state == "dead"
    assert found.reason
    assert found.body or told == b""
    assert events(vendor, told)[0].delivery_key == found.delivery_key


def test_numbers_stay_exact() -> None:
    assert events("hubspot", [HUBSPOT | {"objectId": 2**53 + 1}])[0].object_id == str(2**53 + 1)
    assert events("hubspot", [HUBSPOT])[0].occurred_at == AT


@pytest.mark.parametrize(
    ("vendor", "told"),
    [
        ("hubspot", [HUBSPOT | {"subscriptionType": "spaceship.launch"}]),
        ("typeform", {"event_id": "1", "event_type": "form_response_partial"}),
        ("jira", JIRA | {"webhookEvent": "sprint_started"}),
        ("trello", {"action": {"id": "a", "type": "addMemberToBoard"}}),
        ("yclients", {**YCLIENTS, "resource": "goods"}),
    ],
)
def test_a_kind_that_we_do_not_know_is_kept_unhandled(vendor: str, told: object) -> None:
    (found,) = events(vendor, told)
    assert found.state == "unhandled"


def test_hubspots_types_by_number_and_links() -> None:
    by_number = HUBSPOT | {"subscriptionType": "object.propertyChange", "objectTypeId": "0-3"}
    assert events("hubspot", [by_number])[0].event_type == "deal.propertyChange"
    link = {name: value for name, value in HUBSPOT.items() if name != "objectId"}
    link |= {"subscriptionType": "deal.associationChange", "fromObjectId": 512, "toObjectId": 9}
    (one,), (other,) = events("hubspot", [link]), events("hubspot", [link | {"toObjectId": 10}])
    assert one.object_id == "512"
    assert one.delivery_key != other.delivery_key


def test_whose_an_event_is() -> None:
    branches = {"1": "salon-01"}
    assert events("yclients", YCLIENTS, partners=branches)[0].partner == "salon-01"
    assert events("yclients", YCLIENTS | {"company_id": 9}, partners=branches)[0].state == "dead"
    assert events("typeform", TYPEFORM, partner="salon-07")[0].partner == "salon-07"
    assert events("hubspot", [HUBSPOT], account="62515")[0].state == "new"
    assert events("hubspot", [HUBSPOT], account="1")[0].state == "dead"


def test_the_types_that_are_worked_on_are_named() -> None:
    assert events("standard", STANDARD, handled=frozenset(["invoice.paid"]))[0].state == "new"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
_VENDORS = st.sampled_from(["hubspot", "typeform", "jira", "trello", "yclients", "standard"])


@limits(max_examples=300)
@given(_VENDORS, JSON, st.binary(max_size=50))
def test_no_body_makes_it_stumble(vendor: str, told: object, raw: bytes) -> None:
    for body in (json.dumps(told).encode(), raw):
        found = events(vendor, body)
        assert found or told == []
        for arrival in found:
            assert arrival.state != "new"
            arrival.delivery_key.encode()


@limits(max_examples=200)
@given(st.data())
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    vendor, told = data.draw(
        st.sampled_from([("hubspot", HUBSPOT), ("typeform", TYPEFORM), ("jira", JIRA), ("trello", TRELLO["action"])])
    )
    field = data.draw(st.sampled_from(sorted(told)))
    changed = {**told, field: data.draw(JSON)}  # type: ignore[dict-item]
    (found,) = events(vendor, {"action": changed} if vendor == "trello" else changed)
    assert found.state in ("new", "unhandled", "dead")
    assert "\x00" not in "".join(str(part) for part in (found.delivery_key, found.event_type, found.object_id))
