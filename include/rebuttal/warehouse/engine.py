"""Opening the warehouse: one URL chooses the engine; DuckDB's single writer is waited for, never worked around.

`open_warehouse` is a context manager because DuckDB's file lock lasts as long as a connection does, and dbt (a
process of its own) needs the file too: a stage opens the warehouse, works, and closes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from rebuttal.errors import LockedError, StoreError
from rebuttal.settings import Settings
from rebuttal.state.engine import server_options, told_when_cut
from rebuttal.warehouse import dialects
from rebuttal.warehouse.checkpoint import SELDOM
from rebuttal.warehouse.columns import add_missing_columns, stored_columns
from rebuttal.warehouse.fence import fence_off
from rebuttal.warehouse.holes import LEAVE, close_holes
from rebuttal.warehouse.tables import BOOKING_ONCE, CORE, SCHEMAS, metadata

_STORED_SCHEMAS = "select nspname from pg_catalog.pg_namespace"
# The statement that would make each table as it is. What this process once found to be as declared it does not look at
# again: DuckDB lists statements four times as fast as columns.
_STATEMENTS = (
    "select schema_name || '.' || table_name, sql from duckdb_tables() where database_name = current_database()"
)
_right: dict[str, str] = {}
# A new DuckDB file is of a version that compresses text in one way (dictionary and FSST at once): a load takes a
# quarter less time than where several are tried. DuckDB older than this cannot open it.
NEW_FILES: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.4.0"}
LOCK_WAIT_SECONDS = 120.0
SERVER_LOCK_SECONDS = 120
# A lock is not waited for for ever, and a client that is gone without a word lets go of its locks within a minute.
_ON_SERVER = f"""
SET lock_timeout = '{SERVER_LOCK_SECONDS}s';
SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3
"""
# What Postgres calls them (SQLSTATE).
_LOCKED = {
    "55P03": "another process held a table or row for longer than this one waits",
    "40P01": "this process and another waited for each other, and the server stopped this one",
    "40001": "another process changed the same rows at the same time",
}


@contextmanager
def open_warehouse(settings: Settings, *, wait: float = LOCK_WAIT_SECONDS) -> Iterator[Engine]:
    """The warehouse to read and write, with all schemas and tables in place; under a lease, as its holder's only.

    Raises LockedError when another process held the DuckDB file for `wait` seconds, StoreError when the server cannot
    be reached, UnavailableError when its connection breaks meanwhile.
    """
    engine = _engine(settings.warehouse_url)
    try:
        _wait_for(engine, wait)
        with told_when_cut("warehouse"):
            create_tables(engine)
            fence_off(engine)
            yield engine
        if engine.dialect.name == "duckdb":
            with engine.begin() as connection:
                close_holes(connection)
    finally:
        engine.dispose()


@contextmanager
def open_published(settings: Settings) -> Iterator[Engine]:
    """The marts as last published, read-only: the published copy on DuckDB, the `marts` schema on Postgres.

    Raises StoreError when nothing has been published yet.
    """
    if not is_duckdb(settings):
        with open_warehouse(settings) as engine:
            yield engine
        return
    if not settings.published_path.exists():
        raise StoreError("Nothing has been published yet", next_step="Run `rebuttal loop` or `rebuttal model` first")
    engine = create_engine(f"duckdb:///{settings.published_path}", poolclass=NullPool, connect_args={"read_only": True})
    _set_utc(engine)
    try:
        yield engine
    finally:
        engine.dispose()


def is_duckdb(settings: Settings) -> bool:
    """Whether the warehouse is a DuckDB file."""
    return settings.warehouse_url.startswith("duckdb")


def duckdb_path(settings: Settings) -> Path:
    """The DuckDB file of the warehouse. Raises StoreError for an in-memory URL: stages are separate processes."""
    database = make_url(settings.warehouse_url).database
    if not database or database == ":memory:":
        raise StoreError(
            "The DuckDB warehouse needs a file", next_step="Set REBUTTAL_WAREHOUSE_URL=duckdb:////abs/path"
        )
    return Path(database)


def create_tables(engine: Engine) -> None:
    """Create missing schemas, tables and columns; does nothing (and writes nothing) where all exist.

    Raises StoreError for a table of another version of this code that cannot be brought up to this one.
    """
    with engine.begin() as connection:
        schemas = set(connection.execute(text(_STORED_SCHEMAS)).scalars())
        for schema in SCHEMAS:
            if schema not in schemas:
                connection.execute(CreateSchema(schema, if_not_exists=True))
        if _right.keys() >= metadata.tables.keys() and _right.items() <= _statements(connection).items():
            return
        # One question for all tables, as each command and each landing asks it: create_all has one for each table.
        declared = set(map(str, metadata.sorted_tables))
        stored = stored_columns(connection)
        if not stored.keys() >= declared:
            metadata.create_all(connection, checkfirst=True)
            stored = stored_columns(connection)
        if f"{CORE}.booking" in add_missing_columns(connection, metadata.sorted_tables, stored):
            connection.execute(text(f"drop view {CORE}.booking_once"))
            connection.execute(text(BOOKING_ONCE))
        dialects.install(connection)
        found = {name: statement for name, statement in _statements(connection).items() if name in declared}
    _right.update(found)


def _statements(connection: Connection) -> dict[str, str]:
    """`schema.table` -> its statement; none where the engine is quick to list columns."""
    if connection.dialect.name != "duckdb":
        return {}
    return dict(connection.exec_driver_sql(_STATEMENTS).all())


def _engine(url: str) -> Engine:
    if url.startswith("duckdb"):
        _make_file(Path(make_url(url).database or ""))
    # The connection that was let go last is taken next, not another that a thread opened beside it: promotion and
    # publication have to see a refresh's temporary tables.
    engine = create_engine(
        url, pool_pre_ping=not url.startswith("duckdb"), pool_use_lifo=True, connect_args=server_options(url)
    )
    _set_utc(engine)
    _name_locks(engine)
    return engine


def _make_file(path: Path) -> None:
    """Only a file that is not there yet is of the version of NEW_FILES; connections know nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with suppress(duckdb.IOException):  # another process makes it: it is waited for like any other
            duckdb.connect(str(path), config=NEW_FILES).close()


