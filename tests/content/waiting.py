"""A task that waits for approval, as `propose` writes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rebuttal.content.brief import Block, Brief
from rebuttal.content.ledger import task_id_of
from rebuttal.state import ContentTask, Hypothesis


def a_waiting_task(session: Session, theme: str, now: datetime, quote: str = "дорого") -> str:
    """Add it; returns its id."""
    brief = Brief(
        f"Answer {theme}",
        [
            Block("heading", "What customers say"),
            Block("quote", items=[quote, "the buyer, told 2×"]),
            Block("heading", "Hypothesis (registered before publication)"),
            Block("bullets", items=["Change: publish"]),
        ],
    )
    task_id = task_id_of(theme, 1)
    session.add(
        ContentTask(
            task_id=task_id, theme=theme, category=theme.split("/")[0], generation=1, status="awaiting_approval",
            title=brief.title, brief=brief.as_dict(), score=1.0, score_parts={}, subject_count=3,
            money_at_risk_base=100.0, currency="EUR", created_at=now, format="page", role="explain",
        )
    )  # fmt: skip
    session.flush()
    words = dict.fromkeys(("change", "metric", "direction", "reason", "success_criterion"), "x")
    session.add(
        Hypothesis(
            task_id=task_id, **words, expected_size=0.25, minimum_sample=40, baseline_days=84, horizon_days=28,
            deadline=(now + timedelta(days=112)).date(), registered_at=now,
        )
    )  # fmt: skip
    return task_id
