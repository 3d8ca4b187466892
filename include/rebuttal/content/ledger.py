"""The task ledger: proposing tasks, each with its hypothesis and its outbox row in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rebuttal.configuration import Vocabulary
from rebuttal.content.brief import compose, theme_name
from rebuttal.content.hypothesis import draft
from rebuttal.content.learning import Tally, tally_verdicts
from rebuttal.content.outbox import CREATE
from rebuttal.content.plan import Plan
from rebuttal.content.rules import ContentRules
from rebuttal.content.scoring import Score
from rebuttal.content.themes import Heard, Theme
from rebuttal.state import ContentTask, Hypothesis, Outbox, Sessions, record_decision
from rebuttal.state.model import OPEN_STATUSES

LABEL_DIGITS = 12
_LEFT_ROOM = ("rejected", "merged", "expired")  # turned down before they were sent: the next best may come this week
_NEVER_AGAIN = ("wont_do", "deleted")
_REST_OF_THE_DEAD = timedelta(weeks=1)  # what the tracker refused is proposed anew once somebody had time to mend it


def task_id_of(theme: str, generation: int) -> str:
    """The same theme and turn have the same id everywhere: a store that was restored finds its tasks again."""
    return hashlib.sha256(f"content-task\x1f{theme}\x1f{generation}".encode()).hexdigest()[:32]


def label_of(task_id: str) -> str:
    """The marker that the tracker can search for."""
    return f"rebuttal-{task_id[:LABEL_DIGITS]}"


def propose(
    sessions: Sessions,
    ranked: Sequence[tuple[Theme, Score, Plan]],
    heard: Heard,
    rules: ContentRules,
    vocabulary: Vocabulary,
    now: datetime,
    *,
    only: frozenset[str] | None = None,
) -> tuple[list[str], dict[str, int]]:
    """Propose tasks for the best themes that may have one. Returns new task ids and, by reason, how many wait.

    Themes with an open task, a refused or deleted one, a piece that is being measured, or too little evidence wait. The
    number of new tasks is limited per ISO week and by how many are open, so a second run proposes nothing more. With
    `approval: required` a task waits for a person: nothing of it is in the outbox before. `only`: no other themes than
    these, which an event has just told of; for them some more of the week is kept (`extra_for_events`).
    """
    waiting: dict[str, int] = {}
    proposed: list[str] = []
    most = rules.choose.new_per_week + (0 if only is None else rules.choose.extra_for_events)
    for theme, score, plan in ranked:
        if only is not None and theme.key not in only:
            continue
        reason = _why_not(sessions, theme, rules, now, most)
        if reason is None:
            task_id = _insert(sessions, theme, score, plan, heard, rules, vocabulary, now)
            if task_id is not None:
                proposed.append(task_id)
                continue
            reason = "has an open task"
        waiting[reason] = waiting.get(reason, 0) + 1
    return proposed, waiting


def _why_not(sessions: Sessions, theme: Theme, rules: ContentRules, now: datetime, most: int) -> str | None:
    if theme.subject_count < rules.choose.minimum_subjects:
        return "too little evidence"
    with sessions() as session:
        earlier = session.scalars(
            select(ContentTask).where(ContentTask.theme == theme.key).order_by(ContentTask.generation.desc())
        ).first()
        if earlier is not None:
            if earlier.status in OPEN_STATUSES:
                return "has an open task"
            if earlier.status in _NEVER_AGAIN:
                return "people declined it"
            if earlier.status == "dead" and now < earlier.created_at + _REST_OF_THE_DEAD:
                return "the tracker refused it"
            if earlier.status == "rejected" and now < (earlier.closed_at or now) + _cool_down(rules):
                return "people turned it down"
            if earlier.status == "merged" and _is_busy(session, earlier.merged_into, rules, now):
                return "another task answers it"
            if earlier.published_at and now < earlier.published_at + _cool_down(rules):
                return "its answer is being measured"
        if _count(session, ContentTask.status.in_(OPEN_STATUSES)) >= rules.choose.max_open:
            return "enough tasks are open"
        monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        this_week = _count(
            session,
            ContentTask.created_at >= monday,
            ContentTask.created_at < monday + timedelta(weeks=1),
            ContentTask.status.not_in(_LEFT_ROOM),
        )
        return "enough tasks this week" if this_week >= most else None


def _cool_down(rules: ContentRules) -> timedelta:
    return timedelta(days=rules.choose.cool_down_days)


def _is_busy(session: Session, task_id: str | None, rules: ContentRules, now: datetime) -> bool:
    """Whether the task that another was merged into is open, or its piece is being measured."""
    task = session.get(ContentTask, task_id) if task_id else None
    if task is None:
        return False
    if task.status == "merged":
        return _is_busy(session, task.merged_into, rules, now)
    is_measured = task.published_at is not None and now < task.published_at + _cool_down(rules)
    return task.status in OPEN_STATUSES or is_measured


def _count(session: Session, *conditions: Any) -> int:
    return int(session.scalar(select(func.count()).select_from(ContentTask).where(*conditions)) or 0)


def _insert(
    sessions: Sessions,
    theme: Theme,
    score: Score,
    plan: Plan,
    heard: Heard,
    rules: ContentRules,
    vocabulary: Vocabulary,
    now: datetime,
) -> str | None:
    """The new task's id; None when another run has proposed one for this theme in the same moment."""
    rate = theme.deal_count / heard.created_deal_count if heard.created_deal_count else None
    form = draft(
        plan.change(theme_name(theme, vocabulary)),
        min(rate, 1.0) if rate is not None else None,
        rules.hypothesis,
        now.date(),
        heard.traffic_of(theme.key),
    )
    brief = compose(theme, score, plan, form, vocabulary, rules.choose.lookback_weeks, _beside(sessions, plan))
    is_waiting = rules.approval == "required"
    try:
        with sessions.begin() as session:
            generation = _count(session, ContentTask.theme == theme.key) + 1
            task_id = task_id_of(theme.key, generation)
            session.add(
                ContentTask(
                    task_id=task_id,
                    theme=theme.key,
                    category=theme.category,
                    generation=generation,
                    status="awaiting_approval" if is_waiting else "proposed",
                    title=brief.title,
                    brief=brief.as_dict(),
                    score=round(score.value, 6),
                    score_parts=score.parts(),
                    subject_count=theme.subject_count,
                    money_at_risk_base=None if theme.money is None else round(theme.money, 2),
                    currency=theme.currency,
                    created_at=now,
                    format=plan.draw.chosen.format,
                    role=plan.role,
                    updates_url=plan.update.url if plan.update else None,
                )
            )
            session.flush()
            session.add(Hypothesis(task_id=task_id, registered_at=now, **vars(form)))
            if not is_waiting:
                session.add(to_send(task_id, theme.category, brief.as_dict(), now))
            record_decision(
                session,
                kind="task",
                subject=task_id,
                decision="proposed",
                evidence={
                    "theme": theme.key,
                    "score": score.parts(),
                    "subjects": theme.subject_count,
                    "is_approval_required": is_waiting,
                },
                decided_by="rule:content.choose",
                decided_at=now,
                review_at=datetime.combine(form.deadline, now.timetz()),
            )
    except IntegrityError:
        return None
    return task_id


