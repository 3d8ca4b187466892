"""Records that are one thing under several ids: merged by the CRM, or booked in two systems."""

from __future__ import annotations

from typing import Any

import pytest
from landed import context, land, read, row

from rebuttal import quality
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import recount
from rebuttal.warehouse.same_records import BookingRule, match_bookings

CONTACTS, SALONS, FORMS = "hubspot.contacts", "bookings.bookings", "forms.bookings"


def admit(settings: Settings, stream: str, *rows: Any) -> None:
    """Land the rows as one batch and admit it; the row accounting stays exact."""
    land(settings, stream, rows)
    assert quality.run(context(settings)).problems == []
    with open_warehouse(settings) as engine:
        assert recount(engine) == []


def merged(settings: Settings) -> list[tuple[str, str, str]]:
    """Record, survivor, via."""
    found = read(settings, "select record_id, survivor_id, via from ops.merged_record order by record_id")
    return [tuple(one.values()) for one in found]  # type: ignore[misc]


def same(settings: Settings) -> list[tuple[str, ...]]:
    """Booking, survivor (system and id), how they were matched."""
    query = (
        "select source, booking_id, survivor_source, survivor_booking_id, matched_by from ops.same_booking"
        " order by source, booking_id"
    )
    return [tuple(one.values()) for one in read(settings, query)]


def test_a_chain_of_merges_ends_at_the_living_contact_and_is_undone_with_it(any_settings: Settings) -> None:
    admit(
        any_settings,
        CONTACTS,
        row(CONTACTS, contact_id="a"),
        row(CONTACTS, contact_id="b", merged_ids="a"),
        row(CONTACTS, contact_id="c", merged_ids="a;b"),
        row(CONTACTS, contact_id="d", merged_ids="c"),
    )
    assert merged(any_settings) == [("a", "d", "b,c"), ("b", "d", "c"), ("c", "d", "d")]
    assert read(any_settings, "select count(*) as rows from core.contact") == [{"rows": 4}]
    assert read(any_settings, "select * from ops.duplicate") == []
    later = "2026-11-05T09:00:00Z"
    admit(any_settings, CONTACTS, row(CONTACTS, contact_id="d", updated_at=later))
    assert merged(any_settings) == [("a", "c", "b,c"), ("b", "c", "c")]


def test_a_circle_of_merges_ends_and_resolves_nothing(any_settings: Settings) -> None:
    admit(
        any_settings,
        CONTACTS,
        row(CONTACTS, contact_id="a", merged_ids="b"),
        row(CONTACTS, contact_id="b", merged_ids="a"),
        row(CONTACTS, contact_id="c", merged_ids="b;c;free"),
        row(CONTACTS, contact_id="d", merged_ids='["e"]'),
    )
    # c has swallowed one of the circle: what the circle's two are nobody knows, the others are clear.
    assert merged(any_settings) == [("e", "d", "d"), ("free", "c", "c")]
    audit = "select failed_count from ops.audit_result where check_name = 'contact_merges_resolve'"
    assert read(any_settings, audit) == [{"failed_count": 2}]


BASE = {"booking_id": "f1", "created_at": "2026-10-01T09:00:00Z"}  # earlier than the salon's: the system counts first


@pytest.mark.parametrize(
    ("changed", "matched"),
    [
        ({}, "phone"),
        ({"starts_at": "2026-11-20T12:15:00Z"}, "phone"),
        ({"service": " balayage "}, "phone"),
        ({"specialist": None}, "phone"),
        ({"phone_hash": None, "email_hash": "ee"}, "email"),
        ({"starts_at": "2026-11-20T12:15:01Z"}, None),
        ({"service": "Manicure"}, None),
        ({"specialist": "Iryna"}, None),
        ({"partner_id": "salon-08"}, None),
        ({"phone_hash": "other"}, None),
        ({"phone_kind": "shared"}, None),  # the salon's desk phone is nobody's
        ({"archived": "true"}, None),
    ],
)
def test_when_two_bookings_are_one(settings: Settings, changed: dict[str, str | None], matched: str | None) -> None:
    land(settings, FORMS, [row(FORMS, **{"email_hash": "zz", "email_kind": "personal"} | BASE | changed)])
    admit(settings, SALONS, row(SALONS, email_hash="ee", email_kind="personal"))
    assert same(settings) == ([("forms", "f1", "bookings", "b1", matched)] if matched else [])


def test_the_same_booking_survives_once_and_near_misses_do_not_chain(any_settings: Settings) -> None:
    minutes = {"b1": "12:00", "f1": "12:10", "f2": "12:05"}
    admit(
        any_settings,
        FORMS,
        *(row(FORMS, booking_id=name, starts_at=f"2026-11-20T{minutes[name]}:00Z") for name in ("f1", "f2")),
    )
    assert same(any_settings) == []  # inside one system nothing is matched
    admit(any_settings, SALONS, row(SALONS), row(SALONS, booking_id="b2", starts_at="2026-11-20T12:24:00Z"))
    assert same(any_settings) == [
        ("forms", "f1", "bookings", "b1", "phone"),
        ("forms", "f2", "bookings", "b1", "phone"),
    ]
    once = "select source, booking_id from core.booking_once order by source, booking_id"
    assert [tuple(one.values()) for one in read(any_settings, once)] == [("bookings", "b1"), ("bookings", "b2")]
    assert read(any_settings, "select count(*) as rows from core.booking") == [{"rows": 4}]
    # Another order of trust: the other system survives, and nothing of the earlier answer stays.
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        assert match_bookings(connection, BookingRule(("forms",), 15))
        assert not match_bookings(connection, BookingRule(("forms",), 15))
    assert [found[:4] for found in same(any_settings)] == [
        ("bookings", "b1", "forms", "f1"),
        ("bookings", "b2", "forms", "f1"),
    ]
    # The salon cancels: the form's booking stands for itself again.
    later = "2026-11-06T09:00:00Z"
    admit(
        any_settings,
        SALONS,
        *(row(SALONS, booking_id=name, archived="true", updated_at=later) for name in ("b1", "b2")),
    )
    assert same(any_settings) == []


def test_a_booking_never_survives_through_one_that_does_not_survive_itself(any_settings: Settings) -> None:
    """12:00, 12:10 and 12:20 in three systems: the middle one is the last one's, the first stays."""
    land(any_settings, FORMS, [row(FORMS, booking_id="first", starts_at="2026-11-20T12:00:00Z")])
    land(any_settings, SALONS, [row(SALONS, booking_id="mid", starts_at="2026-11-20T12:10:00Z")], account="salons-2")
    admit(any_settings, SALONS, row(SALONS, booking_id="last", starts_at="2026-11-20T12:20:00Z"))
    assert same(any_settings) == [("bookings", "mid", "bookings", "last", "phone")]
