"""Once per reader and occasion, whatever is run again: the delivery rows of the state store decide.

    pending --recipient accepted--> sending --250--> sent
       |  ^                            |--answer lost--> unknown   (at most once: it is not sent again)
       |  '--not now--------------------'--5xx--> refused
       '--too long--> expired

A process that dies before the server has accepted the recipient leaves `pending`, so the next run sends the message;
one that dies while the text goes out leaves `sending`, which becomes `unknown`: a missing message is better than two.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from rebuttal.state import AlertDelivery, DigestDelivery, Sessions
from rebuttal.state.worker import is_gone, this_worker

_LEASE = timedelta(minutes=5)  # longer than one message can take

Row = TypeVar("Row", DigestDelivery, AlertDelivery)


def message_id(kind: str, occasion: str, reader: str, sender: str) -> str:
    """The same for the same reader and occasion, so that a mail program can tell a twin. No address in it."""
    digest = hashlib.sha256(f"{kind}\x1f{occasion}\x1f{reader}".encode()).hexdigest()[:24]
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    return f"<{kind}.{occasion}.{digest}@{domain}>"


def open_delivery(sessions: Sessions, new: Row, give_up_after: timedelta) -> tuple[Row, bool]:
    """The stored row of `new`'s reader and occasion (`new` itself when there is none yet), and whether it has just
    ended by age or accident. `new` has its own columns and `message_id` set.
    """
    model, now, has_ended = type(new), datetime.now(UTC), False
    try:
        with sessions.begin() as session:
            row = session.scalars(select(model).where(*_same_occasion(new))).first()
            if row is None:
                row = new
                row.state, row.created_at = "pending", now
                session.add(row)
            elif row.state == "pending" and row.created_at + give_up_after < now:
                row.state, row.finished_at, has_ended = "expired", now, True
            elif row.state == "sending" and (_is_over(row.lease_until, now) or is_gone(row.lease_owner)):
                row.state, row.finished_at, has_ended = "unknown", now, True
    except IntegrityError:  # another run made it in the same moment
        return open_delivery(sessions, new, give_up_after)
    return row, has_ended


def find_delivery(sessions: Sessions, new: Row) -> Row | None:
    """The stored row of `new`'s reader and occasion, if there is one."""
    with sessions() as session:
        return session.scalars(select(type(new)).where(*_same_occasion(new))).first()


def undelivered(sessions: Sessions) -> list[dict[str, Any]]:
    """Messages of which it is known, or feared, that they did not arrive: reader, kind, period, state, finished_at."""
    with sessions() as session:
        rows = session.scalars(
            select(DigestDelivery)
            .where(DigestDelivery.state.in_(("refused", "unknown", "expired")))
            .order_by(DigestDelivery.delivery_id.desc())
        )
        return [
            {"reader": row.person_id, "kind": row.kind, "period": row.period, "state": row.state,
             "finished_at": row.finished_at}
            for row in rows
        ]  # fmt: skip


def claim_delivery(sessions: Sessions, row: DigestDelivery | AlertDelivery, **known: Any) -> bool:
    """Take the message for this process, right before its text goes out; False when somebody else has.

    `known`: columns that are settled only now.
    """
    model = type(row)
    values = {
        "state": "sending",
        "lease_owner": this_worker(),
        "lease_until": datetime.now(UTC) + _LEASE,
        "attempts": row.attempts + 1,
        **known,
    }
    with sessions.begin() as session:
        claimed = session.execute(
            update(model).where(model.delivery_id == row.delivery_id, model.state == "pending").values(values)
        )
        return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]


def close_delivery(sessions: Sessions, row: DigestDelivery | AlertDelivery, state: str, error: str | None) -> None:
    """Write what became of the message; `pending` lets the next run try again. `error`: a code, no server's words."""
    is_open, model = state == "pending", type(row)
    with sessions.begin() as session:
        session.execute(
            update(model)
            .where(model.delivery_id == row.delivery_id)
            .values(
                state=state,
                finished_at=None if is_open else datetime.now(UTC),
                lease_owner=None,
                lease_until=None,
                last_error=error,
            )
        )


def explain(reader: str, row: DigestDelivery | AlertDelivery, outcome: str, code: str) -> str:
    """One line about a mail that did not go out as it should; no address and no server's words in it."""
    with_code = f" (code {code})" if code else ""
    return {
        "refused": f"The mail server refuses {reader}'s address{with_code}: not tried again, see people.yml",
        "later": f"The mail to {reader} was put off{with_code}; the next run tries again",
        "unknown": f"Whether {reader} got the mail of {row.occasion} is not known; it is not sent twice",
        "expired": f"The mail to {reader} of {row.occasion} could not be sent in time and is given up",
    }[outcome]


def _same_occasion(new: DigestDelivery | AlertDelivery) -> list[Any]:
    return [getattr(type(new), name) == getattr(new, name) for name in new.OCCASION]


def _is_over(lease_until: datetime | None, now: datetime) -> bool:
    return lease_until is None or lease_until <= now
