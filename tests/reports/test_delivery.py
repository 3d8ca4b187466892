"""Once per person and week over a real mail server, whatever fails or is run again."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select, update
from tests import apart
from tests.faults.table import fault

from rebuttal import reports
from rebuttal.connections import Connection
from rebuttal.errors import ConfigError
from rebuttal.reports.mail import _tls
from rebuttal.state import DigestDelivery, EndedPartner, open_state

RUN = """
from datetime import datetime
from rebuttal import reports
from rebuttal.clock import Clock
from rebuttal.context import Context
reports.run(Context.from_environment(Clock(datetime.fromisoformat("{now}"))))
"""


def states(company: Any) -> dict[str, str]:
    with open_state(company.settings) as sessions, sessions() as session:
        return {row.person_id: row.state for row in session.scalars(select(DigestDelivery))}


def change_rows(company: Any, **values: Any) -> None:
    with open_state(company.settings) as sessions, sessions.begin() as session:
        session.execute(update(DigestDelivery).values(values))


def only(company: Any, person: str) -> None:
    """Leave one reader in people.yml."""
    company.configure(lambda data: data.update(people=[row for row in data["people"] if row["id"] == person]))


def test_everybody_gets_one_mail_of_their_own(company: Any) -> None:
    report = reports.run(company.context())
    assert (report.counts, report.problems, report.changed) == ({"people": 3, "sent": 3}, [], True)
    assert [(sender, to) for sender, to, _ in company.post.received] == [
        ("loop@example.com", [f"{name}@example.com"]) for name in ("olena", "marina", "kate")
    ]
    assert states(company) == dict.fromkeys(("olena", "marina", "kate"), "sent")


@fault(147, "people.yml still names a reader of a partner that left", "mail", "no mail goes to them any more")
def test_a_reader_of_a_partner_that_left_gets_no_mail(company: Any) -> None:
    company.configure(lambda data: data["people"][0].update(role="partner", partner="salon-77"))
    with open_state(company.settings) as sessions, sessions.begin() as session:
        session.add(EndedPartner(partner="salon-77", ended_at=datetime(2026, 11, 1, tzinfo=UTC), ended_by="olena"))
    assert reports.run(company.context()).counts == {"people": 3, "sent": 2, "partner_left": 1}
    assert [to for _, to, _ in company.post.received] == [[f"{name}@example.com"] for name in ("marina", "kate")]


def test_the_mail_has_a_plain_part_a_html_part_and_its_pictures_inside(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context())
    ((_, _, mail),) = company.post.received
    assert mail["Subject"] == "Objections of the week 9–15\u00a0November 2026"
    assert (mail["From"], mail["To"]) == ("Rebuttal <loop@example.com>", "Kate <kate@example.com>")
    assert mail["Message-ID"].startswith("<digest.2026-W46.")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["Cc"], mail["Bcc"]) == (None, None)
    assert mail.get_content_type() == "multipart/alternative"
    plain, rich = mail.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert "New this week" in plain.get_content()
    assert rich.get_content_type() == "multipart/related"
    html, *pictures = rich.iter_parts()
    assert html.get_content_type() == "text/html"
    assert [part["Content-ID"] for part in pictures] == ["<compared>", "<trend>"]
    assert all(f'src="cid:{part["Content-ID"].strip("<>")}"' in html.get_content() for part in pictures)
    assert all(part.get_content()[:8] == b"\x89PNG\r\n\x1a\n" for part in pictures)
    assert max(len(line) for line in mail.as_bytes().splitlines()) < 998
    assert mail.as_bytes().isascii()  # goes through a server without 8BITMIME too


def test_run_again_nobody_gets_a_second_one(company: Any) -> None:
    reports.run(company.context())
    report = reports.run(company.context(company.now + timedelta(days=2)))
    assert (report.counts, report.changed) == ({"people": 3, "already_told": 3}, False)
    assert len(company.post.received) == 3


def test_the_next_week_brings_the_next_mail(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context())
    reports.run(company.context(company.now + timedelta(days=7)))
    identifiers = [mail["Message-ID"] for _, _, mail in company.post.received]
    assert [identifier.split(".")[1] for identifier in identifiers] == ["2026-W46", "2026-W47"]


def test_a_reader_who_moves_to_another_zone_gets_no_second_one(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context())
    company.configure(lambda data: data["people"][0].update(time_zone="America/New_York"))
    reports.run(company.context())
    assert len(company.post.received) == 1


def test_a_refused_address_is_recorded_and_the_others_get_theirs(company: Any) -> None:
    company.post.answers["RCPT"] = ["", "550 5.1.1 <marina@example.com>: no such user"]
    report = reports.run(company.context())
    assert report.counts == {"people": 3, "sent": 2, "refused": 1}
    assert report.problems == ["The mail server refuses marina's address (code 550): not tried again, see people.yml"]
    assert states(company) == {"olena": "sent", "marina": "refused", "kate": "sent"}
    assert "marina@" not in json.dumps(report.as_dict())
    assert reports.run(company.context()).counts == {"people": 3, "already_told": 3}
    assert len(company.post.received) == 2


@pytest.mark.parametrize(("command", "answer"), [("RCPT", "451 4.7.1 greylisted"), ("DATA", "452 4.3.1 try later")])
def test_what_is_put_off_is_sent_by_the_next_run(company: Any, command: str, answer: str) -> None:
    only(company, "kate")
    company.post.answers[command] = [answer]
    report = reports.run(company.context())
    assert (report.counts["later"], report.changed, states(company)) == (1, False, {"kate": "pending"})
    assert reports.run(company.context()).counts["sent"] == 1
    assert len(company.post.received) == 1


def test_a_text_refused_for_good_is_recorded(company: Any) -> None:
    only(company, "kate")
    company.post.answers["DATA"] = ["554 5.7.1 looks like spam"]
    assert reports.run(company.context()).counts["refused"] == 1
    assert states(company) == {"kate": "refused"}


def test_an_answer_lost_after_the_text_is_unknown_and_never_sent_twice(company: Any) -> None:
    only(company, "kate")
    company.post.cut_after_text = 1
    report = reports.run(company.context())
    assert (report.counts["unknown"], states(company)) == (1, {"kate": "unknown"})
    assert report.problems == ["Whether kate got the mail of 2026-W46 is not known; it is not sent twice"]
    again = reports.run(company.context())
    assert (again.counts, again.problems) == ({"people": 1, "unknown": 1}, [])
    assert len(company.post.received) == 1


def test_a_server_that_is_down_keeps_every_mail_for_the_next_run(company: Any) -> None:
    report = reports.run(company.context(port=9))
    assert len(report.problems) == 1
    assert "mail server 127.0.0.1:9 cannot be used" in report.problems[0]
    assert reports.run(company.context()).counts["sent"] == 3


def test_what_could_not_be_sent_in_time_is_given_up_and_told_once(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context(port=9))
    change_rows(company, created_at=datetime.now(UTC) - timedelta(hours=49))
    report = reports.run(company.context())
    assert report.problems == ["The mail to kate of 2026-W46 could not be sent in time and is given up"]
    assert reports.run(company.context()).problems == []
    assert company.post.received == []


def test_tls_that_was_asked_for_is_never_gone_without(company: Any) -> None:
    only(company, "kate")
    extra = {"disable_ssl": True, "from_email": "loop@example.com"}
    report = reports.run(company.context(extra=extra))
    assert "offers no TLS that we can trust" in report.problems[0]
    report = reports.run(company.context(extra={**extra, "disable_ssl": False, "disable_tls": True}))
    assert "cannot be used" in report.problems[0]
    assert company.post.received == []
    assert states(company) == {"kate": "pending"}


def test_a_password_does_not_travel_without_tls(company: Any) -> None:
    report = reports.run(company.context(host="0.0.0.0", login="loop", password="s3cret-word"))  # noqa: S104
    assert report.problems == [
        "The connection 'smtp' would send its password without TLS. Remove disable_tls or the password"
    ]
    assert "s3cret-word" not in json.dumps(report.as_dict())


@pytest.mark.parametrize(
    ("port", "extra", "expected"),
    [
        (465, {}, (True, False)),
        (None, {}, (True, False)),
        (587, {}, (False, True)),
        (25, {"disable_ssl": "true"}, (False, True)),
        (8465, {"disable_tls": True}, (True, False)),
        (8825, {"disable_ssl": True, "disable_tls": "True"}, (False, False)),
    ],
)
def test_which_tls_a_connection_means(port: int | None, extra: dict[str, Any], expected: tuple[bool, bool]) -> None:
    assert _tls(Connection("smtp", "mail.example", port=port, extra=extra)) == expected


@pytest.mark.parametrize("is_modelled", [False, True])
def test_before_anything_was_heard_nobody_is_told_and_the_week_is_not_spent(company: Any, is_modelled: bool) -> None:
    """A weekly time may strike during the first turn of all: the same week's mail comes when there is something."""
    only(company, "kate")
    if is_modelled:
        company.fill(without=("objection",))
    else:
        company.settings.published_path.unlink()
    report = reports.run(company.context())
    assert report.problems == ["Nothing has been published yet of what people say; readers wait. Run `rebuttal loop`"]
    assert report.too_early == report.problems[0]
    assert company.post.received == []
    company.fill()
    assert reports.run(company.context()).counts["sent"] == 1


