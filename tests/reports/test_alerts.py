"""The daily alert over a real mail server and a real webhook: grouped, once, only when there is something to tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import insert, select, text, update

from rebuttal import reports
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.reports.findings import compose_alert, gather
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import AlertDelivery, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import publish_quality
from rebuttal.warehouse.reports import read_quality
from rebuttal.warehouse.tables import audit_result, batch, check_result, quarantine

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
SECRET = "/T000/B000/a-secret-path"


@dataclass
class Channel:
    """An incoming webhook's server. `answers` are given instead of 200."""

    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    server: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def channel() -> Iterator[Channel]:
    """A real HTTP server on a free port. Answer 0 means: take the message and say nothing."""
    found = Channel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            code = found.answers.pop(0) if found.answers else 200
            if code in (0, 200, 502):
                found.received.append((self.path, body))
            if code:
                self.send_response(code)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    found.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@dataclass(frozen=True)
class Loud:
    """A company in which things go wrong, with a reader and a webhook."""

    settings: Settings
    post: Any
    channel: Channel

    def context(self, now: datetime = NOW) -> Context:
        smtp = {
            "host": "127.0.0.1",
            "port": self.post.controller.server.sockets[0].getsockname()[1],
            "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com"},
        }
        made = {"smtp": smtp, "alerts_webhook": {"host": self.channel.url, "password": SECRET}}
        return Context(self.settings, Clock(now), lambda name: Connection(name, **made[name]), b"0123456789abcdef")

    def tell(self, now: datetime = NOW) -> Any:
        return reports.run(self.context(now), "alerts")

    def configure(self, **values: Any) -> None:
        path = self.settings.config / "people.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            data[key] = {**data[key], **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    def land(self, number: int, status: str = "admitted", checks: tuple[dict[str, Any], ...] = ()) -> None:
        """One batch, landed `number` hours after a fixed moment, with the results of its checks."""
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(
                    insert(batch).values(
                        batch_id=f"b{number}",
                        sequence=number,
                        source="yandex_metrica",
                        stream="visits",
                        entity="visit",
                        account_id="a",
                        kind="live",
                        row_count=100,
                        content_hash="h",
                        landed_at=NOW - timedelta(days=3) + timedelta(hours=number),
                        status=status,
                    )
                )
                for check in checks:
                    connection.execute(insert(check_result).values(batch_id=f"b{number}", **check))
            publish_quality(self.settings, engine)

    def keep_out(self, number: int, rows: int) -> None:
        values = [
            {
                "batch_id": f"b{number}",
                "row_number": row,
                "entity": "visit",
                "source": "yandex_metrica",
                "stream": "visits",
                "reason": "Every value is of its column's type",
                "check_name": "values_readable",
                "reasons": "[]",
                "raw": "{}",
                "status": "quarantined",
            }
            for row in range(rows)
        ]
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(insert(quarantine), values)
            publish_quality(self.settings, engine)

    def audit(self, name: str, sequence: int, failed: int, severity: str = "warning", *examples: str) -> None:
        values = result(name, failed, severity, *examples)
        with open_warehouse(self.settings) as engine:
            with engine.begin() as connection:
                connection.execute(insert(audit_result).values({**values, "sequence": sequence}))
            publish_quality(self.settings, engine)

    def states(self) -> dict[tuple[str, str], str]:
        with open_state(self.settings) as sessions, sessions() as session:
            return {(row.channel, row.day): row.state for row in session.scalars(select(AlertDelivery))}


def result(name: str, failed: int, severity: str = "warning", *examples: str) -> dict[str, Any]:
    return {
        "entity": "visit",
        "check_name": name,
        "severity": severity,
        "description": f"What {name} asks",
        "next_step": f"Look at {name}",
        "is_passed": failed == 0,
        "row_count": 100,
        "failed_count": failed,
        "examples": json.dumps(examples) if examples else None,
    }


