"""TELL: the weekly objection digest, to each reader once; the daily data-quality alert is in `alerts`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from rebuttal.configuration import Vocabulary, load_vocabulary
from rebuttal.context import Context
from rebuttal.errors import ConfigError, CredentialsError, StoreError, UnavailableError
from rebuttal.records import Report
from rebuttal.reports.alerts import run_alerts
from rebuttal.reports.compose import compose
from rebuttal.reports.delivery import claim_delivery, close_delivery, explain, message_id, open_delivery
from rebuttal.reports.figures import Figures, read_figures
from rebuttal.reports.mail import Postman, build_message
from rebuttal.reports.people import People, Person, expected_sources, load_people
from rebuttal.reports.week import Week, week_of
from rebuttal.state import DigestDelivery, Sessions, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import open_published

KINDS = ("digest", "alerts")
STATE_OF = {"sent": "sent", "refused": "refused", "unknown": "unknown", "later": "pending"}


def run(context: Context, what: str = "digest") -> Report:
    """Send `what` to everybody who should have it and has not: one digest per person and ISO week, or one alert per
    channel and day (see `run_alerts`).

    Counts: `people`, `sent`, `already_told`, `refused`, `unknown`, `later`, `expired`. `details` name person, week,
    state and Message-ID. Raises ConfigError for an unknown `what` or a wrong people.yml. A mail server that cannot be
    used, marts that were never published and a part that could not be computed are problems in the report.
    """
    if what not in KINDS:
        raise ConfigError(f"There is no report {what!r}", next_step=f"Use one of {', '.join(KINDS)}")
    if what == "alerts":
        return run_alerts(context)
    people = load_people(context.settings.config)
    vocabulary = load_vocabulary(context.settings.config)
    report = Report("tell", counts={"people": len(people.people)})
    try:
        postman = Postman(context.resolve("smtp"))
        with open_state(context.settings) as sessions:
            _tell_all(context, people, vocabulary, postman, sessions, what, report)
    except (CredentialsError, UnavailableError, StoreError) as error:
        report.problems.append(str(error))
    return report


def preview(context: Context, person: Person | str) -> tuple[str, str]:
    """(HTML with its pictures inside, plain text) of the digest that `person` (a record or an id) would get now.

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
    week = week_of(context.clock.now(), person.zone, people.digest.week)
    with open_published(context.settings) as engine:
        figures = read_figures(engine, week, expected_sources(context.settings.config))
    digest = compose(figures, person, load_vocabulary(context.settings.config))
    return digest.standalone(), digest.text


def _tell_all(
    context: Context,
    people: People,
    vocabulary: Vocabulary,
    postman: Postman,
    sessions: Sessions,
    what: str,
    report: Report,
) -> None:
    give_up_after = timedelta(hours=people.digest.give_up_after_hours)
    known: dict[Week, Figures] = {}
    for person in people.people:
        week = week_of(context.clock.now(), person.zone, people.digest.week)
        identifier = message_id(what, week.iso, person.id, postman.sender)
        new = DigestDelivery(person_id=person.id, iso_week=week.iso, kind=what, message_id=identifier)
        row, has_ended = open_delivery(sessions, new, give_up_after)
        if row.state == "pending":
            if week not in known:
                with open_published(context.settings) as engine:
                    known[week] = read_figures(engine, week, expected_sources(context.settings.config))
                report.problems += known[week].failed
            _tell(sessions, postman, person, known[week], vocabulary, row, report)
        else:
            _account(person, row, has_ended, report)
        report.details.append({"person": person.id, "week": week.iso, "state": row.state, "message_id": row.message_id})


def _tell(
    sessions: Sessions,
    postman: Postman,
    person: Person,
    figures: Figures,
    vocabulary: Vocabulary,
    row: DigestDelivery,
    report: Report,
) -> None:
    digest = compose(figures, person, vocabulary)
    message = build_message(digest, person, postman.sender, row.message_id, datetime.now(UTC))
    failpoint("reports.before_send")
    outcome, code = postman.deliver(message, person.email, partial(claim_delivery, sessions, row))
    failpoint("reports.after_send")
    if outcome == "yielded":
        report.add("already_told")
        return
    row.state = STATE_OF[outcome]
    close_delivery(sessions, row, row.state, code or None)
    failpoint("reports.after_record")
    report.add(outcome)
    report.changed = report.changed or outcome != "later"
    if outcome != "sent":
        report.problems.append(explain(person.id, row, outcome, code))


def _account(person: Person, row: DigestDelivery, has_ended: bool, report: Report) -> None:
    """Count what is done already; what has just turned out badly is told, once."""
    if row.state in ("sent", "refused"):
        report.add("already_told")
        return
    report.add(row.state)
    if has_ended:
        report.changed = True
        report.problems.append(explain(person.id, row, row.state, ""))
