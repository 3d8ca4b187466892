"""When DuckDB folds its log into the file: seldom by itself, and beside other work where there is some."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
from sqlalchemy import Engine

# One checkpoint when the file is closed, not one for every batch: what is committed is safe in the log.
SELDOM = "SET checkpoint_threshold = '1GB'"
AT_ONCE = "SET checkpoint_threshold = '1KB'"


@contextmanager
def checkpoint_beside(engine: Engine) -> Iterator[None]:
    """While it lasts, what has been committed is folded into the file; others may read, and wait before they write.

    A checkpoint that others are in the way of is left to the closing of the file. Does nothing on Postgres.
    """
    if engine.dialect.name != "duckdb":
        yield
        return
    with engine.connect() as connection:
        native: Any = connection.connection.driver_connection
        cursor = native.cursor()  # a connection of its own, which takes none of the pool's
    try:
        with ThreadPoolExecutor(1) as beside:
            folding = beside.submit(_checkpoint, cursor)
            yield
            folding.result()
    finally:
        cursor.close()


def _checkpoint(cursor: Any) -> None:
    try:
        cursor.execute("CHECKPOINT")
    except duckdb.TransactionException:
        return  # somebody writes
