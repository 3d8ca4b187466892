"""Tasks that wait for a person: list them, send them, turn them down, or make one a part of another.

A task with the status `awaiting_approval` has no outbox row, so nothing can send it. The person's answer changes the
status, adds the row and writes the journal in one transaction; whoever answers second is told what holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rebuttal.content.brief import Block, Brief
from rebuttal.content.ledger import to_send
from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.outgoing import plain_line
from rebuttal.state import ContentTask, Hypothesis, Sessions, open_state, record_decision
from rebuttal.state.model import OPEN_STATUSES

AWAITING = "awaiting_approval"
APPROVED, REJECTED, MERGED = "approved", "rejected", "merged"
_AFTERWARDS = {APPROVED: "proposed", REJECTED: "rejected", MERGED: "merged"}
_LEAST_ID = 6


@dataclass(frozen=True)
class Decided:
    """What holds after a decision; `is_new` is False when the same had been decided before."""

    task_id: str
    title: str
    decision: str
    is_new: bool


def tasks(context: Context, status: str | None = AWAITING) -> list[dict[str, Any]]:
    """Tasks with this status (None: all), the best first, each as a plain row with brief and hypothesis."""
    with open_state(context.settings) as sessions, sessions() as session:
        query = select(ContentTask, Hypothesis).join(Hypothesis, Hypothesis.task_id == ContentTask.task_id)
        if status is not None:
            query = query.where(ContentTask.status == status)
        found = session.execute(query.order_by(ContentTask.score.desc(), ContentTask.task_id)).all()
        return [_row(task, form) for task, form in found]


def show(context: Context, task: str) -> dict[str, Any]:
    """One task by its id, the beginning of its id, or its key in the tracker. Raises ConfigError when there is none."""
    with open_state(context.settings) as sessions, sessions() as session:
        found = _find(session, task)
        return _row(found, session.get_one(Hypothesis, found.task_id))


def approve(context: Context, task: str, by: str, reason: str | None = None) -> Decided:
    """Let a waiting task be sent by the next `answer`. Raises ConfigError when it does not wait (any more)."""
    return _decide(context, task, APPROVED, by, reason)


def reject(context: Context, task: str, by: str, reason: str | None = None) -> Decided:
    """Turn a waiting task down; its theme is not proposed again within the cool-down."""
    return _decide(context, task, REJECTED, by, reason)


def merge(context: Context, task: str, into: str, by: str, reason: str | None = None) -> Decided:
    """Make a waiting task part of an open one: its theme waits for as long as that one is open or measured.

    Its quotes are added to the other's brief only while that one waits too: what was sent belongs to people.
    """
    return _decide(context, task, MERGED, by, reason, into)


def expire(sessions: Sessions, wait: timedelta, now: datetime) -> int:
    """End tasks that nobody answered within `wait`: their figures are old. Their themes may be proposed anew."""
    with sessions.begin() as session:
        old = select(ContentTask).where(ContentTask.status == AWAITING, ContentTask.created_at < now - wait)
        found = session.scalars(old.order_by(ContentTask.task_id)).all()
        for task in found:
            task.status, task.closed_at = "expired", now
            evidence = {"theme": task.theme, "waited_days": wait.days}
            _journal(session, task, "expired", evidence, "rule:content.approval", now)
    return len(found)


def _decide(
    context: Context, task_id: str, decision: str, by: str, reason: str | None, into_id: str | None = None
) -> Decided:
    if not by.strip():
        raise ConfigError("A task is decided by a named person", next_step="Say who decides")
    now = context.clock.now()
    with open_state(context.settings) as sessions, sessions.begin() as session:
        task = _find(session, task_id)
        into = _target(session, task, into_id) if into_id is not None else None
        values: dict[str, Any] = {"status": _AFTERWARDS[decision], "merged_into": into.task_id if into else None}
        if decision != APPROVED:
            values["closed_at"] = now
        won = session.execute(
            update(ContentTask)
            .where(ContentTask.task_id == task.task_id, ContentTask.status == AWAITING)
            .values(values)
            .execution_options(synchronize_session=False)
        )
        session.refresh(task)
        if won.rowcount != 1:  # type: ignore[attr-defined]
            return _told_before(task, decision, into)
        if decision == APPROVED:
            session.add(to_send(task.task_id, task.category, task.brief, now))
        if into is not None and into.status == AWAITING:
            into.brief = _with_quotes_of(Brief.from_dict(into.brief), task).as_dict()
        evidence = {"theme": task.theme, "title": task.title, "score": task.score, "reason": reason}
        _journal(session, task, decision, evidence | ({"into": into.task_id} if into else {}), by.strip(), now)
        return Decided(task.task_id, task.title, decision, is_new=True)


def _told_before(task: ContentTask, decision: str, into: ContentTask | None) -> Decided:
    same_target = into is None or task.merged_into == into.task_id
    was_approved = task.status not in (AWAITING, "rejected", "merged", "expired")
    holds = was_approved if decision == APPROVED else task.status == _AFTERWARDS[decision] and same_target
    if holds:
        return Decided(task.task_id, task.title, decision, is_new=False)
    raise ConfigError(
        f"Task {task.task_id[:12]} does not wait for approval: it is {task.status}",
        next_step="See `rebuttal tasks list` for those that wait; what was sent is closed in the tracker",
    )


def _target(session: Session, task: ContentTask, into_id: str) -> ContentTask:
    into = _find(session, into_id)
    if into.task_id == task.task_id:
        raise ConfigError("A task cannot be merged into itself", next_step="Name another task")
    if into.status not in OPEN_STATUSES:
        raise ConfigError(
            f"Task {into.task_id[:12]} is {into.status}, so nothing can become part of it",
            next_step="Name a task that is open or waits",
        )
    return into


def _with_quotes_of(brief: Brief, task: ContentTask) -> Brief:
    """`brief` with the other's name and quotes before its hypothesis, which stays: one metric, one theme."""
    other = Brief.from_dict(task.brief)
    heading = Block("heading", plain_line(f"Answer this in the same piece: {other.title}", 200))
    added = [heading, *(block for block in other.blocks if block.kind == "quote")]
    if added[0] in brief.blocks:
        return brief
    place = next(n for n, block in enumerate(brief.blocks) if block.text.startswith("Hypothesis"))
    return Brief(brief.title, [*brief.blocks[:place], *added, *brief.blocks[place:]])


