"""A table is made equal to rows, and only what differs is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, text

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.mart import mirror_rows
from rebuttal.warehouse.replace import replace_rows
from rebuttal.warehouse.tables import BOOL, DATE, INT, MARTS, REAL, TEXT, TIME

NOTED = Table(
    "noted",
    MetaData(),
    Column("id", TEXT, primary_key=True),
    Column("told", TEXT),
    *(
        Column(name, kind)
        for name, kind in {"n": INT, "share": REAL, "is_on": BOOL, "day": DATE, "seen_at": TIME}.items()
    ),
    schema=MARTS,
)
EMPTY = dict.fromkeys(("told", "n", "share", "is_on", "day", "seen_at"))
FULL: dict[str, Any] = {
    "told": 'a "quoted", text\nof \\N two lines, ї',
    "n": 2**53 + 1,
    "share": 0.1 + 0.2,
    "is_on": False,
    "day": date(2024, 2, 29),
    "seen_at": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
}


def stored(connection: Connection) -> list[dict[str, Any]]:
    found = connection.execute(text("select * from marts.noted order by id")).mappings()
    return [{**one, "seen_at": one["seen_at"] and one["seen_at"].astimezone(UTC)} for one in found]


def test_rows_stand_as_they_were_given_and_a_second_time_changes_nothing(any_settings: Settings) -> None:
    rows = [{"id": "a", **EMPTY}, {"id": "b", **FULL}, {"id": "c", **EMPTY, "told": ""}]
    with open_warehouse(any_settings) as engine:
        assert mirror_rows(engine, NOTED, [])  # the table itself is new
        assert not mirror_rows(engine, NOTED, [])
        for given in (rows[:1], rows, [rows[2], rows[1]], []):
            assert mirror_rows(engine, NOTED, given)
            assert not mirror_rows(engine, NOTED, given)
            with engine.connect() as connection:
                assert stored(connection) == sorted(given, key=lambda one: str(one["id"]))


def test_only_what_differs_is_written(any_settings: Settings) -> None:
    rows = [{"id": str(number), **FULL, "n": number} for number in range(20)]
    with open_warehouse(any_settings) as engine:
        mirror_rows(engine, NOTED, rows)
        with engine.begin() as connection:
            assert replace_rows(connection, NOTED, [{**rows[0], "n": None}, *rows[1:]]) == 1
            assert replace_rows(connection, NOTED, rows[:15]) == 6  # five go, one is as it was
            assert len(stored(connection)) == 15
