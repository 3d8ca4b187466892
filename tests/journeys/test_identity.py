"""Who is glued to whom, and what must never glue anybody."""

from __future__ import annotations

import pytest
from tests.journeys.people_warehouse import GUARDS, KEPT, MEMORY, People, answer, visit


def pairs(*names: str) -> set[frozenset[str]]:
    """`"12", "3"` -> the sets {1, 2} and {3}."""
    return {frozenset(name) for name in names}


def test_the_same_personal_address_is_the_same_person(people: People) -> None:
    people.resolve(
        contact=[{"contact_id": "1", "email_hash": "e"}, {"contact_id": "2", "email_hash": "e"}, {"contact_id": "3"}]
    )
    assert people.groups() == pairs("12", "3")
    assert people.refusals() == set()


@pytest.mark.parametrize("kind", ["role", "test", "invalid", "shared", None])
def test_an_address_that_is_not_personal_glues_nobody(people: People, kind: str | None) -> None:
    people.resolve(contact=[{"contact_id": number, "email_hash": "desk", "email_kind": kind} for number in "12"])
    assert people.groups() == pairs("1", "2")
    assert people.refusals() == {("email_hash", "desk", kind or "unknown", 2)}
    assert people.groups("email_hash") == set(), "a desk is nobody"


def test_one_role_holder_makes_the_address_a_desk_for_all(people: People) -> None:
    rows = [{"contact_id": "1", "email_hash": "e", "email_kind": "role"}, {"contact_id": "2", "email_hash": "e"}]
    people.resolve(contact=rows)
    assert people.groups() == pairs("1", "2")


def test_a_salon_desk_phone_does_not_glue_its_people(people: People) -> None:
    people.resolve(contact=[{"contact_id": number, "phone_hash": "desk"} for number in "123"])
    assert people.groups() == pairs("1", "2", "3")
    assert people.refusals() == {("phone_hash", "desk", "too_many_contacts", 3)}
    assert people.groups("phone_hash") == set()


def test_duplicates_of_one_person_count_once_at_the_phone(people: People) -> None:
    people.resolve(contact=[{"contact_id": number, "phone_hash": "p", "email_hash": "e"} for number in "123"])
    assert people.groups() == pairs("123")


def test_a_phone_glues_a_contact_that_left_no_address(people: People) -> None:
    people.resolve(
        contact=[{"contact_id": "1", "phone_hash": "p", "email_hash": "e"}, {"contact_id": "2", "phone_hash": "p"}]
    )
    assert people.groups() == pairs("12")


LATER = {"created_at": "2026-01-09 00:00"}
COMPANY = {"company_id": "salon", "owner_id": "rep"}


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"email_hash": "e"}, {"email_hash": "f"}, "contradiction"),
        ({"segment": "salon_owner"}, {"segment": "freelance_master"}, "contradiction"),
        ({"language": "uk"}, {"language": "ru"}, "contradiction"),
        ({"email_hash": "e"}, {"email_hash": "info", "email_kind": "role"}, "desk_phone"),
        (COMPANY, COMPANY | LATER | {"original_source": "ORGANIC_SEARCH"}, "company_phone"),
        (COMPANY, COMPANY | LATER | {"owner_id": "another"}, "company_phone"),
        (COMPANY, COMPANY | {"created_at": "2026-03-05 00:00"}, "company_phone"),
    ],
)
def test_a_phone_of_people_who_are_not_one_is_shared(
    people: People, first: dict[str, str], second: dict[str, str], reason: str
) -> None:
    people.resolve(
        contact=[{"contact_id": "1", "phone_hash": "p"} | first, {"contact_id": "2", "phone_hash": "p"} | second]
    )
    assert people.groups() == pairs("1", "2")
    assert ("phone_hash", "p", reason, 2) in people.refusals()


@pytest.mark.parametrize("second", [COMPANY | LATER, COMPANY | LATER | {"original_source": "OFFLINE"}])
def test_a_company_phone_joins_what_a_rep_filed_twice(people: People, second: dict[str, str]) -> None:
    first = COMPANY | {"contact_id": "1", "phone_hash": "p", "original_source": "PAID_SEARCH"}
    people.resolve(contact=[first, {"contact_id": "2", "phone_hash": "p"} | second])
    assert people.groups() == pairs("12")