def test_an_unpublished_warehouse_sends_nothing(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context())
    company.settings.published_path.unlink()
    report = reports.run(company.context(company.now + timedelta(days=7)))
    assert report.problems == ["Nothing has been published yet. Run `rebuttal loop` or `rebuttal model` first"]
    assert report.too_early == ""
    assert len(company.post.received) == 1


def test_a_part_that_could_not_be_computed_is_a_problem_and_the_mail_says_so(company: Any) -> None:
    only(company, "kate")
    reports.run(company.context())
    company.fill(without=("objection",))
    report = reports.run(company.context(company.now + timedelta(days=7)))
    assert len(report.problems) == 1
    assert "digest's objections could not be computed" in report.problems[0]
    assert "could not be computed" in company.post.received[1][2].get_body(("plain",)).get_content()


@fault(130, "a reader of a partner that is not named", "mail", "nothing is sent: missing is never all rows", "partner")
@pytest.mark.long_form(
    "the fault is a partner without its name", field={"email", "name", "time_zone", "langauge", "id"}
)
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "a@example.com\nBcc: b@example.com", "people.0.email: Value error, must be one plain e-mail address"),
        ("email", "a@example.com, b@example.com", "must be one plain e-mail address"),
        ("email", "Anna <a@example.com>", "must be one plain e-mail address"),
        ("email", "анна@пример.example", "must be one plain e-mail address"),
        ("email", '"a"@b@example.com', "must be one plain e-mail address"),
        ("name", "Anna\r\nBcc: b@example.com", "people.0.name: Value error, must be one line"),
        ("time_zone", "Kiev", "must be an IANA time zone"),
        ("role", "boss", "Input should be 'sales', 'content', 'lead' or 'partner'"),
        ("role", "partner", "role partner needs the key partner"),
        ("langauge", "en", "people.0.langauge is not a known key. Did you mean 'language'?"),
        ("id", "marina", "have the same id"),
        ("email", "Marina@example.com", "have the same email"),
    ],
)
def test_wrong_people_are_refused_before_anything_is_sent(company: Any, field: str, value: str, words: str) -> None:
    company.configure(lambda data: data["people"][0].update({field: value}))
    with pytest.raises(ConfigError) as caught:
        reports.run(company.context())
    assert words in str(caught.value)
    assert "b@example.com" not in str(caught.value)
    assert company.post.received == []


