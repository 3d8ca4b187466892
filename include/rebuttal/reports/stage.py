"""TELL: the weekly objection digest and the reviews, to each reader once; the daily alert is in `alerts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import cast

from sqlalchemy import inspect, select

from rebuttal.configuration import load_vocabulary
from rebuttal.context import Context
from rebuttal.errors import ConfigError, CredentialsError, StoreError, UnavailableError
from rebuttal.metrics import load_metrics
from rebuttal.outgoing import PersonalDataError
from rebuttal.records import Report
from rebuttal.reports.alerts import run_alerts
from rebuttal.reports.channels import Channel, by_mail, by_post, on_paper
from rebuttal.reports.compose import Digest, compose
from rebuttal.reports.delivery import (
    claim_delivery,
    close_delivery,
    explain,
    find_delivery,
    message_id,
    open_delivery,
)
from rebuttal.reports.figures import Figures, read_figures
from rebuttal.reports.people import Channel as Room
from rebuttal.reports.people import People, Person, expected_sources, load_people
from rebuttal.reports.period import KINDS as REVIEWS
from rebuttal.reports.period import Kind, Period, period_of
from rebuttal.reports.review import compose_review
from rebuttal.reports.review_figures import Review, read_review
from rebuttal.reports.unsubscribing import link_of, unsubscribed
from rebuttal.reports.week import Week, week_of
from rebuttal.state import DigestDelivery, Sessions, ended_partners, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import open_published

KINDS = ("digest", *REVIEWS, "alerts")
_STATE_OF = {"sent": "sent", "refused": "refused", "unknown": "unknown", "later": "pending"}


@dataclass(frozen=True)
class _Message:
    """What one reader is to be told: of which period, and how to write it (with what could not be computed)."""

    reader: str
    channel: Channel
    period: str
    is_fresh: bool
    write: Callable[[], tuple[Digest, list[str]]]


def run(context: Context, what: str = "digest") -> Report:
    """Send `what` to everybody who should have it and has not: one message per reader and week (day, month, quarter),
    or one alert per channel and day (see `run_alerts`).

    Counts: `people` (rooms included), `sent`, `already_told`, `unsubscribed`, `partner_left`, `too_late`, `refused`,
    `unknown`, `later`, `expired`. `details` name reader, period, state and Message-ID. Raises ConfigError for an
    unknown `what` or a wrong people.yml. A server that cannot be used, marts that were never published and a part that
    could not be computed are problems. Where nobody was ever told anything and nothing was heard yet, all readers wait
    (`Report.too_early`): a weekly time that strikes during the first turn must not spend the week's digest on nothing.
    """
    if what not in KINDS:
        raise ConfigError(f"There is no report {what!r}", next_step=f"Use one of {', '.join(KINDS)}")
    if what == "alerts":
        return run_alerts(context)
    people = load_people(context.settings.config)
    rooms = [room for room in people.channels if what in room.tells]
    report = Report("tell", counts={"people": sum(what in person.mails for person in people.people) + len(rooms)})
    writers = _Writers(context, people, what)
    with open_state(context.settings) as sessions:
        gone = unsubscribed(sessions)
        with sessions() as session:
            ended = ended_partners(session)
        if _is_new(sessions) and not _is_heard(context):
            report.too_early = "Nothing has been published yet of what people say; readers wait. Run `rebuttal loop`"
            report.problems.append(report.too_early)
            return report
        try:  # one server for all mails: when it cannot be used, the others wait too
            for person in people.people:
                if what not in person.mails:
                    continue
                if person.partner in ended:
                    report.add("partner_left")
                elif (person.id, what) in gone:
                    report.add("unsubscribed")
                else:
                    _tell(sessions, people, what, writers.of_person(person), report)
        except (CredentialsError, UnavailableError, StoreError) as error:
            report.problems.append(str(error))
        for room in rooms:
            try:
                _tell(sessions, people, what, writers.of_room(room), report)
            except (CredentialsError, UnavailableError, StoreError, ConfigError, PersonalDataError) as error:
                report.problems.append(str(error))
    return report


def preview(context: Context, person: Person | str, what: str = "digest") -> tuple[str, str]:
    """(HTML with its pictures inside, plain text) of the message that `person` (a record or an id) would get now.

    Sends and records nothing. Raises ConfigError for an unknown person, StoreError when nothing was published yet.
    """
    people = load_people(context.settings.config)
    if isinstance(person, str):
        found = {one.id: one for one in people.people}
        if person not in found:
            raise ConfigError(
                f"There is no person {person!r} in people.yml", next_step=f"Use one of {', '.join(found)}"
            )
        person = found[person]
    written, _ = _Writers(context, people, what).of_person(person, on_paper(person)).write()
    return written.standalone(), written.text


class _Writers:
    """Messages of one kind; figures are read once for all readers of a period."""

    def __init__(self, context: Context, people: People, what: str) -> None:
        self._context, self._people, self._what = context, people, what
        self._vocabulary = load_vocabulary(context.settings.config)
        self._expected = expected_sources(context.settings.config)
        self._weeks: dict[tuple[Week, str | None], Figures] = {}
        self._periods: dict[Period, Review] = {}

    def of_person(self, person: Person, channel: Channel | None = None) -> _Message:
        """What a person reads, by mail unless another channel is given."""
        context = self._context
        link = link_of(context.settings, self._people, context.identity_key, person.id, self._what)
        channel = channel or by_mail(context, person, link)
        if self._what != "digest":
            return self._review(person.id, channel, person.role, link)
        week = week_of(context.clock.now(), person.zone, self._people.digest.week)

        def write() -> tuple[Digest, list[str]]:
            figures = self._figures(week, person.partner)
            return compose(figures, person, self._vocabulary, link), figures.failed

        return _Message(person.id, channel, week.iso, True, write)

    def of_room(self, room: Room) -> _Message:
        """What a room reads."""
        return self._review(room.id, by_post(self._context, room), "", "")

    def _review(self, reader: str, channel: Channel, role: str, link: str) -> _Message:
        now = self._context.clock.now()
        period = period_of(cast(Kind, self._what), now, channel.zone)

        def write() -> tuple[Digest, list[str]]:
            review = self._read(period)
            metrics = {metric.id: metric for metric in load_metrics(self._context.settings.config)}
            return compose_review(review, channel, metrics, self._vocabulary, role, link), review.failed

        return _Message(reader, channel, period.label, period.is_fresh(now.astimezone(channel.zone).date()), write)

    def _figures(self, week: Week, partner: str | None) -> Figures:
        if (week, partner) not in self._weeks:
            with open_published(self._context.settings) as engine:
                self._weeks[week, partner] = read_figures(engine, week, self._expected, partner)
        return self._weeks[week, partner]

    def _read(self, period: Period) -> Review:
        if period not in self._periods:
            with open_published(self._context.settings) as engine:
                self._periods[period] = read_review(engine, period, self._expected)
        return self._periods[period]


def _is_new(sessions: Sessions) -> bool:
    """Whether no message ever went out here; where one did, marts that are gone are no matter of time."""
    with sessions() as session:
        is_out = DigestDelivery.state != "pending"
        return session.scalar(select(DigestDelivery.delivery_id).where(is_out).limit(1)) is None


def _is_heard(context: Context) -> bool:
    """Whether what people said has been published, were it nothing."""
    try:
        with open_published(context.settings) as engine:
            return inspect(engine).has_table("objection", schema="marts")
    except StoreError:
        return False


def _tell(sessions: Sessions, people: People, what: str, message: _Message, report: Report) -> None:
    identifier = message_id(what, message.period, message.reader, message.channel.sender)
    new = DigestDelivery(person_id=message.reader, period=message.period, kind=what, message_id=identifier)
    if not message.is_fresh and find_delivery(sessions, new) is None:
        report.add("too_late")
        return
    row, has_ended = open_delivery(sessions, new, timedelta(hours=people.digest.give_up_after_hours))
    if row.state == "pending":
        _send(sessions, message, row, report)
    else:
        _account(message.reader, row, has_ended, report)
    report.details.append(
        {"person": message.reader, "period": message.period, "state": row.state, "message_id": row.message_id}
    )


def _send(sessions: Sessions, message: _Message, row: DigestDelivery, report: Report) -> None:
    written, failed = message.write()
    report.problems += [problem for problem in failed if problem not in report.problems]
    failpoint("reports.before_send")
    outcome, code = message.channel.send(written, row.message_id, partial(claim_delivery, sessions, row))
    failpoint("reports.after_send")
    if outcome == "yielded":
        report.add("already_told")
        return
    row.state = _STATE_OF[outcome]
    close_delivery(sessions, row, row.state, code or None)
    failpoint("reports.after_record")
    report.add(outcome)
    report.changed = report.changed or outcome != "later"
    if outcome != "sent":
        report.problems.append(explain(message.reader, row, outcome, code))


def _account(reader: str, row: DigestDelivery, has_ended: bool, report: Report) -> None:
    """Count what is done already; what has just turned out badly is told, once."""
    if row.state in ("sent", "refused"):
        report.add("already_told")
        return
    report.add(row.state)
    if has_ended:
        report.changed = True
        report.problems.append(explain(reader, row, row.state, ""))
