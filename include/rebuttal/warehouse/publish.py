"""Publishing: readers see the previous version of all marts or the next one, never a mixture.

`promote` (promote.py) brings `marts` up to a tested build in one transaction. `publish` then gives DuckDB readers a
file of their own, replaced by an atomic rename, and leaves the version before beside it; on Postgres the transaction
itself is what readers see. Both write only where something differs. The data-quality marts say what the gate found,
whatever the models made of the rows: they are published by themselves after every admission, beside the marts of the
last build.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.engine import is_duckdb, open_published, open_warehouse
from rebuttal.warehouse.model_tables import mart_checksum, model_build
from rebuttal.warehouse.promote import Columns, columns_in, columns_of, go_back, row_hash_of, went_back
from rebuttal.warehouse.published_file import replace_file
from rebuttal.warehouse.quality_mart import QUALITY_NAMES, refresh_quality
from rebuttal.warehouse.tables import CORE, MARTS, OPS, publication, published_table

# Beside all marts, what reports read of core and ops: no texts, no landed rows, no personal data.
PUBLISHED_CORE = ("ad_performance", "owner", "pipeline_stage", "traffic")
PUBLISHED_OPS = ("batch", "batch_outcome", "exchange_rate")


def publish(context: Context) -> Report:
    """Make the published copy equal to `marts` and the tables that reports need; does nothing when it already is.

    Counts: `tables`, `published` (1 when a new version was made). Call it after any stage has written into `marts`.
    """
    with open_warehouse(context.settings) as engine:
        return publish_open(context.settings, engine)


def publish_open(settings: Settings, engine: Engine, copied: Future[Path] | None = None) -> Report:
    """As `publish`, for a caller that holds the warehouse open; `copied` is what `copying` gave."""
    return _publish(settings, engine, None, copied)


def publish_previous(context: Context) -> Report:
    """Go back: the marts as they were before the last build become the newest version.

    Counts as `publish`, and `marts` that went back. They stay until a build finds something new; what other stages
    wrote stays as it is. Raises StoreError when there is no version before, LockedError when the warehouse is held.
    """
    with open_warehouse(context.settings) as engine:
        names = go_back(engine)
        report = _publish(context.settings, engine, None)
    report.counts["marts"] = len(names)
    return report


def publish_quality(settings: Settings, engine: Engine) -> Report:
    """Make the data-quality marts say what `ops` says now, and publish them; all other tables stay as published.

    Counts as `publish`. Cheap: it looks at the data-quality marts only. Nothing new: no new version.
    """
    refresh_quality(engine)
    return _publish(settings, engine, QUALITY_NAMES)


def _publish(
    settings: Settings, engine: Engine, only: tuple[str, ...] | None, copied: Future[Path] | None = None
) -> Report:
    with engine.begin() as connection:
        version, last = last_published = _last(connection)
        published = _file_version(settings) if is_duckdb(settings) else None
        before = {row.name: row.fingerprint for row in connection.execute(select(published_table))}
        if only and version and not (before and (not is_duckdb(settings) or published == last_published)):
            only = None  # the copy is cut, gone or of an unknown make: it is made anew, as a whole
        tables = [name for name in published_tables(connection) if only is None or name in only]
        if only and not tables:
            return Report("publish", counts={"tables": 0, "published": 0})
        added_up = {row.name: f"{row.row_count}|{row.checksum}" for row in connection.execute(select(mart_checksum))}
        by_person = frozenset(added_up) if _is_by_person(connection) else frozenset()
        columns = _columns(connection, {name.split(".")[0] for name in tables})
        now = {
            name: _digest(f"{columns[name]}|{added_up[name]}")
            if name in added_up
            else _digest(_added_up(connection, name, columns[name]))
            for name in tables
        }
        kept = {name: value for name, value in before.items() if only and name not in only}
        fingerprint = _digest(repr(sorted((kept | now).items())))
        if fingerprint != last:
            version += 1
            _remember(connection, before, kept | now)
            values = {"version": version, "fingerprint": fingerprint, "published_at": datetime.now(UTC)}
            connection.execute(publication.insert().values(values))
        failpoint("publish.before_commit")
    if is_duckdb(settings):
        from_last = bool(before) and published == last_published
        changed = [name for name in tables if now[name] != before.get(name)] if from_last else tables
        gone = sorted(set(before) - set(kept | now)) if from_last else []
        is_new = published != (version, fingerprint)
        if is_new:
            replace_file(
                settings,
                engine,
                changed,
                gone,
                by_person if from_last else None,
                copied=copied,
                is_kept=published is not None,
            )
    else:
        is_new = fingerprint != last
    return Report("publish", counts={"tables": len(kept | now), "published": int(is_new)}, changed=is_new)


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


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
    return _digest(
        "".join(
            _added_up(connection, table, [one for one in columns_of(connection, table) if one[0] not in without])
            for table in tables
        )
    )


def _added_up(connection: Connection, table: str, columns: Columns) -> str:
    found = connection.exec_driver_sql(f"SELECT count(*), {row_hash_of(connection, columns)} FROM {table}")
    count, total = found.one()
    return f"{table}|{list(columns)}|{count}|{total}\n"


def _columns(connection: Connection, schemas: set[str]) -> dict[str, list[tuple[str, str]]]:
    """`schema.table` -> its columns, of these schemas."""
    return {f"{schema}.{name}": found for schema in schemas for name, found in columns_in(connection, schema).items()}


def _last(connection: Connection) -> tuple[int, str]:
    newest = select(publication).order_by(publication.c.version.desc()).limit(1)
    row = connection.execute(newest).first()
    return (int(row.version), str(row.fingerprint)) if row else (0, "")


def _is_by_person(connection: Connection) -> bool:
    """Whether marts that go by person differ from the last version in persons of `ops.changed_person` only."""
    is_built = connection.execute(select(model_build.c.fingerprint)).first() is not None
    return is_built and not went_back(connection)


def _file_version(settings: Settings) -> tuple[int, str] | None:
    """Version and fingerprint of the published copy; None when there is none, or it is cut or foreign."""
    if not settings.published_path.exists():
        return None
    try:
        with open_published(settings) as engine, engine.connect() as connection:
            return _last(connection)
    except DBAPIError:
        return None
