"""Evidence as core shows it, kept as numbers: what came, changed or went since the last time, and whom it touches.

An identifier's number (its node) is a hash of 63 bits of its kind, source, account and name, so that none has to be
looked up: of ten million identifiers some two have the same number once in two hundred thousand such companies. Text
stays in the warehouse, and only numbers of the islands that are touched are read from it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity import Records
from rebuttal.journeys.identity_bulk import count, drop_scratch, fetch, is_any, run, statements
from rebuttal.journeys.identity_graph import Longs
from rebuttal.warehouse.dialects import dialect_of

_OF_WEB = "entity IN ('visit', 'hit')"
FLAGS = ("is_scoped", "is_role", "is_online")
_KINDS = {
    name: f"CASE WHEN now.partner_id <> '' THEN 'partner_{name}_hash' ELSE '{name}_hash' END"
    for name in ("email", "phone")
}


def find_changes(connection: Connection, *, is_first: bool) -> int:
    """Compare core with what was resolved last; the number of records that came, changed or went.

    Leaves those that came or changed in `identity_text`, those that changed or went in `identity_gone`. Looked at are
    rows of batches that were not known, for a row that changes comes with another one. Then all of core is added up: if
    the sums tell of anything else (a row that left, an erasure), all of it is compared.
    """
    number, keys = dialect_of(connection).number_of, _keys(connection)
    seen = {"visit": number("client_id", "gclid", "yclid", "started_at"), "hit": number("client_id", "occurred_at")}
    run(connection, "batches", **seen)
    if is_first:
        _see(connection, is_all=True)
        told = f"SELECT now.*, {keys['record_key']} AS record_key, {keys['content_key']} AS content_key"
        connection.exec_driver_sql(f"CREATE TEMPORARY VIEW identity_text AS {told} FROM identity_evidence AS now")
    else:
        is_all = is_any(connection, f"identity_batch_other WHERE {_OF_WEB}")
        _see(connection, is_all=is_all)
        run(connection, "texts_new", **keys)
        if not _is_balanced(connection, is_all=is_all):
            drop_scratch(connection, "identity_evidence", "identity_web", "identity_text", "identity_gone")
            _see(connection, is_all=True)
            run(connection, "texts", **keys)
    if is_any(connection, "identity_batch_new") or is_any(connection, "identity_batch_other"):
        run(connection, "settle_batches")
    return 0 if is_first else count(connection, "identity_text") + count(connection, "identity_gone")


def _see(connection: Connection, *, is_all: bool) -> None:
    """Make identity_evidence; what the analytics tools saw is in it wholly, or as far as new batches tell."""
    dialect = dialect_of(connection)
    if is_all:
        run(connection, "web")
    else:
        device = dialect.number_of("'device'", "''", "''", "seen.client_id")
        click = dialect.number_of("seen.kind", "''", "''", "seen.click_id || '>' || seen.client_id")
        run(connection, "web_new", device=device, click=click)
    phrases = {
        "first_deal": f"coalesce(cast({dialect.epoch_us('min(created_at)')} as text), '')",
        "seen": f"coalesce(cast({dialect.epoch_us('seen_at')} as text), '')",
    }
    run(connection, "evidence", name="identity_evidence", only_new="", and_new="", **phrases)
    is_new = "batch_id IN (SELECT batch_id FROM identity_batch_new WHERE entity = 'record')"
    phrases |= {"only_new": f"WHERE {is_new}", "and_new": f"AND {is_new}"}
    run(connection, "evidence", name="identity_evidence_new", **phrases)


def _is_balanced(connection: Connection, *, is_all: bool) -> bool:
    """Whether what was found explains all the difference between core and what was resolved last.

    Where known batches of visits and hits add up to the same, their records need no second look.
    """
    phrases = {
        "kinds": "TRUE" if is_all else "record_kind NOT IN ('device', 'gclid', 'yclid')",
        "numbers": "TRUE" if is_all else "kind NOT IN (5, 6, 7)",
        "content_key": _keys(connection)["content_key"],
    }
    return bool(connection.exec_driver_sql(statements("balance", **phrases)[0]).scalar_one())


def take_in(connection: Connection, guards: IdentityGuards, *, is_first: bool) -> None:
    """Bring the records up to the changes, and leave in `identity_scope` whom they touch (nobody told: all)."""
    keys = _keys(connection)
    limits = {"max_records": guards.max_records_per_identifier, "max_records_per_hour": guards.max_records_per_hour}
    if is_first:
        run(connection, "learn", records="core.identity_record", texts="identity_text", **keys)
        run(connection, "crowds", records="core.identity_record", only_seed="", **limits)
        return
    connection.exec_driver_sql("CREATE TEMPORARY TABLE identity_come AS SELECT * FROM core.identity_record LIMIT 0")
    run(connection, "learn", records="identity_come", texts="identity_text", **keys)
    run(connection, "touched")
    places = {"place": dialect_of(connection).place, "no_place": dialect_of(connection).no_place}
    run(connection, "scope", **places)
    records = "core.identity_record" if is_any(connection, "identity_scope WHERE is_crowd") else "identity_near"
    only_seed = "AND carried.node_id IN (SELECT node_id FROM identity_seed)"
    run(connection, "crowds", records=records, only_seed=only_seed, **limits)
    run(connection, "flipped")
    if is_any(connection, "identity_flipped"):
        run(connection, "carriers")
        drop_scratch(connection, "identity_scope", "identity_near")
        run(connection, "scope", **places)


def read_records(connection: Connection, *, is_first: bool) -> Records:
    """The evidence of the scope."""
    dialect = dialect_of(connection)
    types = {field.name: pa.int64() for field in fields(Records) if field.name != "crowds"}
    types |= dict.fromkeys(FLAGS, pa.bool_())
    records = "core.identity_record" if is_first else "identity_near"
    run(connection, "tied", records=records)
    turn = "0"
    if is_any(connection, "identity_tied"):
        run(connection, "turns", collation=dialect.collation, record_key=_keys(connection)["record_key"])
        turn = "coalesce((SELECT turn FROM identity_turn WHERE identity_turn.record_key = record.record_key), 0)"
    phrases = {"seen": dialect.epoch_us("seen_at"), "turn": turn, "records": records}
    table = fetch(connection, statements("records", **phrases)[0], types)
    columns: dict[str, Any] = {name: _column(table.column(name)) for name in types}
    return Records(**columns, crowds=_crowds(connection, is_first=is_first))


def read_crowd_members(connection: Connection) -> tuple[Longs, Longs]:
    """Shared devices among the touched: nodes, and when each was first seen (microseconds UTC, or NEVER)."""
    query = statements("crowd_members", seen=dialect_of(connection).epoch_us("seen_at"))[0]
    table = fetch(connection, query, {"node": pa.int64(), "seen": pa.int64()})
    return _column(table.column("node")), _column(table.column("seen"))


def read_names(connection: Connection, *, is_first: bool, held: str) -> None:
    """Leave in `identity_known` (a TABLE or a VIEW) what was found (`identity_member`) with names of identifiers."""
    if is_first:
        run(connection, "known_all", held=held)
    else:
        run(connection, "known_some", email_kind=_KINDS["email"], phone_kind=_KINDS["phone"], **_keys(connection))


def number_rows(connection: Connection) -> None:
    """Give stored rows of persons and refusals the numbers of their identifiers."""
    node = dialect_of(connection).number_of("now.identifier_kind", "now.source", "now.account_id", "now.identifier")
    run(connection, "number", node=node)


def _crowds(connection: Connection, *, is_first: bool) -> Longs:
    query = "SELECT node_id AS node FROM identity_crowd"
    if not is_first:
        query += (
            " UNION ALL SELECT node_id FROM core.identity_island"
            " WHERE is_crowd AND node_id NOT IN (SELECT node_id FROM identity_seed)"
        )
    return _column(fetch(connection, query, {"node": pa.int64()}).column("node"))


def _keys(connection: Connection) -> dict[str, str]:
    """The numbers of records of identity_evidence (as `now`), of what they say, name and of their words, as SQL."""
    number = dialect_of(connection).number_of
    return {
        "record_key": number("now.record_kind", "now.source", "now.account_id", "now.record_id"),
        "content_key": number("now.fingerprint"),
        "self_node": number("now.self_kind", "now.self_source", "now.self_account", "now.self_id"),
        "email_node": number(_KINDS["email"], "''", "now.partner_id", "now.email_hash"),
        "phone_node": number(_KINDS["phone"], "''", "now.partner_id", "now.phone_hash"),
        "client_node": number("'client_id'", "''", "''", "now.client_id"),
        "gclid_node": number("'gclid'", "''", "''", "now.gclid"),
        "yclid_node": number("'yclid'", "''", "''", "now.yclid"),
        "other_node": number("'contact_id'", "now.other_source", "now.other_account", "now.other_id"),
        "segment_key": number("now.segment"),
        "language_key": number("now.language"),
        "company_key": number("now.company_id"),
        "owner_key": number("now.owner_id"),
    }


def _column(column: pa.ChunkedArray) -> Longs:
    found: Longs = column.to_numpy()
    return found
