"""Readers who do not want a mail any more: a link that needs no log-in and that nobody else can make."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import select

from rebuttal.reports.people import People
from rebuttal.settings import Settings
from rebuttal.state import Sessions, Unsubscription, record_decision


def token_of(key: bytes, person_id: str, kind: str) -> str:
    """The part of the link that only we can make: a keyed hash of reader and kind of mail."""
    return hmac.new(key, f"unsubscribe\x1f{person_id}\x1f{kind}".encode(), hashlib.sha256).hexdigest()[:40]


def is_genuine(key: bytes, person_id: str, kind: str, token: str) -> bool:
    """Whether `token` was made by us for this reader and kind."""
    return hmac.compare_digest(token_of(key, person_id, kind).encode(), token.encode("utf-8", "replace"))


def link_of(settings: Settings, people: People, key: bytes, person_id: str, kind: str) -> str:
    """The address for one reader and kind of mail; '' where the page has no address.

    The page stands below Airflow's own address where that is set, else where people.yml says.
    """
    base = f"{settings.airflow_url}/unsubscribe" if settings.airflow_url else (people.unsubscribe or "")
    return f"{base.rstrip('/')}/{person_id}/{kind}/{token_of(key, person_id, kind)}" if base else ""


def unsubscribed(sessions: Sessions) -> set[tuple[str, str]]:
    """(person id, kind) of all who said so."""
    with sessions() as session:
        return {(row.person_id, row.kind) for row in session.scalars(select(Unsubscription))}


def unsubscribe(sessions: Sessions, person_id: str, kind: str, by: str, now: datetime) -> bool:
    """Send this reader no more mails of the kind; False when that stands already. Kept in the journal."""
    with sessions.begin() as session:
        if session.get(Unsubscription, (person_id, kind)) is not None:
            return False
        session.add(Unsubscription(person_id=person_id, kind=kind, told_at=now, told_by=by))
        record_decision(
            session, kind="reader", subject=f"{person_id}:{kind}", decision=f"unsubscribed on {now.date().isoformat()}",
            evidence={}, decided_by=by, decided_at=now,
        )  # fmt: skip
        return True


def subscribe(sessions: Sessions, person_id: str, kind: str, by: str, now: datetime) -> bool:
    """Send them again; False when nobody had unsubscribed."""
    with sessions.begin() as session:
        row = session.get(Unsubscription, (person_id, kind))
        if row is None:
            return False
        session.delete(row)
        record_decision(
            session, kind="reader", subject=f"{person_id}:{kind}", decision=f"subscribed on {now.date().isoformat()}",
            evidence={}, decided_by=by, decided_at=now,
        )  # fmt: skip
        return True
