"""Columns of a query as arrays, on either engine: without a Python object for each value where the engine is DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

Columns = dict[str, npt.NDArray[Any]]


def read_columns(connection: Connection, query: str, **values: Any) -> Columns:
    """Columns by name. Whole numbers and floats without NULL have these types, anything else is of objects.

    `values` are bound to the query, on Postgres.
    """
    if connection.dialect.name == "duckdb":
        table = _arrow(connection, query)
        return {name: table.column(name).to_numpy() for name in table.column_names}
    result = connection.execute(text(query), values)
    names, found = list(result.keys()), result.all()
    return {name: _column([row[at] for row in found]) for at, name in enumerate(names)}


def stream_columns(connection: Connection, query: str, at_once: int = 1 << 16) -> Iterator[Columns]:
    """The same, so many rows at a time: millions of rows then take no memory but what is kept of them."""
    if connection.dialect.name == "duckdb":
        driver: Any = connection.connection.driver_connection
        for batch in driver.execute(query).to_arrow_reader(at_once):
            yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
        return
    result = connection.execution_options(yield_per=at_once).execute(text(query))
    names = list(result.keys())
    for rows in result.partitions():
        yield {name: _column([row[at] for row in rows]) for at, name in enumerate(names)}


def _arrow(connection: Connection, query: str) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.sql(query).to_arrow_table()  # collected as Arrow right away, unlike `execute`


def _column(values: list[Any]) -> npt.NDArray[Any]:
    kinds = set(map(type, values))
    if kinds <= {int}:
        return np.array(values, dtype=np.int64)
    if kinds == {float}:
        return np.array(values, dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
