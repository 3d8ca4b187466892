"""Promotion: a tested build (`marts_build`) becomes `marts` in one transaction, and the version before is kept.

A mart that is built by person is compared and copied by person: after an incremental build only the persons of
`ops.changed_person` are looked at. What a promotion replaces goes to the schema `marts_previous`, so that `go_back` can
put it in again. Rows of persons, not whole tables, are what is kept of large marts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from rebuttal.errors import StoreError
from rebuttal.warehouse.model_tables import mart_checksum, publication_back
from rebuttal.warehouse.tables import MARTS, MARTS_BUILD, publication
from rebuttal.warehouse.tables import MARTS_PREVIOUS as PREVIOUS

_UNITS = "__unit"  # beside a kept table: the units whose rows it holds; without it, the table is whole


def promote(engine: Engine, units: Mapping[str, str] | None = None, *, only_changed: bool = False) -> list[str]:
    """Bring every mart that differs from its build up to it, in one transaction; returns their names.

    `units`: mart -> SQL expression of the unit (person) by which it is built; others are compared as a whole.
    `only_changed`: nothing differs but units in `ops.changed_person`. Call it only after a build has passed its tests.
    """
    units = units or {}
    with engine.begin() as connection:
        scope = "TRUE"
        if only_changed and not went_back(connection):
            scope = "{unit} IN (SELECT person_id FROM ops.changed_person)"
        changed = []
        for name in _built(connection):
            unit = f"coalesce({units[name]}, '')" if name in units and _same_columns(connection, name) else ""
            if _differs(connection, name, unit, scope.format(unit=unit or "''") if unit else "TRUE"):
                changed.append((name, unit))
        if changed:
            _forget_previous(connection)
        for name, unit in changed:
            _keep(connection, name, unit)
            _copy(connection, name, unit)
            _add_up(connection, name, units, unit)
    return [name for name, _ in changed]


def go_back(engine: Engine) -> list[str]:
    """Put the marts back as they were before the last promotion, in one transaction; returns their names.

    The next build replaces them again. Raises StoreError when there is no version before.
    """
    with engine.begin() as connection:
        there = set(tables_of(connection, PREVIOUS))
        names = sorted(name for name in there if not name.endswith(_UNITS))
        if not names:
            raise StoreError("There is no previous version to go back to", next_step="Build again: `rebuttal model`")
        for name in names:
            here, old, listed = f"{MARTS}.{name}", f"{PREVIOUS}.{name}", f"{PREVIOUS}.{name}{_UNITS}"
            if f"{name}{_UNITS}" in there:
                (unit,) = connection.exec_driver_sql(f"SELECT min(expression) FROM {listed}").one()
                connection.exec_driver_sql(f"DELETE FROM {here} WHERE {unit} IN (SELECT unit_id FROM {listed})")
                connection.exec_driver_sql(f"INSERT INTO {here} SELECT * FROM {old}")
            else:
                connection.exec_driver_sql(f"DROP TABLE {here}")
                connection.exec_driver_sql(f"CREATE TABLE {here} AS SELECT * FROM {old}")
            known = connection.execute(select(mart_checksum.c.unit).where(mart_checksum.c.name == here)).scalar()
            connection.execute(mart_checksum.delete().where(mart_checksum.c.name == here))
            if known:
                _add_up_whole(connection, here, known)
        _forget_previous(connection)
        version = connection.execute(select(func.coalesce(func.max(publication.c.version), 0))).scalar_one()
        connection.execute(publication_back.delete())
        connection.execute(publication_back.insert().values(version=int(version) + 1))
    return names


def row_hash_of(connection: Connection, table: str) -> str:
    """SQL that adds up hashes of whole rows of `table`: the same for the same rows in any order, on one engine."""
    listed = ", ".join(f'"{name}"' for name, _ in columns_of(connection, table))
    if connection.dialect.name == "duckdb":
        return f"sum(hash({listed})::HUGEINT)"
    return f"sum(hashtextextended(ROW({listed})::text, 0)::numeric)"


def columns_of(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Names and types of `schema.table`, in order; empty when it is not there."""
    schema, name = table.split(".")
    rows = connection.execute(
        text(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = :s AND table_name = :t ORDER BY ordinal_position"
        ),
        {"s": schema, "t": name},
    )
    return [(str(column), str(kind)) for column, kind in rows]


def tables_of(connection: Connection, schema: str) -> list[str]:
    """The tables (no views) of a schema, sorted."""
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s AND table_type = 'BASE TABLE'"),
        {"s": schema},
    ).scalars()
    return sorted(str(name) for name in rows)


def _built(connection: Connection) -> list[str]:
    """The marts of the last build; staging and intermediate models stay behind."""
    names = tables_of(connection, MARTS_BUILD)
    return [name for name in names if not name.startswith(("int_", "stg_")) and "__dbt_" not in name]