def _find(session: Session, asked: str) -> ContentTask:
    exact = session.get(ContentTask, asked)
    if exact is not None:
        return exact
    by_key = session.scalars(select(ContentTask).where(ContentTask.task_key == asked)).all()
    found = list(by_key)
    if not found and len(asked) >= _LEAST_ID and asked.isalnum():
        found = list(session.scalars(select(ContentTask).where(ContentTask.task_id.startswith(asked))).all())
    if len(found) == 1:
        return found[0]
    what = "no task" if not found else f"{len(found)} tasks"
    raise ConfigError(f"There is {what} {asked!r}", next_step="See `rebuttal tasks list --all`")


def _journal(
    session: Session, task: ContentTask, decision: str, evidence: dict[str, Any], by: str, now: datetime
) -> None:
    record_decision(
        session,
        kind="task",
        subject=task.task_id,
        decision=decision,
        evidence=evidence,
        decided_by=by,
        decided_at=now,
    )


_SHOWN = (
    *("task_id", "theme", "category", "status", "title", "format", "role", "updates_url", "merged_into", "score"),
    *("subject_count", "money_at_risk_base", "currency", "created_at", "closed_at", "task_key", "task_url"),
    *("published_url", "score_parts", "brief"),
)


def _row(task: ContentTask, form: Hypothesis) -> dict[str, Any]:
    names = [column.name for column in Hypothesis.__table__.columns if column.name != "task_id"]
    return {
        **{name: getattr(task, name) for name in _SHOWN},
        "hypothesis": {name: getattr(form, name) for name in names},
    }
