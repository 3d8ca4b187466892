"""The fast way: what webhooks told, from the inbox to a task in the tracker, without waiting for the marts.

    claim -> targeted pull -> admit (that source) -> listen -> answer -> publish -> acknowledge

Every step is the stage's own function, so each table keeps its one writer and the scheduled way, which reads all of it
again, finds nothing to do twice. Events are acknowledged after everything that came of them is committed: a worker that
dies leaves them to the next one, whose steps change nothing that is done already.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import inspect

from rebuttal.context import Context
from rebuttal.errors import LeaseLostError, RebuttalError
from rebuttal.inbox import store
from rebuttal.inbox.store import Claim
from rebuttal.records import Report
from rebuttal.state import InboxEvent, Sessions, alone, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import open_warehouse

log = logging.getLogger(__name__)

WAIT_SECONDS = 60.0  # for a stage that the scheduled way is at just now
LEASE = timedelta(minutes=10)  # longer than a step waits for the warehouse
# What the vendors' webhooks speak of -> the stream in which it is pulled. Other objects wait for the normal pull.
STREAMS = {
    "hubspot": {"deal": "deals", "contact": "contacts", "company": "companies", "note": "notes", "call": "calls"},
    "typeform": {"form_response": "responses"},
}
TRACKERS = ("jira", "trello")
OUR_DOING = ("jira:issue_created", "createCard")  # the outbox knows what it made; nothing is to be read back
ASKED_AGAIN = 3  # times an object that its vendor does not know is asked for, before it is left to the normal pull


@dataclass
class _Work:
    """One claim on its way. `failed`: event id -> why it has to be tried again."""

    claim: Claim
    failed: dict[int, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    has_found: bool = False  # whether a vendor knew any of the objects
    deals: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    themes: frozenset[str] = frozenset()

    def fail(self, events: Iterable[InboxEvent], error: RebuttalError) -> None:
        for event in events:
            self.failed.setdefault(event.event_id, f"{type(error).__name__}: {error}")

    def left(self, sources: Iterable[str]) -> list[InboxEvent]:
        """The events of these sources that nothing has failed for yet."""
        chosen = set(sources)
        return [one for one in self.claim.events if one.source in chosen and one.event_id not in self.failed]


def work(context: Context, *, at_most: int = 100) -> Report:
    """Work on everything that waits in the inbox, up to `at_most` events at a time, until nothing is due.

    Before the marts are built for the first time nothing is claimed: `waiting_for_marts` counts what waits.

    Counts `events`, `done`, `tried_again`, `dead`, `parked` (objects that their vendor does not know), and what the
    stages did under their own names. `details` holds a line for each round with the seconds of its steps. An event that
    fails waits in the inbox and is tried again by the next runs; the others go on. Raises StoreError and ConfigError.
    """
    report = Report("inbox")
    with open_state(context.settings) as sessions:
        if not _has_marts(context):
            if waiting := store.pending_count(sessions):
                report.add("waiting_for_marts", waiting)
            return report
        while (claim := store.claim(sessions, at_most, LEASE)).events:
            failpoint("fast_way.after_claim")
            report.add("events", len(claim.events))
            try:
                _round(context, sessions, _Work(claim), report)
            except LeaseLostError as error:
                report.problems.append(str(error))
    return report


def _has_marts(context: Context) -> bool:
    with open_warehouse(context.settings) as engine:
        return inspect(engine).has_table("deal", schema="marts")


def _round(context: Context, sessions: Sessions, work: _Work, report: Report) -> None:
    pulled = [source for source in STREAMS if work.left([source])]
    for source in pulled:
        _step(work, f"pull {source}", [source], partial(_pull, context, work, source, report))
        _step(work, f"admit {source}", [source], partial(_admit, context, source, report))
    store.extend(sessions, work.claim.token, LEASE)
    if work.has_found:
        _step(work, "listen", pulled, partial(_listen, context, work, report))
    told = [one for one in work.left(TRACKERS) if one.event_type not in OUR_DOING]
    issues = [one.object_id for one in told if one.object_id]
    if work.has_found or told:
        _step(work, "answer", [*pulled, *TRACKERS], partial(_answer, context, work, issues, report))
        _step(work, "publish", [*pulled, *TRACKERS], partial(_publish, context))
    failpoint("fast_way.before_acknowledge")
    _settle(sessions, work, report)
    report.details.append({"events": len(work.claim.events), "seconds": work.seconds})
    log.info("inbox: %d events, %s", len(work.claim.events), work.seconds)


def _step(work: _Work, name: str, sources: Sequence[str], run: Callable[[], None]) -> None:
    """Run a step; when it fails, the events of `sources` are tried again later."""
    begun = time.monotonic()
    try:
        if work.left(sources):
            run()
    except LeaseLostError:
        raise
    except RebuttalError as error:
        log.warning("inbox: %s failed: %s", name, error)
        work.fail(work.left(sources), error)
    work.seconds[name] = round(time.monotonic() - begun, 3)


def _pull(context: Context, work: _Work, source: str, report: Report) -> None:
    from rebuttal import sources

    named: dict[str, list[str]] = defaultdict(list)
    asked: list[tuple[InboxEvent, str, str]] = []
    for event in work.left([source]):
        stream, name = STREAMS[source].get(event.object_type or ""), _name_of(event)
        if stream is None or name is None:
            report.add("left_to_the_pull")
            continue
        named[stream].append(name)
        asked.append((event, stream, name))
    if not named:
        return
    pulled = sources.pull_named(context, source, named)
    failpoint("fast_way.after_pull")
    _take_over(report, pulled.report)
    work.has_found |= any(pulled.found.values())
    work.deals |= pulled.found.get("deals", frozenset())
    for stream in ("notes", "calls", "responses"):
        # A response is named within its form; its text goes by its own id.
        work.texts |= {name.rpartition("/")[2] for name in pulled.found.get(stream, ())}
    for event, stream, name in asked:
        if name not in pulled.unknown.get(stream, ()):
            continue
        if event.attempts < ASKED_AGAIN:
            work.failed[event.event_id] = "The vendor does not know the object, or not yet"
        else:
            report.add("parked")


def _name_of(event: InboxEvent) -> str | None:
    """What the vendor calls the object; a response is known within its form only."""
    if event.source != "typeform":
        return event.object_id
    try:
        form = json.loads(event.body or b"")["form_response"]["form_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return f"{form}/{event.object_id}"


def _admit(context: Context, source: str, report: Report) -> None:
    from rebuttal import quality

    with alone(context.settings, "admit", wait=WAIT_SECONDS):
        admitted = quality.run(context, source)
    _take_over(report, admitted)
    failpoint("fast_way.after_admit")


def _listen(context: Context, work: _Work, report: Report) -> None:
    from rebuttal import objections

    with alone(context.settings, "listen", wait=WAIT_SECONDS):
        listened = objections.run(context, publishing=False)
    report.counts["read"] = report.counts.get("read", 0) + listened.counts.get("read", 0)
    report.changed |= listened.changed
    work.themes = objections.themes_of(context, work.deals, work.texts)
    failpoint("fast_way.after_listen")


def _answer(context: Context, work: _Work, issues: Sequence[str], report: Report) -> None:
    from rebuttal import content

    with alone(context.settings, "answer", wait=WAIT_SECONDS):
        answered = content.run(context, issues=issues, themes=work.themes, publishing=False)
    for name, count in answered.counts.items():
        if count and name != "themes":
            report.add(name, count)
    report.problems += [problem for problem in answered.problems if problem not in report.problems]
    report.changed |= answered.changed
    failpoint("fast_way.after_answer")


def _publish(context: Context) -> None:
    from rebuttal.warehouse.publish import publish_open
    from rebuttal.warehouse.quality_mart import refresh_quality

    with open_warehouse(context.settings) as engine:
        refresh_quality(engine)
        publish_open(context.settings, engine)


def _settle(sessions: Sessions, work: _Work, report: Report) -> None:
    token = work.claim.token
    for event_id, reason in work.failed.items():
        is_dead = store.fail(sessions, event_id, token, reason)
        report.add("dead" if is_dead else "tried_again")
        if is_dead:
            report.problems.append(f"Event {event_id} is given up ({reason}); `rebuttal inbox dead` lists what is")
    done = [event_id for event_id in work.claim.ids if event_id not in work.failed]
    if done:
        store.acknowledge(sessions, done, token)
        report.add("done", len(done))


def _take_over(report: Report, part: Report) -> None:
    counts: dict[str, Any] = {"rows_landed": 0, "new": 0, "changed": 0, "batches_held": 0}
    for name in counts:
        if count := part.counts.get(name):
            report.add(name, count)
    report.problems += part.problems
    report.changed |= part.changed
