"""Evidence as core shows it, kept as numbers: what came, changed or went since the last time, and whom it touches.

Text is compared and numbered inside the warehouse. Only numbers of the islands that are touched are read from it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity import Records
from rebuttal.journeys.identity_bulk import count, fetch, run, statements
from rebuttal.journeys.identity_graph import Longs
from rebuttal.warehouse.dialects import dialect_of

TRAITS = ("segment", "language", "company", "owner")
FLAGS = ("is_scoped", "is_role", "is_online")


def find_changes(connection: Connection, *, is_first: bool) -> int:
    """Compare core with what was resolved last; the number of records that came, changed or went."""
    dialect = dialect_of(connection)
    run(connection, "web")
    run(
        connection,
        "evidence",
        first_deal=f"coalesce(cast({dialect.epoch_us('min(created_at)')} as text), '')",
        seen=f"coalesce(cast({dialect.epoch_us('seen_at')} as text), '')",
    )
    run(connection, "everything" if is_first else "differ")
    return count(connection, "identity_delta")


def take_in(connection: Connection, guards: IdentityGuards, *, is_first: bool) -> None:
    """Bring dictionary and records up to the changes, and leave in `identity_scope` whom they touch."""
    run(connection, "forget")
    delta = (
        "JOIN identity_delta AS delta ON delta.is_there AND delta.record_id = now.record_id"
        " AND delta.record_kind = now.record_kind AND delta.source = now.source AND delta.account_id = now.account_id"
    )
    named = (
        "JOIN identity_name AS name ON name.identifier = known.identifier"
        " AND name.identifier_kind = known.identifier_kind AND name.source = known.source"
        " AND name.account_id = known.account_id"
    )
    unknown = (
        "WHERE NOT EXISTS (SELECT 1 FROM core.identity_node AS known WHERE known.identifier = name.identifier"
        " AND known.identifier_kind = name.identifier_kind AND known.source = name.source"
        " AND known.account_id = name.account_id)"
    )
    if is_first:
        run(connection, "learn", held="VIEW", only_delta="", only_unknown="", only_named="")
    else:
        run(connection, "learn", held="TABLE", only_delta=delta, only_unknown=unknown, only_named=named)
    run(
        connection,
        "crowds",
        only_seed="" if is_first else "JOIN identity_seed ON identity_seed.node_id = carried.node_id",
        max_records=guards.max_records_per_identifier,
        max_records_per_hour=guards.max_records_per_hour,
    )
    run(connection, "scope")


def read_records(connection: Connection, *, is_first: bool) -> Records:
    """The evidence of the scope."""
    dialect = dialect_of(connection)
    types = {field.name: pa.int64() for field in fields(Records) if field.name != "crowds"}
    types |= dict.fromkeys(TRAITS, pa.string()) | dict.fromkeys(FLAGS, pa.bool_())
    scope = "" if is_first else "AND self_node IN (SELECT node_id FROM identity_scope)"
    is_click = "record_kind IN ('gclid', 'yclid')"
    parts = []
    for which, ordered in (
        (f"NOT {is_click}", ""),
        (is_click, f"ORDER BY seen_at NULLS LAST, record_id{dialect.collation}"),
    ):
        phrases = {"seen": dialect.epoch_us("seen_at"), "which": which, "ordered": ordered, "only_scope": scope}
        parts.append(fetch(connection, statements("records", **phrases)[0], types))
    table = pa.concat_tables(parts)
    columns: dict[str, Any] = {name: _column(table.column(name)) for name in types}
    return Records(**columns, crowds=_crowds(connection))


def read_crowd_members(connection: Connection) -> tuple[Longs, Longs]:
    """Shared devices among the touched: nodes, and when each was first seen (microseconds UTC, or NEVER)."""
    query = statements("crowd_members", seen=dialect_of(connection).epoch_us("crowd.seen_at"))[0]
    table = fetch(connection, query, {"node": pa.int64(), "seen": pa.int64()})
    return _column(table.column("node")), _column(table.column("seen"))


def _crowds(connection: Connection) -> Longs:
    query = (
        "SELECT node_id AS node FROM identity_crowd UNION ALL SELECT node_id FROM core.identity_island"
        " WHERE is_crowd AND node_id NOT IN (SELECT node_id FROM identity_seed)"
    )
    return _column(fetch(connection, query, {"node": pa.int64()}).column("node"))


def _column(column: pa.ChunkedArray) -> Longs:
    """Numbers and flags as they are, text as codes (-1 where there is none; which code means which does not matter)."""
    if column.type == pa.string():
        coded = column.combine_chunks().dictionary_encode()
        column = coded.indices.cast(pa.int64()).fill_null(-1)
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
    found: Longs = column.to_numpy()
    return found
