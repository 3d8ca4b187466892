"""Person ids that stay: the components of identity get the ids they had before, in one transaction with their rows.

A new person's id is a hash of its earliest identifier, so that DuckDB and Postgres, and a fresh build and an old one,
agree. When persons turn out to be one, the one seen first keeps its id; when one falls apart (a merge was undone), the
part with its earliest identifier keeps it.

Only islands that new, changed or removed evidence touches are resolved again; the rows of all others stay as they are.
The result is the same, to the row, as resolving everything with the ids that stand.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from rebuttal.journeys import identifiers
from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity import KINDS, NEVER, RULES, Resolution, resolve
from rebuttal.journeys.identity_bulk import count, drop_scratch, put, run
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.tables import rule_version

RULE_NAME, VERSION = "identity", 2  # a new version resolves everything once more
MEMORY = ("identity_record", "identity_island", "identity_node")
SCRATCH = ("identity_", "refusal_", "rows_")  # every temporary table and view begins so
_LATEST = 1 << 58  # leaves room for the kind in one number


def update_people(engine: Engine, guards: IdentityGuards) -> dict[str, int]:
    """Bring core.person_identifier and core.identity_refusal up to what core says, in one transaction.

    Persons whose rows changed are added to ops.person_change. Returns counts: `persons`, `identifiers`, `refusals`, and
    `written` (rows of either table that were written).
    """
    with engine.begin() as connection:
        drop_scratch(connection, *SCRATCH)
        is_first = _is_first(connection, guards)
        written = 0
        if identifiers.find_changes(connection, is_first=is_first) or is_first:
            identifiers.take_in(connection, guards, is_first=is_first)
            written = _resolve_scope(connection, guards, is_first=is_first)
        drop_scratch(connection, *SCRATCH)
        return {
            "persons": count(connection, "(SELECT DISTINCT person_id FROM core.person_identifier) AS person"),
            "identifiers": count(connection, "core.person_identifier"),
            "refusals": count(connection, "core.identity_refusal"),
            "written": written,
        }


def _is_first(connection: Connection, guards: IdentityGuards) -> bool:
    """Whether all is to be resolved: nothing is remembered, or it was resolved by other rules."""
    rules = hashlib.sha256(f"{VERSION} {guards.model_dump_json()}".encode()).hexdigest()
    stored = connection.execute(rule_version.select().where(rule_version.c.name == RULE_NAME)).one_or_none()
    if stored is not None and stored.fingerprint == rules:
        return not count(connection, "(SELECT 1 FROM core.identity_record LIMIT 1) AS any_record")
    connection.execute(rule_version.delete().where(rule_version.c.name == RULE_NAME))
    connection.execute(rule_version.insert().values(name=RULE_NAME, fingerprint=rules))
    for table in MEMORY:
        connection.exec_driver_sql(f"DELETE FROM core.{table}")
    return True


def _resolve_scope(connection: Connection, guards: IdentityGuards, *, is_first: bool) -> int:
    found = resolve(identifiers.read_records(connection, is_first=is_first), guards)
    _put(connection, found)
    scope = "node_id IN (SELECT node_id FROM identity_scope)"
    if is_first:  # mostly there are no rows to look for
        scope = "EXISTS (SELECT 1 FROM core.person_identifier)"
    run(connection, "past", outer="LEFT" if is_first else "", only_scope=f"WHERE {scope}")
    run(connection, "persons", collation=dialect_of(connection).collation)
    _part_namesakes(connection)
    run(connection, "rows", held="VIEW" if is_first else "TABLE")
    run(connection, "refusals", only_scope=_refusals_in_scope(is_first))
    written = _replace_people(connection)
    key = ("identifier_kind", "source", "account_id", "identifier", "reason")
    written += _replace(connection, "identity_refusal", "refusal_past", "refusal_next", (*key, "member_count"), key)
    run(connection, "remember")
    return written


def _put(connection: Connection, found: Resolution) -> None:
    """The resolution as temporary tables: identity_found, identity_member, identity_first, identity_refused."""
    put(connection, "identity_found", pa.table({"node_id": found.node, "island_id": found.island}))
    is_member = ~found.is_nobody & (found.kind != KINDS.index("response_id"))
    shared, shared_seen = identifiers.read_crowd_members(connection)
    node = np.concatenate([found.node[is_member], shared])
    component = np.concatenate([found.component[is_member], shared])
    seen = np.concatenate([found.seen[is_member], shared_seen])
    kind = np.concatenate([found.kind[is_member], np.full(len(shared), KINDS.index("client_id"))])
    rule = np.concatenate([found.rule[is_member], np.full(len(shared), RULES.index("alone"), dtype=np.int8)])
    known = pa.array(seen, mask=seen == NEVER)
    put(connection, "identity_seen", pa.table({"node_id": node, "component": component, "rule": rule, "seen": known}))
    instant = (
        "make_timestamptz(seen)"
        if connection.dialect.name == "duckdb"
        else ("timestamptz 'epoch' + seen * interval '1 microsecond'")
    )
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE identity_member AS SELECT node_id, component, rule, {instant} AS seen_at"
        " FROM identity_seen"
    )
    connection.exec_driver_sql("DROP TABLE identity_seen")
    # The earliest of each component; equally old ones by kind, and the rest of a tie by name, in SQL.
    age = np.minimum(seen, _LATEST) * len(KINDS) + kind
    least = np.full(int(component.max(initial=0)) + 1, NEVER)
    np.minimum.at(least, component, age)
    is_least = age == least[component]
    put(connection, "identity_first", pa.table({"component": component[is_least], "node_id": node[is_least]}))
    nodes, reasons, counts = zip(*sorted(set(found.refusals)), strict=True) if found.refusals else ((), (), ())
    columns = {
        "node_id": pa.array(nodes, pa.int64()),
        "reason": pa.array(reasons, pa.string()),
        "member_count": pa.array(counts, pa.int64()),
    }
    put(connection, "identity_refused", pa.table(columns))


def _part_namesakes(connection: Connection) -> None:
    """A newcomer never takes the id of a person who lives: it is salted until it is its own."""
    living = (
        "SELECT person_id FROM identity_heir UNION ALL SELECT person_id FROM core.person_identifier AS person"
        " WHERE person_id NOT IN (SELECT person_id FROM identity_past)"
    )
    while True:
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE identity_clash AS SELECT newcomer.component FROM identity_newcomer AS newcomer"
            " JOIN identity_person AS person ON person.component = newcomer.component"
            f" WHERE person.person_id IN ({living})"
        )
        clashes = count(connection, "identity_clash")
        for table, change in (
            ("identity_newcomer", "key = key || '+'"),
            ("identity_person", "person_id = (SELECT 'p' || left(md5(key), 16) FROM identity_newcomer AS newcomer"
             " WHERE newcomer.component = identity_person.component)"),
        ) if clashes else ():  # fmt: skip
            connection.exec_driver_sql(
                f"UPDATE {table} SET {change} WHERE component IN (SELECT component FROM identity_clash)"
            )
        connection.exec_driver_sql("DROP TABLE identity_clash")
        if not clashes:
            return


def _refusals_in_scope(is_first: bool) -> str:
    if is_first:
        return ""
    return (
        "JOIN (SELECT * FROM core.identity_node WHERE node_id IN (SELECT node_id FROM identity_scope)) AS node"
        " ON node.identifier = refusal.identifier AND node.identifier_kind = refusal.identifier_kind"
        " AND node.source = refusal.source AND node.account_id = refusal.account_id"
    )


def _replace_people(connection: Connection) -> int:
    key = ("identifier_kind", "source", "account_id", "identifier")
    columns = (*key, "person_id", "rule", "first_seen_at")
    written = _replace(connection, "person_identifier", "identity_past", "identity_next", columns, key)
    if written:
        changed = "SELECT person_id FROM rows_gone UNION ALL SELECT person_id FROM rows_come"
        if not count(connection, "identity_past"):  # everybody is new
            changed = "SELECT person_id FROM identity_person"
        connection.execute(
            text(
                f"INSERT INTO ops.person_change SELECT DISTINCT person_id FROM ({changed}) AS changed"
                " WHERE person_id NOT IN (SELECT person_id FROM ops.person_change)"
            )
        )
    drop_scratch(connection, "rows_")
    return written


def _replace(
    connection: Connection, table: str, past: str, after: str, columns: tuple[str, ...], key: tuple[str, ...]
) -> int:
    """Turn the rows of `past` in core.<table> into those of `after`; returns how many were written.

    Leaves what went in `rows_gone` and what came in `rows_come`.
    """
    drop_scratch(connection, "rows_")
    listed = ", ".join(columns)
    stands = count(connection, past)
    for name, one, other in (("rows_gone", past, after), ("rows_come", after, past)):
        held, minus = ("TABLE", f" EXCEPT SELECT {listed} FROM {other}") if stands else ("VIEW", "")
        connection.exec_driver_sql(f"CREATE TEMPORARY {held} {name} AS SELECT {listed} FROM {one}{minus}")
    gone, come = count(connection, "rows_gone"), count(connection, "rows_come")
    if gone:
        same = " AND ".join(f"rows_gone.{name} = stored.{name}" for name in key)
        connection.exec_driver_sql(
            f"DELETE FROM core.{table} AS stored WHERE EXISTS (SELECT 1 FROM rows_gone WHERE {same})"
        )
    if come:
        connection.exec_driver_sql(f"INSERT INTO core.{table} ({listed}) SELECT {listed} FROM rows_come")
    return max(gone, come)
