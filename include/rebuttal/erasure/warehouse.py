"""The stores of the warehouse, of the published copies and of the folder of the installation."""

from __future__ import annotations

import shutil

from sqlalchemy import Connection, inspect, select, text

from rebuttal import journeys, objections
from rebuttal.erasure.files import rewrite_duckdb, rewrite_sqlite
from rebuttal.erasure.work import STORES, Work, alone, is_there
from rebuttal.quality import data_docs
from rebuttal.sources.spool import remove_leftovers
from rebuttal.warehouse import duckdb_path, is_duckdb, open_warehouse
from rebuttal.warehouse.model_tables import model_build
from rebuttal.warehouse.publish import publish, publish_quality
from rebuttal.warehouse.published_file import previous_path
from rebuttal.warehouse.suppression import forget, load_suppressed
from rebuttal.warehouse.tables import MARTS, MARTS_BUILD, MARTS_PREVIOUS

_CACHES = ("vectors.sqlite",)  # what is missing of them is made again


@STORES.store("warehouse")
def from_warehouse(work: Work) -> int:
    """Landing, quarantine, core and what checks told, in one transaction."""
    with alone(work.context) as engine, engine.begin() as connection:
        return forget_all(connection, work)


def forget_all(connection: Connection, work: Work) -> int:
    """The same in the caller's transaction: how many rows of all suppressed people went."""
    people = load_suppressed(connection, work.context.identity_key, work.regions)
    return sum(forget(connection, people).counts.values())


@STORES.store("marts")
def from_marts(work: Work) -> int:
    """Everything that is made of core: people and journeys, then what was heard, and the version that readers see."""
    context, count = work.context, 0
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        is_built = connection.execute(select(model_build)).first() is not None
        is_heard = is_there(connection, MARTS, "text_label")
    if is_built:
        count += journeys.run(context).counts.get("changed_persons", 0)
    if is_heard:
        count += objections.run(context).counts.get("written", 0)
    with open_warehouse(context.settings) as engine:
        publish_quality(context.settings, engine)
    if is_built:
        publish(context)
    return count


@STORES.store("versions")
def from_versions(work: Work) -> int:
    """The version before the published one: after an erasure there is no going back to it."""
    settings, count = work.context.settings, 0
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for name in inspect(connection).get_table_names(schema=MARTS_PREVIOUS):
            connection.execute(text(f'DROP TABLE {MARTS_PREVIOUS}."{name}"'))
            count += 1
    if previous_path(settings).exists():
        previous_path(settings).unlink()
        count += 1
    return count


@STORES.store("files")
def from_files(work: Work) -> int:
    """Bytes that databases only marked as free, what a killed pull left, caches, and pages drawn from results."""
    settings, count = work.context.settings, 0
    count += remove_leftovers(settings.spool)
    for name in _CACHES:
        if (settings.home / name).exists():
            (settings.home / name).unlink()
            count += 1
    if (settings.home / data_docs.FOLDER).exists():
        for folder in settings.home.glob(f"{data_docs.FOLDER}*"):
            folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
        data_docs.build(settings)
        count += 1
    if is_duckdb(settings):
        rewrite_duckdb(duckdb_path(settings))
        with open_warehouse(settings):  # nobody publishes meanwhile, nor copies the file that is rewritten
            if settings.published_path.exists():
                rewrite_duckdb(settings.published_path)
            previous_path(settings).unlink(missing_ok=True)  # who published since has kept what was not rewritten
    else:
        _vacuum(work)
    if settings.state_url.startswith("sqlite"):
        rewrite_sqlite(settings.state_url)
    return count


def _vacuum(work: Work) -> None:
    """Rows that were deleted stay on Postgres' pages until they are swept."""
    with open_warehouse(work.context.settings) as engine:
        with engine.connect() as connection:
            tables = [
                f'{schema}."{name}"'
                for schema in ("landing", "core", "ops", MARTS, MARTS_BUILD)
                for name in inspect(connection).get_table_names(schema=schema)
            ]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                connection.execute(text(f"VACUUM {table}"))