def test_a_private_phone_joins_however_late(people: People) -> None:
    late = {"contact_id": "2", "phone_hash": "p", "created_at": "2026-12-05 00:00", "original_source": "PAID_SEARCH"}
    people.resolve(contact=[{"contact_id": "1", "phone_hash": "p", "owner_id": "rep"}, late | {"owner_id": "new"}])
    assert people.groups() == pairs("12")


def test_a_burst_on_one_identifier_is_a_machine(people: People) -> None:
    same = {"email_hash": "e", "client_id": "bot"}
    rows = [{"contact_id": str(n), "created_at": f"2026-01-05 10:{n:02}"} | same for n in range(9)]
    people.resolve(contact=rows)
    assert len(people.groups()) == 9
    assert people.refusals() == {("email_hash", "e", "burst", 9), ("client_id", "bot", "burst", 9)}
    assert people.groups("client_id") == {frozenset({"bot"})}, "a shared device is somebody, though nobody we know"


def test_as_many_over_many_hours_are_one_person(people: People) -> None:
    rows = [{"contact_id": str(n), "email_hash": "e", "created_at": f"2026-01-05 {n:02}:10"} for n in range(9)]
    people.resolve(GUARDS.model_copy(update={"max_contacts_per_email": 9}), contact=rows)
    assert len(people.groups()) == 1


def test_what_too_many_records_carry_glues_nobody(people: People) -> None:
    rows = [{"contact_id": str(n), "email_hash": "e", "created_at": f"2026-01-05 {n:02}:10"} for n in range(13)]
    people.resolve(contact=rows)
    assert people.refusals() == {("email_hash", "e", "too_many_records", 13)}
    assert len(people.groups()) == 13


def test_a_shared_device_stays_nobody_we_know(people: People) -> None:
    people.resolve(contact=[{"contact_id": number, "client_id": "tablet", "email_hash": number} for number in "123"])
    assert people.groups() == pairs("1", "2", "3")
    assert people.refusals() == {("client_id", "tablet", "shared_device", 3)}
    assert people.groups("client_id") == {frozenset({"tablet"})}


def test_one_device_joins_two_records_that_do_not_contradict(people: People) -> None:
    people.resolve(
        contact=[{"contact_id": "1", "client_id": "d", "email_hash": "e"}, {"contact_id": "2", "client_id": "d"}]
    )
    assert people.groups() == pairs("12")


def test_a_click_leads_to_the_device_that_carried_it_first(people: People) -> None:
    visits = [visit("own", "2026-01-02 10:00", gclid="G"), visit("friend", "2026-01-03 10:00", gclid="G")]
    people.resolve(contact=[{"contact_id": "1", "gclid": "G"}], visit=visits)
    assert people.of()["1"] == people.of("client_id")["own"] == people.of("gclid")["G"]
    assert people.of("client_id")["friend"] != people.of()["1"]
    assert people.refusals() == {("gclid", "G", "copied_click", 2)}


def test_of_devices_that_carried_a_click_at_the_same_instant_the_first_by_name_counts(people_of_any: People) -> None:
    people, clicks = people_of_any, "12345678"
    visits = [visit(name + click, "2026-01-02 10:00", gclid=click) for name in "ba" for click in clicks]
    people.resolve(contact=[{"contact_id": click, "gclid": click} for click in clicks], visit=visits)
    who, device = people.of(), people.of("client_id")
    assert {click: device["a" + click] for click in clicks} == who
    assert not set(who.values()) & {device["b" + click] for click in clicks}


def test_case_of_a_click_id_matters(people: People) -> None:
    people.resolve(contact=[{"contact_id": "1", "gclid": "GABC"}], visit=[visit("d", "2026-01-02 10:00", gclid="gAbC")])
    assert people.of()["1"] != people.of("client_id")["d"]


def test_a_click_cannot_go_round_the_device_guard(people: People) -> None:
    rows = [
        {"contact_id": "1", "yclid": "Y", "email_hash": "e1", "phone_hash": "p1"},
        {"contact_id": "2", "client_id": "tablet", "email_hash": "e2", "phone_hash": "p2"},
    ]
    people.resolve(contact=rows, visit=[visit("tablet", "2026-01-02 10:00", yclid="Y")])
    assert people.groups() == pairs("1", "2")
    assert people.refusals() == {("client_id", "tablet", "contradiction", 2)}


