"""Merging one staged batch into core, with every landed row counted once. The caller owns the transaction.

`landed = new + changed + unchanged + deduplicated + quarantined + suppressed`. A row never replaces a newer one:
newer is the vendor's own version where there is one, else (and among equal versions) what was landed later.

Copies of one event (`Entity.same_event`) are folded over everything known of that event, so core is the same
whatever the order of arrival. They are kept in `core.<entity>_copy`. When the original arrives after its copy, it
takes the copy's place: it counts as changed, the copy's own batch keeps the outcome it had, and `ops.duplicate` says
which batch folded it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from rebuttal.errors import AccountingError
from rebuttal.records import OUTCOMES
from rebuttal.warehouse import batches, sql
from rebuttal.warehouse.bounded import bounded
from rebuttal.warehouse.dialects import Dialect, dialect_of, quoted
from rebuttal.warehouse.entities import Entity, SameEvent
from rebuttal.warehouse.events import fold
from rebuttal.warehouse.staging import Staged

# Entities whose figures add up over days, and which figures.
RESTATED = {
    "ad_performance": ("impressions", "clicks", "cost", "platform_conversions", "platform_value"),
    "traffic": ("sessions", "key_events"),
}
_SUPPRESSIBLE = ("email_hash", "phone_hash", "client_id", "contact_id")
_SCRATCH = ("later", "judged", "members", "folds", "sunk", "freed")
_MARGIN = timedelta(hours=1)
_RAW_LIMIT = 65_536  # characters of a quarantined row's JSON


def merge(connection: Connection, staged: Staged, failed: str) -> dict[str, int]:
    """Merge the staged rows that are not in the scratch table `failed`, quarantine those, and return outcome -> rows.

    `failed` has `_row, position, check_name, reason, value`, one row per broken rule and row.

    Raises AccountingError when the outcomes do not add up to the staged rows: the caller's transaction is rolled back.
    """
    names = judge(connection, staged, failed)
    _record_restated(connection, staged, names)
    rule = staged.entity.same_event
    if rule:
        _fold_events(connection, rule, names)
    with bounded(connection, staged.row_count):
        sql.run_file(connection, "write_events.sql" if rule else "write.sql", **names)
    counts = keep_evidence(connection, staged, names)
    _drop(connection, names, _SCRATCH)
    return counts


def judge(connection: Connection, staged: Staged, failed: str) -> dict[str, Any]:
    """Make the temporary table `judged`: where each row of the batch ends, before copies of events are folded.

    Returns the names that the further statements are rendered with.
    """
    names = _names(connection, staged, failed)
    _drop(connection, names, _SCRATCH)
    names["has_later"] = batches.has_later(connection, staged.batch)
    if names["has_later"]:
        sql.run_file(connection, "later.sql", **names)
    names["within"] = _within(connection, staged)
    names["has_repeated"] = sql.run_file(connection, "has_repeated.sql", **names).first() is not None
    sql.run_file(connection, "judge.sql", **names)
    return names


def keep_evidence(connection: Connection, staged: Staged, names: dict[str, Any]) -> dict[str, int]:
    """Record what was folded and what was kept out, and count where the judged rows end.

    Raises AccountingError when they are not as many as the staged rows.
    """
    sql.run_file(connection, "record_duplicates.sql", **{**names, "folds": names["folds"] if names["kind"] else ""})
    if names["has_failed"] or names["was_quarantined"]:
        sql.run_file(connection, "record_quarantine.sql", **_raw_names(dialect_of(connection)), **names)
    counts = _counts(connection, names["judged"])
    counts["suppressed"] += staged.erased_count
    if sum(counts.values()) != staged.row_count + staged.erased_count:
        raise AccountingError(
            f"Batch {staged.batch.name} has {staged.row_count} rows, but its outcomes are {counts}",
            next_step="Nothing of it was merged. Report this with the batch id",
        )
    return counts


def key_text(entity: Entity, row: str = "") -> str:
    """SQL of an event's key inside its source and account, as text (keys of events are text)."""
    columns = [f"{row}{column}" for column in entity.key]
    return columns[0] if len(columns) == 1 else f"concat_ws(chr(31), {', '.join(columns)})"


def _names(connection: Connection, staged: Staged, failed: str) -> dict[str, Any]:
    batch, entity = staged.batch, staged.entity
    dialect = dialect_of(connection)
    return {
        # They live in memory, and for this connection only: nothing of them is left by a process that is killed.
        **{table: f"{table}_{batch.sequence}" for table in _SCRATCH},
        "collation": dialect.collation,
        "place": dialect.place,
        "no_place": dialect.no_place,
        "staged": staged.table,
        "written": staged.written,
        "failed": failed,
        "has_failed": _has_rows(connection, failed),
        "was_quarantined": _has_rows(connection, f"ops.quarantine where batch_id = {quoted(batch.batch_id)}"),
        "landing": batch.landing,
        "entity": entity.name,
        "key": entity.key,
        "fingerprint": dialect.fingerprint(entity.key),
        "key_of": lambda row: ", ".join(f"{row}.{column}" for column in entity.key),
        "same_key": lambda one, other: " and ".join(f"{one}.{column} = {other}.{column}" for column in entity.key),
        "columns": tuple(entity.columns),
        "version": entity.version,
        "has_copies": entity.same_event is not None,
        "kind": entity.same_event.kind if entity.same_event else "",
        "id": key_text(entity),
        "suppressed": suppressed(entity) if _has_rows(connection, "ops.suppression") else "false",
        "batch_id": quoted(batch.batch_id),
        "source": quoted(batch.source),
        "stream": quoted(batch.stream),
        "account_id": quoted(batch.account_id),
        "sequence": batch.sequence,
    }