def _beside(sessions: Sessions, plan: Plan) -> list[str]:
    """Titles of open tasks that update the piece which `plan` updates."""
    if plan.update is None:
        return []
    same = select(ContentTask.title).where(
        ContentTask.updates_url == plan.update.url, ContentTask.status.in_(OPEN_STATUSES)
    )
    with sessions() as session:
        return list(session.scalars(same.order_by(ContentTask.created_at, ContentTask.task_id)))


def tally(sessions: Sessions, heard: Heard) -> Tally:
    """What was learned of each category and format: verdicts on the metric that each task registered."""
    with sessions() as session:
        query = select(ContentTask.task_id, Hypothesis.metric, ContentTask.format).join(
            Hypothesis, Hypothesis.task_id == ContentTask.task_id
        )
        known = {task_id: (metric, name) for task_id, metric, name in session.execute(query)}
    return tally_verdicts(heard.verdicts, known)


def to_send(task_id: str, category: str, brief: dict[str, Any], now: datetime) -> Outbox:
    """The outbox row that sends a task; one per task, whoever adds it."""
    return Outbox(
        effect_key=f"{CREATE}:{task_id}",
        kind=CREATE,
        task_id=task_id,
        payload={"label": label_of(task_id), "category": category, "brief": brief},
        state="pending",
        created_at=now,
    )


def ledger_rows(session: Session) -> list[Mapping[str, Any]]:
    """Every task with its hypothesis as a row of `marts.content_task`."""
    pairs = session.execute(
        select(ContentTask, Hypothesis).join(Hypothesis, Hypothesis.task_id == ContentTask.task_id)
    ).all()
    return [
        {
            **{name: getattr(task, name) for name in _MIRRORED},
            "score_parts": json.dumps(task.score_parts, sort_keys=True),
            **{f"hypothesis_{name}": getattr(form, name) for name in _HYPOTHESIS},
        }
        for task, form in pairs
    ]


_MIRRORED = (
    *("task_id", "theme", "category", "title", "score", "subject_count", "money_at_risk_base", "currency", "status"),
    *("tracker_status", "task_key", "task_url", "published_url", "published_at", "closed_at", "created_at"),
    *("format", "role", "updates_url", "merged_into", "assignee"),
)
_HYPOTHESIS = (
    *("change", "metric", "direction", "reason", "success_criterion", "expected_size", "minimum_sample"),
    *("baseline_days", "horizon_days", "deadline"),
)
