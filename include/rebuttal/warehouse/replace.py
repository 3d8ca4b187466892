"""Making a table equal to a set of rows, in the caller's transaction, and touching only the rows that differ."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pandas as pd
from sqlalchemy import Connection, Table, text


def replace_rows(
    connection: Connection,
    table: Table,
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    key: tuple[str, ...] | None = None,
) -> int:
    """Make `table` hold exactly `rows` (columns by name, unique by `key`) and return how many rows were written.

    Rows that are the same are not rewritten, so that a second run with the same input changes nothing. The caller's
    transaction decides whether it is seen. Times are aware. `key` is the primary key where it is not given; NULLs in
    its columns are not allowed.
    """
    columns = [column.name for column in table.columns]
    key = key or tuple(column.name for column in table.primary_key.columns)
    listed, stage = ", ".join(columns), f"stage_{table.name}"
    name = f"{table.schema}.{table.name}"
    _run(connection, f"CREATE TEMPORARY TABLE {stage} AS SELECT {listed} FROM {name} LIMIT 0")
    _load(connection, stage, rows[columns] if isinstance(rows, pd.DataFrame) else _frame(table, rows))
    differ = f"(SELECT {listed} FROM {name} EXCEPT SELECT {listed} FROM {stage})"
    come = f"SELECT {listed} FROM {stage} EXCEPT SELECT {listed} FROM {name}"
    same = " AND ".join(f"gone.{column} = {table.name}.{column}" for column in key)
    _run(connection, f"CREATE TEMPORARY TABLE come_{table.name} AS {come}")
    gone_count = _count(connection, f"{differ} AS gone")
    come_count = _count(connection, f"come_{table.name}")
    if gone_count:
        _run(
            connection, f"DELETE FROM {name} AS {table.name} WHERE EXISTS (SELECT 1 FROM {differ} AS gone WHERE {same})"
        )
    if come_count:
        _run(connection, f"INSERT INTO {name} ({listed}) SELECT {listed} FROM come_{table.name}")
    _run(connection, f"DROP TABLE {stage}")
    _run(connection, f"DROP TABLE come_{table.name}")
    return max(gone_count, come_count)


def fill_table(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    """Let `table` hold `rows` (columns by name) and nothing else, in the caller's transaction, whatever it held."""
    name = f"{table.schema}.{table.name}"
    _run(connection, f"DELETE FROM {name}")
    _load(connection, name, rows[[column.name for column in table.columns]])


def _frame(table: Table, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame whose columns have the table's types even where all are NULL."""
    frame = pd.DataFrame(list(rows), columns=[column.name for column in table.columns], dtype=object)
    for column in table.columns:
        kind = column.type.python_type.__name__
        if kind in ("datetime", "date"):
            frame[column.name] = pd.to_datetime(frame[column.name], utc=kind == "datetime")
        elif kind in ("float", "int"):
            frame[column.name] = frame[column.name].astype("Float64" if kind == "float" else "Int64")
        else:
            frame[column.name] = frame[column.name].where(frame[column.name].notna(), None)
    return frame


def _load(connection: Connection, stage: str, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    driver = connection.connection.driver_connection
    if connection.dialect.name == "duckdb":
        driver.register("incoming_rows", rows)  # type: ignore[union-attr]
        _run(connection, f"INSERT INTO {stage} SELECT * FROM incoming_rows")
        driver.unregister("incoming_rows")  # type: ignore[union-attr]
        return
    text_form = io.StringIO()
    rows.to_csv(text_form, index=False, header=False, na_rep="\\N", date_format="%Y-%m-%dT%H:%M:%S.%f%z")
    with driver.cursor() as cursor, cursor.copy(f"COPY {stage} FROM STDIN (FORMAT csv, NULL '\\N')") as copy:  # type: ignore[union-attr]
        copy.write(text_form.getvalue())


def _run(connection: Connection, statement: str) -> None:
    # Identifiers come from declared tables, never from data; exec_driver_sql keeps `%` and `:` as they are.
    connection.exec_driver_sql(statement)


def _count(connection: Connection, relation: str) -> int:
    return cast(int, connection.execute(text(f"SELECT count(*) FROM {relation}")).scalar_one())
