"""The shape of a DuckDB warehouse in a file of its own: all schemas, tables and views, and no row.

dbt compiles against it: what it writes then depends on which tables there are and on no row of them. DuckDB lets only
one process at a file, and a warehouse that is closed for another has all that was read to be read again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine

from rebuttal.settings import Settings
from rebuttal.warehouse.database_file import quoted
from rebuttal.warehouse.engine import duckdb_path, is_duckdb


@contextmanager
def shape(settings: Settings, engine: Engine) -> Iterator[Settings]:
    """Settings by which another process finds tables like those of the open warehouse; its file goes at the end.

    On Postgres they are those of the warehouse: a server has room for two.
    """
    if not is_duckdb(settings):
        yield settings
        return
    # dbt calls a database by the name of its file: it is the warehouse's own.
    path = settings.home / "dbt" / "shape" / duckdb_path(settings).name
    shutil.rmtree(path.parent, ignore_errors=True)  # of a run that was killed
    path.parent.mkdir(parents=True)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            run = connection.exec_driver_sql
            name = run("SELECT current_database()").scalar_one()
            run(f"ATTACH '{quoted(path)}' AS warehouse_shape")
            try:
                run(f'COPY FROM DATABASE "{name}" TO warehouse_shape (SCHEMA)')
            finally:
                run("DETACH warehouse_shape")
        yield replace(settings, warehouse_url=f"duckdb:///{path}")
    finally:
        shutil.rmtree(path.parent)
