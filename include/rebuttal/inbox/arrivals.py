"""What comes in, and how it is kept: one insert that a repeat of the same delivery cannot double."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import Connection, Dialect, case, select
from sqlalchemy.dialects import postgresql, sqlite

from rebuttal.state import EndedPartner, InboxEvent, Sessions

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # no clock but the database's decides whether a new event is due

State = Literal["new", "unhandled", "dead"]
Outcome = Literal["stored", "repeated", "conflict"]
Key = tuple[str, str]  # source and hash of the delivery key: one row in the table
Row = dict[str, Any]


@dataclass(frozen=True)
class Arrival:
    """One event as it came. `delivery_key`: what the vendor calls it, the same when it is sent again; `content` is what
    a resend does not change, of which the hash is kept; texts hold no NUL."""

    source: str
    delivery_key: str
    event_type: str
    body: bytes
    content: bytes
    object_type: str | None = None
    object_id: str | None = None
    occurred_at: datetime | None = None
    partner: str | None = None
    state: State = "new"
    reason: str | None = None


def receive(sessions: Sessions, arrivals: Sequence[Arrival], now: datetime | None = None) -> list[Outcome]:
    """Keep events in one transaction; what became of each, in order. When this returns they are on disk.

    An event that is known is counted once more; another content under its key is kept as a conflict. Raises
    SQLAlchemy's DBAPIError when the store does not take them: then none is kept.
    """
    at = now or datetime.now(UTC)
    try:
        with sessions.begin() as session:
            return receive_new(session.connection(), arrivals, at)
    except KnownError:
        with sessions.begin() as session:
            return receive_within(session.connection(), arrivals, at)


class KnownError(Exception):
    """Not all events are new: the transaction must be rolled back, and `receive_within` takes them in another."""


def receive_new(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> list[Outcome]:
    """Keep events that are all new, within a transaction: the usual case, in a small part of an upsert's time.

    Raises KnownError, with what is new inserted already, when one of them is known.
    """
    arrivals = _without_ended(connection, arrivals)
    rows = {(arrival.source, hash_of(arrival.delivery_key.encode())): arrival for arrival in arrivals}
    if len(rows) < len(arrivals):
        raise KnownError
    if rows:
        insert = _insert_on_postgres if connection.dialect.name == "postgresql" else _insert_on_sqlite
        if insert(connection, sorted(rows.items(), key=itemgetter(0)), now) != len(rows):
            raise KnownError
    return ["stored"] * len(rows)


def _without_ended(connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """Of events of partners that left only that they came: their sender is answered and does not send them again."""
    if not any(one.partner for one in arrivals):
        return arrivals
    ended = set(connection.execute(select(EndedPartner.partner)).scalars())
    return [_emptied(one) if one.partner in ended else one for one in arrivals]


def _emptied(arrival: Arrival) -> Arrival:
    return replace(
        arrival,
        delivery_key=f"left:{hash_of(arrival.delivery_key.encode())}",
        object_type=None,
        object_id=None,
        body=b"",
        content=b"",
        state="unhandled",
        reason="The partner has left",
    )


def _insert_on_sqlite(connection: Connection, rows: list[tuple[Key, Arrival]], now: datetime) -> int:
    """How many of them are new. The driver's own rows: through SQLAlchemy's each one costs more than SQLite's work."""
    written = _times_written(connection.dialect)
    received_at = written(now)
    bound = [
        (
            *key, one.delivery_key, one.event_type, one.object_type, one.object_id, written(one.occurred_at),
            one.partner, one.body, hash_of(one.content), one.state, one.reason, received_at,
        )
        for key, one in rows
    ]  # fmt: skip
    options = {"preserve_rowcount": True}
    return connection.exec_driver_sql(_statement("insert_sqlite"), bound, execution_options=options).rowcount


def _insert_on_postgres(connection: Connection, rows: list[tuple[Key, Arrival]], now: datetime) -> int:
    """How many of them are new."""
    events = [
        {
            "source": source, "key_hash": key_hash, "delivery_key": one.delivery_key, "event_type": one.event_type,
            "object_type": one.object_type, "object_id": one.object_id,
            "occurred_at": one.occurred_at and one.occurred_at.isoformat(), "partner": one.partner,
            "body": one.body.hex(), "body_hash": hash_of(one.content), "state": one.state, "reason": one.reason,
        }
        for (source, key_hash), one in rows
    ]  # fmt: skip
    bound = {"events": json.dumps(events), "received_at": now}
    return connection.exec_driver_sql(_statement("insert_postgresql"), bound).rowcount


