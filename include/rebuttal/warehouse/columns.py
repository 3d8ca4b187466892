"""Tables of an older version of this code: columns that were declared since are added, and nothing that was told is
ever dropped. Only a table that follows from others (`info={FOLLOWS: ...}`) is made anew when its rows cannot be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, DefaultClause, Numeric, Table, text
from sqlalchemy.types import TypeEngine

from rebuttal.errors import StoreError

# In a table's `info`: the tables to be emptied with it, so that whoever writes it writes all of it again.
FOLLOWS = "follows"
# Asked of the catalogue itself: its information_schema takes ten times as long on Postgres, at every opening.
_STORED = {
    "duckdb": "select schema_name || '.' || table_name, column_name, lower(data_type) from duckdb_columns()"
    " where database_name = current_database() and not internal",
    "postgresql": "select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
    " from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
    " where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v')"
    " and n.nspname not in ('pg_catalog', 'information_schema')",
}
# What the engines call a type when they are asked for it.
_WORDS = {"blob": "bytea", "varchar": "text", "character varying": "text", "double": "double precision"}
_WORDS |= {"timestamptz": "timestamp with time zone"}
_DECIMALS = ("decimal(", "numeric(")


def add_missing_columns(
    connection: Connection, tables: Iterable[Table], stored: Mapping[str, Mapping[str, str]] | None = None
) -> list[str]:
    """Add the declared columns that stored tables lack, in the caller's transaction; `schema.table` of those changed.

    Older rows have NULL there, or the column's default. Columns that are no longer declared stay. A table that follows
    from others begins anew where its rows could not be kept. `stored`: what `stored_columns` has just given. Raises
    StoreError for a stored column of another type, and for a missing one that may not be empty while there are rows.
    """
    stored = stored_columns(connection) if stored is None else stored
    changed = []
    for table in tables:
        columns = stored[f"{table.schema}.{table.name}"]
        for column in table.columns:
            if column.name in columns:
                _compare(connection, table, column, columns[column.name])
        missing = [column for column in table.columns if column.name not in columns]
        if FOLLOWS in table.info and not all(map(_may_be_empty, missing)):
            _make_anew(connection, table)
        else:
            for column in missing:
                _add(connection, table, column)
        if missing:
            changed.append(f"{table.schema}.{table.name}")
    return changed


def stored_columns(connection: Connection) -> Mapping[str, Mapping[str, str]]:
    """`schema.table` -> column -> type, of all tables and views of the warehouse."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.exec_driver_sql(_STORED[connection.dialect.name]).all():
        shown = f"numeric({', '.join(kind[8:-1].split(','))})" if kind.startswith(_DECIMALS) else _WORDS.get(kind, kind)
        found.setdefault(table, {})[column] = shown
    return found


def _declared(connection: Connection, kind: TypeEngine[Any]) -> str:
    if isinstance(kind, Numeric) and kind.precision is not None and kind.asdecimal:
        return f"numeric({kind.precision}, {kind.scale})"
    word = kind.compile(connection.dialect).lower()
    return _WORDS.get(word, word)


def _compare(connection: Connection, table: Table, column: Column[Any], stored: str) -> None:
    declared = _declared(connection, column.type)
    if stored != declared:
        name = f"{table.schema}.{table.name}"
        raise StoreError(
            f"Column {column.name} of {name} is {stored} in this warehouse, but {declared} by now",
            next_step=f"Back the warehouse up, then: ALTER TABLE {name} ALTER COLUMN {column.name} TYPE {declared}",
        )


def _may_be_empty(column: Column[Any]) -> bool:
    return not column.primary_key and bool(column.nullable or isinstance(column.server_default, DefaultClause))


def _make_anew(connection: Connection, table: Table) -> None:
    table.drop(connection)
    table.create(connection)
    for name in table.info[FOLLOWS]:
        connection.execute(text(f"delete from {name}"))


def _add(connection: Connection, table: Table, column: Column[Any]) -> None:
    name, kind = f"{table.schema}.{table.name}", column.type.compile(connection.dialect)
    default = column.server_default.arg if isinstance(column.server_default, DefaultClause) else None
    is_filled = connection.execute(text(f"select exists (select 1 from {name})")).scalar_one()
    if column.primary_key or (is_filled and not _may_be_empty(column)):
        raise StoreError(
            f"{name} of this warehouse has no column {column.name}, and its rows cannot be without one",
            next_step="Open it with the version of Rebuttal that made it, or start a new warehouse",
        )
    # DuckDB adds no column with a constraint; there the code that writes is all that keeps NULL out.
    never_null = "" if column.nullable or connection.dialect.name == "duckdb" else " NOT NULL"
    shown = "" if default is None else f" DEFAULT {default}"
    connection.execute(text(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {column.name} {kind}{shown}{never_null}"))
