"""The DuckDB file that readers get: the next one is written beside it and takes its name as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from rebuttal.settings import Settings
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.checkpoint import AT_ONCE, SELDOM, checkpoint_beside
from rebuttal.warehouse.copies import copy_into
from rebuttal.warehouse.database_file import new_beside, quoted, sync
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.holes import LEAVE, close_holes
from rebuttal.warehouse.tables import CORE, MARTS, OPS


@contextmanager
def copying(settings: Settings) -> Iterator[Future[Path] | None]:
    """While it lasts, the published file is copied beside other work: the next one will begin as its copy.

    For who holds the warehouse open, so that nobody publishes meanwhile. None where there is nothing to copy. What is
    not taken (see replace_file) is gone afterwards.
    """
    path = settings.published_path
    if not is_duckdb(settings) or not path.exists():
        yield None
        return
    try:
        with ThreadPoolExecutor(1) as beside:
            yield beside.submit(_copy, path)
    finally:
        new_beside(path)


def _copy(path: Path) -> Path:
    return Path(shutil.copyfile(path, new_beside(path)))


def replace_file(
    settings: Settings,
    engine: Engine,
    tables: list[str],
    gone: list[str],
    by_person: frozenset[str] | None,
    *,
    copied: Future[Path] | None,
    is_kept: bool,
) -> None:
    """Write a new file beside the published one and rename it over; a crash leaves the old one whole.

    `by_person`: begin with a copy of the last file, put only `tables` into it anew, and of those among `by_person` only
    the changed persons' rows; None: begin with nothing. `copied`: that copy, where it has been begun already.
    `is_kept`: the file that stands is a version to go back to.
    """
    target = settings.published_path
    if by_person is None:
        wait([copied] if copied else [])  # whatever came of it is in the way
        new = new_beside(target)
    else:
        new = copied.result() if copied else _copy(target)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run = connection.exec_driver_sql
        run(f"ATTACH '{quoted(new)}' AS published_new")
        try:
            with checkpoint_beside(engine):  # of the warehouse: no file can be attached meanwhile
                run("BEGIN")
                for schema in (MARTS, CORE, OPS):
                    run(f"CREATE SCHEMA IF NOT EXISTS published_new.{schema}")
                for table in gone:
                    run(f"DROP TABLE IF EXISTS published_new.{table}")
                for table in [*tables, f"{OPS}.publication"]:
                    copy_into(connection, table, by_person or frozenset())
                close_holes(connection, "published_new")
                run(AT_ONCE)  # into the file, not into a log that is folded in right after
                run("COMMIT")
                run("CHECKPOINT published_new")  # where the commit could not
        finally:
            run("DETACH published_new")
            run(SELDOM)
            run(LEAVE)
    sync(new)
    if is_kept:
        _keep_previous(target)
    failpoint("publish.before_rename")
    os.replace(new, target)
    failpoint("publish.after_rename")
    sync(target.parent)


def previous_path(settings: Settings) -> Path:
    """The published copy of the version before the last one, whole and readable; it may not be there yet."""
    return settings.published_path.with_name(f"previous_{settings.published_path.name}")


def _keep_previous(target: Path) -> None:
    """The file that is about to be replaced stays under another name; nothing is copied."""
    kept, link = target.with_name(f"previous_{target.name}"), target.with_name(f"previous_{target.name}.new")
    link.unlink(missing_ok=True)
    os.link(target, link)
    os.replace(link, kept)