def _name_locks(engine: Engine) -> None:
    """A server that gave up waiting for a lock, or broke a deadlock, means LockedError: try again later. A file that
    DuckDB finds damaged means StoreError.
    """

    @event.listens_for(engine, "handle_error")
    def name_lock(context: ExceptionContext) -> None:
        told = _LOCKED.get(getattr(context.original_exception, "sqlstate", None) or "")
        if told:
            raise LockedError(
                f"The warehouse {engine.url.database} was busy: {told}. Nothing of this step was written",
                next_step="Wait for the other command, DAG run or query to end, then run this again",
            ) from context.original_exception
        if "Corrupt database file" in str(context.original_exception):
            raise StoreError(
                f"The warehouse {Path(engine.url.database or '').name} is damaged: a block differs from its checksum."
                " Nothing of this step was written",
                next_step="Restore it from a backup; the next pull brings what came since",
            ) from context.original_exception


def _set_utc(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_utc(connection, _record) -> None:  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        if engine.dialect.name == "duckdb":
            cursor.execute(SELDOM)
            cursor.execute(LEAVE)
        else:
            cursor.execute(_ON_SERVER)
        cursor.close()
        if hasattr(connection, "commit"):
            connection.commit()


def _wait_for(engine: Engine, wait: float) -> None:
    deadline = time.monotonic() + wait
    pause = 0.05
    while True:
        try:
            with engine.connect():
                return
        except (DBAPIError, OSError) as error:
            locked = "lock" in str(error).lower()
            if not locked:
                kind = "reached" if isinstance(error, OperationalError) else "opened"
                raise StoreError(
                    f"The warehouse {engine.url.render_as_string(hide_password=True)} cannot be {kind}",
                    next_step="Check REBUTTAL_WAREHOUSE_URL and that the server runs",
                ) from error
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"The warehouse {engine.url.database} is held by another process for more than {wait:.0f} s",
                    next_step="Wait for the other command or DAG run to end, then run this again",
                ) from error
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
