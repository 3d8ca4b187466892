"""A large write on DuckDB has little memory, and gives back what it was lent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.bounded import MANY_ROWS, at_most, bound, bounded, keep_blocks


def lent(connection: Connection) -> tuple[Any, ...]:
    names = ("threads", "write_buffer_row_group_count", "memory_limit")
    listed = ", ".join(f"current_setting('{name}')" for name in names)
    return tuple(connection.execute(text(f"select {listed}")).one())


def test_a_large_write_is_bounded_and_a_small_one_is_not(settings: Settings) -> None:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        before = lent(connection)
        with bounded(connection, MANY_ROWS - 1):
            assert lent(connection) == before
        with bounded(connection, MANY_ROWS):
            assert lent(connection) == (1, 1, "953.6 MiB")
        with bounded(connection, 15_000_000):
            assert lent(connection)[2] == "1.3 GiB"
        assert lent(connection) == before


def test_a_write_that_fails_leaves_the_settings_as_they_were(settings: Settings) -> None:
    with open_warehouse(settings) as engine:
        with engine.connect() as connection:
            before = lent(connection)
        with (
            pytest.raises(DBAPIError, match="nothing"),
            engine.begin() as connection,
            bounded(connection, MANY_ROWS),
        ):
            connection.execute(text("insert into nothing select 1"))
        with engine.connect() as connection:
            assert lent(connection) == before


def test_a_bound_is_never_more_than_the_machine_has(settings: Settings) -> None:
    assert at_most(10**9) == 10**9
    with open_warehouse(settings) as engine:
        with engine.connect() as connection:
            own = lent(connection)
        bound(engine, 10**18)
        with engine.connect() as connection:
            assert lent(connection) == own, "what DuckDB takes by itself"
        bound(engine, 10**9)
        with engine.connect() as connection:
            assert lent(connection)[2] == "953.6 MiB"


def test_blocks_are_kept_as_long_as_the_warehouse_is_open(any_settings: Settings) -> None:
    asked = text("select current_setting('block_allocator_memory')")
    with open_warehouse(any_settings) as engine:
        keep_blocks(engine)
        keep_blocks(engine)
        with engine.connect() as connection:
            if connection.dialect.name == "duckdb":
                assert connection.execute(asked).scalar_one() != "0 bytes"
            assert connection.execute(text("select 1")).scalar_one() == 1
    if any_settings.warehouse_url.startswith("duckdb"):
        with open_warehouse(any_settings) as engine, engine.connect() as connection:
            assert connection.execute(asked).scalar_one() == "0 bytes"
