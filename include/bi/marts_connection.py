"""Connections to the published marts, read-only, in UTC, where a mart that nobody has written yet is an empty table.

A loop's first turn publishes its marts one stage after another. Until then charts say "no data", and the bar "Data
until" says why, instead of a database error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMAS = ("marts", "ops")
TYPES = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "real": "DOUBLE PRECISION",
    "money": "NUMERIC(18, 6)",
    "date": "DATE",
    "time": "TIMESTAMP WITH TIME ZONE",
    "bool": "BOOLEAN",
}
_KNOWN = f"SELECT table_name FROM information_schema.tables WHERE table_schema IN {SCHEMAS}"


def open_duckdb(path: Path, marts: Mapping[str, Mapping[str, str]]) -> Any:
    """A connection as Superset's DuckDB dialect wants it; empty when `path` does not exist yet."""
    import duckdb
    from duckdb_engine import ConnectionWrapper

    exists = path.exists()
    # What a chart's author can write must not reach the machine's other files.
    inside: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": "false"}
    connection = duckdb.connect(str(path) if exists else ":memory:", read_only=exists, config=inside)
    connection.execute("SET TimeZone = 'UTC'")
    known = {name for (name,) in connection.execute(_KNOWN).fetchall()}
    for statement in _empty(marts, known):
        connection.execute(statement)
    there = {
        schema for (schema,) in connection.execute("SELECT schema_name FROM information_schema.schemata").fetchall()
    }
    if path_of_names := [name for name in SCHEMAS if name in there]:
        connection.execute(f"SET search_path = '{','.join(path_of_names)}'")
    return ConnectionWrapper(connection)


def open_postgres(url: str, marts: Mapping[str, Mapping[str, str]]) -> Any:
    """A psycopg2 connection whose transactions only read."""
    import psycopg2

    path = ",".join((*SCHEMAS, "pg_temp"))
    connection = psycopg2.connect(
        "postgresql:" + url.split(":", 1)[1], options=f"-c timezone=UTC -c search_path={path}"
    )
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN)
        known = {name for (name,) in cursor.fetchall()}
        for statement in _empty(marts, known):
            cursor.execute(statement)
        cursor.execute("SET default_transaction_read_only = on")
    connection.commit()
    return connection


def _empty(marts: Mapping[str, Mapping[str, str]], known: set[str]) -> list[str]:
    return [
        f'CREATE TEMP TABLE "{name}" ({", ".join(f"{column} {TYPES[kind]}" for column, kind in columns.items())})'
        for name, columns in marts.items()
        if name not in known
    ]
