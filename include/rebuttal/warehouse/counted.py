"""A table of counts of a model's rows, brought up by what changed: what came is added, and what went is taken away.

A model says in its `meta` which of its columns has the number. It is the statement of the whole table that counts both,
said of few rows instead of all. Where a refresh is not told row by row what changed (row_changes.py), the table is made
whole; its tests have to compare what all counts add up to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection

from rebuttal.errors import ConfigError
from rebuttal.warehouse import dbt
from rebuttal.warehouse.row_changes import RowChanges, is_told


def counted_by(node: Mapping[str, Any]) -> str:
    """The column of a node of the manifest that has a number of rows; '' where there is none."""
    return str(node["config"].get("meta", {}).get("counted", ""))


def counts_of(node: Mapping[str, Any], needs: Mapping[str, Mapping[str, Any]], tagged: Set[str]) -> str:
    """The model whose rows a node counts; '' for other nodes. `needs`: the models that it reads.

    Raises ConfigError for one that counts what a refresh is not told of.
    """
    if not counted_by(node):
        return ""
    names = [
        str(need["alias"])
        for key, need in needs.items()
        if dbt.unit_of(need) not in ("", dbt.ALL) and is_told(str(need["alias"]), key in tagged)
    ]
    if len(names) != 1 or len(needs) != 1 or node["config"]["materialized"] != "table":
        raise ConfigError(
            f"The dbt model {node['name']} counts rows that a refresh is not told of",
            next_step="Let it be a table that reads one mart by person and nothing else, or leave out `counted`",
        )
    return names[0]


def recount(
    connection: Connection,
    table: str,
    columns: Sequence[tuple[str, str]],
    counted: str,
    statement: str,
    rows: str,
    told: RowChanges,
) -> None:
    """Bring `table`, which is what `statement` says of all `rows` before they changed, up to them.

    `columns` are names and types of the table, `counted` the one that has the number of rows; they are counted by all
    others, and what counts none any more is gone. `rows` is the name by which `statement` reads them.
    """
    run = connection.execution_options(no_parameters=True).exec_driver_sql
    name = f"counted_{told.model}"
    keys = ", ".join(f'"{column}"' for column, _ in columns if column != counted)
    kind = dict(columns)[counted]
    listed = ", ".join(
        f'cast(sum("{column}") AS {kind}) AS "{column}"' if column == counted else f'"{column}"'
        for column, _ in columns
    )
    sides = [
        f'SELECT {keys}, {sign}"{counted}" AS "{counted}" FROM ({statement.replace(rows, side)}) AS {place}'
        for sign, side, place in (("", told.came, "came"), ("-", told.went, "went"))
    ]
    run(f"DROP TABLE IF EXISTS {name}")
    run(
        f'CREATE TEMPORARY TABLE {name} AS SELECT {listed} FROM (SELECT {keys}, "{counted}" FROM {table}'
        f' UNION ALL {" UNION ALL ".join(sides)}) AS every GROUP BY {keys} HAVING sum("{counted}") <> 0'
    )
    if connection.dialect.name == "duckdb":
        run(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {name}")  # leaves no holes
    else:
        run(f"TRUNCATE {table}")  # views hang on the table: it stays
        run(f"INSERT INTO {table} SELECT * FROM {name}")
    run(f"DROP TABLE {name}")
