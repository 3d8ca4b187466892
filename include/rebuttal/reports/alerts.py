"""The daily data-quality alert: one grouped message per channel and day, and none when there is nothing to tell.

Channels are the people with `alerts: true` in people.yml (by mail) and the rooms there that tell alerts. What gets
worse on a day on which a channel was told already is in the next day's message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from rebuttal.context import Context
from rebuttal.errors import CredentialsError, StoreError, UnavailableError
from rebuttal.outgoing import PersonalDataError, refuse_personal_data
from rebuttal.records import Report
from rebuttal.reports.channels import Channel, by_mail, by_post
from rebuttal.reports.delivery import (
    claim_delivery,
    close_delivery,
    explain,
    find_delivery,
    message_id,
    open_delivery,
    undelivered,
)
from rebuttal.reports.findings import Findings, Row, compose_alert, gather, late_sources
from rebuttal.reports.pace import due, read_pace, record_told, told_of
from rebuttal.reports.people import People, expected_sources, load_people
from rebuttal.reports.unsubscribing import link_of, unsubscribed
from rebuttal.settings import Settings
from rebuttal.state import AlertDelivery, Sessions, open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.reports import Quality, read_quality

_STATE_OF = {"sent": "sent", "refused": "refused", "unknown": "unknown", "later": "pending"}


def run_alerts(context: Context) -> Report:
    """Tell every channel what is wrong with the data, if it was not told today and there is something to tell.

    Counts: `channels`, `sent`, `nothing_to_tell`, `unsubscribed`, `already_told`, `refused`, `unknown`, `later`,
    `expired`. Raises ConfigError for a wrong people.yml. A server that cannot be used and marts that were never
    published are problems.
    """
    people = load_people(context.settings.config)
    report = Report("tell", counts={"channels": 0})
    try:
        quality = read_quality(context.settings)
    except StoreError as error:
        report.problems.append(str(error))
        return report
    late = late_sources(
        quality, expected_sources(context.settings.config), context.clock.now(), people.alerts.late_after_hours
    )
    off_pace = read_pace(context.settings, context.clock.now().date())
    with open_state(context.settings) as sessions:
        gone = unsubscribed(sessions)
        for reader, opened in _channels(context, people):
            report.add("channels")
            if (reader, "alerts") in gone:
                report.add("unsubscribed")
                continue
            try:
                _tell(context, people, sessions, quality, late, off_pace, opened(), report)
            except (CredentialsError, UnavailableError, PersonalDataError) as error:
                report.problems.append(str(error))
    return report


def _channels(context: Context, people: People) -> Iterator[tuple[str, Callable[[], Channel]]]:
    """(person or '', channel). Each is opened on its own, so that one that is broken does not silence the others."""
    for person in people.people:
        if person.alerts:
            yield person.id, partial(by_mail, context, person, _link(context, people, person.id))
    for room in people.channels:
        if "alerts" in room.tells:
            yield "", partial(by_post, context, room)


def _link(context: Context, people: People, person_id: str) -> str:
    return link_of(context.settings, people, context.identity_key, person_id, "alerts")


def open_findings(context: Context) -> Findings:
    """What an alert would tell somebody who knows nothing yet. Raises StoreError when nothing is published."""
    people = load_people(context.settings.config)
    quality = read_quality(context.settings)
    expected = expected_sources(context.settings.config)
    late = late_sources(quality, expected, context.clock.now(), people.alerts.late_after_hours)
    off_pace = read_pace(context.settings, context.clock.now().date())
    with open_state(context.settings) as sessions:
        return gather(quality, None, late, undelivered(sessions), off_pace)


def _tell(
    context: Context,
    people: People,
    sessions: Sessions,
    quality: Quality,
    late: Sequence[Row],
    off_pace: Sequence[Row],
    channel: Channel,
    report: Report,
) -> None:
    day = context.clock.now().astimezone(channel.zone).date().isoformat()
    knows = max(stream["last_landed_at"] for stream in quality.streams)
    identifier = message_id("alert", day, channel.id, channel.sender)
    new = AlertDelivery(channel=channel.id, day=day, told_until=knows, message_id=identifier)
    pace = due(off_pace, told_of(sessions, channel.id), context.clock.now(), people.alerts.pace_cool_down_days)
    findings = gather(quality, _told_until(sessions, channel), late, undelivered(sessions), pace)
    if findings.is_empty and find_delivery(sessions, new) is None:
        report.add("nothing_to_tell")
        return
    row, has_ended = open_delivery(sessions, new, timedelta(hours=people.alerts.give_up_after_hours))
    if row.state == "pending" and not findings.is_empty:
        page = page_of(context.settings, people)
        kind, _, reader = channel.id.partition(":")
        end = _link(context, people, reader) if kind == "person" else ""
        alert = compose_alert(findings, channel.language, day, page, channel.name, end)
        refuse_personal_data((_without(alert.text, page, end), alert.subject), "The data-quality alert")
        failpoint("alerts.before_send")
        outcome, code = channel.send(alert, row.message_id, partial(claim_delivery, sessions, row, told_until=knows))
        failpoint("alerts.after_send")
        if outcome == "yielded":
            report.add("already_told")
            return
        row.state = _STATE_OF[outcome]
        if outcome in ("sent", "unknown"):
            record_told(sessions, channel.id, pace, context.clock.now())
        close_delivery(sessions, row, row.state, code or None)
        report.add(outcome)
        report.changed = report.changed or outcome != "later"
        if outcome != "sent":
            report.problems.append(_explain(channel, row, outcome, code))
    elif row.state in ("sent", "refused"):
        report.add("already_told")
    elif row.state == "pending":
        report.add("nothing_to_tell")  # what could not be sent before has healed meanwhile
    else:
        report.add(row.state)
        if has_ended:
            report.changed = True
            report.problems.append(_explain(channel, row, row.state, ""))
    report.details.append({"channel": channel.id, "day": day, "state": row.state})


def page_of(settings: Settings, people: People) -> str | None:
    """Where the data-quality page is: below Airflow's own address where that is set, else what people.yml says."""
    return f"{settings.airflow_url}/quality/" if settings.airflow_url else people.alerts.page


def _told_until(sessions: Sessions, channel: Channel) -> datetime | None:
    """Up to which landing the channel knows what there was to know; an alert that may have arrived counts."""
    with sessions() as session:
        return session.scalars(
            select(AlertDelivery.told_until)
            .where(AlertDelivery.channel == channel.id, AlertDelivery.state.in_(("sent", "unknown")))
            .order_by(AlertDelivery.told_until.desc())
            .limit(1)
        ).first()


def _without(text: str, *links: str | None) -> str:
    """The links and the grouping of thousands are our own: digits in them are nobody's telephone."""
    for link in links:
        text = text.replace(link, "") if link else text
    return text.replace("\u202f", ",")


def _explain(channel: Channel, row: AlertDelivery, outcome: str, code: str) -> str:
    kind, _, reader = channel.id.partition(":")
    if kind != "person" and outcome == "refused":
        return f"The {kind} {reader} refuses the alert (code {code}): not tried again today; check its connection"
    return explain(reader, row, outcome, code)
