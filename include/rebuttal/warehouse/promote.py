"""Promotion: a tested build (`marts_build`) becomes `marts` in one transaction, and the version before is kept.

A mart that is built by person is compared and copied by person: after an incremental build only the persons of
`ops.changed_person` are looked at, and their new rows are taken from where a refresh has just made them (`made_table`),
so that one search among all rows of the mart, for the old ones, is enough. Others are compared by row. What a promotion
replaces goes to the schema `marts_previous`, so that `go_back` can put it in again: what differs is kept, not whole
tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from rebuttal.errors import StoreError
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.model_tables import mart_checksum, publication_back
from rebuttal.warehouse.row_changes import RowChanges, changes_at_hand, is_changed
from rebuttal.warehouse.tables import MARTS, MARTS_BUILD, publication
from rebuttal.warehouse.tables import MARTS_PREVIOUS as PREVIOUS

_UNITS = "__unit"  # beside a kept table: the units whose rows it holds; without it, the table is whole
Columns = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class _Mart:
    name: str
    columns: Columns  # of the build
    known: Columns  # of the mart as it stands; empty when there is none
    person: str  # SQL expression of the unit (person) by which it is built; '' when it is built whole
    unit: str  # SQL expression by which it is compared: that of the person, or the hash of a row
    is_made: bool  # whether the rows of all units that may differ stand in `made_table` it
    told: RowChanges | None  # what a refresh has changed, where that is all that differs

    @property
    def is_same_shape(self) -> bool:
        return list(self.columns) == list(self.known)

    @property
    def here(self) -> str:
        return f"{MARTS}.{self.name}"

    @property
    def there(self) -> str:
        return f"{MARTS_BUILD}.{self.name}"


def promote(engine: Engine, units: Mapping[str, str] | None = None, *, only_changed: bool = False) -> list[str]:
    """Bring every mart that differs from its build up to it, in one transaction; returns their names.

    `units`: mart -> SQL expression of the unit (person) by which it is built; others are compared row by row.
    `only_changed`: nothing differs but units in `ops.changed_person`. Call it only after a build has passed its tests.
    """
    with engine.begin() as connection:
        is_part = only_changed and not went_back(connection)
        built = _built(connection, units or {}, is_part)
        changed = [mart for mart in built if _differs(connection, mart, is_part)]
        if changed:
            _forget_previous(connection)
        for mart in changed:
            _keep(connection, mart)
            _copy(connection, mart)
            _add_up(connection, mart)
        failpoint("promote.before_commit")
    return [mart.name for mart in changed]


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


def made_table(mart: str) -> str:
    """The temporary table with the rows that a refresh has made of a model by person, on the refresh's connection."""
    return f"made_{mart}"


def made_marts(connection: Connection) -> frozenset[str]:
    """The models of which `made_table` is there: none but right after a refresh, while the warehouse stays open."""
    query = text("SELECT table_name FROM information_schema.tables WHERE table_type = 'LOCAL TEMPORARY'")
    prefix = made_table("")
    names = [str(name) for name in connection.execute(query).scalars()]
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def row_hash_of(connection: Connection, columns: Columns) -> str:
    """SQL that adds up hashes of rows: the same for the same rows in any order, on one engine."""
    one = row_key_of(connection, columns)
    return f"sum({one}::{'HUGEINT' if connection.dialect.name == 'duckdb' else 'numeric'})"


def row_key_of(connection: Connection, columns: Columns) -> str:
    """SQL of a hash of a row, 64 bits: the same for rows that are equal in all `columns`, on one engine."""
    listed = ", ".join(f'"{name}"' for name, _ in columns)
    return f"hash({listed})" if connection.dialect.name == "duckdb" else f"hashtextextended(ROW({listed})::text, 0)"


