"""Publishing: readers see the previous version of all marts or the next one, never a mixture.

`promote` copies a tested build (`marts_build`) into `marts` in one transaction. `publish` then gives DuckDB readers a
file of their own, replaced by an atomic rename; on Postgres the transaction itself is what readers see. Both write only
where something differs. The data-quality marts say what the gate found, whatever the models made of the rows: they are
published by themselves after every admission, beside the marts of the last build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.warehouse.engine import is_duckdb, open_published, open_warehouse
from rebuttal.warehouse.quality_mart import QUALITY_NAMES, refresh_quality
from rebuttal.warehouse.tables import CORE, MARTS, MARTS_BUILD, OPS, publication, published_table

# Beside all marts, what reports read of core and ops: no texts, no landed rows, no personal data.
PUBLISHED_CORE = ("ad_performance", "owner", "pipeline_stage", "traffic")
PUBLISHED_OPS = ("batch", "batch_outcome", "exchange_rate")


def promote(engine: Engine) -> list[str]:
    """Copy every mart of `marts_build` that differs into `marts`, in one transaction; returns their names.

    Call it only after a build has passed its tests.
    """
    with engine.begin() as connection:
        changed = [name for name in _built(connection) if _differs(connection, name)]
        for name in changed:
            _copy(connection, name)
    return changed


def publish(context: Context) -> Report:
    """Make the published copy equal to `marts` and the tables that reports need; does nothing when it already is.

    Counts: `tables`, `published` (1 when a new version was made). Call it after any stage has written into `marts`.
    """
    with open_warehouse(context.settings) as engine:
        return _publish(context.settings, engine, None)


def publish_quality(settings: Settings, engine: Engine) -> Report:
    """Make the data-quality marts say what `ops` says now, and publish them; all other tables stay as published.

    Counts as `publish`. Cheap: it looks at the data-quality marts only. Nothing new: no new version.
    """
    refresh_quality(engine)
    return _publish(settings, engine, QUALITY_NAMES)


def _publish(settings: Settings, engine: Engine, only: tuple[str, ...] | None) -> Report:
    with engine.begin() as connection:
        version, last = _last(connection)
        before = {row.name: row.fingerprint for row in connection.execute(select(published_table))}
        if (
            only
            and version
            and not (before and (not is_duckdb(settings) or _file_version(settings) == (version, last)))
        ):
            only = None  # the copy is cut, gone or of an unknown make: it is made anew, as a whole
        tables = [name for name in published_tables(connection) if only is None or name in only]
        if only and not tables:
            return Report("publish", counts={"tables": 0, "published": 0})
        now = {name: fingerprint_of(connection, [name]) for name in tables}
        kept = {name: value for name, value in before.items() if only and name not in only}
        fingerprint = hashlib.sha256(repr(sorted((kept | now).items())).encode()).hexdigest()
        if fingerprint != last:
            version += 1
            _remember(connection, before, kept | now)
            values = {"version": version, "fingerprint": fingerprint, "published_at": datetime.now(UTC)}
            connection.execute(publication.insert().values(values))
    if is_duckdb(settings):
        changed = [name for name in tables if now[name] != before.get(name)] if kept else tables
        is_new = _replace_file(settings, engine, changed, (version, fingerprint), from_last=bool(kept))
    else:
        is_new = fingerprint != last
    return Report("publish", counts={"tables": len(kept | now), "published": int(is_new)}, changed=is_new)


def _remember(connection: Connection, before: dict[str, str], now: dict[str, str]) -> None:
    gone = [name for name in before if before[name] != now.get(name)]
    come = [{"name": name, "fingerprint": value} for name, value in now.items() if before.get(name) != value]
    if gone:
        connection.execute(published_table.delete().where(published_table.c.name.in_(gone)))
    if come:
        connection.execute(published_table.insert(), come)


def require_marts(engine: Engine) -> None:
    """Raise StoreError when a published copy has only what the gate found: its marts are still to be built."""
    with engine.connect() as connection:
        names = set(published_tables(connection)) - set(QUALITY_NAMES)
    if not any(name.startswith(f"{MARTS}.") for name in names):
        raise StoreError("Nothing has been published yet", next_step="Run `rebuttal loop` or `rebuttal model` first")


def published_tables(connection: Connection) -> list[str]:
    """`schema.table` of everything that readers get, sorted."""
    found = connection.execute(
        text("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN (:a, :b, :c)"),
        {"a": MARTS, "b": CORE, "c": OPS},
    ).all()
    wanted = {CORE: PUBLISHED_CORE, OPS: PUBLISHED_OPS}
    return sorted(f"{schema}.{name}" for schema, name in found if schema == MARTS or name in wanted.get(schema, ()))


def fingerprint_of(connection: Connection, tables: list[str], without: frozenset[str] = frozenset()) -> str:
    """A hash over the columns and the rows of `tables` (columns in `without` left out), whatever the rows' order.

    It is the same for the same rows on the same engine; the engines hash differently.
    """
    digest = hashlib.sha256()
    for table in tables:
        columns = [column for column in _columns(connection, table) if column[0] not in without]
        listed = ", ".join(f'"{name}"' for name, _ in columns)
        if connection.dialect.name == "duckdb":
            total = f"sum(hash({listed})::HUGEINT)"
        else:
            total = f"sum(hashtextextended(ROW({listed})::text, 0)::numeric)"
        count, value = connection.exec_driver_sql(f"SELECT count(*), {total} FROM {table}").one()
        digest.update(f"{table}|{columns}|{count}|{value}\n".encode())
    return digest.hexdigest()


def _built(connection: Connection) -> list[str]:
    """The marts of the last build; staging and intermediate models stay behind."""
    rows = connection.execute(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s AND table_type = 'BASE TABLE'"),
        {"s": MARTS_BUILD},
    ).scalars()
    return sorted(name for name in rows if not name.startswith(("int_", "stg_")) and "__dbt_" not in name)


def _differs(connection: Connection, name: str) -> bool:
    here, there = f"{MARTS}.{name}", f"{MARTS_BUILD}.{name}"
    if _columns(connection, here) != _columns(connection, there):
        return True
    return any(
        connection.exec_driver_sql(f"SELECT EXISTS (SELECT * FROM {a} EXCEPT SELECT * FROM {b})").scalar_one()
        for a, b in ((here, there), (there, here))
    )


def _copy(connection: Connection, name: str) -> None:
    here, there = f"{MARTS}.{name}", f"{MARTS_BUILD}.{name}"
    if _columns(connection, here) == _columns(connection, there):
        # The table itself stays, so that a reader in the middle of a query keeps its snapshot.
        connection.exec_driver_sql(f"DELETE FROM {here}")
        connection.exec_driver_sql(f"INSERT INTO {here} SELECT * FROM {there}")
    else:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {here}")
        connection.exec_driver_sql(f"CREATE TABLE {here} AS SELECT * FROM {there}")


def _columns(connection: Connection, table: str) -> list[tuple[str, str]]:
    schema, name = table.split(".")
    rows = connection.execute(
        text(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = :s AND table_name = :t ORDER BY ordinal_position"
        ),
        {"s": schema, "t": name},
    )
    return [(str(column), str(kind)) for column, kind in rows]


def _last(connection: Connection) -> tuple[int, str]:
    newest = select(publication).order_by(publication.c.version.desc()).limit(1)
    row = connection.execute(newest).first()
    return (int(row.version), str(row.fingerprint)) if row else (0, "")


def _replace_file(
    settings: Settings, engine: Engine, tables: list[str], version: tuple[int, str], *, from_last: bool
) -> bool:
    """Write a new file beside the published one and rename it over; a crash leaves the old one whole.

    `from_last`: begin with a copy of the last file and put only `tables` into it anew.
    """
    target = settings.published_path
    if _file_version(settings) == version:
        return False
    new = target.with_name(f"{target.name}.new")
    _remove(new)
    if from_last:
        shutil.copyfile(target, new)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run = connection.exec_driver_sql
        run(f"ATTACH '{_quoted(new)}' AS published_new")
        try:
            run("BEGIN")
            for schema in (MARTS, CORE, OPS):
                run(f"CREATE SCHEMA IF NOT EXISTS published_new.{schema}")
            for table in [*tables, f"{OPS}.publication"]:
                run(f"CREATE OR REPLACE TABLE published_new.{table} AS SELECT * FROM {table}")
            run("COMMIT")
            run("CHECKPOINT published_new")
        finally:
            run("DETACH published_new")
    _sync(new)
    os.replace(new, target)
    _sync(target.parent)
    return True


def _remove(path: Path) -> None:
    """What a killed run may have left."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _file_version(settings: Settings) -> tuple[int, str] | None:
    """Version and fingerprint of the published copy; None when there is none, or it is cut or foreign."""
    if not settings.published_path.exists():
        return None
    try:
        with open_published(settings) as engine, engine.connect() as connection:
            return _last(connection)
    except DBAPIError:
        return None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
