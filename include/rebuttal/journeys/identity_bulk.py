"""Columns of numbers in and out of the warehouse in bulk: DuckDB by Arrow, Postgres by COPY."""

from __future__ import annotations

import io
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, text

_SQL_TYPES = {pa.int64(): "bigint", pa.int8(): "smallint", pa.bool_(): "boolean", pa.string(): "text"}


def statements(file: str, **phrases: object) -> list[str]:
    """The statements of sql/identity/<file>.sql with declared phrases put in; nothing of a row ever is."""
    found = resources.files("rebuttal.journeys").joinpath("sql", "identity", f"{file}.sql")
    return found.read_text(encoding="utf-8").format(**phrases).split(";\n")


def run(connection: Connection, file: str, **phrases: object) -> None:
    """Run sql/identity/<file>.sql."""
    for statement in statements(file, **phrases):
        connection.exec_driver_sql(statement)


def count(connection: Connection, relation: str) -> int:
    """Rows of a table, or of `table WHERE ...`."""
    return int(connection.execute(text(f"SELECT count(*) FROM {relation}")).scalar_one())


def is_any(connection: Connection, relation: str) -> bool:
    """Whether a table, or `table WHERE ...`, has a row."""
    return connection.exec_driver_sql(f"SELECT 1 FROM {relation} LIMIT 1").first() is not None


def fetch(connection: Connection, query: str, types: dict[str, pa.DataType]) -> pa.Table:
    """The columns that `types` names, in these types."""
    driver: Any = connection.connection.driver_connection
    wanted = pa.schema(list(types.items()))
    if connection.dialect.name == "duckdb":
        found = driver.execute(query).to_arrow_table()
        return found.select(wanted.names).cast(wanted)
    buffer = io.BytesIO()
    with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
        for part in copy:
            buffer.write(part)
    if buffer.tell() == 0:
        return wanted.empty_table()
    buffer.seek(0)
    options = pa.csv.ConvertOptions(
        column_types=wanted, include_columns=wanted.names, true_values=["t"], false_values=["f"], null_values=[""],
        strings_can_be_null=True, quoted_strings_can_be_null=False,
    )  # fmt: skip
    return pa.csv.read_csv(buffer, convert_options=options)


def put(connection: Connection, name: str, columns: pa.Table) -> None:
    """Make a temporary table of these columns."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "duckdb":
        driver.register("identity_incoming", columns)
        driver.execute(f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM identity_incoming")
        driver.unregister("identity_incoming")
        return
    shape = ", ".join(f"{field.name} {_SQL_TYPES[field.type]}" for field in columns.schema)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({shape}) ON COMMIT DROP")
    buffer = io.BytesIO()
    pa.csv.write_csv(columns, buffer, pa.csv.WriteOptions(include_header=False))
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
        copy.write(buffer.getvalue())
    connection.exec_driver_sql(f"ANALYZE {name}")


def drop_scratch(connection: Connection, *prefixes: str) -> None:
    """Drop the temporary tables and views whose names begin so, views first: they stand on tables."""
    for kind in ("VIEW", "TABLE"):
        found = connection.execute(
            text(f"SELECT table_name FROM information_schema.{kind}s WHERE table_schema NOT IN ('core', 'ops')")
        )
        for (name,) in found.all():
            if name.startswith(prefixes):
                connection.exec_driver_sql(f"DROP {kind} IF EXISTS {name} CASCADE")