def columns_of(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Names and types of `schema.table`, in order; empty when it is not there."""
    schema, name = table.split(".")
    return columns_in(connection, schema, name).get(name, [])


def columns_in(connection: Connection, schema: str, table: str = "%") -> dict[str, list[tuple[str, str]]]:
    """Table -> names and types of its columns, in order, for a schema, or one table of it."""
    found: dict[str, list[tuple[str, str]]] = {}
    query = text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_catalog = current_database() AND table_schema = :s AND (:t = '%' OR table_name = :t)"
        " ORDER BY table_name, ordinal_position"
    )
    for name, column, kind in connection.execute(query, {"s": schema, "t": table}):
        found.setdefault(str(name), []).append((str(column), str(kind)))
    return found


def tables_of(connection: Connection, schema: str) -> list[str]:
    """The tables (no views) of a schema, sorted."""
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s AND table_type = 'BASE TABLE'"),
        {"s": schema},
    ).scalars()
    return sorted(str(name) for name in rows)


def _built(connection: Connection, units: Mapping[str, str], is_part: bool) -> list[_Mart]:
    """The marts of the last build; staging and intermediate models stay behind."""
    made = made_marts(connection) if is_part else frozenset()
    told = changes_at_hand(connection) if is_part else {}
    built, known = columns_in(connection, MARTS_BUILD), columns_in(connection, MARTS)
    marts = []
    for name in tables_of(connection, MARTS_BUILD):
        if name.startswith(("int_", "stg_")) or "__dbt_" in name:
            continue
        person = f"coalesce({units[name]}, '')" if name in units else ""
        unit = person or row_key_of(connection, built[name])
        is_made = name in made and bool(person) and built[name] == known.get(name)
        marts.append(
            _Mart(name, built[name], known.get(name, []), person, unit, is_made, told.get(name) if is_made else None)
        )
    return marts


def went_back(connection: Connection) -> bool:
    """Whether the marts are not those of the last build, because people went back and no build was published since."""
    last = select(func.coalesce(func.max(publication.c.version), 0)).scalar_subquery()
    return connection.execute(select(publication_back).where(publication_back.c.version >= last)).first() is not None


def _differs(connection: Connection, mart: _Mart, is_part: bool) -> bool:
    """Whether the build is another; if both have the same columns, `differ_<name>` then holds the units that do."""
    run = connection.exec_driver_sql
    if mart.told:
        return bool(mart.told.went_count or mart.told.came_count)
    if not mart.is_same_shape:
        return True
    within = is_changed(mart.person) if mart.person and is_part else "TRUE"
    old, new = mart.here, mart.there
    if mart.is_made:
        old, new, within = _look_up(connection, mart, within), made_table(mart.name), "TRUE"
    added_up = (
        f"SELECT {mart.unit} AS unit_id, count(*) AS row_count, {row_hash_of(connection, mart.columns)} AS checksum"
    )
    sides = [f"({added_up} FROM {table} WHERE {within} GROUP BY 1)" for table in (old, new)]
    run(f"DROP TABLE IF EXISTS differ_{mart.name}")
    run(
        f"CREATE TEMPORARY TABLE differ_{mart.name} AS SELECT coalesce(one.unit_id, other.unit_id) AS unit_id,"
        " coalesce(other.row_count, 0) - coalesce(one.row_count, 0) AS row_count,"
        " coalesce(other.checksum, 0) - coalesce(one.checksum, 0) AS checksum"
        f" FROM {sides[0]} AS one FULL JOIN {sides[1]} AS other ON other.unit_id = one.unit_id"
        " WHERE one.row_count IS DISTINCT FROM other.row_count OR one.checksum IS DISTINCT FROM other.checksum"
    )
    return run(f"SELECT 1 FROM differ_{mart.name} LIMIT 1").first() is not None


def _look_up(connection: Connection, mart: _Mart, within: str) -> str:
    """The rows of the mart as it stands that may differ, in a temporary table, each with its place (`row_place`)."""
    place, found = dialect_of(connection).place, f"looked_up_{mart.name}"
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {found}")
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {found} AS SELECT {place} AS row_place, here.* FROM {mart.here} AS here WHERE {within}"
    )
    return found


def _keep(connection: Connection, mart: _Mart) -> None:
    run = connection.exec_driver_sql
    kept = f"{PREVIOUS}.{mart.name}"
    if not mart.known:
        return
    if not mart.is_same_shape:
        run(f"CREATE TABLE {kept} AS SELECT * FROM {mart.here}")
        return
    listed = ", ".join(f'"{name}"' for name, _ in mart.columns)
    if mart.told:  # going back takes out what came, row by row
        key = row_key_of(connection, mart.columns)
        literal = key.replace("'", "''")
        run(f"CREATE TABLE {kept}{_UNITS} AS SELECT {key} AS unit_id, '{literal}' AS expression FROM {mart.told.came}")
        run(f"CREATE TABLE {kept} AS SELECT {listed} FROM {mart.told.went}")
        return
    literal = mart.unit.replace("'", "''")
    run(f"CREATE TABLE {kept}{_UNITS} AS SELECT unit_id, '{literal}' AS expression FROM differ_{mart.name}")
    chosen = f"{mart.unit} IN (SELECT unit_id FROM {kept}{_UNITS})"
    source = f"looked_up_{mart.name}" if mart.is_made else mart.here
    run(f"CREATE TABLE {kept} AS SELECT {listed} FROM {source} WHERE {chosen}")


def _copy(connection: Connection, mart: _Mart) -> None:
    run = connection.exec_driver_sql
    if not mart.is_same_shape:
        run(f"DROP TABLE IF EXISTS {mart.here}")
        run(f"CREATE TABLE {mart.here} AS SELECT * FROM {mart.there}")
        return
    # The table itself stays, so that a reader in the middle of a query keeps its snapshot.
    if mart.told:
        mart.told.apply(connection, mart.here, mart.person)
        return
    chosen = f"WHERE {mart.unit} IN (SELECT unit_id FROM differ_{mart.name})"
    if mart.is_made:
        rows = f"SELECT row_place FROM looked_up_{mart.name} {chosen}"
        run(f"DELETE FROM {mart.here} WHERE {dialect_of(connection).place} IN ({rows})")
        run(f"INSERT INTO {mart.here} SELECT * FROM {made_table(mart.name)} {chosen}")
        return
    if connection.dialect.name == "duckdb" and not mart.person:
        chosen = ""  # cleaning up after scattered rows costs DuckDB more than the whole table
    run(f"DELETE FROM {mart.here} {chosen}")
    run(f"INSERT INTO {mart.here} SELECT * FROM {mart.there} {chosen}")


def _add_up(connection: Connection, mart: _Mart) -> None:
    """Keep what the rows of a mart that goes by person add up to; what is known already moves by what differs."""
    known: Any = connection.execute(select(mart_checksum).where(mart_checksum.c.name == mart.here)).first()
    if mart.person and mart.is_same_shape and known is not None:
        moved = connection.exec_driver_sql(_moved(connection, mart)).one()
        values = {"row_count": known.row_count + int(moved[0]), "checksum": int(known.checksum) + int(moved[1])}
        connection.execute(mart_checksum.update().where(mart_checksum.c.name == mart.here).values(values))
        return
    connection.execute(mart_checksum.delete().where(mart_checksum.c.name == mart.here))
    if mart.person:
        _add_up_whole(connection, mart.here, mart.person)


def _moved(connection: Connection, mart: _Mart) -> str:
    """SQL: by how much the number of rows and what they add up to differ."""
    if not mart.told:
        return f"SELECT sum(row_count), sum(checksum) FROM differ_{mart.name}"
    added_up = row_hash_of(connection, mart.columns)
    sides = [f"(SELECT coalesce({added_up}, 0) FROM {rows})" for rows in (mart.told.came, mart.told.went)]
    return f"SELECT {mart.told.came_count - mart.told.went_count}, {sides[0]} - {sides[1]}"


def _add_up_whole(connection: Connection, here: str, unit: str) -> None:
    added_up = row_hash_of(connection, columns_of(connection, here))
    found = connection.exec_driver_sql(f"SELECT count(*), coalesce({added_up}, 0) FROM {here}")
    count, checksum = found.one()
    connection.execute(
        mart_checksum.insert().values({"name": here, "unit": unit, "row_count": int(count), "checksum": int(checksum)})
    )


def _forget_previous(connection: Connection) -> None:
    for name in tables_of(connection, PREVIOUS):
        connection.exec_driver_sql(f"DROP TABLE {PREVIOUS}.{name}")
