"""The outbox: one row, one key, one task in the tracker, whatever dies or gets lost on the way.

    pending --claim--> sending --201--> sent
       ^                  |--answer lost--> unknown --two spaced searches--> adopted (found) or pending (not there)
       |                  |--surely not done--> pending, later
       |                  '--refused for good--> dead
       '--- nothing found twice

A claim takes a lease and a new fencing token; a result that comes with an older token changes nothing. A worker that
died leaves `sending`, which its successor treats as a lost answer. No transaction is open while the network is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from rebuttal.state import Outbox, Sessions
from rebuttal.state.worker import is_gone

UNFINISHED = ("pending", "sending", "unknown")
CREATE = "tracker.create"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Claim:
    """A row that this worker may work on until `until`; `token` fences off everybody who held it before."""

    row: Outbox
    token: int
    was: str  # the state before: pending, sending (its worker is gone) or unknown


class ClaimLostError(Exception):
    """Somebody else claimed the row meanwhile: our result does not count, and they will find what we did."""


def claim_next(sessions: Sessions, worker: str, lease: timedelta, now: datetime | None = None) -> Claim | None:
    """Claim the oldest row that is due, or None. A pending one becomes `sending` here, before anything is sent."""
    now = now or datetime.now(UTC)
    with sessions.begin() as session:
        for row in session.scalars(_candidates(now, session)):
            if not _is_due(row, now):
                continue
            was, seen = row.state, row.fencing_token
            values = {
                "fencing_token": seen + 1,
                "lease_owner": worker,
                "lease_until": now + lease,
                "state": "sending" if was == "pending" else "unknown",
                "post_count": row.post_count + (was == "pending"),
            }
            claimed = session.execute(
                update(Outbox).where(Outbox.outbox_id == row.outbox_id, Outbox.fencing_token == seen).values(values)
            )
            if claimed.rowcount == 1:  # type: ignore[attr-defined]
                session.flush()
                session.refresh(row)
                session.expunge(row)
                return Claim(row, seen + 1, was)
    return None


def settle(sessions: Sessions, claim: Claim, also: Callable[[Session], None] | None = None, **values: Any) -> None:
    """Write the result of a claim and give the lease back; `also` writes in the same transaction.

    Raises ClaimLostError, and writes nothing, when the row was claimed by another worker since.
    """
    with sessions.begin() as session:
        written = session.execute(
            update(Outbox)
            .where(Outbox.outbox_id == claim.row.outbox_id, Outbox.fencing_token == claim.token)
            .values(lease_owner=None, lease_until=None, **values)
        )
        if written.rowcount != 1:  # type: ignore[attr-defined]
            raise ClaimLostError(claim.row.effect_key)
        if also is not None:
            also(session)


def next_due(sessions: Sessions) -> datetime | None:
    """When the next unfinished row may be worked on; None when all are finished."""
    with sessions() as session:
        rows = session.scalars(select(Outbox).where(Outbox.state.in_(UNFINISHED))).all()
    times = []
    for row in rows:
        lease_until = None if is_gone(row.lease_owner) else row.lease_until
        times.append(max((time for time in (row.not_before, lease_until) if time is not None), default=_LONG_AGO))
    return min(times, default=None)


def _candidates(now: datetime, session: Session) -> Select[Outbox]:
    due: ColumnElement[bool] = and_(
        Outbox.kind == CREATE,
        Outbox.state.in_(UNFINISHED),
        or_(Outbox.not_before.is_(None), Outbox.not_before <= now),
    )
    query = select(Outbox).where(due).order_by(Outbox.outbox_id)
    return query.with_for_update(skip_locked=True) if session.get_bind().dialect.name == "postgresql" else query


def _is_due(row: Outbox, now: datetime) -> bool:
    return row.lease_until is None or row.lease_until <= now or is_gone(row.lease_owner)
