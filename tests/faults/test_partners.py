"""Customers of several partners (71): whoever books at two of them is two people, from landing to who is who."""

from __future__ import annotations

from dataclasses import dataclass

from landed import context, land, read, row
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault

from rebuttal import quality
from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.people import update_people
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

pytestmark = SECOND_ENGINE
BOOKINGS, FORMS, CONTACTS = "bookings.bookings", "forms.bookings", "hubspot.contacts"
APART, TOGETHER = "two persons", "one person"


@dataclass(frozen=True)
class Told:
    """A record about a customer: a booking of `partner`, or a contact of the company's own CRM (no partner)."""

    stream: str
    partner: str | None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Pair:
    """Two records, and whether they may be of one person."""

    injected: str
    one: Told
    other: Told
    outcome: str


SEVEN, EIGHT = "salon-07", "salon-08"
PAIRS = (
    Pair("one e-mail at two partners", Told(BOOKINGS, SEVEN, "e1"), Told(BOOKINGS, EIGHT, "e1"), APART),
    Pair("one phone at two partners", Told(BOOKINGS, SEVEN, None, "p2"), Told(BOOKINGS, EIGHT, None, "p2"), APART),
    Pair(
        "one e-mail and phone at two partners, in two systems",
        Told(BOOKINGS, SEVEN, "e3", "p3"),
        Told(FORMS, EIGHT, "e3", "p3"),
        APART,
    ),
    Pair(
        "a partner's customer in the company's own CRM", Told(BOOKINGS, SEVEN, "e4"), Told(CONTACTS, None, "e4"), APART
    ),
    Pair("partners' ids that differ in case only", Told(BOOKINGS, SEVEN, "e5"), Told(FORMS, "Salon-07", "e5"), APART),
    # Without these nothing above would say anything: within one partner the same evidence does join.
    Pair("one e-mail at one partner, in two systems", Told(BOOKINGS, SEVEN, "e6"), Told(FORMS, SEVEN, "e6"), TOGETHER),
    Pair("one e-mail twice in the company's own CRM", Told(CONTACTS, None, "e7"), Told(CONTACTS, None, "e7"), TOGETHER),
)


def told(record: Told, name: str) -> dict[str, str | None]:
    """The landed row of a record, under the id `name`. Hours apart, for many records of one hour are a machine's."""
    given = {
        "created_at": f"2026-11-0{1 + int(name[0])}T{10 + int(name[2])}:00:00Z",
        "email_hash": record.email,
        "email_kind": record.email and "personal",
        "phone_hash": record.phone,
        "phone_kind": record.phone and "personal",
    }
    if record.partner is None:
        return row(record.stream, contact_id=name, company_id=None, **given)
    return row(record.stream, booking_id=name, partner_id=record.partner, **given)


def land_all(settings: Settings, records: dict[str, Told], **changed: str) -> None:
    for stream in (BOOKINGS, FORMS, CONTACTS):
        rows = [told(record, name) | changed for name, record in records.items() if record.stream == stream]
        if rows:
            land(settings, stream, rows)


def resolved(settings: Settings) -> dict[str, str]:
    """Booking or contact -> person, after admission and identity. No person is of two partners."""
    quality.run(context(settings))
    with open_warehouse(settings) as engine:
        update_people(engine, IdentityGuards())
    found = read(
        settings,
        "select who.identifier, who.person_id, coalesce(booking.partner_id, '') as partner_id"
        " from core.person_identifier as who left join core.booking as booking on booking.booking_id = who.identifier"
        " and booking.source = who.source and who.identifier_kind = 'booking_id'"
        " where who.identifier_kind in ('booking_id', 'contact_id')",
    )
    partners: dict[str, set[str]] = {}
    for one in found:
        partners.setdefault(one["person_id"], set()).add(one["partner_id"])
    assert [person for person, names in partners.items() if len(names) > 1] == []
    return {one["identifier"]: one["person_id"] for one in found}


def test_nobody_is_joined_across_partners(any_settings: Settings) -> None:
    records = {
        f"{number}-{side}": record
        for number, pair in enumerate(PAIRS)
        for side, record in enumerate((pair.one, pair.other))
    }
    land_all(any_settings, records)
    people = resolved(any_settings)
    assert people.keys() == records.keys()
    found = {
        pair.injected: APART if people[f"{number}-0"] != people[f"{number}-1"] else TOGETHER
        for number, pair in enumerate(PAIRS)
    }
    assert found == {pair.injected: pair.outcome for pair in PAIRS}


for pair in PAIRS:
    fault(71, pair.injected, "gate", pair.outcome)(test_nobody_is_joined_across_partners)


@fault(71, "the CRM's contact stands between two partners' customers", "gate", "three persons")
def test_a_contact_joins_no_partners(any_settings: Settings) -> None:
    records = {"0-0": Told(BOOKINGS, SEVEN, "e", "p"), "0-1": Told(FORMS, EIGHT, "e", "p")}
    land_all(any_settings, records | {"0-2": Told(CONTACTS, None, "e", "p")})
    assert len(set(resolved(any_settings).values())) == 3


@fault(71, "a booking moves to another partner", "gate", "the person is two again")
def test_a_booking_that_moves_leaves_its_person(any_settings: Settings) -> None:
    stays, moves = Told(BOOKINGS, SEVEN, "e", "p"), Told(BOOKINGS, SEVEN, "e", "p")
    land_all(any_settings, {"0-0": stays, "0-1": moves})
    before = resolved(any_settings)
    assert len(set(before.values())) == 1
    land_all(any_settings, {"0-1": Told(BOOKINGS, EIGHT, "e", "p")}, updated_at="2026-11-05T09:00:00Z")
    after = resolved(any_settings)
    assert len(set(after.values())) == 2
    assert after["0-0"] == before["0-0"]
