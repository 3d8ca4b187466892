"""One table of the warehouse put into the file that readers get (DuckDB), with as few rows written as may be."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from rebuttal.warehouse.model_tables import mart_checksum
from rebuttal.warehouse.promote import columns_of, made_marts, made_table, row_hash_of
from rebuttal.warehouse.row_changes import changes_at_hand, is_changed
from rebuttal.warehouse.tables import CORE

# Restated by day, some weeks of years: of the copy only days that differ are written again.
COPIED_BY = {f"{CORE}.ad_performance": "report_date"}


def copy_into(connection: Connection, table: str, by_person: frozenset[str]) -> None:
    """Make `table` in the file attached as `published_new` equal to the warehouse's.

    Tables in `by_person` differ from their copy in rows of `ops.changed_person` only.
    """
    run = connection.exec_driver_sql
    new = f"published_new.{table}"
    if table in by_person:
        unit = connection.execute(select(mart_checksum.c.unit).where(mart_checksum.c.name == table)).scalar_one()
        chosen = f"WHERE {is_changed(unit)}"
        name = table.split(".")[1]
        if told := changes_at_hand(connection).get(name):
            told.apply(connection, new, unit)
            return
        made = f"{made_table(name)}" if name in made_marts(connection) else f"{table} {chosen}"
        run(f"DELETE FROM {new} {chosen}")
        run(f"INSERT INTO {new} SELECT * FROM {made}")
        return
    part = COPIED_BY.get(table)
    if part and _shape(connection, f"published_new.{table}") == _shape(connection, table):
        _copy_parts(connection, table, new, part)
        return
    # Writing only the rows that differ was tried: cleaning up after them costs more than the whole table.
    run(f"CREATE OR REPLACE TABLE {new} AS SELECT * FROM {table}")


def _shape(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Names and types of the columns of a table of any attached file, in order; empty when it is not there."""
    *_, schema, name = table.split(".")
    known = text(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = :schema AND table_name = :name"
        " AND database_name = coalesce(:file, current_database()) ORDER BY column_index"
    )
    values = {"schema": schema, "name": name, "file": table.split(".")[0] if table.count(".") == 2 else None}
    return [(str(row[0]), str(row[1])) for row in connection.execute(known, values)]


def _copy_parts(connection: Connection, table: str, new: str, part: str) -> None:
    """Make `new` equal to `table`, writing only rows whose value of the column `part` has other rows than before."""
    run = connection.exec_driver_sql
    checksum = row_hash_of(connection, columns_of(connection, table))
    here, there = (
        f"SELECT {part}, count(*) AS row_count, {checksum} AS checksum FROM {one} GROUP BY 1" for one in (table, new)
    )
    run(
        f"CREATE OR REPLACE TEMPORARY TABLE differing_part AS SELECT {part} FROM (({here}) EXCEPT ({there})) AS came"
        f" UNION SELECT {part} FROM (({there}) EXCEPT ({here})) AS went"
    )
    chosen = f"WHERE {part} IN (SELECT {part} FROM differing_part)"
    run(f"DELETE FROM {new} {chosen}")
    run(f"INSERT INTO {new} SELECT * FROM {table} {chosen}")
    run("DROP TABLE differing_part")
