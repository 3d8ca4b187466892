"""Ids that stay, and updates that touch only what changed: the same rows as resolving everything."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text
from tests.journeys.people_warehouse import GUARDS, KEPT, MEMORY, People, answer, visit

from rebuttal.errors import StoreError
from rebuttal.journeys.people import update_people
from rebuttal.warehouse import person_identifier


def test_when_two_become_one_the_older_id_stays(people: People) -> None:
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "created_at": "2026-01-02 00:00", "email_hash": "e"},
        {"contact_id": "2", "created_at": "2026-01-01 00:00", "email_hash": "f"},
    ]
    people.resolve(contact=rows)
    before = people.of()
    assert before["1"] != before["2"]
    rows[0]["merged_ids"] = "2"
    people.resolve(contact=rows)
    assert set(people.of().values()) == {before["2"]}


def test_an_id_survives_an_earlier_identifier_that_arrives_late(people: People) -> None:
    rows = [{"contact_id": "1", "client_id": "d"}]
    people.resolve(contact=rows)
    before = people.of()
    people.resolve(contact=rows, visit=[visit("d", "2020-01-01 00:00")])
    assert people.of() == before


def test_a_merge_undone_splits_the_person_and_the_beginning_keeps_the_id(people_of_any: People) -> None:
    people = people_of_any
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "created_at": "2026-01-02 00:00", "merged_ids": "2"},
        {"contact_id": "2", "created_at": "2026-01-01 00:00", "email_hash": "e"},
        {"contact_id": "3", "created_at": "2026-01-01 00:00", "email_hash": "other"},
    ]
    people.resolve(contact=rows)
    before = people.of()
    assert before["1"] == before["2"]
    people.forget("ops.person_change")
    rows[0]["merged_ids"] = None
    people.resolve(contact=rows)
    after = people.of()
    assert after["2"] == before["2"]
    assert after["1"] not in set(before.values())
    assert after["3"] == before["3"]
    assert people.rows("SELECT person_id FROM ops.person_change") == sorted([(after["1"],), (after["2"],)])


def test_changed_persons_add_up_until_somebody_empties_them(people: People) -> None:
    people.resolve(contact=[{"contact_id": "1"}])
    people.resolve(contact=[{"contact_id": "1"}, {"contact_id": "2"}])
    both = people.rows("SELECT person_id FROM ops.person_change")
    assert both == sorted((person,) for person in people.of().values())
    gone = people.of()["2"]
    people.forget("ops.person_change")
    people.resolve(contact=[{"contact_id": "1"}])
    assert people.rows("SELECT person_id FROM ops.person_change") == [(gone,)]
    assert people.rows("SELECT count(*) FROM core.identity_island") == [(1,)], "nothing of who went is remembered"


def test_a_second_update_writes_nothing(people_of_any: People) -> None:
    rows = [{"contact_id": "1", "email_hash": "e"}, {"contact_id": "2", "email_hash": "r", "email_kind": "role"}]
    first = people_of_any.resolve(contact=rows, visit=[visit("d", "2026-01-02 10:00", gclid="G")])
    assert first == {"persons": 3, "identifiers": 5, "refusals": 1, "written": 6}
    assert update_people(people_of_any.engine, GUARDS) == first | {"written": 0}


def test_a_row_that_is_rewritten_where_it_stands_is_noticed(people_of_any: People) -> None:
    people = people_of_any
    rows: list[dict[str, Any]] = [{"contact_id": number, "email_hash": "e"} for number in "12"]
    people.resolve(contact=rows)
    assert people.groups() == {frozenset("12")}
    people.set(in_place=True, contact=[rows[0], rows[1] | {"email_hash": "f"}])
    update_people(people.engine, GUARDS)
    assert people.groups() == {frozenset("1"), frozenset("2")}
    people.set(in_place=True, contact=rows[:1])
    update_people(people.engine, GUARDS)
    assert people.groups() == {frozenset("1")}


def test_what_new_visits_tell_is_added_to_what_was_known(people_of_any: People) -> None:
    people, seen = people_of_any, "SELECT cast(first_seen_at AS date) FROM core.person_identifier"
    visits = [visit("d", "2026-01-05 10:00")]
    people.resolve(visit=visits)
    visits.append(visit("d", "2026-01-09 10:00"))
    assert people.resolve(visit=visits)["written"] == 0
    assert people.rows(seen) == [(date(2026, 1, 5),)]
    visits.append(visit("d", "2026-01-02 10:00"))
    assert people.resolve(visit=visits)["written"] == 1
    assert people.rows(seen) == [(date(2026, 1, 2),)]
    people.resolve(visit=visits[:2])
    assert people.rows(seen) == [(date(2026, 1, 5),)]


def test_rows_without_numbers_get_them_and_stay(people_of_any: People) -> None:
    """As versions wrote them that kept a dictionary of identifiers."""
    people = people_of_any
    people.resolve(contact=[{"contact_id": number, "phone_hash": "p"} for number in "123"])
    before, told = people.everybody(), people.rows("SELECT * FROM core.identity_refusal")
    assert (len(before), len(told)) == (3, 1)
    people.forget("ops.rule_version")
    with people.engine.begin() as connection:
        for table in ("person_identifier", "identity_refusal"):
            connection.execute(text(f"UPDATE core.{table} SET node_id = NULL"))
        connection.execute(text("CREATE TABLE core.identity_node (node_id bigint, identifier text)"))
    assert update_people(people.engine, GUARDS)["written"] == 0
    assert (people.everybody(), people.rows("SELECT * FROM core.identity_refusal")) == (before, told)
    assert "identity_node" not in inspect(people.engine).get_table_names(schema="core"), "a dictionary of everybody"


def test_a_row_that_is_missing_is_told_and_not_lost(people: People) -> None:
    rows: list[dict[str, Any]] = [{"contact_id": number, "email_hash": "e"} for number in "12"]
    people.resolve(contact=rows)
    people.forget("core.person_identifier WHERE identifier = '2'")
    people.set(contact=[rows[0] | {"client_id": "d"}, rows[1]])
    with pytest.raises(StoreError, match="does not fit"):
        update_people(people.engine, GUARDS)
    people.forget("core.identity_record")
    update_people(people.engine, GUARDS)
    assert people.groups() == {frozenset("12")}


def test_other_guards_resolve_everything_again(people: People) -> None:
    rows = [{"contact_id": number, "phone_hash": "p"} for number in "123"]
    people.resolve(contact=rows)
    assert len(people.groups()) == 3
    update_people(people.engine, GUARDS.model_copy(update={"max_contacts_per_phone": 3}))
    assert len(people.groups()) == 1


MAYBE = {
    "email_hash": st.sampled_from([None, "e1", "e2", "e3"]),
    "email_kind": st.sampled_from(["personal", "personal", "personal", "role"]),
    "phone_hash": st.sampled_from([None, "p1", "p2"]),
}
DAYS = st.sampled_from([f"2026-01-0{day} 10:00" for day in range(1, 5)])
CONTACTS = st.fixed_dictionaries(
    MAYBE
    | {
        "contact_id": st.sampled_from("123456"),
        "created_at": DAYS,
        "client_id": st.sampled_from([None, "c1", "c2", "c3"]),
        "gclid": st.sampled_from([None, None, "G1", "G2"]),
        "merged_ids": st.sampled_from([None, None, "1", "2;3", "7"]),
        "segment": st.sampled_from([None, None, "owner"]),
        "company_id": st.sampled_from([None, "salon"]),
        "owner_id": st.sampled_from(["rep", "rep", "other"]),
    }
)
BOOKINGS = st.fixed_dictionaries(
    MAYBE | {"booking_id": st.sampled_from("12"), "created_at": DAYS, "partner_id": st.sampled_from([None, "a", "b"])}
)
VISITS = st.builds(
    lambda client, at, click: visit(client, at, **({"gclid": click} if click else {})),
    st.sampled_from(["c1", "c2", "c3"]), DAYS, st.sampled_from([None, "G1", "G2"]),
)  # fmt: skip
ANSWERS = st.builds(
    lambda number, email, client: answer(number, email_hash=email, email_kind="personal", client_id=client),
    st.sampled_from("12"), st.sampled_from([None, "e1", "e2"]), st.sampled_from([None, "c1", "c3"]),
)  # fmt: skip
DEALS = st.fixed_dictionaries(
    {"deal_id": st.sampled_from("12"), "contact_id": st.sampled_from("179"), "created_at": DAYS}
)
WORLD = st.fixed_dictionaries(
    {
        "contact": st.lists(CONTACTS, max_size=7, unique_by=lambda row: row["contact_id"]),
        "booking": st.lists(BOOKINGS, max_size=2, unique_by=lambda row: row["booking_id"]),
        "visit": st.lists(VISITS, max_size=4, unique_by=lambda row: row["visit_id"]),
        "survey_response": st.lists(ANSWERS, max_size=2, unique_by=lambda row: row["response_id"]),
        "deal": st.lists(DEALS, max_size=2, unique_by=lambda row: row["deal_id"]),
    }
)
TIGHT = GUARDS.model_copy(update={"max_records_per_identifier": 4, "max_records_per_hour": 3})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.tuples(WORLD, st.booleans()), min_size=2, max_size=4))
def test_what_changed_resolved_again_equals_everything_resolved_again(
    people: People, history: list[tuple[dict[str, Any], bool]]
) -> None:
    """Every state of the evidence twice: what changed only, and all with the ids that stood before."""
    people.forget(*KEPT, *MEMORY)
    tables = ("core.person_identifier", "core.identity_refusal")
    for number, (world, in_place) in enumerate(history):
        before = {table: people.rows(f"SELECT * FROM {table}") for table in tables}
        people.set(in_place=in_place, **{entity: rows for entity, rows in world.items() if rows})
        update_people(people.engine, TIGHT)
        ours = {table: people.rows(f"SELECT * FROM {table}") for table in tables}
        assert update_people(people.engine, TIGHT)["written"] == 0
        _restore(people, before["core.person_identifier"])
        people.forget("core.identity_refusal", *MEMORY)
        update_people(people.engine, TIGHT)
        assert {table: people.rows(f"SELECT * FROM {table}") for table in tables} == ours, f"at step {number}"


def _restore(people: People, rows: list[tuple[Any, ...]]) -> None:
    people.forget("core.person_identifier")
    names = [column.name for column in person_identifier.columns]
    if rows:
        with people.engine.begin() as connection:
            connection.execute(person_identifier.insert(), [dict(zip(names, row, strict=True)) for row in rows])


@pytest.mark.parametrize("kind", ["role", "personal"])
def test_a_crowd_that_ends_lets_its_people_meet_and_one_that_begins_parts_them(people: People, kind: str) -> None:
    rows = [{"contact_id": number, "email_hash": "e"} for number in "12"]
    flag = {"contact_id": "3", "email_hash": "e", "email_kind": "role"}
    start, end = ([*rows, flag], rows) if kind == "role" else (rows, [*rows, flag])
    people.resolve(contact=start)
    people.resolve(contact=end)
    assert len({people.of()["1"], people.of()["2"]}) == (1 if kind == "role" else 2)