@pytest.fixture
def loud(any_settings: Settings, request: pytest.FixtureRequest, post: Any, channel: Channel, tmp_path: Path) -> Loud:
    """On both engines, the state store with them; kate reads mail, and a webhook is named."""
    config = tmp_path / "config"
    config.mkdir()
    for name in ("people.yml", "taxonomy.yml"):
        words = (PROJECT_ROOT / "include" / "config" / name).read_text(encoding="utf-8")
        (config / name).write_text(words, encoding="utf-8")
    if any_settings.warehouse_url.startswith("postgres"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    loud = Loud(replace(any_settings, config=config), post, channel)
    loud.configure(alerts={"webhook": "alerts_webhook", "page": "https://airflow.example/quality/"})
    return loud


def trouble(loud: Loud) -> None:
    """A held batch, an alarm, rows kept out, an unmapped word, spend without tags, and a new warning."""
    loud.land(1, checks=(result("device_known", 0), result("duration_sane", 0), result("client_known", 4, "warning")))
    checks = (
        result("volume_usual", 100, "hold", "100 rows a day, usually 2"),
        result("device_known", 3, "warning", "row 1: unknown:fridge"),
        result("duration_sane", 7, "warning", "row 2: 99999"),
        result("client_known", 4, "warning"),
    )
    loud.land(2, "held", checks)
    loud.keep_out(1, 12)
    loud.audit("deals_without_contact", 2, 9, "alarm")
    loud.audit("spend_without_tagged_visits", 2, 5, "warning", "google-ads brand: EUR 120")


def test_one_message_per_channel_holds_everything_grouped(loud: Loud) -> None:
    trouble(loud)
    report = loud.tell()
    assert (report.counts, report.problems, report.changed) == ({"channels": 2, "sent": 2}, [], True)
    ((sender, to, mail),) = loud.post.received
    assert (sender, to) == ("loop@example.com", ["kate@example.com"])
    assert mail["Subject"] == "Data quality: 1 held batch, 6 problems (2026-11-16)"
    plain, rich = mail.iter_parts()
    words = plain.get_content()
    order = [
        "Held batches", "What volume_usual asks (yandex_metrica.visits): 100 rows",
        "Alarms", "What deals_without_contact asks (all data): 9 of 100",
        "Rows newly kept out", "12 rows",
        "Words that nobody has mapped yet", "What device_known asks", "for example row 1: unknown:fridge",
        "Spend and tags", "for example google-ads brand: EUR 120",
        "New or growing warnings", "What duration_sane asks (yandex_metrica.visits): 7 of 100", "Look at duration_sane",
        "https://airflow.example/quality/",
    ]  # fmt: skip
    places = [words.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert 'href="https://airflow.example/quality/"' in rich.get_content()
    ((path, body),) = loud.channel.received
    assert path == SECRET
    assert set(body) == {"text"}
    assert all(part in body["text"] for part in order)
    assert loud.states() == {("person:kate", "2026-11-16"): "sent", ("webhook:alerts_webhook", "2026-11-16"): "sent"}


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


def test_the_next_day_tells_what_is_new_and_what_still_stands(loud: Loud) -> None:
    trouble(loud)
    loud.tell()
    loud.land(3, checks=(result("visit_later", 50), result("duration_sane", 7)))
    assert loud.tell(NOW + timedelta(days=1)).counts == {"channels": 2, "sent": 2}
    text_of_day = loud.channel.received[-1][1]["text"]
    assert "What visit_later asks" in text_of_day
    assert "What volume_usual asks" in text_of_day, "a held batch is told until somebody has decided"
    assert "What deals_without_contact asks" in text_of_day, "and so is an alarm"
    for old in ("duration_sane", "values_readable", "spend_without", "12 rows"):
        assert old not in text_of_day, f"{old} is no news"


def test_what_grows_is_news_again(loud: Loud) -> None:
    loud.land(1, checks=(result("duration_sane", 4),))
    loud.tell()
    loud.land(2, checks=(result("duration_sane", 4),))
    assert loud.tell(NOW + timedelta(days=1)).counts == {"channels": 2, "nothing_to_tell": 2}
    loud.land(3, checks=(result("duration_sane", 40),))
    assert loud.tell(NOW + timedelta(days=2)).counts == {"channels": 2, "sent": 2}


def test_what_healed_is_not_told(loud: Loud) -> None:
    loud.land(1, checks=(result("duration_sane", 4),))
    loud.land(2, checks=(result("duration_sane", 0),))
    assert loud.tell().counts == {"channels": 2, "nothing_to_tell": 2}


def test_examples_with_a_number_or_an_address_stay_at_home(loud: Loud) -> None:
    loud.land(1, checks=(result("a", 3, "warning", "call +380 67 123 45 67", "write jane@shop.example", "row 3"),))
    assert loud.tell().counts["sent"] == 2
    for words in (loud.channel.received[0][1]["text"], loud.post.received[0][2].as_string()):
        assert "row 3" in words
        assert "67 123" not in words
        assert "jane" not in words


def test_a_message_that_still_holds_an_address_is_not_sent(loud: Loud) -> None:
    loud.land(1, checks=({**result("a", 3), "description": "Ask jane@shop.example"},))
    report = loud.tell()
    assert "sent" not in report.counts
    assert len(report.problems) == 2
    assert "jane" not in json.dumps(report.as_dict())
    assert (loud.post.received, loud.channel.received) == ([], [])


def test_markup_of_a_row_is_text_and_calls_nobody(loud: Loud) -> None:
    loud.land(1, checks=(result("a", 3, "warning", "row 1: <!channel> <script>x</script> & co"),))
    loud.tell()
    assert "<!channel>" not in loud.channel.received[0][1]["text"]
    assert "&lt;!channel&gt;" in loud.channel.received[0][1]["text"]
    plain, rich = loud.post.received[0][2].iter_parts()
    assert "<!channel>" in plain.get_content()
    assert "<script>" not in rich.get_content()


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
    killed = subprocess.run([sys.executable, "-c", RUN], env=env, check=False)
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


@pytest.mark.parametrize(
    ("language", "subject", "expected"),
    [
        ("en", "Data quality: 1 held batch, 6 problems (2026-11-16)", "What to do: Look at duration_sane"),
        ("ru", "Качество данных: 1 задержанный пакет, 6 проблем (2026-11-16)", "Что делать: Look at duration_sane"),
        ("uk", "Якість даних: 1 затриманий пакет, 6 проблем (2026-11-16)", "Що робити: Look at duration_sane"),
    ],
)
def test_each_reader_in_their_language(loud: Loud, language: Any, subject: str, expected: str) -> None:
    trouble(loud)
    alert = compose_alert(gather(read_quality(loud.settings), None), language, "2026-11-16", None, "Оля")
    assert (alert.subject, expected in alert.text, "Оля" in alert.html) == (subject, True, True)
    assert "{" not in alert.text + alert.subject


def test_a_flood_is_counted_not_listed(loud: Loud) -> None:
    loud.land(1, checks=tuple(result(f"check_{number:02d}", 3) for number in range(40)))
    alert = compose_alert(gather(read_quality(loud.settings), None), "en", "2026-11-16", None)
    assert alert.text.count("What check_") == 5
    assert "and 35 more" in alert.text


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
