"""How alerts go out: at most one a day and channel, whatever fails, dies or runs at once."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from tests import apart
from tests.reports.alerting import NOW, SECRET, Channel, Loud, result, trouble

from rebuttal import reports
from rebuttal.connections import Connection
from rebuttal.errors import ConfigError
from rebuttal.settings import Settings, load_settings
from rebuttal.state import AlertDelivery, open_state
from rebuttal.warehouse import open_warehouse


def test_nothing_to_tell_tells_nobody(loud: Loud) -> None:
    loud.land(1, checks=(result("duration_sane", 0),))
    report = loud.tell()
    assert (report.counts, report.problems, report.changed) == ({"channels": 2, "nothing_to_tell": 2}, [], False)
    assert (loud.post.received, loud.channel.received, loud.states()) == ([], [], {})


def test_run_again_and_worse_on_the_same_day_nobody_is_told_twice(loud: Loud) -> None:
    trouble(loud)
    loud.tell()
    loud.land(3, checks=(result("visit_later", 50),))
    again = loud.tell(NOW + timedelta(hours=8))
    assert (again.counts, again.changed) == ({"channels": 2, "already_told": 2}, False)
    assert (len(loud.post.received), len(loud.channel.received)) == (1, 1)


def test_a_message_that_still_holds_an_address_is_not_sent(loud: Loud) -> None:
    loud.land(1, checks=({**result("a", 3), "description": "Ask jane@shop.example"},))
    report = loud.tell()
    assert "sent" not in report.counts
    assert len(report.problems) == 2
    assert "jane" not in json.dumps(report.as_dict())
    assert (loud.post.received, loud.channel.received) == ([], [])


@pytest.mark.parametrize(
    ("answer", "state", "sent_by_next_run"),
    [(503, "pending", 1), (429, "pending", 1), (404, "refused", 0), (502, "unknown", 0), (0, "unknown", 0)],
)
def test_what_a_webhook_answers_decides_whether_it_is_tried_again(
    loud: Loud, answer: int, state: str, sent_by_next_run: int
) -> None:
    loud.configure(people=[])
    trouble(loud)
    loud.channel.answers.append(answer)
    report = loud.tell()
    assert loud.states() == {("webhook:alerts_webhook", "2026-11-16"): state}
    assert len(report.problems) == 1
    assert SECRET not in json.dumps(report.as_dict())
    before = len(loud.channel.received)
    loud.tell()
    assert len(loud.channel.received) - before == sent_by_next_run
    assert loud.tell().counts["channels"] == 1
    assert len(loud.channel.received) - before == sent_by_next_run


def test_a_webhook_that_is_down_keeps_no_mail_back(loud: Loud) -> None:
    trouble(loud)
    gone = replace(loud, channel=Channel(server=type("Server", (), {"server_port": 1})))
    report = gone.tell()
    assert report.counts == {"channels": 2, "sent": 1, "later": 1}
    assert loud.tell().counts == {"channels": 2, "already_told": 1, "sent": 1}


def test_a_mail_server_that_is_down_keeps_no_webhook_back(loud: Loud) -> None:
    trouble(loud)
    nobody = {
        "host": "127.0.0.1",
        "port": 1,
        "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "a@example.com"},
    }
    context, resolve = loud.context(), loud.context().resolve
    broken = replace(context, resolve=lambda name: Connection(name, **nobody) if name == "smtp" else resolve(name))
    report = reports.run(broken, "alerts")
    assert report.counts == {"channels": 2, "sent": 1}
    assert len(report.problems) == 1


def test_a_webhook_is_https_unless_it_is_this_machine(loud: Loud) -> None:
    trouble(loud)
    context = replace(
        loud.context(), resolve=lambda name: Connection(name, host="http://hooks.example", password=SECRET)
    )
    loud.configure(people=[])
    with pytest.raises(ConfigError, match="is not https") as caught:
        reports.run(context, "alerts")
    assert "secret" not in str(caught.value)


def test_an_unsent_message_is_given_up_and_the_next_day_has_its_own(loud: Loud) -> None:
    loud.configure(people=[])
    trouble(loud)
    loud.channel.answers.append(503)
    loud.tell()
    with open_state(loud.settings) as sessions, sessions.begin() as session:
        session.execute(update(AlertDelivery).values(created_at=datetime.now(UTC) - timedelta(hours=30)))
    assert loud.tell().counts == {"channels": 1, "expired": 1}
    assert loud.tell(NOW + timedelta(days=1)).counts == {"channels": 1, "sent": 1}
    assert "duration_sane" in loud.channel.received[0][1]["text"], "it was never told, so it is news"


RUN = """
from datetime import datetime
from rebuttal import reports
from rebuttal.clock import Clock
from rebuttal.context import Context
reports.run(Context.from_environment(Clock(datetime.fromisoformat("2026-11-16T09:00:00+00:00"))), "alerts")
"""


@pytest.mark.parametrize(("place", "received"), [("alerts.before_send", 1), ("alerts.after_send", 1)])
def test_killed_at_any_moment_at_most_one_message_goes_out(loud: Loud, place: str, received: int) -> None:
    loud.configure(people=[])
    trouble(loud)
    env = {
        **os.environ,
        "REBUTTAL_HOME": str(loud.settings.home),
        "REBUTTAL_CONFIG": str(loud.settings.config),
        "REBUTTAL_WAREHOUSE_URL": loud.settings.warehouse_url,
        "REBUTTAL_STATE_URL": loud.settings.state_url,
        "REBUTTAL_IDENTITY_KEY": "0123456789abcdef",
        "FAILPOINT": f"{place}:kill",
        "AIRFLOW_CONN_ALERTS_WEBHOOK": json.dumps({"host": loud.channel.url, "password": SECRET}),
    }
    killed = apart.run(RUN, env=env)
    assert killed.returncode == -signal.SIGKILL
    for _ in range(2):
        loud.tell()
    assert len(loud.channel.received) == received
    assert loud.states() == {
        ("webhook:alerts_webhook", "2026-11-16"): "sent" if place == "alerts.before_send" else "unknown"
    }


def test_an_empty_warehouse_is_a_problem_that_says_what_to_do(settings: Settings, post: Any, channel: Channel) -> None:
    report = Loud(settings, post, channel).tell()
    assert (report.counts, report.changed) == ({"channels": 0}, False)
    assert len(report.problems) == 1
    assert "Nothing has been published yet" in report.problems[0]


def test_what_the_gate_published_is_no_digest(loud: Loud) -> None:
    trouble(loud)
    report = reports.run(loud.context(), "digest")
    assert "sent" not in report.counts
    assert [problem for problem in report.problems if "Nothing has been published yet" in problem] == report.problems
    assert len(report.problems) == 1


def test_two_runs_at_once_send_one(loud: Loud) -> None:
    loud.configure(people=[])
    trouble(loud)
    loud.tell(NOW - timedelta(days=9))  # the store is migrated; the day of the race is still open
    with open_warehouse(loud.settings) as engine, engine.connect() as connection:
        assert connection.execute(text("select count(*) from marts.quality_check")).scalar_one() > 0
    sent = len(loud.channel.received)
    threads = [threading.Thread(target=loud.tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loud.channel.received) - sent == 1


@pytest.mark.parametrize(
    ("base", "page"),
    [
        ("https://air.example/team/", "https://air.example/team/quality/"),
        ("http://10.0.0.7:8089", "http://10.0.0.7:8089/quality/"),
        ("/team", "https://airflow.example/quality/"),
        ("", "https://airflow.example/quality/"),
    ],
)
def test_the_link_leads_to_airflow_where_it_is(loud: Loud, base: str, page: str) -> None:
    environment = {"REBUTTAL_HOME": str(loud.settings.home), "AIRFLOW__API__BASE_URL": base}
    at = replace(loud, settings=replace(loud.settings, airflow_url=load_settings(environment).airflow_url))
    trouble(at)
    assert at.tell().problems == []
    ((_, body),) = loud.channel.received
    assert page in body["text"]
    assert body["text"].count("/quality/") == 1
    assert f'href="{page}"' in loud.post.received[0][2].get_body(("html",)).get_content()
