"""Reading the tracker back: what people did with our tasks becomes ledger and journal, never the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.content.rules import StatusRule
from rebuttal.content.trackers import Address, RemoteTask, Tracker
from rebuttal.records import Report
from rebuttal.state import ContentTask, Hypothesis, Sessions, record_decision

_FOLLOWED = ("open", "unknown", "published", "wont_do")


def follow(
    sessions: Sessions, tracker: Tracker, status: StatusRule, now: datetime, report: Report, only: Sequence[str] = ()
) -> None:
    """Bring the ledger up to date with the tracker; `only` limits it to these task ids.

    Counts `published`, `declined`, `archived`, `gone`, `moved` in `report`; a status that nobody mapped, a
    finished task without an address and a task of another tracker are problems there, for as long as they last.
    """
    with sessions() as session:
        query = select(ContentTask).where(ContentTask.remote_id.is_not(None), ContentTask.status.in_(_FOLLOWED))
        tasks = list(session.scalars(query.where(ContentTask.task_id.in_(only)) if only else query))
    if not tasks:
        return
    seen = tracker.read([(str(task.remote_id), str(task.task_key)) for task in tasks])
    for task in sorted(tasks, key=lambda one: one.task_id):
        if str(task.remote_id) not in seen:
            with sessions.begin() as session:
                session.get_one(ContentTask, task.task_id).assignee = None  # nobody can say who has it now
            if task.published_url is None:
                report.problems.append(
                    f"The task {task.task_key} was made in another tracker ({task.task_url}) and is not followed. "
                    "Finish it there, or set tracker.kind in content.yml back"
                )
            continue
        remote = seen[str(task.remote_id)]
        address = None
        if remote is not None and task.published_url is None:
            meaning = status.meaning(remote.status_name, remote.status_id, remote.status_category)
            if meaning in ("published", "finished"):
                address = tracker.address(remote)
        with sessions.begin() as session:
            _apply(session, session.get_one(ContentTask, task.task_id), remote, address, status, now, report)


def _apply(
    session: Session,
    task: ContentTask,
    remote: RemoteTask | None,
    address: Address | None,
    status: StatusRule,
    now: datetime,
    report: Report,
) -> None:
    task.assignee = None if remote is None else remote.assignee  # a name that the tracker has let go of goes here, too
    if remote is None:
        if task.published_url is None:
            _close(session, task, "deleted", now, report, "gone")
        return
    if task.task_key != remote.key:
        _journal(session, task, f"moved to {remote.key}", now)
        task.task_key, task.task_url = remote.key, remote.url
        report.add("moved")
    if task.tracker_status != remote.status_name:
        task.tracker_status = remote.status_name
        report.add("status_changed")
    if task.published_url is not None:
        return  # what is published is measured, wherever its card is moved
    meaning = status.meaning(remote.status_name, remote.status_id, remote.status_category)
    if meaning in ("published", "finished") and address is not None:
        _publish(session, task, address, report)
    elif remote.is_archived and meaning != "wont_do":
        # Put away before it was published: people gave it up without a word.
        if task.status != "wont_do":
            _close(session, task, "wont_do", now, report, "archived")
    elif meaning == "wont_do":
        if task.status != "wont_do":
            _close(session, task, "wont_do", now, report, "declined")
    elif meaning == "open":
        _reopen(session, task, report)
    else:
        _leave_unknown(task, remote, meaning is None, report)


def _publish(session: Session, task: ContentTask, address: Address, report: Report) -> None:
    task.status, task.published_url, task.published_at, task.closed_at = (
        "published",
        address.url,
        address.at,
        address.at,
    )
    deadline = session.get_one(Hypothesis, task.task_id).deadline
    record_decision(
        session,
        kind="task",
        subject=task.task_id,
        decision="published",
        evidence={"theme": task.theme, "task": task.task_key, "url": address.url},
        decided_by="people:tracker",
        decided_at=address.at,
        review_at=datetime.combine(deadline, time(), address.at.tzinfo),
    )
    report.add("published")


def _close(session: Session, task: ContentTask, status: str, now: datetime, report: Report, count: str) -> None:
    task.status, task.closed_at = status, now
    _journal(session, task, status, now)
    report.add(count)


def _reopen(session: Session, task: ContentTask, report: Report) -> None:
    if task.status == "open":
        return
    others = select(ContentTask.task_key).where(ContentTask.theme == task.theme, ContentTask.status == "open")
    other = session.scalars(others).first()
    if other is not None:
        report.problems.append(f"{task.task_key} was reopened, but its theme has the open task {other}: close one")
        return
    task.status, task.closed_at = "open", None
    report.add("reopened")


def _leave_unknown(task: ContentTask, remote: RemoteTask, is_unmapped: bool, report: Report) -> None:
    if is_unmapped:
        report.problems.append(
            f"Nobody said what the tracker status {remote.status_name!r} of {remote.key} means. "
            "Name it under status.names in content.yml"
        )
    else:
        report.problems.append(
            f"{remote.key} is {remote.status_name!r} but carries no address. Add the address in a comment, so that "
            'measuring can start, or move the task to "Won\'t do"'
        )
    if task.status != "unknown":
        task.status = "unknown"
        report.add("status_unknown")


def _journal(session: Session, task: ContentTask, decision: str, now: datetime) -> None:
    record_decision(
        session,
        kind="task",
        subject=task.task_id,
        decision=decision,
        evidence={"theme": task.theme, "task": task.task_key, "status": task.tracker_status},
        decided_by="people:tracker",
        decided_at=now,
    )
