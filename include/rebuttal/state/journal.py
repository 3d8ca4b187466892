"""The decision journal: appended to by every stage, changed by none."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.state.model import Decision


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
    """Every decision as a plain row, its evidence as JSON text, oldest first: what readers see of the journal."""
    decisions = session.scalars(select(Decision).order_by(Decision.decided_at, Decision.decision_id))
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
        }
        for entry in decisions
    ]
