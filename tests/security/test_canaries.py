"""Servers that throw our own secrets back at us, in every way to fail; then everything we tell or keep is searched."""

from __future__ import annotations

import base64
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from tests.faults.table import fault
from tests.sources.conftest import no_polite_gaps  # noqa: F401 - for the pulls here

from rebuttal import sources
from rebuttal.clock import Clock
from rebuttal.connections import Connection, parse
from rebuttal.content.brief import Block, Brief
from rebuttal.content.trackers import Draft, RemoteTask
from rebuttal.content.trackers.jira import JiraTracker
from rebuttal.content.trackers.trello import TrelloTracker
from rebuttal.context import Context
from rebuttal.doctor import examine
from rebuttal.errors import RebuttalError
from rebuttal.reports.telegram import Telegram
from rebuttal.reports.webhook import Webhook
from rebuttal.settings import Settings
from rebuttal.state import open_state
from rebuttal.warehouse import open_warehouse

# Letters and digits only: nothing about them looks like a secret, so no pattern can save us.
CANARIES = {name: f"canary{name}7f3a91b2c4" for name in ("password", "login", "refresh", "client", "key", "path")}
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
# As a Basic login sends them.
CANARIES["basic"] = base64.b64encode(f"{CANARIES['login']}:{CANARIES['password']}".encode()).decode()
# What any server of ours may have learned; the path of a webhook is known to its own server only.
KNOWN = [canary for name, canary in CANARIES.items() if name != "path"]
Reply = tuple[int, dict[str, str], bytes]


def echoed(told: str) -> dict[str, Callable[[], Reply]]:
    """Ways to fail that repeat what was heard."""
    as_json = {"Content-Type": "application/json"}
    words = {"status": "error", "message": told, "errorMessages": [told], "errors": {"summary": told}, "code": told,
             "category": told, "error_type": told, "description": told, "error": told,
             "errorType": CANARIES["password"], "error_code": CANARIES["login"], "error_string": CANARIES["refresh"],
             "nested": [{"code": canary} for canary in KNOWN]}  # fmt: skip
    body = json.dumps(words).encode()
    return {
        "401": lambda: (401, as_json, body),
        "403": lambda: (403, as_json, body),
        "400": lambda: (400, as_json, body),
        "404": lambda: (404, as_json, body),
        "409": lambda: (409, as_json, body),
        "500": lambda: (500, {"Content-Type": "text/html"}, f"<h1>Traceback {told}</h1>".encode()),
        "302": lambda: (302, {"Location": f"http://elsewhere.example/?{told[:200]}"}, b""),
        "broken JSON": lambda: (200, as_json, body[:-20]),
        "an error with 200": lambda: (200, as_json, body),
        "a page with 200": lambda: (200, {"Content-Type": "text/html"}, f"<html>{told}</html>".encode()),
        "plain words": lambda: (400, {"Content-Type": "text/plain"}, told.encode()),
        "a header": lambda: (429, {"Retry-After": "9999", "X-Told": CANARIES["password"]}, body),
    }


class Echo:
    """A server that fails in the way `how`, and repeats the whole request in its answer."""

    def __init__(self) -> None:
        self.how, self.heard = "500", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
                headers = " ".join(f"{name} {value}" for name, value in self.headers.items())
                told = " ".join([*KNOWN, self.path, headers, sent]).replace("\r", " ").replace("\n", " ")
                status, given, body = echoed(told)[outer.how]()
                outer.heard += 1
                self.send_response(status)
                for name, value in given.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    one = Echo()
    yield one
    one.http.shutdown()
    one.http.server_close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What was told; at the end all of it, every log line and every exception's trace, is searched."""
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    yield lines
    lines += [f"{r.name} {r.getMessage()} {r.args} {r.exc_text or ''}" for r in caplog.get_records("call")]
    assert len(lines) > 3
    assert [(canary, line) for line in lines for canary in CANARIES.values() if canary in line] == []


def connection(base: str, connection_id: str) -> Connection:
    extra = {
        "portal": "1", "customer_id": "1", "login_customer_id": "1", "property": "1", "counter": "1", "counter_id": "1",
        "client_login": "c", "account": "a", "project": "MKT", "board": "b", "list": "l", "chat_id": 1, "form": "f",
        "token_url": f"{base}/token", "refresh_token": CANARIES["refresh"], "client_id": "id",
        "client_secret": CANARIES["client"], "developer_token": CANARIES["key"], "api_key": CANARIES["key"],
        "partner_token": CANARIES["key"], "timeout": 5,
    }  # fmt: skip
    return Connection(connection_id, base, CANARIES["login"], CANARIES["password"], extra=extra)


