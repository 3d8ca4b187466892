"""Columns of a query as arrays, on either engine: without a Python object for each value where the engine is DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from rebuttal.journeys.credits import Places

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


def read_lists(connection: Connection, query: str, lists: str) -> Iterator[tuple[Columns, Places, Places]]:
    """Some rows at a time: columns by name, but of the column `lists` its whole numbers, flat, and the lengths."""
    if connection.dialect.name == "duckdb":
        for batch in _arrow(connection, query).to_batches():
            column = batch.column(lists)
            others = {
                name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names if name != lists
            }
            lengths = np.diff(column.offsets.to_numpy()).astype(np.int64)
            yield others, column.flatten().to_numpy().astype(np.int64, copy=False), lengths
        return
    columns = read_columns(connection, query)
    found = columns.pop(lists)
    lengths = np.array([len(one) for one in found], dtype=np.int64)
    yield columns, np.array([number for one in found for number in one], dtype=np.int64), lengths


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
