"""Evidence as core shows it, kept as numbers: what came, changed or went since the last time, and whom it touches.

Text is compared and numbered inside the warehouse. Only numbers of the islands that are touched are read from it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity import RECORD_KINDS, Records
from rebuttal.journeys.identity_bulk import count, fetch, run, statements
from rebuttal.journeys.identity_graph import Longs
from rebuttal.warehouse.dialects import dialect_of

FLAGS = ("is_scoped", "is_role", "is_online")


def find_changes(connection: Connection, *, is_first: bool) -> int:
    """Compare core with what was resolved last; the number of records that came, changed or went."""
    dialect, keys = dialect_of(connection), _keys(connection)
    run(connection, "web")
    run(
        connection,
        "evidence",
        first_deal=f"coalesce(cast({dialect.epoch_us('min(created_at)')} as text), '')",
        seen=f"coalesce(cast({dialect.epoch_us('seen_at')} as text), '')",
    )
    run(connection, "everything" if is_first else "differ", **keys)
    return count(connection, "identity_delta")


def take_in(connection: Connection, guards: IdentityGuards, *, is_first: bool) -> None:
    """Bring dictionary and records up to the changes, and leave in `identity_scope` whom they touch."""
    run(connection, "forget")
    keys = _keys(connection)
    delta = f"JOIN identity_delta AS delta ON delta.is_there AND delta.record_key = {keys['record_key']}"
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
        run(connection, "learn", held="VIEW", only_delta="", only_unknown="", only_named="", **keys)
    else:
        run(connection, "learn", held="TABLE", only_delta=delta, only_unknown=unknown, only_named=named, **keys)
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
    types |= dict.fromkeys(FLAGS, pa.bool_())
    scope = "" if is_first else "AND self_node IN (SELECT node_id FROM identity_scope)"
    is_click = f"kind IN ({RECORD_KINDS.index('gclid')}, {RECORD_KINDS.index('yclid')})"
    device = "JOIN core.identity_node AS device ON device.node_id = record.client_node"
    by_time = f"ORDER BY seen_at NULLS LAST, device.identifier{dialect.collation}"
    parts = []
    for which, joined, ordered in ((f"NOT {is_click}", "", ""), (is_click, device, by_time)):
        phrases = {"seen": dialect.epoch_us("seen_at"), "which": which, "device": joined, "ordered": ordered}
        parts.append(fetch(connection, statements("records", **phrases, only_scope=scope)[0], types))
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


def _keys(connection: Connection) -> dict[str, str]:
    """The numbers of records of identity_evidence (as `now`), of what they say and of their words, as SQL."""
    number = dialect_of(connection).number_of
    return {
        "record_key": number("now.record_kind", "now.source", "now.account_id", "now.record_id"),
        "content_key": number("now.fingerprint"),
        "segment_key": number("now.segment"),
        "language_key": number("now.language"),
        "company_key": number("now.company_id"),
        "owner_key": number("now.owner_id"),
    }


def _column(column: pa.ChunkedArray) -> Longs:
    found: Longs = column.to_numpy()
    return found
