"""Room that deleted rows leave in a DuckDB file: given back when there is much of it, not at every checkpoint.

By itself DuckDB writes tables anew to close such holes whenever that saves it a group of rows, of all tables at every
checkpoint. A refresh takes out a few rows of each large mart and puts a few in: it would cost the whole mart each time.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

LARGE_ROWS = 100_000  # smaller tables are a group of rows or less
HOLES = 0.25  # share of a table's rows that are deleted ones

LEAVE = "SET max_vacuum_tasks = 0"


def close_holes(connection: Connection, database: str | None = None) -> bool:
    """Let the next checkpoint close holes if some large table has a quarter of its rows in them; whether it will.

    Counts rows of large tables of an attached database (None: the one in use), which reads no column. DuckDB only.
    """
    large = text(
        "SELECT database_name, schema_name, table_name, estimated_size FROM duckdb_tables()"
        " WHERE database_name = coalesce(:database, current_database()) AND NOT temporary AND estimated_size >= :least"
    )
    is_due = False
    for file, schema, name, held in connection.execute(large, {"database": database, "least": LARGE_ROWS}).all():
        count = connection.exec_driver_sql(f'SELECT count(*) FROM "{file}"."{schema}"."{name}"').scalar_one()
        is_due |= count < held * (1 - HOLES)
    connection.exec_driver_sql("RESET max_vacuum_tasks" if is_due else LEAVE)
    return is_due