@cache
def _statement(name: str) -> str:
    return files("rebuttal.inbox").joinpath("statements", f"{name}.sql").read_text(encoding="utf-8")


def _times_written(dialect: Dialect) -> Callable[[datetime | None], str | None]:
    """How SQLAlchemy writes a time of the inbox for this driver, so that both ways in write the same."""
    written: Callable[[datetime | None], str | None] | None
    written = InboxEvent.received_at.type.dialect_impl(dialect).bind_processor(dialect)
    assert written is not None
    return written


def receive_within(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> list[Outcome]:
    """The same within a transaction: nothing is kept before it is committed."""
    if not arrivals:
        return []
    arrivals = _without_ended(connection, arrivals)
    firsts: dict[Key, Row] = {}
    keys: list[Key] = []
    later: list[int] = []  # what differs from the first of its key in this very call is judged after it
    for place, arrival in enumerate(arrivals):
        key, content = (arrival.source, hash_of(arrival.delivery_key.encode())), hash_of(arrival.content)
        row = firsts.get(key) or firsts.setdefault(key, _row(arrival, key, content, now))
        keys.append(key)
        if row["body_hash"] == content:
            row["receipt_count"] += 1
        else:
            later.append(place)
    outcomes = _outcomes(connection, keys, firsts, now)
    judged = receive_within(connection, [arrivals[place] for place in later], now)
    for place, outcome in zip(later, judged, strict=True):
        outcomes[place] = outcome
    return outcomes


def _outcomes(connection: Connection, keys: list[Key], firsts: dict[Key, Row], now: datetime) -> list[Outcome]:
    kept = _upsert(connection, list(firsts.values()))
    told: dict[Key, Outcome] = {}
    for key, row in firsts.items():
        body_hash, receipt_count = kept[key]
        if body_hash != row["body_hash"]:
            told[key] = "conflict"
        else:
            told[key] = "stored" if receipt_count == row["receipt_count"] else "repeated"
    _upsert(connection, [_conflict(row, now) for key, row in firsts.items() if told[key] == "conflict"])
    outcomes: list[Outcome] = []
    for key in keys:
        outcomes.append(told[key])
        if told[key] == "stored":
            told[key] = "repeated"  # what follows in this call under the same key
    return outcomes


def _row(arrival: Arrival, key: Key, body_hash: str, now: datetime) -> Row:
    return {
        "source": arrival.source,
        "key_hash": key[1],
        "delivery_key": arrival.delivery_key,
        "event_type": arrival.event_type,
        "object_type": arrival.object_type,
        "object_id": arrival.object_id,
        "occurred_at": arrival.occurred_at,
        "partner": arrival.partner,
        "body": arrival.body,
        "body_hash": body_hash,
        "receipt_count": 0,
        "received_at": now,
        "last_received_at": now,
        "state": arrival.state,
        "attempts": 0,
        "lost_count": 0,
        "next_try_at": AT_ONCE,
        "finished_at": None if arrival.state == "new" else now,
        "reason": arrival.reason,
    }


def _conflict(row: Row, now: datetime) -> Row:
    told = "Another content came under the key of an event that we have; the first one counts"
    key_hash = hash_of(f"{row['key_hash']} {row['body_hash']}".encode())
    return row | {"key_hash": key_hash, "state": "conflict", "finished_at": now, "reason": told}


def _in_order(rows: list[Row]) -> list[Row]:
    """One order for all receivers, so that two on one Postgres never wait for one another in a circle."""
    return sorted(rows, key=lambda row: (row["source"], row["key_hash"]))


def _insert(connection: Connection) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(InboxEvent)
    return sqlite.insert(InboxEvent)


def _upsert(connection: Connection, rows: list[Row]) -> dict[Key, tuple[str, int]]:
    """Insert rows of different keys, or count their receipts: key -> the content's hash and receipts that are kept."""
    if not rows:
        return {}
    insert = _insert(connection)
    is_same = InboxEvent.body_hash == insert.excluded.body_hash
    statement = insert.on_conflict_do_update(
        index_elements=["source", "key_hash"],
        set_={
            "receipt_count": InboxEvent.receipt_count + case((is_same, insert.excluded.receipt_count), else_=0),
            "last_received_at": insert.excluded.last_received_at,
        },
    ).returning(InboxEvent.source, InboxEvent.key_hash, InboxEvent.body_hash, InboxEvent.receipt_count)
    found = connection.execute(statement, _in_order(rows))
    return {(source, key_hash): (body_hash, count) for source, key_hash, body_hash, count in found}


def hash_of(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()