def went_back(connection: Connection) -> bool:
    """Whether the marts are not those of the last build, because people went back and no build was published since."""
    last = select(func.coalesce(func.max(publication.c.version), 0)).scalar_subquery()
    return connection.execute(select(publication_back).where(publication_back.c.version >= last)).first() is not None


def _same_columns(connection: Connection, name: str) -> bool:
    return columns_of(connection, f"{MARTS}.{name}") == columns_of(connection, f"{MARTS_BUILD}.{name}")


def _differs(connection: Connection, name: str, unit: str, scope: str) -> bool:
    """Whether the build is another; of a mart that goes by `unit`, `differ_<name>` then holds the units that do."""
    here, there = f"{MARTS}.{name}", f"{MARTS_BUILD}.{name}"
    run = connection.exec_driver_sql
    if not _same_columns(connection, name):
        return True
    if not unit:
        return any(
            run(f"SELECT EXISTS (SELECT * FROM {one} EXCEPT SELECT * FROM {other})").scalar_one()
            for one, other in ((here, there), (there, here))
        )
    added_up = f"SELECT {unit} AS unit_id, count(*) AS row_count, {row_hash_of(connection, here)} AS checksum"
    sides = [f"({added_up} FROM {table} WHERE {scope} GROUP BY 1)" for table in (here, there)]
    run(f"DROP TABLE IF EXISTS differ_{name}")
    run(
        f"CREATE TEMPORARY TABLE differ_{name} AS SELECT coalesce(one.unit_id, other.unit_id) AS unit_id,"
        " coalesce(other.row_count, 0) - coalesce(one.row_count, 0) AS row_count,"
        " coalesce(other.checksum, 0) - coalesce(one.checksum, 0) AS checksum"
        f" FROM {sides[0]} AS one FULL JOIN {sides[1]} AS other ON other.unit_id = one.unit_id"
        " WHERE one.row_count IS DISTINCT FROM other.row_count OR one.checksum IS DISTINCT FROM other.checksum"
    )
    return run(f"SELECT 1 FROM differ_{name} LIMIT 1").first() is not None


def _keep(connection: Connection, name: str, unit: str) -> None:
    here = f"{MARTS}.{name}"
    run = connection.exec_driver_sql
    if not columns_of(connection, here):
        return
    if not unit:
        run(f"CREATE TABLE {PREVIOUS}.{name} AS SELECT * FROM {here}")
        return
    listed = f"{PREVIOUS}.{name}{_UNITS}"
    literal = unit.replace("'", "''")
    run(f"CREATE TABLE {listed} AS SELECT unit_id, '{literal}' AS expression FROM differ_{name}")
    run(f"CREATE TABLE {PREVIOUS}.{name} AS SELECT * FROM {here} WHERE {unit} IN (SELECT unit_id FROM {listed})")


def _copy(connection: Connection, name: str, unit: str) -> None:
    here, there = f"{MARTS}.{name}", f"{MARTS_BUILD}.{name}"
    run = connection.exec_driver_sql
    if not _same_columns(connection, name):
        run(f"DROP TABLE IF EXISTS {here}")
        run(f"CREATE TABLE {here} AS SELECT * FROM {there}")
        return
    # The table itself stays, so that a reader in the middle of a query keeps its snapshot.
    chosen = f" WHERE {unit} IN (SELECT unit_id FROM differ_{name})" if unit else ""
    run(f"DELETE FROM {here}{chosen}")
    run(f"INSERT INTO {here} SELECT * FROM {there}{chosen}")


def _add_up(connection: Connection, name: str, units: Mapping[str, str], unit: str) -> None:
    """Keep what the rows of a mart that goes by unit add up to; what is known already moves by what differs."""
    here = f"{MARTS}.{name}"
    known: Any = connection.execute(select(mart_checksum).where(mart_checksum.c.name == here)).first()
    if unit and known is not None:
        moved = connection.exec_driver_sql(f"SELECT sum(row_count), sum(checksum) FROM differ_{name}").one()
        values = {"row_count": known.row_count + int(moved[0]), "checksum": int(known.checksum) + int(moved[1])}
        connection.execute(mart_checksum.update().where(mart_checksum.c.name == here).values(values))
        return
    connection.execute(mart_checksum.delete().where(mart_checksum.c.name == here))
    if name in units:
        _add_up_whole(connection, here, f"coalesce({units[name]}, '')")


def _add_up_whole(connection: Connection, here: str, unit: str) -> None:
    found = connection.exec_driver_sql(f"SELECT count(*), coalesce({row_hash_of(connection, here)}, 0) FROM {here}")
    count, checksum = found.one()
    connection.execute(
        mart_checksum.insert().values({"name": here, "unit": unit, "row_count": int(count), "checksum": int(checksum)})
    )


def _forget_previous(connection: Connection) -> None:
    for name in tables_of(connection, PREVIOUS):
        connection.exec_driver_sql(f"DROP TABLE {PREVIOUS}.{name}")
