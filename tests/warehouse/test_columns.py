"""A warehouse that an older version of this code made gets the columns it lacks, and keeps all it has."""

from __future__ import annotations

from typing import Any

import pytest
from landed import context, land, read, row
from sqlalchemy import Column, Connection, MetaData, Table, inspect, text

from rebuttal import quality
from rebuttal.errors import StoreError
from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.people import update_people
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.columns import add_missing_columns
from rebuttal.warehouse.tables import BOOL, CORE, INT, TEXT, metadata

TRAFFIC, CONTACTS = "ga4.traffic", "hubspot.contacts"
# core.traffic as it was before estimates were marked, with a row of those days.
OLD_TRAFFIC = """
    create table core.traffic (
        source text not null, account_id text not null, report_date date not null, time_zone text,
        session_source text not null, session_medium text not null, session_campaign text not null,
        device text not null, sessions bigint, engaged_sessions bigint, users bigint, key_events double precision,
        batch_id text not null, row_number bigint not null, row_hash text not null)
"""
OLD_ROW = """
    insert into core.traffic values (
        'ga4', '314159265', '2026-10-01', 'Europe/Kyiv', 'google', 'cpc', 'brand', 'mobile',
        10, 5, 9, 1.0, 'old', 0, 'h')
"""


def execute(settings: Settings, *statements: str) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def shape(connection: Connection) -> dict[str, dict[str, Any]]:
    found = inspect(connection)
    return {
        str(table): {
            column["name"]: str(column["type"]) for column in found.get_columns(table.name, schema=table.schema)
        }
        for table in metadata.sorted_tables
    }


def test_an_older_table_gets_its_new_column_and_keeps_its_rows(any_settings: Settings) -> None:
    execute(any_settings, "drop table core.traffic", OLD_TRAFFIC, OLD_ROW)
    land(any_settings, TRAFFIC, [row(TRAFFIC, is_estimated="true"), row(TRAFFIC, device="desktop")])
    quality.run(context(any_settings))
    found = read(any_settings, "select report_date, device, sessions, is_estimated from core.traffic order by 1, 2")
    assert [tuple(one.values())[1:] for one in found] == [
        ("mobile", 10, None),
        ("desktop", 10, False),
        ("mobile", 10, True),
    ]


def test_every_column_that_may_be_empty_comes_back(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        whole = shape(connection)
        connection.execute(text("drop view core.booking_once"))
        dropped = 0
        for table in metadata.sorted_tables:
            if table.schema != CORE:
                continue
            for column in table.columns:
                if column.nullable:
                    connection.execute(text(f"alter table {table} drop column {column.name}"))
                    dropped += 1
        connection.execute(text("create view core.booking_once as select * from core.booking"))
    assert dropped > 100
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        assert shape(connection) == whole
        once = {column["name"] for column in inspect(connection).get_columns("booking_once", schema=CORE)}
        assert once == whole["core.booking"].keys()
        assert add_missing_columns(connection, metadata.sorted_tables) == []


def test_a_view_over_what_grew_shows_the_new_column(any_settings: Settings) -> None:
    execute(
        any_settings,
        "drop view core.booking_once",
        "alter table core.booking drop column specialist",
        "create view core.booking_once as select * from core.booking",
    )
    land(any_settings, "bookings.bookings", [row("bookings.bookings")])
    quality.run(context(any_settings))
    assert read(any_settings, "select specialist from core.booking_once") == [{"specialist": "Olena"}]


# core.identity_refusal as it was before identifiers belonged to a source and account.
OLD_REFUSAL = """
    create table core.identity_refusal (
        identifier_kind text not null, identifier text not null, reason text not null, member_count bigint not null)
"""


def test_what_follows_from_core_is_made_again(any_settings: Settings) -> None:
    contacts = [row(CONTACTS, contact_id=number, email_hash="desk", email_kind="role") for number in ("1", "2")]
    land(any_settings, CONTACTS, contacts)
    quality.run(context(any_settings))
    refusals = "select identifier_kind, source, account_id, identifier, reason from core.identity_refusal"
    with open_warehouse(any_settings) as engine:
        update_people(engine, IdentityGuards())
    before = read(any_settings, refusals)
    assert [one["identifier"] for one in before] == ["desk"]
    old_row = "insert into core.identity_refusal values ('email_hash', 'old', 'role', 2)"
    execute(any_settings, "drop table core.identity_refusal", OLD_REFUSAL, old_row)
    assert read(any_settings, refusals) == []
    with open_warehouse(any_settings) as engine:
        update_people(engine, IdentityGuards())
    assert read(any_settings, refusals) == before


def test_what_is_no_longer_declared_stays(any_settings: Settings) -> None:
    execute(any_settings, "alter table core.owner add column nickname text")
    land(any_settings, "hubspot.owners", [row("hubspot.owners")])
    quality.run(context(any_settings))
    assert read(any_settings, "select owner_id, nickname from core.owner") == [{"owner_id": "7", "nickname": None}]


def test_a_column_of_another_type_is_refused_by_name(any_settings: Settings) -> None:
    execute(any_settings, "alter table core.traffic alter column sessions type text")
    with (
        pytest.raises(StoreError, match=r"sessions of core\.traffic is text.*but bigint") as raised,
        open_warehouse(any_settings),
    ):
        pass
    assert "ALTER TABLE core.traffic ALTER COLUMN sessions TYPE bigint" in str(raised.value.next_step)


def test_what_may_not_be_empty_needs_a_default(any_settings: Settings) -> None:
    def table(*more: Column[Any]) -> Table:
        return Table("grown", MetaData(), Column("name", TEXT, nullable=False), *more, schema=CORE)

    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        table().create(connection)
        assert add_missing_columns(connection, [table(Column("a", INT, nullable=False))]) == ["core.grown"]
        connection.execute(text("insert into core.grown (name, a) values ('old', 1)"))
        counted = Column("b", BOOL, nullable=False, server_default=text("true"))
        assert add_missing_columns(connection, [table(counted)]) == ["core.grown"]
        assert connection.execute(text("select name, a, b from core.grown")).all() == [("old", 1, True)]
        with pytest.raises(StoreError, match="no column c, and its rows cannot be without one"):
            add_missing_columns(connection, [table(Column("c", INT, nullable=False))])
