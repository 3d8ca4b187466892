"""Person ids that stay: the components of identity get the ids they had before, in one transaction with their rows.

A new person's id is a hash of its earliest identifier, so that DuckDB and Postgres, and a fresh build and an old one,
agree. When persons turn out to be one, the one seen first keeps its id; when one falls apart (a merge was undone), the
part with its earliest identifier keeps it.

Only islands that new, changed or removed evidence touches are resolved again; the rows of all others stay as they are.
The result is the same, to the row, as resolving everything with the ids that stand.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, Engine

from rebuttal.errors import StoreError
from rebuttal.journeys import identifiers
from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity import resolve
from rebuttal.journeys.identity_bulk import count, drop_scratch, is_any, run
from rebuttal.journeys.resolution_tables import put_resolution
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.tables import rule_version

RULE_NAME, VERSION = "identity", 3  # a new version resolves everything once more
MEMORY = ("identity_record", "identity_island", "identity_batch")
SCRATCH = ("identity_", "refusal_", "rows_")  # every temporary table and view begins so
_NAME = ("identifier_kind", "source", "account_id", "identifier")
_PERSON = (*_NAME, "person_id", "rule", "first_seen_at", "node_id")


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
            "persons": count(connection, "core.identity_island WHERE person_key IS NOT NULL"),
            "identifiers": count(connection, "core.person_identifier"),
            "refusals": count(connection, "core.identity_refusal"),
            "written": written,
        }


def _is_first(connection: Connection, guards: IdentityGuards) -> bool:
    """Whether all is to be resolved: nothing is remembered, or it was resolved by other rules or numbered by another
    engine (hashes are its own).
    """
    engine = connection.exec_driver_sql("SELECT version()").scalar_one()
    rules = hashlib.sha256(f"{VERSION} {engine} {guards.model_dump_json()}".encode()).hexdigest()
    stored = connection.execute(rule_version.select().where(rule_version.c.name == RULE_NAME)).one_or_none()
    is_same = stored is not None and stored.fingerprint == rules
    if is_same and is_any(connection, "core.identity_record"):
        return False
    for table in MEMORY:
        connection.exec_driver_sql(f"DELETE FROM core.{table}")
    if not is_same:
        connection.execute(rule_version.delete().where(rule_version.c.name == RULE_NAME))
        connection.execute(rule_version.insert().values(name=RULE_NAME, fingerprint=rules))
        connection.exec_driver_sql("DROP TABLE IF EXISTS core.identity_node")  # of versions before 3: everybody's names
        identifiers.number_rows(connection)
    return True


def _resolve_scope(connection: Connection, guards: IdentityGuards, *, is_first: bool) -> int:
    found = resolve(identifiers.read_records(connection, is_first=is_first), guards)
    members = put_resolution(connection, found, is_first=is_first)
    scope = "" if is_first else "WHERE node_id IN (SELECT node_id FROM identity_scope)"
    run(connection, "past", only_scope=scope)
    # Where all rows are new, they go from core to core in one statement: DuckDB scans what a transaction has written
    # itself with one thread only.
    is_new = not is_any(connection, "core.person_identifier")
    identifiers.read_names(connection, is_first=is_first, held="VIEW" if is_new else "TABLE")
    run(connection, "persons", collation=dialect_of(connection).collation)
    person_key = dialect_of(connection).number_of("person.person_id")
    _part_namesakes(connection, person_key)
    run(connection, "rows", held="VIEW" if is_new else "TABLE")
    run(connection, "refusals")
    written = _write_people(connection, members) if is_new else _replace_people(connection)
    if (
        count(connection, "core.person_identifier" if is_new else "identity_next") != members
    ):  # an identifier whose name is nowhere would be lost without a word
        raise StoreError(
            "What identity remembers of some identifiers does not fit core.person_identifier and core.identity_refusal",
            next_step="Empty core.identity_record and run this again: everybody is resolved anew and keeps their ids",
        )
    refusal = (*_NAME, "reason", "member_count", "node_id")
    written += _replace(connection, "identity_refusal", "refusal_past", "refusal_next", refusal)
    if not is_first:
        place = dialect_of(connection).place
        stood = "SELECT place FROM identity_scope WHERE place IS NOT NULL"
        connection.exec_driver_sql(f"DELETE FROM core.identity_island WHERE {place} IN ({stood})")
    run(connection, "remember", person_key=person_key)
    return written


def _part_namesakes(connection: Connection, person_key: str) -> None:
    """A newcomer never takes the id of a person who lives: it is salted until it is its own."""
    while True:
        run(connection, "namesakes", person_key=person_key)
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


def _write_people(connection: Connection, members: int) -> int:
    listed = ", ".join(_PERSON)
    connection.exec_driver_sql(f"INSERT INTO core.person_identifier ({listed}) SELECT {listed} FROM identity_next")
    _tell_of(connection, "identity_person")
    return members


def _replace_people(connection: Connection) -> int:
    written = _replace(connection, "person_identifier", "identity_past", "identity_next", _PERSON)
    if written:
        _tell_of(connection, "(SELECT person_id FROM rows_gone UNION ALL SELECT person_id FROM rows_come)")
    return written


def _tell_of(connection: Connection, persons: str) -> None:
    connection.exec_driver_sql(
        f"INSERT INTO ops.person_change SELECT DISTINCT person_id FROM {persons} AS changed"
        " WHERE NOT EXISTS (SELECT 1 FROM ops.person_change AS told WHERE told.person_id = changed.person_id)"
    )


def _replace(connection: Connection, table: str, past: str, after: str, columns: tuple[str, ...]) -> int:
    """Turn the rows of `past` in core.<table> into those of `after`; returns how many were written.

    Leaves what went in `rows_gone` and what came in `rows_come`.
    """
    if not is_any(connection, past) and not is_any(connection, after):
        return 0
    listed = ", ".join(columns)
    # Names follow from their number. Only a time may be unknown; Postgres can hash `=` alone.
    compared = {name: "IS NOT DISTINCT FROM" if name == "first_seen_at" else "=" for name in columns}
    same = " AND ".join(f"one.{name} {how} other.{name}" for name, how in compared.items() if name not in _NAME)
    for name, one, other in (("rows_gone", past, after), ("rows_come", after, past)):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        connection.exec_driver_sql(
            f"CREATE TEMPORARY TABLE {name} AS SELECT {listed} FROM {one} AS one"
            f" WHERE NOT EXISTS (SELECT 1 FROM {other} AS other WHERE {same})"
        )
    gone, come = count(connection, "rows_gone"), count(connection, "rows_come")
    if gone:
        same = " AND ".join(f"rows_gone.{name} = stored.{name}" for name in columns if name in (*_NAME, "reason"))
        connection.exec_driver_sql(
            f"DELETE FROM core.{table} AS stored WHERE node_id IN (SELECT node_id FROM rows_gone)"
            f" AND EXISTS (SELECT 1 FROM rows_gone WHERE {same})"
        )
    if come:
        connection.exec_driver_sql(f"INSERT INTO core.{table} ({listed}) SELECT {listed} FROM rows_come")
    return max(gone, come)