@pytest.mark.parametrize("sender", ["not an address", "loop@example.com\nBcc: x@example.com"])
def test_a_sender_that_is_no_address_sends_nothing(company: Any, sender: str) -> None:
    extra = {"disable_tls": True, "disable_ssl": True, "from_email": sender}
    with pytest.raises((ConfigError, ValueError)):
        reports.run(company.context(extra=extra))
    assert company.post.received == []


def test_there_is_no_other_report(company: Any) -> None:
    with pytest.raises(ConfigError, match="There is no report 'digset'"):
        reports.run(company.context(), "digset")


def run_apart(company: Any, failpoint: str) -> int:
    connection = company.context().resolve("smtp")
    settings = company.settings
    environment = {
        **os.environ,
        "REBUTTAL_HOME": str(settings.home),
        "REBUTTAL_CONFIG": str(settings.config),
        "REBUTTAL_WAREHOUSE_URL": settings.warehouse_url,
        "REBUTTAL_STATE_URL": settings.state_url,
        "REBUTTAL_IDENTITY_KEY": "0123456789abcdef",
        "AIRFLOW_CONN_SMTP": json.dumps(
            {"host": "127.0.0.1", "port": connection.port, "extra": dict(connection.extra)}
        ),
        "FAILPOINT": failpoint,
    }
    code = RUN.format(now=company.now.isoformat())
    done = apart.run(code, env=environment)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize(
    ("failpoint", "mails", "after"),
    [
        ("reports.before_send", 3, {"olena": "sent", "marina": "sent", "kate": "sent"}),
        # Dead between the server's 250 and our note of it: at most once, so it is left unknown.
        ("reports.after_send", 3, {"olena": "unknown", "marina": "sent", "kate": "sent"}),
        ("reports.after_record", 3, {"olena": "sent", "marina": "sent", "kate": "sent"}),
    ],
)
def test_killed_there_and_run_again_nobody_gets_two(
    company: Any, failpoint: str, mails: int, after: dict[str, str]
) -> None:
    assert run_apart(company, f"{failpoint}:kill") == -signal.SIGKILL
    report = reports.run(company.context())
    recipients = [to for _, to, _ in company.post.received]
    assert sorted(recipients) == [["kate@example.com"], ["marina@example.com"], ["olena@example.com"]]
    assert len(recipients) == mails
    assert states(company) == after
    assert len(report.problems) == list(after.values()).count("unknown")


def test_six_senders_at_once_send_one_mail_each_person(company: Any) -> None:
    context = company.context()
    threads = [threading.Thread(target=reports.run, args=(context,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(company.post.received) == 3
    assert states(company) == dict.fromkeys(("olena", "marina", "kate"), "sent")


def test_deliveries_on_postgres_too(company: Any, postgres_url: Any) -> None:
    other = replace(company, settings=replace(company.settings, state_url=postgres_url()))
    assert reports.run(other.context()).counts["sent"] == 3
    assert reports.run(other.context()).counts["already_told"] == 3
    assert len(company.post.received) == 3


def test_the_test_server_is_a_real_one(company: Any) -> None:
    """What the other tests rest on: a mail that goes in by SMTP is seen with its envelope."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "x", "a@example.com", "b@example.com"
    message.set_content("hello")
    with smtplib.SMTP("127.0.0.1", company.context().resolve("smtp").port or 0) as client:
        client.send_message(message)
    assert company.post.received[0][:2] == ("a@example.com", ["b@example.com"])