@pytest.fixture
def context(settings: Settings, echo: Echo, tmp_path: Any) -> Context:
    """Every connection leads to the echo; patience is short."""
    config = tmp_path / "config"
    config.mkdir()
    for path in settings.config.glob("*.yml"):
        (config / path.name).write_bytes(path.read_bytes())
    data = yaml.safe_load((config / "sources.yml").read_text())
    data["limits"] = {"attempts": 2, "backoff_seconds": 0.01, "backoff_cap_seconds": 0.01, "wait_budget_seconds": 0.05}
    (config / "sources.yml").write_text(yaml.safe_dump(data))
    return Context(
        replace(settings, config=config),
        Clock(NOW),
        lambda name: connection(echo.base, name),
        b"canary-key-of-identity",
    )


@fault(
    138,
    "vendors that repeat our secrets in every kind of failure",
    "connection",
    "none in errors, logs, reports or tables",
)
@pytest.mark.parametrize("how", ["401", "400", "500", "302", "broken JSON", "an error with 200", "a header"])
def test_no_failing_vendor_gets_a_secret_out_of_a_pull(context: Context, echo: Echo, told: list[str], how: str) -> None:
    echo.how, before = how, echo.heard
    report = sources.run(context)
    assert echo.heard - before >= 7
    assert len(report.problems) >= 7
    told += [json.dumps(report.as_dict(), default=str), *report.problems]
    told += stored(context)


@fault(138, "trackers and channels that repeat them", "connection", "none in errors, traces or logs")
@pytest.mark.parametrize("how", list(echoed("")))
def test_no_failing_tracker_or_channel_gets_one_out(context: Context, echo: Echo, told: list[str], how: str) -> None:
    echo.how = how
    draft = Draft("t1", "rebuttal-t1", "price", Brief("Answer it", [Block("text", "because")]))
    known = RemoteTask("10001", "MKT-1", "", "", "", "", NOW, "", "t1")
    for tracker in (
        JiraTracker(connection(echo.base, "jira"), "Task", patience=0),
        TrelloTracker(connection(echo.base, "trello"), patience=0),
    ):
        for call in (
            lambda one=tracker: one.create(draft),
            lambda one=tracker: one.search(["rebuttal-t1"]),
            lambda one=tracker: one.read([("10001", "MKT-1"), ("a" * 24, "abc")]),
            lambda one=tracker: one.address(known),
            lambda one=tracker: one.workspace(),
            lambda one=tracker: one.withdraw("10001", "MKT-1", ["a phrase"], "[erased]"),
        ):
            try:
                told.append(repr(call()))
            except RebuttalError as error:
                told += [str(error), repr(error), error.next_step, "".join(traceback.format_exception(error))]
    for channel in (
        Webhook(replace(connection(echo.base, "hook"), password=f"T000/{CANARIES['path']}")),
        Telegram(connection(echo.base, "chat")),
    ):
        told += [repr(channel.post("hello", lambda: True)), repr(channel)]
    told += [json.dumps(finding) for finding in examine(context)]


def stored(context: Context) -> list[str]:
    """Every row of both stores."""
    rows = []
    with open_warehouse(context.settings) as engine, engine.connect() as connection_:
        listed = (
            "select table_schema, table_name from information_schema.tables where table_schema in ('landing', 'ops')"
        )
        for schema, name in connection_.execute(text(listed)).all():
            rows += [repr(row) for row in connection_.execute(text(f'select * from "{schema}"."{name}"'))]
    with open_state(context.settings) as states, states() as session:
        rows += [repr(row) for row in session.execute(text("select * from decision"))]
    return rows


def test_a_password_in_an_address_is_refused_and_not_repeated(told: list[str]) -> None:
    for host in (f"https://user:{CANARIES['password']}@jira.example", f"https://{CANARIES['key']}@jira.example:8443"):
        with pytest.raises(RebuttalError) as refused:
            JiraTracker(replace(connection(host, "jira")), "Task")
        told += [str(refused.value), "jira.example"]
    for said in (f"{{broken {CANARIES['password']}", f"jira://a:{CANARIES['password']}@h:port"):
        with pytest.raises(RebuttalError) as refused:
            parse("jira", said)
        told.append(str(refused.value))