def _within(connection: Connection, staged: Staged) -> str:
    """SQL that is true of all stored rows that the batch can meet. Its constants spare the engine most of history: a
    block of rows whose keys all lie outside is not read.
    """
    key = staged.entity.key
    ends = ", ".join(f"cast({end}({column}) as text)" for column in key for end in ("min", "max"))
    found = connection.execute(text(f"select {ends} from {staged.table}")).one()
    kinds = [staged.entity.columns[column].compile(connection.dialect) for column in key]
    bounds = []
    for number, (column, kind) in enumerate(zip(key, kinds, strict=True)):
        low, high = found[2 * number], found[2 * number + 1]
        if low is None:
            return "false"
        bounds.append(f"{column} between cast({quoted(low)} as {kind}) and cast({quoted(high)} as {kind})")
    return " and ".join(bounds)


def _drop(connection: Connection, names: dict[str, Any], tables: Sequence[str]) -> None:
    for table in tables:
        connection.execute(text(f"drop table if exists {names[table]}"))


def _has_rows(connection: Connection, table: str) -> bool:
    return connection.execute(text(f"select 1 from {table} limit 1")).first() is not None


def _raw_names(dialect: Dialect) -> dict[str, Any]:
    return {
        "reason_json": dialect.json_object(check_name="check_name", reason="reason", value="value"),
        "row_json": dialect.row_json("landed"),
        "raw_limit": _RAW_LIMIT,
        "raw_head_json": dialect.json_object(
            length="length(landed.raw)", md5="md5(landed.raw)", head="substr(landed.raw, 1, 1000)"
        ),
    }


def suppressed(entity: Entity) -> str:
    """SQL over `staged`: whether a row is about an erased person."""
    found = [
        f"staged.{name} in (select identifier from ops.suppression)" for name in _SUPPRESSIBLE if name in entity.columns
    ]
    return f"coalesce({' or '.join(found)}, false)" if found else "false"


def _fold_events(connection: Connection, rule: SameEvent, names: dict[str, Any]) -> None:
    """Find copies among what this batch touches, make the scratch table of them, and settle the outcomes."""
    dialect = dialect_of(connection)
    names = {**names, **_event_names(rule, dialect)}
    touched = (
        f"select min({rule.at}), max({rule.at}) from {names['staged']} as staged"
        f" join {names['judged']} as judged on judged._row = staged._row and (_found in ('new', 'changed') or was_copy)"
    )
    low, high = connection.execute(text(touched)).one()
    copies = _copies_between(connection, rule, names, low, high)
    sql.run_file(
        connection,
        "scratch_folds.sql",
        {"found": json.dumps([{"copy_id": copy, "survivor_id": kept} for copy, kept in copies.items()])},
        records=dialect.records(":found", ("copy_id", "survivor_id")),
        **names,
    )
    sql.run_file(connection, "settle_folds.sql", **names)


def _event_names(rule: SameEvent, dialect: Dialect) -> dict[str, str]:
    # chr(30) stands for "nothing" and chr(31) parts the values: neither is in a text that people or browsers write.
    parts = ", ".join(f"coalesce(cast({column} as text), chr(30))" for column in rule.columns)
    return {
        "known": f"coalesce({', '.join(rule.known)})",
        "group": f"concat_ws(chr(31), {parts})",
        "at": rule.at,
        "at_us": dialect.epoch_us(rule.at),
    }


def _copies_between(
    connection: Connection, rule: SameEvent, names: dict[str, Any], low: datetime | None, high: datetime | None
) -> dict[str, str]:
    """Copy key -> surviving key. Widens the time looked at until no series of repeats reaches over its edge."""
    window, margin = rule.seconds * 1_000_000, _MARGIN
    if low is None or high is None:  # nothing that has a time is new: an empty span, so that the table exists
        low = high = datetime(1970, 1, 1, tzinfo=UTC)
    while True:
        edges = (low - margin, high + margin)
        _drop(connection, names, ["members"])
        sql.run_file(connection, "members.sql", low=_moment(edges[0]), high=_moment(edges[1]), **names)
        linked = f"from {names['members']} where least(since_previous, until_next) <= {window}"
        first, last = connection.execute(text(f"select min(_at), max(_at) {linked}")).one()
        if first is None:
            return {}
        slack = timedelta(seconds=rule.seconds)
        if _microseconds(edges[0] + slack) < first and last < _microseconds(edges[1] - slack):
            found = connection.execute(text(f"select _group, _at, _id {linked}"))
            return fold(((group, at, key) for group, at, key in found), window)
        margin *= 24


def _moment(at: datetime) -> str:
    return f"timestamp with time zone {quoted(at.isoformat())}"


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _record_restated(connection: Connection, staged: Staged, names: dict[str, Any]) -> None:
    measures, columns = RESTATED.get(staged.entity.name), staged.entity.columns
    if measures and _has_rows(connection, f"{names['judged']} where outcome = 'changed'"):
        own: dict[str, Any] = {
            "currency": lambda row: f"{row}.currency" if "currency" in columns else "cast(null as text)"
        }
        sql.run_file(connection, "record_restated.sql", **own, **names, measures=measures)


def _counts(connection: Connection, judged: str) -> dict[str, int]:
    found = connection.execute(text(f"select outcome, count(*) from {judged} group by outcome"))
    counted = {str(outcome): int(rows) for outcome, rows in found}
    return {name: counted.pop(name, 0) for name in OUTCOMES}
