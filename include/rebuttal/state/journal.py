"""The decision journal: appended to by every stage, changed by none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.state.model import Decision

# After these there is nothing left to look at.
_ENDS = ("wont_do", "deleted", "dead", "rejected", "merged", "expired")


def decision_id(kind: str, subject: str, decision: str) -> str:
    """The same decision about the same subject has the same id, so it is written once whatever is run again."""
    return hashlib.sha256("\x1f".join((kind, subject, decision)).encode()).hexdigest()[:24]


def record_decision(
    session: Session,
    *,
    kind: str,
    subject: str,
    decision: str,
    evidence: dict[str, Any],
    decided_by: str,
    decided_at: datetime,
    review_at: datetime | None = None,
) -> bool:
    """Append a decision; False when it already stands. `evidence` is plain data without personal data."""
    key = decision_id(kind, subject, decision)
    if session.get(Decision, key) is not None:
        return False
    session.add(
        Decision(
            decision_id=key,
            decided_at=decided_at,
            kind=kind,
            subject=subject,
            decision=decision,
            evidence=evidence,
            decided_by=decided_by,
            review_at=review_at,
        )
    )
    return True


def journal_rows(session: Session) -> list[dict[str, Any]]:
    """Every decision as a plain row, its evidence as JSON text, oldest first: what readers see of the journal.

    `reviewed_at`: when a later entry about the same subject answered the look-again date; None while nobody has.
    """
    entries = list(session.scalars(select(Decision).order_by(Decision.decided_at, Decision.decision_id)))
    answered = _reviewed_at(entries)
    return [
        {
            "decision_id": entry.decision_id,
            "decided_at": entry.decided_at,
            "kind": entry.kind,
            "subject": entry.subject,
            "decision": entry.decision,
            "evidence": json.dumps(entry.evidence, ensure_ascii=False, sort_keys=True),
            "decided_by": entry.decided_by,
            "review_at": entry.review_at,
            "reviewed_at": answered.get(entry.decision_id),
        }
        for entry in entries
    ]


def due_rows(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The rows of `journal_rows` that were to be looked at again by `now` and were not, the most overdue first."""
    due = [
        row
        for row in journal_rows(session)
        if row["review_at"] is not None and row["review_at"] <= now and row["reviewed_at"] is None
    ]
    return sorted(due, key=lambda row: (row["review_at"], row["decision_id"]))


def _reviewed_at(entries: Sequence[Decision]) -> dict[str, datetime]:
    """By decision id, when its look-again date was answered; `entries` are oldest first."""
    by_subject: dict[str, list[Decision]] = {}
    for entry in entries:
        by_subject.setdefault(entry.subject, []).append(entry)
    return {
        entry.decision_id: answer.decided_at
        for family in by_subject.values()
        for place, entry in enumerate(family)
        if entry.review_at is not None
        for answer in [next((later for later in family[place + 1 :] if _answers(later, entry)), None)]
        if answer is not None
    }


def _answers(later: Decision, entry: Decision) -> bool:
    """A later entry answers when it says so, ends the matter, sets its own date, or was made once the time had come."""
    assert entry.review_at is not None
    is_said = later.evidence.get("answers") == entry.decision_id
    if is_said or later.kind == "verdict" or later.decision in _ENDS or later.review_at is not None:
        return True
    return later.decided_at >= entry.review_at
