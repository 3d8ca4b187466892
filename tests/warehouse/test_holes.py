"""Holes in a DuckDB file: left while there are few, closed when there are many, whoever closes the warehouse."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.holes import close_holes

ROWS = 300_000
HELD = "SELECT estimated_size, (SELECT count(*) FROM marts.large) FROM duckdb_tables() WHERE table_name = 'large'"


def held(settings: Settings) -> tuple[int, int]:
    """Rows that the file holds for `marts.large`, and rows that are there to be read."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        kept, there = connection.execute(text(HELD)).one()
    return int(kept), int(there)


@pytest.mark.parametrize(("gone", "is_closed"), [(10, False), (60, True)])
def test_few_holes_are_left_and_many_are_closed(settings: Settings, gone: int, is_closed: bool) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE marts.large AS SELECT range AS n FROM range({ROWS})"))
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text(f"DELETE FROM marts.large WHERE n * 7919 % 100 < {gone}"))
        assert close_holes(connection) is is_closed
    kept, there = held(settings)
    assert there == ROWS * (100 - gone) // 100
    assert kept == (there if is_closed else ROWS)


def test_a_small_table_is_not_worth_a_look(settings: Settings) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE marts.small AS SELECT range AS n FROM range(1000)"))
        connection.execute(text("DELETE FROM marts.small WHERE n > 10"))
        assert close_holes(connection) is False