def test_a_survey_ties_its_device_to_the_address(people: People) -> None:
    answers = [
        answer("1", email_hash="e", email_kind="personal", client_id="phone"),
        answer("2", email_hash="desk", email_kind="role", client_id="pc"),
    ]
    people.resolve(contact=[{"contact_id": "1", "email_hash": "e"}], survey_response=answers)
    assert people.of()["1"] == people.of("client_id")["phone"]
    assert people.of("client_id")["pc"] != people.of()["1"]


def test_a_survey_about_a_deal_ties_its_device_to_the_contact(people: People) -> None:
    people.resolve(
        contact=[{"contact_id": "1"}, {"contact_id": "2"}],
        deal=[{"deal_id": "d", "contact_id": "1", "created_at": "2026-01-06 10:00"}],
        survey_response=[answer("1", client_id="phone", deal_id="d")],
    )
    assert people.of()["1"] == people.of("client_id")["phone"]
    assert people.of()["2"] != people.of()["1"]


def test_a_contact_that_only_a_deal_names_is_somebody(people: People) -> None:
    people.resolve(deal=[{"deal_id": "d", "contact_id": "gone", "created_at": "2026-01-06 10:00"}])
    assert people.groups() == {frozenset({"gone"})}


@pytest.mark.parametrize("notation", ["2;3", '["2", "3"]', "2,3"])
def test_merges_are_followed_through_chains(people: People, notation: str) -> None:
    rows = [{"contact_id": "1", "merged_ids": notation}, {"contact_id": "3", "merged_ids": "4"}, {"contact_id": "5"}]
    people.resolve(contact=rows)
    assert people.groups() == pairs("1234", "5")


def test_a_circle_of_merges_is_refused_whole(people: People) -> None:
    merged = {"1": "2", "2": "3", "3": "1", "4": "5", "6": "6"}
    people.resolve(contact=[{"contact_id": one, "merged_ids": other} for one, other in merged.items()])
    assert people.groups() == pairs("1", "2", "3", "45", "6")
    assert people.refusals() == {("contact_id", number, "merge_circle", 3) for number in "123"}


def test_a_partners_customers_are_never_joined_with_anothers(people: People) -> None:
    same = {"email_hash": "e", "phone_hash": "p"}
    bookings = [
        {"source": "bookings", "booking_id": str(n), "partner_id": partner} | same
        for n, partner in enumerate(["salon", "salon", "barber", None])
    ]
    people.resolve(contact=[{"contact_id": "1"} | same], booking=bookings)
    assert people.groups("booking_id") == {frozenset("01"), frozenset("2"), frozenset("3")}
    assert people.of("booking_id")["3"] == people.of()["1"], "a booking of no partner is the company's own"
    scoped = "SELECT identifier, account_id FROM core.person_identifier WHERE identifier_kind = 'partner_phone_hash'"
    assert people.rows(scoped) == [("p", "barber"), ("p", "salon")]
    assert people.of("email_hash").keys() == {"e"}, "the plain kinds hold what is the company's own, once"


def test_a_partners_desk_phone_glues_no_customers(people: People) -> None:
    bookings = [
        {"source": "bookings", "booking_id": n, "partner_id": "salon", "phone_hash": "desk", "email_hash": n}
        for n in "12"
    ]
    people.resolve(booking=bookings)
    assert people.groups("booking_id") == pairs("1", "2")
    assert people.refusals() == {("partner_phone_hash", "desk", "contradiction", 2)}


def test_the_order_of_rows_does_not_matter(people: People) -> None:
    rows = [
        {"contact_id": "1", "email_hash": "e", "created_at": "2026-01-03 00:00"},
        {"contact_id": "2", "email_hash": "e", "phone_hash": "p"},
        {"contact_id": "3", "phone_hash": "p", "client_id": "d"},
        {"contact_id": "4", "phone_hash": "desk", "email_hash": "x"},
        {"contact_id": "5", "phone_hash": "desk", "email_hash": "y"},
    ]
    people.resolve(contact=rows)
    one = people.everybody()
    assert len(one) == 10, "the desk phone is nobody"
    people.forget(*KEPT, *MEMORY)
    people.resolve(contact=rows[::-1])
    assert people.everybody() == one
