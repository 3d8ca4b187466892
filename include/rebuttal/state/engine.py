"""Opening the state store: migrate if needed, refuse what we do not know, hand out sessions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from rebuttal.errors import StoreError, UnavailableError
from rebuttal.settings import Settings
from rebuttal.state.failpoint import failpoint
from rebuttal.state.lease import Held, lease, refuse_lost

SCHEMA_VERSION = "0013"
_MIGRATIONS = Path(__file__).parent / "migrations"
_SQLITE_WAIT_MS = 30_000
_MIGRATION_LOCK = 7_245_118_301  # any number that only this project uses with Postgres' advisory locks

# A server that is gone without a word (libpq's names): told within a minute, not after the system's two hours.
_WORDLESS = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}

Sessions = sessionmaker[Session]


@contextmanager
def open_state(settings: Settings) -> Iterator[Sessions]:
    """Sessions on the state store, its schema at the version of this code.

    `with open_state(settings) as sessions: with sessions.begin() as session: ...`. Transactions are short: none is
    held while the network is used. Raises StoreError when the store cannot be reached or a newer version wrote it,
    UnavailableError when its connection breaks meanwhile.
    """
    engine = _engine(settings.state_url)
    try:
        _migrate(engine)
        with told_when_cut("state store"):
            yield sessionmaker(engine, expire_on_commit=False)
    finally:
        engine.dispose()


@contextmanager
def told_when_cut(store: str) -> Iterator[None]:
    """Raise UnavailableError for a connection to the server of `store` that breaks inside; its transaction is void."""
    try:
        yield
    except DBAPIError as error:
        is_refused = isinstance(error, OperationalError) and error.statement is None  # a new one, in the middle
        if not (error.connection_invalidated or is_refused):
            raise
        raise UnavailableError(
            f"The connection to the {store} broke in the middle of the work ({type(error.orig).__name__})",
            next_step="What was committed stands, nothing is half done: when the server is back, run this again",
        ) from error


def server_options(url: str) -> dict[str, int]:
    """What a connection to Postgres is opened with, where the URL does not say it itself; nothing for other engines."""
    found = make_url(url)
    if found.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _WORDLESS.items() if name not in found.query}


@contextmanager
def alone(settings: Settings, resource: str, *, wait: float = 0.0) -> Iterator[Held]:
    """Work on `resource` under its lease (see state.lease), for a caller that has no sessions yet.

    Raises BusyError when another process holds it for longer than `wait` seconds, and what `open_state` raises.
    """
    with open_state(settings) as sessions, lease(sessions, resource, seconds=settings.lease_seconds, wait=wait) as held:
        yield held


def _engine(url: str) -> Engine:
    engine = _new_engine(url)

    @event.listens_for(engine, "commit")
    def refuse(connection: Connection) -> None:
        refuse_lost(connection, str(engine.url))

    return engine


def _new_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, connect_args=server_options(url))
    path = make_url(url).database
    if not path or path == ":memory:":
        raise StoreError("The SQLite state store needs a file", next_step="Set REBUTTAL_STATE_URL=sqlite:////abs/path")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is transactional too
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_WAIT_MS}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # what was promised to the outside must survive a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Taking the write lock at once avoids the failure of upgrading a read lock; our transactions are short.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let the file be written ahead. Whoever opens a new one at the same time makes SQLite say "locked" at once."""
    until = time.monotonic() + _SQLITE_WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _migrate(engine: Engine) -> None:
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            version = _version(connection)
            if version == SCHEMA_VERSION:
                return
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            _upgrade(connection, where)
            failpoint("state.before_commit")
    except DBAPIError as error:
        raise StoreError(
            f"The state store {where} cannot be opened: {type(error.orig).__name__}",
            next_step="Check REBUTTAL_STATE_URL, that the server runs and that the file is a SQLite database",
        ) from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    version = _version(connection)  # again, under the lock: another process may have been quicker
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"The state store {where} has schema version {version}, which this version of Rebuttal does not know",
            next_step="Upgrade Rebuttal to the version that wrote it, or restore a backup made before the upgrade",
        )
    command.upgrade(config, SCHEMA_VERSION)
