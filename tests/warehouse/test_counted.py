"""Counts that follow what came and what went are those of a count of all rows."""

from __future__ import annotations

import itertools
import random

import pytest
from sqlalchemy import Connection
from tests.warehouse.test_compiled import BY_PERSON, Nodes, model

from rebuttal.errors import ConfigError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.compiled import models_of
from rebuttal.warehouse.counted import recount
from rebuttal.warehouse.row_changes import compare

COLUMNS = [("channel", "TEXT"), ("visits", "BIGINT"), ("day", "DATE")]
CHANNELS, KINDS, DAYS = ("NULL", "'a'", "'b'"), ("visit", "survey"), ("NULL", "DATE '2026-01-05'", "DATE '2026-01-06'")
COUNTED = """
with every as (select * from "ops"."seen")
select channel, cast(count(*) as bigint) as visits, day from every where kind like 'visit%' group by channel, day
"""


def said(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in connection.exec_driver_sql(statement).all()), key=repr)


def test_counts_follow_what_changed(any_settings: Settings) -> None:
    chance, numbers = random.Random(3), itertools.count()
    own = '("person", "channel", "kind", "day", "number")'
    key = f"hash{own}" if any_settings.warehouse_url.startswith("duckdb") else f"hashtextextended(ROW{own}::text, 0)"

    def rows(person: str, count: int) -> list[str]:
        return [
            f"('{person}', {chance.choice(CHANNELS)}, '{chance.choice(KINDS)}', {chance.choice(DAYS)}, {next(numbers)})"
            for _ in range(count)
        ]

    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        run = connection.execution_options(no_parameters=True).exec_driver_sql
        run("CREATE TABLE ops.seen (person TEXT, channel TEXT, kind TEXT, day DATE, number BIGINT)")
        run(f"INSERT INTO ops.seen VALUES {', '.join(rows('p', 30) + rows('q', 5) + rows('stays', 9))}")
        run(f"CREATE TABLE ops.counted AS {COUNTED}")
        for given in (rows("p", 20) + rows("new", 4), rows("q", 3), []):
            run("CREATE TEMPORARY TABLE made_seen AS SELECT * FROM ops.seen LIMIT 0")
            if given:  # some of p's come out as they were
                run(f"INSERT INTO made_seen VALUES {', '.join(given)}")
                run("INSERT INTO made_seen SELECT * FROM ops.seen WHERE person = 'p' AND number % 3 = 0")
            mine = "person <> 'stays'"
            run(
                f"CREATE TEMPORARY TABLE stood_seen AS SELECT person AS unit_id, {key} AS row_key, standing.*"
                f" FROM ops.seen AS standing WHERE {mine}"
            )
            run("CREATE TEMPORARY TABLE kept_seen AS SELECT * FROM made_seen")
            told = compare(connection, "seen", "made_seen", "stood_seen", "person", key)
            recount(connection, "ops.counted", COLUMNS, "visits", COUNTED, '"ops"."seen"', told)
            run(f"DELETE FROM ops.seen WHERE {mine}")
            run("INSERT INTO ops.seen SELECT * FROM kept_seen")
            assert said(connection, "SELECT * FROM ops.counted") == said(connection, COUNTED)
            for name in ("made_seen", "stood_seen", "kept_seen"):
                run(f"DROP TABLE {name}")
        assert said(connection, COUNTED), "who stays is counted"


def counting(*needs: str, **config: object) -> Nodes:
    return model("count", *needs, meta={"counted": "visits"}, **config)


def test_only_what_is_told_row_by_row_is_counted() -> None:
    mart = model("m", **BY_PERSON)
    found = {one.name: (one.counted, one.counts) for one in models_of(mart | counting("m"), "")}
    assert found == {"m": ("", ""), "count": ("visits", "m")}
    for nodes in (
        model("m") | counting("m"),
        mart | model("other") | counting("m", "other"),
        model("int_m", **BY_PERSON) | counting("int_m"),
        model("m", tags=["late"], **BY_PERSON) | counting("m"),
        mart | counting("m", materialized="view"),
    ):
        with pytest.raises(ConfigError, match="count counts rows that a refresh is not told of"):
            models_of(nodes, "late")
