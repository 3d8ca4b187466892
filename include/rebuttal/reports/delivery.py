"""Once per person and week, whatever is run again: the delivery rows of the state store decide.

    pending --recipient accepted--> sending --250--> sent
       |  ^                            |--answer lost--> unknown   (at most once: it is not sent again)
       |  '--not now--------------------'--5xx--> refused
       '--too long--> expired

A process that dies before the server has accepted the recipient leaves `pending`, so the next run sends the mail; one
that dies while the text goes out leaves `sending`, which becomes `unknown`: a missing digest is better than two.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from rebuttal.reports.people import Person
from rebuttal.reports.week import Week
from rebuttal.state import DigestDelivery, Sessions
from rebuttal.state.worker import is_gone, this_worker

_LEASE = timedelta(minutes=5)  # longer than one mail can take


def message_id(person: Person, week: Week, kind: str, sender: str) -> str:
    """The same for the same person, week and kind, so that a mail program can tell a twin. No address in it."""
    digest = hashlib.sha256(f"{kind}\x1f{week.iso}\x1f{person.id}".encode()).hexdigest()[:24]
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    return f"<{kind}.{week.iso}.{digest}@{domain}>"


def open_delivery(
    sessions: Sessions, person: Person, week: Week, kind: str, identifier: str, give_up_after: timedelta
) -> tuple[DigestDelivery, bool]:
    """The row of this person, week and kind (made when missing), and whether it has just ended by age or accident."""
    now, has_ended = datetime.now(UTC), False
    try:
        with sessions.begin() as session:
            key = (
                DigestDelivery.person_id == person.id,
                DigestDelivery.iso_week == week.iso,
                DigestDelivery.kind == kind,
            )
            row = session.scalars(select(DigestDelivery).where(*key)).first()
            if row is None:
                row = DigestDelivery(
                    person_id=person.id,
                    iso_week=week.iso,
                    kind=kind,
                    state="pending",
                    message_id=identifier,
                    created_at=now,
                )
                session.add(row)
            elif row.state == "pending" and row.created_at + give_up_after < now:
                row.state, row.finished_at, has_ended = "expired", now, True
            elif row.state == "sending" and (_is_over(row.lease_until, now) or is_gone(row.lease_owner)):
                row.state, row.finished_at, has_ended = "unknown", now, True
    except IntegrityError:  # another run made it in the same moment
        return open_delivery(sessions, person, week, kind, identifier, give_up_after)
    return row, has_ended


def claim_delivery(sessions: Sessions, row: DigestDelivery) -> bool:
    """Take the mail for this process, right before its text goes out; False when somebody else has."""
    values = {
        "state": "sending",
        "lease_owner": this_worker(),
        "lease_until": datetime.now(UTC) + _LEASE,
        "attempts": row.attempts + 1,
    }
    with sessions.begin() as session:
        claimed = session.execute(
            update(DigestDelivery)
            .where(DigestDelivery.delivery_id == row.delivery_id, DigestDelivery.state == "pending")
            .values(values)
        )
        return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]


def close_delivery(sessions: Sessions, row: DigestDelivery, state: str, error: str | None) -> None:
    """Write what became of the mail; `pending` lets the next run try again. `error`: a code, never a server's words."""
    is_open = state == "pending"
    with sessions.begin() as session:
        session.execute(
            update(DigestDelivery)
            .where(DigestDelivery.delivery_id == row.delivery_id)
            .values(
                state=state,
                finished_at=None if is_open else datetime.now(UTC),
                lease_owner=None,
                lease_until=None,
                last_error=error,
            )
        )


def _is_over(lease_until: datetime | None, now: datetime) -> bool:
    return lease_until is None or lease_until <= now
