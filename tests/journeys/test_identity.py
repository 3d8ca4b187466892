"""Who is glued to whom, and what must never glue anybody."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identifiers import Evidence
from rebuttal.journeys.identity import Resolution, resolve
from rebuttal.journeys.people import assign_person_ids

GUARDS = IdentityGuards(
    max_contacts_per_email=5, max_contacts_per_phone=2, max_contacts_per_device=2, max_contacts_per_click=2
)
CONTACT = {
    "source": "hubspot", "account_id": "a", "created_at": "2026-01-05", "email_hash": None, "email_kind": "personal",
    "phone_hash": None, "phone_kind": "personal", "client_id": None, "gclid": None, "yclid": None, "segment": None,
    "language": None, "merged_ids": None,
}  # fmt: skip


ANSWER = ("email_hash", "email_kind", "client_id", "source", "account_id", "contact_id")


def evidence(
    contacts: list[dict[str, Any]],
    devices: list[dict[str, Any]] | None = None,
    clicks: list[dict[str, Any]] | None = None,
    answers: list[dict[str, Any]] | None = None,
) -> Evidence:
    """Evidence from partial rows; a device named by a click is known."""
    clicks = clicks or []
    devices = devices or [{"client_id": click["client_id"], "first_seen_at": "2026-01-01"} for click in clicks]
    return Evidence(
        contacts=_frame([CONTACT | row for row in contacts], [*CONTACT, "contact_id"]),
        devices=_frame(devices, ["client_id", "first_seen_at"]).drop_duplicates("client_id"),
        clicks=_frame(clicks, ["kind", "click_id", "client_id", "first_seen_at"]),
        answers=_frame(answers or [], [*ANSWER, "submitted_at"]),
        deal_contacts=_frame([], ["source", "account_id", "contact_id", "first_seen_at"]),
    )


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns, dtype="str")
    for column in columns:
        if column.endswith("_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
    return frame


def groups(resolution: Resolution, kind: str = "contact_id") -> set[frozenset[str]]:
    """Identifiers of one kind that are the same person."""
    rows = resolution.members[resolution.members["identifier_kind"] == kind]
    return {frozenset(group) for _, group in rows.groupby("component")["identifier"]}


def refusals(resolution: Resolution) -> set[tuple[str, str, str, int]]:
    return set(resolution.refusals.itertuples(index=False, name=None))


def pairs(*names: str) -> set[frozenset[str]]:
    """`"12", "3"` -> the sets {1, 2} and {3}."""
    return {frozenset(name) for name in names}


def test_the_same_personal_address_is_the_same_person() -> None:
    found = resolve(
        evidence([{"contact_id": "1", "email_hash": "e"}, {"contact_id": "2", "email_hash": "e"}, {"contact_id": "3"}]),
        GUARDS,
    )
    assert groups(found) == pairs("12", "3")
    assert refusals(found) == set()


@pytest.mark.parametrize("kind", ["role", "test", "invalid", "shared", None])
def test_an_address_that_is_not_personal_glues_nobody(kind: str | None) -> None:
    rows = [{"contact_id": number, "email_hash": "desk", "email_kind": kind} for number in "12"]
    found = resolve(evidence(rows), GUARDS)
    assert groups(found) == pairs("1", "2")
    assert refusals(found) == {("email_hash", "desk", kind or "unknown", 2)}
    assert groups(found, "email_hash") == set(), "a desk is nobody"


def test_one_role_holder_makes_the_address_a_desk_for_all() -> None:
    rows = [{"contact_id": "1", "email_hash": "e", "email_kind": "role"}, {"contact_id": "2", "email_hash": "e"}]
    assert groups(resolve(evidence(rows), GUARDS)) == pairs("1", "2")


def test_a_salon_desk_phone_does_not_glue_its_people() -> None:
    rows = [{"contact_id": number, "phone_hash": "desk"} for number in "123"]
    found = resolve(evidence(rows), GUARDS)
    assert groups(found) == pairs("1", "2", "3")
    assert refusals(found) == {("phone_hash", "desk", "too_many_contacts", 3)}


def test_duplicates_of_one_person_count_once_at_the_phone() -> None:
    rows = [{"contact_id": number, "phone_hash": "p", "email_hash": "e"} for number in "123"]
    assert groups(resolve(evidence(rows), GUARDS)) == pairs("123")


def test_a_phone_glues_a_contact_that_left_no_address() -> None:
    rows = [{"contact_id": "1", "phone_hash": "p", "email_hash": "e"}, {"contact_id": "2", "phone_hash": "p"}]
    assert groups(resolve(evidence(rows), GUARDS)) == pairs("12")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"email_hash": "e"}, {"email_hash": "f"}, "contradiction"),
        ({"segment": "salon_owner"}, {"segment": "freelance_master"}, "contradiction"),
        ({"language": "uk"}, {"language": "ru"}, "contradiction"),
        ({"email_hash": "e"}, {"email_hash": "info", "email_kind": "role"}, "desk_phone"),
    ],
)
def test_a_phone_of_people_who_contradict_each_other_is_shared(
    first: dict[str, str], second: dict[str, str], reason: str
) -> None:
    rows = [{"contact_id": "1", "phone_hash": "p"} | first, {"contact_id": "2", "phone_hash": "p"} | second]
    found = resolve(evidence(rows), GUARDS)
    assert groups(found) == pairs("1", "2")
    assert ("phone_hash", "p", reason, 2) in refusals(found)


def test_a_shared_device_stays_nobody_we_know() -> None:
    rows = [{"contact_id": number, "client_id": "tablet", "email_hash": number} for number in "123"]
    found = resolve(evidence(rows), GUARDS)
    assert groups(found) == pairs("1", "2", "3")
    assert refusals(found) == {("client_id", "tablet", "shared_device", 3)}
    assert groups(found, "client_id") == {frozenset({"tablet"})}


def test_one_device_joins_two_records_that_do_not_contradict() -> None:
    rows = [{"contact_id": "1", "client_id": "d", "email_hash": "e"}, {"contact_id": "2", "client_id": "d"}]
    assert groups(resolve(evidence(rows), GUARDS)) == pairs("12")


def test_a_click_leads_to_the_device_that_carried_it_first() -> None:
    clicks = [
        {"kind": "gclid", "click_id": "G", "client_id": "own", "first_seen_at": "2026-01-02"},
        {"kind": "gclid", "click_id": "G", "client_id": "friend", "first_seen_at": "2026-01-03"},
    ]
    found = resolve(evidence([{"contact_id": "1", "gclid": "G"}], clicks=clicks), GUARDS)
    one = found.members.set_index("identifier")["component"]
    assert one["1"] == one["own"] == one["G"]
    assert one["friend"] != one["own"]
    assert refusals(found) == {("gclid", "G", "copied_click", 2)}


def test_case_of_a_click_id_matters() -> None:
    clicks = [{"kind": "gclid", "click_id": "gAbC", "client_id": "d", "first_seen_at": "2026-01-02"}]
    found = resolve(evidence([{"contact_id": "1", "gclid": "GABC"}], clicks=clicks), GUARDS)
    one = found.members.set_index("identifier")["component"]
    assert one["1"] != one["d"]


def test_a_click_cannot_go_round_the_device_guard() -> None:
    clicks = [{"kind": "yclid", "click_id": "Y", "client_id": "tablet", "first_seen_at": "2026-01-02"}]
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "yclid": "Y", "email_hash": "e1", "phone_hash": "p1"},
        {"contact_id": "2", "client_id": "tablet", "email_hash": "e2", "phone_hash": "p2"},
    ]
    found = resolve(evidence(rows, clicks=clicks), GUARDS)
    assert groups(found) == pairs("1", "2")
    assert refusals(found) == {("client_id", "tablet", "contradiction", 2)}


def test_a_survey_ties_its_device_to_the_address() -> None:
    answers = [
        {"email_hash": "e", "email_kind": "personal", "client_id": "phone", "submitted_at": "2026-01-09"},
        {"email_hash": "desk", "email_kind": "role", "client_id": "pc", "submitted_at": "2026-01-09"},
    ]
    found = resolve(evidence([{"contact_id": "1", "email_hash": "e"}], answers=answers), GUARDS)
    one = found.members.set_index("identifier")["component"]
    assert one["1"] == one["phone"]
    assert one["pc"] != one["phone"]


def test_a_survey_about_a_deal_ties_its_device_to_the_contact() -> None:
    named = {"source": "hubspot", "account_id": "a", "contact_id": "1"}
    answers = [{"client_id": "phone", "submitted_at": "2026-01-09"} | named]
    found = resolve(evidence([{"contact_id": "1"}, {"contact_id": "2"}], answers=answers), GUARDS)
    one = found.members.set_index("identifier")["component"]
    assert one["1"] == one["phone"]
    assert one["2"] != one["phone"]


@pytest.mark.parametrize("notation", ["2;3", '["2", "3"]', "2,3"])
def test_merges_are_followed_through_chains(notation: str) -> None:
    rows = [
        {"contact_id": "1", "merged_ids": notation},
        {"contact_id": "3", "merged_ids": "4"},
        {"contact_id": "5"},
    ]
    assert groups(resolve(evidence(rows), GUARDS)) == pairs("1234", "5")


def test_a_circle_of_merges_is_refused_whole() -> None:
    rows = [
        {"contact_id": "1", "merged_ids": "2"},
        {"contact_id": "2", "merged_ids": "3"},
        {"contact_id": "3", "merged_ids": "1"},
        {"contact_id": "4", "merged_ids": "5"},
        {"contact_id": "6", "merged_ids": "6"},
    ]
    found = resolve(evidence(rows), GUARDS)
    assert groups(found) == pairs("1", "2", "3", "45", "6")
    assert refusals(found) == {("contact_id", number, "merge_circle", 3) for number in "123"}


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [
        {"contact_id": "1", "email_hash": "e", "created_at": "2026-01-03"},
        {"contact_id": "2", "email_hash": "e", "phone_hash": "p"},
        {"contact_id": "3", "phone_hash": "p", "client_id": "d"},
        {"contact_id": "4", "phone_hash": "desk", "email_hash": "x"},
        {"contact_id": "5", "phone_hash": "desk", "email_hash": "y"},
    ]
    empty = pd.DataFrame()
    one = assign_person_ids(resolve(evidence(rows), GUARDS), empty).sort_values("identifier", ignore_index=True)
    other = assign_person_ids(resolve(evidence(rows[::-1]), GUARDS), empty).sort_values("identifier", ignore_index=True)
    assert len(one) == 10, "the desk phone is nobody"
    pd.testing.assert_frame_equal(one, other)


def ids(people: pd.DataFrame) -> dict[str, str]:
    return dict(zip(people["identifier"], people["person_id"], strict=True))


def test_when_two_become_one_the_older_id_stays() -> None:
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "created_at": "2026-01-02", "email_hash": "e"},
        {"contact_id": "2", "created_at": "2026-01-01", "email_hash": "f"},
    ]
    before = assign_person_ids(resolve(evidence(rows), GUARDS), pd.DataFrame())
    assert ids(before)["1"] != ids(before)["2"]
    rows[0]["merged_ids"] = "2"
    after = assign_person_ids(resolve(evidence(rows), GUARDS), before)
    assert set(ids(after).values()) == {ids(before)["2"]}


def test_an_id_survives_an_earlier_identifier_that_arrives_late() -> None:
    rows = [{"contact_id": "1", "client_id": "d"}]
    before = assign_person_ids(resolve(evidence(rows), GUARDS), pd.DataFrame())
    late = evidence(rows, devices=[{"client_id": "d", "first_seen_at": "2020-01-01"}])
    after = assign_person_ids(resolve(late, GUARDS), before)
    assert ids(after) == ids(before)


def test_when_one_falls_apart_the_id_stays_with_its_beginning() -> None:
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "created_at": "2026-01-02", "phone_hash": "p"},
        {"contact_id": "2", "created_at": "2026-01-01", "phone_hash": "p"},
    ]
    before = assign_person_ids(resolve(evidence(rows), GUARDS), pd.DataFrame())
    assert len(set(ids(before).values())) == 1
    rows[0]["segment"], rows[1]["segment"] = "salon_owner", "salon_client"
    after = assign_person_ids(resolve(evidence(rows), GUARDS), before)
    assert ids(after)["2"] == ids(before)["2"]
    assert ids(after)["1"] not in set(ids(before).values())
