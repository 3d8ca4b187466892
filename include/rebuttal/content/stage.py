"""ANSWER: objections -> content tasks in the tracker, once; statuses back; ledger and journal mirrored for readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import or_, select

from rebuttal.configuration import load_vocabulary
from rebuttal.content.approval import expire
from rebuttal.content.delivery import Delivery
from rebuttal.content.follow import follow
from rebuttal.content.inventory import coverage_rows
from rebuttal.content.inventory_store import gather
from rebuttal.content.learning import iso_week
from rebuttal.content.ledger import ledger_rows, propose, tally
from rebuttal.content.plan import rank
from rebuttal.content.reading import read_analytics
from rebuttal.content.rules import ContentRules, load_rules
from rebuttal.content.themes import hear
from rebuttal.content.trackers import Tracker
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.content.twins import sweep_twins
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.context import Context
from rebuttal.errors import RebuttalError
from rebuttal.records import Report
from rebuttal.state import ContentTask, Sessions, journal_rows, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.state.model import OPEN_STATUSES
from rebuttal.warehouse import mart, open_warehouse
from rebuttal.warehouse.publish import publish
from rebuttal.warehouse.theme_names import theme_names


def run(
    context: Context,
    *,
    issues: Sequence[str] | None = None,
    themes: frozenset[str] | None = None,
    publishing: bool = True,
    wall: Waiting = WALL_CLOCK,
) -> Report:
    """Read statuses back, propose tasks for the best themes, send what waits, mirror ledger and journal, publish.

    With `issues` (the tracker's ids or keys) only their statuses are read, and twins are not looked for: what is not
    asked for is the next whole run's. With `themes` (`category/theme`) only these may get a task, some more in a week.
    Without `publishing` that is left to the caller. `wall` is what leases, limits and waits for the tracker go by.

    Counts: `themes`, `proposed`, `sent`, `adopted`, `dead`, `published`, `declined`, ... A tracker that fails is a
    problem in the report; what needs no tracker is done all the same. Raises ConfigError and StoreError.
    """
    rules = load_rules(context.settings.config)
    vocabulary = load_vocabulary(context.settings.config)
    now = context.clock.now()
    report = Report("answer")
    with open_state(context.settings) as sessions:
        tracker = _tracker(context, rules, report, wall)
        if tracker is not None:
            _follow(sessions, tracker, rules, now, report, issues)
        failpoint("content.after_follow")
        if expired := expire(sessions, timedelta(days=rules.approval_wait_days), now):
            report.add("expired", expired)
        pieces = gather(sessions, rules)
    with open_warehouse(context.settings) as engine:
        heard = hear(engine, rules.choose, now, themes)
        vocabulary = vocabulary.renamed(theme_names(engine))
        analytics, is_different = read_analytics(engine, pieces, rules.choose.lookback_weeks, now)
    if heard is None:
        report.problems.append("No objections were heard yet. Run `rebuttal model` and `rebuttal listen` first")
    with open_state(context.settings) as sessions:
        if heard is None and _is_new(sessions):
            report.too_early = report.problems[-1]
        if heard is not None:
            ranked = rank(heard, pieces, analytics, tally(sessions, heard), iso_week(now), rules, vocabulary)
            proposed, waiting = propose(sessions, ranked, heard, rules, vocabulary, now, only=themes)
            report.counts.update(themes=len(ranked), proposed=len(proposed))
            report.counts.update({f"waiting: {reason}": count for reason, count in sorted(waiting.items())})
            failpoint("content.after_propose")
        if tracker is not None:
            report.changed = _send(sessions, tracker, rules, now, report, wall, is_whole=issues is None)
        _show_open(sessions, report)
        tasks, decisions = _mirrored(sessions)
        pieces_now = gather(sessions, rules)
    with open_warehouse(context.settings) as engine:
        if pieces_now != pieces:  # a task was found published while it was sent
            analytics, _ = read_analytics(engine, pieces_now, rules.choose.lookback_weeks, now)
        coverage = coverage_rows(pieces_now, analytics.readings, analytics.views)
        mirrored = ((mart.content_task, tasks), (mart.decision, decisions), (mart.content_coverage, coverage))
        for table, rows in mirrored:
            is_different |= mart.mirror_rows(engine, table, rows)
            failpoint("content.between_mirrors")
    failpoint("content.after_mirror")
    if publishing:
        publish(context)
    report.changed = report.changed or is_different
    return report


def _follow(
    sessions: Sessions,
    tracker: Tracker,
    rules: ContentRules,
    now: datetime,
    report: Report,
    issues: Sequence[str] | None,
) -> None:
    """Read the statuses of all our tasks, or of those among `issues` that are ours."""
    only: list[str] = []
    if issues is not None:
        with sessions() as session:
            ours = or_(ContentTask.remote_id.in_(issues), ContentTask.task_key.in_(issues))
            only = list(session.scalars(select(ContentTask.task_id).where(ours)))
        if not only:
            return
    _with_tracker(report, partial(follow, sessions, tracker, rules.status, now, report, only))


def _tracker(context: Context, rules: ContentRules, report: Report, wall: Waiting) -> Tracker | None:
    try:
        return open_tracker(rules.tracker, context.resolve(rules.tracker.connection), wall)
    except RebuttalError as error:
        report.problems.append(str(error))
        return None


def _with_tracker(report: Report, step: Callable[[], None]) -> bool:
    """Run a step that needs the tracker; its failure is one line in the report and leaves the rest to go on."""
    try:
        step()
    except RebuttalError as error:
        report.problems.append(str(error))
        return False
    return True


def _send(
    sessions: Sessions,
    tracker: Tracker,
    rules: ContentRules,
    now: datetime,
    report: Report,
    wall: Waiting,
    *,
    is_whole: bool,
) -> bool:
    """Work the outbox, close twins, read the status of what is new. Returns whether anything was done."""
    delivered = Delivery(sessions, tracker, rules.tracker, now, wall).drain()
    for name, count in delivered.counts.items():
        report.add(name, count)
    report.problems += [problem for problem in delivered.problems if problem not in report.problems]
    window = timedelta(hours=rules.tracker.twin_sweep_hours)
    if is_whole:
        _with_tracker(report, partial(sweep_twins, sessions, tracker, window, wall.now(), now, report))
    with sessions() as session:
        unread = [t.task_id for t in session.query(ContentTask).filter_by(status="open", tracker_status=None)]
    if unread:
        _with_tracker(report, partial(follow, sessions, tracker, rules.status, now, report, unread))
    return bool(delivered.counts) or "twins_closed" in report.counts or "twins_adopted" in report.counts


def _is_new(sessions: Sessions) -> bool:
    """Whether no task was ever made here; where one was, objections that are gone are no matter of time."""
    with sessions() as session:
        return session.scalar(select(ContentTask.task_id).limit(1)) is None


def _show_open(sessions: Sessions, report: Report) -> None:
    with sessions() as session:
        query = session.query(ContentTask).filter(ContentTask.status.in_(OPEN_STATUSES))
        for task in query.order_by(ContentTask.score.desc(), ContentTask.task_id):
            report.details.append(
                {
                    "task": task.task_key,
                    "url": task.task_url,
                    "title": task.title,
                    "status": "awaiting_approval" if task.status == "awaiting_approval" else task.tracker_status,
                }
            )


def _mirrored(sessions: Sessions) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    with sessions() as session:
        return [dict(row) for row in ledger_rows(session)], journal_rows(session)
