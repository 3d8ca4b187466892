"""The durable inbox: an event is kept before its sender is answered, worked on once, and never lost by a worker.

    received --claim--> leased --acknowledge--> done
       ^                  |--fail--> new again, later; after TRIES tries dead
       '--- worker gone --'                             dead, done, unhandled --replay--> new

Work is at least once: a worker acknowledges only after what it did is committed, and a result that comes with an old
token changes nothing. Leases end by the database's clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from rebuttal.errors import LeaseLostError
from rebuttal.inbox.arrivals import AT_ONCE
from rebuttal.state import InboxEvent, Sessions
from rebuttal.state.model import UtcTime
from rebuttal.state.worker import is_gone, this_worker

TRIES = 6
KEPT = timedelta(days=35)  # longer than any vendor sends a delivery again
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))
_FREE = {"lease_owner": None, "lease_until": None, "lease_token": None}

Row = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """Events that this worker may work on until `until` (UTC); `token` fences off everybody who held them before."""

    token: str
    until: datetime
    events: tuple[InboxEvent, ...]

    @property
    def ids(self) -> list[int]:
        """Of all its events."""
        return [event.event_id for event in self.events]


def claim(
    sessions: Sessions, limit: int = 100, ttl: timedelta = timedelta(minutes=5), *, now: datetime | None = None
) -> Claim:
    """Take up to `limit` events that are due, the oldest first, for `ttl`. `now` (UTC) is the database's unless given.

    What a worker held when it vanished waits a little and is then handed out alone, so that an event that kills its
    worker takes no other along; after TRIES tries it is dead.
    """
    with sessions.begin() as session:
        now = now or _database_time(session)
        _release_vanished(session, now)
        due = select(InboxEvent).where(InboxEvent.state == "new", InboxEvent.next_try_at <= now)
        due = due.order_by(InboxEvent.next_try_at, InboxEvent.event_id).limit(limit)
        if session.get_bind().dialect.name == "postgresql":
            due = due.with_for_update(skip_locked=True)
        rows = session.scalars(due).all()
        rows = rows[:1] if rows and rows[0].lost_count else [row for row in rows if not row.lost_count]
        found = Claim(uuid.uuid4().hex, now + ttl, tuple(rows))
        for row in rows:
            row.state, row.attempts = "leased", row.attempts + 1
            row.lease_owner, row.lease_until, row.lease_token = this_worker(), found.until, found.token
    return found


def extend(sessions: Sessions, token: str, ttl: timedelta = timedelta(minutes=5), now: datetime | None = None) -> None:
    """Hold a claim for `ttl` from now on. Raises LeaseLostError when another worker has taken any of it."""
    with sessions.begin() as session:
        until = (now or _database_time(session)) + ttl
        held = InboxEvent.state == "leased", InboxEvent.lease_token == token
        if not _count(session.execute(update(InboxEvent).where(*held).values(lease_until=until))):
            raise _lost(1)


def acknowledge(sessions: Sessions, ids: Iterable[int], token: str, now: datetime | None = None) -> None:
    """These events are done, and what came of them is committed elsewhere already.

    Raises LeaseLostError, and changes nothing, when `token` holds not all of them any more.
    """
    with sessions.begin() as session:
        at = now or _database_time(session)
        _settle(session, list(ids), token, {"state": "done", "finished_at": at, "reason": None, **_FREE})


def fail(
    sessions: Sessions, event_id: int, token: str, reason: str, *, for_good: bool = False, now: datetime | None = None
) -> bool:
    """Work on this event failed: it waits and is tried again, or is dead after TRIES tries or `for_good`.

    `reason` is for people and holds nothing personal. Returns whether it is dead. Raises LeaseLostError.
    """
    with sessions.begin() as session:
        at = now or _database_time(session)
        tried = session.scalar(select(InboxEvent.attempts).where(InboxEvent.event_id == event_id)) or 0
        is_dead = for_good or tried >= TRIES
        _settle(session, [event_id], token, _dead(reason, at) if is_dead else _later(reason, at, tried))
    return is_dead


def replay(sessions: Sessions, ids: Iterable[int]) -> int:
    """Let events be worked on again as if they were new: how many. What is leased, new or forgotten is left alone."""
    with sessions.begin() as session:
        again = update(InboxEvent).where(
            InboxEvent.event_id.in_(list(ids)),
            InboxEvent.state.in_(("dead", "unhandled", "done", "conflict")),
            InboxEvent.body.is_not(None),
        )
        fresh = {"state": "new", "attempts": 0, "lost_count": 0, "next_try_at": AT_ONCE, "finished_at": None}
        return _count(session.execute(again.values(**fresh, reason=None)))


def pending_count(sessions: Sessions, now: datetime | None = None) -> int:
    """How many events a claim could take now, those of workers whose lease is over included."""
    with sessions() as session:
        now = now or _database_time(session)
        return session.scalar(select(func.count()).select_from(InboxEvent).where(_is_due(now))) or 0


def forget_older_than(sessions: Sessions, age: timedelta = KEPT, now: datetime | None = None) -> int:
    """Keep only hashes of finished events whose last receipt is older: how many were forgotten now."""
    with sessions.begin() as session:
        now = now or _database_time(session)
        old = update(InboxEvent).where(
            InboxEvent.state.not_in(("new", "leased")),
            InboxEvent.last_received_at < now - age,
            or_(InboxEvent.body.is_not(None), InboxEvent.delivery_key.is_not(None)),
        )
        return _count(session.execute(old.values(body=None, delivery_key=None, object_id=None)))


def _is_due(now: datetime) -> ColumnElement[bool]:
    is_waiting = and_(InboxEvent.state == "new", InboxEvent.next_try_at <= now)
    return or_(is_waiting, and_(InboxEvent.state == "leased", InboxEvent.lease_until <= now))


def _release_vanished(session: Session, now: datetime) -> None:
    leased = select(InboxEvent.lease_token, InboxEvent.lease_owner, func.min(InboxEvent.lease_until))
    leased = leased.where(InboxEvent.state == "leased").group_by(InboxEvent.lease_token, InboxEvent.lease_owner)
    for token, owner, until in session.execute(leased).all():
        if until is not None and until > now and not is_gone(owner):
            continue
        held = update(InboxEvent).where(InboxEvent.state == "leased", InboxEvent.lease_token == token)
        told = f"The worker that had it vanished {TRIES} times"
        session.execute(held.where(InboxEvent.attempts >= TRIES).values(**_dead(told, now)))
        again = _later("The worker that had it vanished", now, 1) | {"lost_count": InboxEvent.lost_count + 1}
        session.execute(held.values(**again))


def _settle(session: Session, ids: list[int], token: str, values: Row) -> None:
    held = InboxEvent.event_id.in_(ids), InboxEvent.state == "leased", InboxEvent.lease_token == token
    missing = len(set(ids)) - _count(session.execute(update(InboxEvent).where(*held).values(**values)))
    if missing:
        raise _lost(missing)


def _lost(missing: int) -> LeaseLostError:
    return LeaseLostError(
        f"The lease on {missing} events of the inbox is over and they are another worker's",
        next_step="Nothing: they are worked on again, and what was done already is not done twice",
    )


def _dead(reason: str, now: datetime) -> Row:
    return {"state": "dead", "finished_at": now, "reason": reason, **_FREE}


def _later(reason: str, now: datetime, tried: int) -> Row:
    pause = _PAUSES[min(max(tried, 1), len(_PAUSES)) - 1]
    return {"state": "new", "next_try_at": now + pause, "reason": reason, **_FREE}


def _count(result: Any) -> int:
    return int(result.rowcount)


def _database_time(session: Session) -> datetime:
    """The database's clock, the same for all workers; SQLite's is this machine's."""
    if session.get_bind().dialect.name != "postgresql":
        return datetime.now(UTC)
    return session.scalars(select(func.clock_timestamp(type_=UtcTime()))).one()
