"""Twins: a task sent again because its answer was lost *and* the tracker's index hid it for longer than we waited.

Only rows that were sent more than once can have one, and only what our own account made with our own marker is one: a
person's copy of a task is theirs. Of two open ones the older stays (unless people have begun the younger), the other is
closed with a link. When people closed ours as the double, the other one becomes ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from rebuttal.content.ledger import label_of
from rebuttal.content.trackers import RemoteTask, Tracker
from rebuttal.records import Report
from rebuttal.state import ContentTask, Outbox, Sessions, record_decision
from rebuttal.state.failpoint import failpoint


def sweep_twins(
    sessions: Sessions, tracker: Tracker, window: timedelta, wall_now: datetime, now: datetime, report: Report
) -> None:
    """Look for twins of tasks finished within `window` before `wall_now`; close them, and count them in `report`."""
    with sessions() as session:
        query = select(Outbox).where(
            Outbox.state.in_(("sent", "adopted")), Outbox.post_count > 1, Outbox.finished_at >= wall_now - window
        )
        rows = {row.task_id: row for row in session.scalars(query)}
    if not rows:
        return
    found = tracker.search([label_of(task_id) for task_id in sorted(rows)])
    for task_id in sorted(rows):
        marked = [task for task in found if task.task_id == task_id]
        ours = next((task for task in marked if task.remote_id == rows[task_id].remote_id), None)
        if ours is None:
            continue
        family = [task for task in marked if task.creator == ours.creator]
        if any(_is_open(task) for task in family if task is not ours):
            # The index may be minutes old: who closes a task by what it said then may close the last one.
            as_now = tracker.read([(task.remote_id, task.key) for task in family])
            there = {task.remote_id: task for task in as_now.values() if task is not None}
            if ours.remote_id in there:
                _leave_one(sessions, tracker, rows[task_id], there[ours.remote_id], list(there.values()), now, report)


def _is_open(task: RemoteTask) -> bool:
    return task.status_category != "done" and not task.is_archived


def _leave_one(
    sessions: Sessions,
    tracker: Tracker,
    row: Outbox,
    ours: RemoteTask,
    family: list[RemoteTask],
    now: datetime,
    report: Report,
) -> None:
    opened = sorted(
        filter(_is_open, family),
        key=lambda task: (task.status_category == "new", task.created_at, len(task.remote_id), task.remote_id),
    )
    with sessions() as session:
        is_given_up = session.get_one(ContentTask, row.task_id).status == "wont_do"
        # Another sweep that chose the other card has closed ours since: nobody finished it, and the other must stay.
        is_settled = session.get_one(Outbox, row.outbox_id).remote_id != row.remote_id
    if is_settled or not any(task.remote_id != ours.remote_id for task in opened):
        return
    # Who closes one of two cards means the double, not the task: the other one goes on. What is finished stays ours.
    kept = opened[0] if _is_open(ours) or is_given_up else ours
    if kept.remote_id != row.remote_id:
        with sessions.begin() as session:
            entry = session.get_one(ContentTask, row.task_id)
            entry.remote_id, entry.task_key, entry.task_url = kept.remote_id, kept.key, kept.url
            stored = session.get_one(Outbox, row.outbox_id)
            stored.remote_id, stored.remote_key = kept.remote_id, kept.key
        report.add("twins_adopted")
    for twin in opened:
        if twin.remote_id == kept.remote_id:
            continue
        # Journalled first: if we die before the twin is closed, the next sweep closes it and writes nothing twice.
        with sessions.begin() as session:
            record_decision(
                session,
                kind="task",
                subject=row.task_id,
                decision=f"twin {twin.key} closed",
                evidence={"kept": kept.key, "closed": twin.key, "sent_times": row.post_count},
                decided_by="rule:content.twins",
                decided_at=now,
            )
        failpoint("content.before_twin_close")
        tracker.close_twin(twin, kept)
        report.add("twins_closed")
