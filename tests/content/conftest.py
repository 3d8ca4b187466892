"""A small Jira at the wire for what the sandbox's content team never does, and marts to choose from."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from sqlalchemy import Column, Engine, MetaData, Table, insert

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.errors import CredentialsError
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.tables import REAL, TEXT, TIME

WORDS = (
    "так дорого, що й не знаю",
    "муж сказал, что за такие деньги проще не надо",
    "ми вже платимо іншим, вдруге не потягнемо",
    "I would have to explain this to my accountant",
    "сначала закроем кредит за кресла, потом поговорим",
    "сезон слабкий, майстри сидять без роботи",
)
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
CATEGORY = {"To Do": "new", "In Progress": "indeterminate", "Published": "done", "Won't do": "done", "Erledigt": "done"}
LOOP, PERSON = "loop-account", "person-account"
HIDDEN = "a field that this account may not see"


class Hours:
    """A clock that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Issue:
    """What the fake keeps of one issue."""

    id: int
    key: str
    fields: dict[str, Any]
    properties: dict[str, Any]
    created: datetime
    seen_at: float
    status: str = "To Do"
    creator: str = LOOP
    comments: list[dict[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class JiraAtTheWire(ThreadingHTTPServer):
    """Create, search with a lagging index, read, comment, transition; faults are queued by the test."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issues: dict[int, Issue] = {}
        self.index_lag = 0.0
        self.lose: list[str] = []  # for the next creates: "after" the write or "before" it, the answer is lost
        self.answers: list[tuple[int, dict[str, str], Any]] = []  # instead of the next creates
        self.search_answers: list[tuple[int, dict[str, str], Any]] = []  # instead of the next searches
        self.posts = 0
        self.searches = 0
        self.writes: list[str] = []
        self.is_project_visible = True
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, fields: dict[str, Any], properties: dict[str, Any], creator: str = LOOP) -> Issue:
        number = len(self.issues) + 1
        created = datetime(2026, 11, 16, 9, tzinfo=UTC) + timedelta(minutes=number)
        issue = Issue(9999 + number, f"MKT-{number}", fields, properties, created, time.monotonic(), creator=creator)
        self.issues[issue.id] = issue
        return issue

    def publish(self, issue: Issue, url: str, status: str = "Published") -> None:
        issue.status = status
        link = {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": url}}]}
        body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [link]}]}
        issue.comments.append({"created": "2026-11-20T12:00:00.000+0200", "body": body})

    def task_of(self, label: str) -> list[Issue]:
        return [issue for issue in self.issues.values() if label in issue.fields["labels"]]


class _Handler(BaseHTTPRequestHandler):
    server: JiraAtTheWire
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        path = urlsplit(self.path).path.removeprefix("/rest/api/3")
        if path.startswith("/project/"):
            self._answer(*((200, {"key": "MKT"}) if self.server.is_project_visible else (404, _gone())))
            return
        issue = self.server.issues.get(int(path.split("/")[2]))
        if issue is None:
            self._answer(404, _gone())
        elif path.endswith("/comment"):
            self._answer(200, {"comments": issue.comments})
        elif path.endswith("/remotelink"):
            self._answer(200, [{"id": n, "object": {"url": url}} for n, url in enumerate(issue.links)])
        elif path.endswith("/transitions"):
            offered = [
                {"id": str(n), "name": name, "to": {"name": name, "statusCategory": {"key": CATEGORY[name]}}}
                for n, name in enumerate(CATEGORY)
                if name != issue.status
            ]
            self._answer(200, {"transitions": offered})
        else:
            self._answer(200, _shown(issue))

    def do_POST(self) -> None:
        if not self._is_allowed():
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.removeprefix("/rest/api/3")
        with self.server.lock:
            if path == "/issue":
                self._create(body)
            elif path == "/search/jql":
                self._search(body)
            else:
                self._change(path, body)

    def _create(self, body: dict[str, Any]) -> None:
        self.server.posts += 1
        lost = self.server.lose.pop(0) if self.server.lose else ""
        if lost != "before":
            if self.server.answers:
                status, headers, data = self.server.answers.pop(0)
                self._answer(status, data, headers)
                return
            properties = {entry["key"]: entry["value"] for entry in body.get("properties", [])}
            issue = self.server.add(body["fields"], properties)
            if not lost:
                self._answer(201, {"id": str(issue.id), "key": issue.key, "self": "x"})
        if lost:
            self.close_connection = True
            self.connection.close()

    def _search(self, body: dict[str, Any]) -> None:
        self.server.searches += 1
        if self.server.search_answers:
            status, headers, data = self.server.search_answers.pop(0)
            self._answer(status, data, headers)
            return
        wanted = set(re.findall(r'"([^"]+)"', body["jql"].replace('project = "MKT"', "")))
        fresh = time.monotonic() - self.server.index_lag
        issues = [
            i for i in self.server.issues.values() if i.seen_at <= fresh or i.id in body.get("reconcileIssues", [])
        ]
        if "key in" in body["jql"]:
            if wanted - {issue.key for issue in self.server.issues.values()}:
                self._answer(400, {"errorMessages": ["An issue with that key does not exist for field 'key'."]})
                return
            found = [issue for issue in issues if issue.key in wanted]
        else:
            found = [issue for issue in issues if wanted & set(issue.fields["labels"])]
        self._answer(200, {"issues": [_shown(issue) for issue in found], "isLast": True})

    def _change(self, path: str, body: dict[str, Any]) -> None:
        issue = self.server.issues[int(path.split("/")[2])]
        self.server.writes.append(path)
        if path.endswith("/comment"):
            issue.comments.append({"created": "2026-11-16T12:00:00.000+0200", "body": body["body"]})
            self._answer(201, {"id": "1"})
        else:
            issue.status = list(CATEGORY)[int(body["transition"]["id"])]
            self._answer(204, None)

    def _is_allowed(self) -> bool:
        wanted = "Basic " + base64.b64encode(b"loop@example.com:token-of-the-test").decode()
        if self.headers.get("Authorization") == wanted:
            return True
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(401, {"errorMessages": ["Client must be authenticated to access this resource."]})
        return False

    def _answer(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        payload = b"" if data is None else data.encode() if isinstance(data, str) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)


def _gone() -> dict[str, Any]:
    return {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}


def _shown(issue: Issue) -> dict[str, Any]:
    status = {"name": issue.status, "id": "1", "statusCategory": {"key": CATEGORY.get(issue.status, "undefined")}}
    created = issue.created.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    creator = {"accountId": issue.creator}
    fields = {"status": status, "created": created, "creator": creator, "assignee": None, **issue.fields}
    fields = {name: value for name, value in fields.items() if value != HIDDEN}
    return {"id": str(issue.id), "key": issue.key, "fields": fields, "properties": issue.properties}


@pytest.fixture
def jira() -> Iterator[JiraAtTheWire]:
    """A running fake."""
    server = JiraAtTheWire()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


_METADATA = MetaData()
_TIMES, _REALS = ("first_voiced_at", "last_voiced_at", "created_at", "closed_at"), ("money_at_risk_base", "confidence")


def _mart(name: str, columns: str) -> Table:
    kinds = {**dict.fromkeys(_TIMES, TIME), **dict.fromkeys(_REALS, REAL)}
    return Table(name, _METADATA, *(Column(c, kinds.get(c, TEXT)) for c in columns.split()), schema="marts")


OBJECTION = _mart(
    "objection",
    "objection_id subject_kind subject_id deal_id person_id category theme first_voiced_at last_voiced_at quote "
    "language confidence "
    "source_role money_at_risk_base currency stage channel outcome segment",
)
DEAL = _mart("deal", "deal_id created_at closed_at outcome")


def _objections_of(
    category: str, theme: str, count: int, money: float | None = 1000.0, **extra: Any
) -> list[dict[str, Any]]:
    """`count` deals that voiced one theme in the last weeks, most of them lost."""
    return [
        {
            "objection_id": f"{category}-{theme}-{n}",
            "subject_kind": "deal",
            "subject_id": f"d-{category}-{theme}-{n}",
            "deal_id": f"d-{category}-{theme}-{n}",
            "category": category,
            "theme": theme,
            "first_voiced_at": NOW - timedelta(days=3 + n),
            "last_voiced_at": NOW - timedelta(days=2 + n),
            "quote": f"{theme}: {WORDS[n % len(WORDS)]}",
            "language": ("ru", "uk", "en")[n % 3],
            "confidence": 0.9,
            "source_role": ("buyer", "rep")[n % 2],
            "money_at_risk_base": money,
            "currency": "EUR",
            "stage": "proposal",
            "channel": "social",
            "outcome": "won" if n % 4 == 3 else "lost",
            "segment": "salon_owner",
            **extra,
        }
        for n in range(count)
    ]


def fill(engine: Engine, objections: list[dict[str, Any]]) -> None:
    """Put these objections, their deals and fifty quiet deals into the marts, in place of what was there."""
    deals = [
        {"deal_id": row["deal_id"], "created_at": row["first_voiced_at"], "closed_at": NOW, "outcome": row["outcome"]}
        for row in objections
        if row["deal_id"]
    ]
    deals = [{**row, "closed_at": NOW - timedelta(days=1)} for row in {row["deal_id"]: row for row in deals}.values()]
    deals += [
        {
            "deal_id": f"quiet-{n}",
            "created_at": NOW - timedelta(days=n % 60),
            "closed_at": NOW - timedelta(days=1),
            "outcome": "won" if n % 2 else "lost",
        }
        for n in range(50)
    ]
    with engine.begin() as connection:
        _METADATA.drop_all(connection)
        _METADATA.create_all(connection)
        connection.execute(insert(OBJECTION), objections)
        connection.execute(insert(DEAL), deals)


@dataclass(frozen=True)
class Company:
    """A company with marts, a Jira and a configuration of its own to change."""

    settings: Settings
    jira: JiraAtTheWire
    now: datetime = NOW

    def context(self, now: datetime = NOW, token: str = "token-of-the-test", host: str = "") -> Context:
        def resolve(connection_id: str) -> Connection:
            if connection_id != "jira":
                raise CredentialsError(f"No connection {connection_id!r}")
            return Connection("jira", host or self.jira.url, "loop@example.com", token, extra={"project": "MKT"})

        return Context(self.settings, Clock(now), resolve, b"0123456789abcdef")

    def fill(self, objections: list[dict[str, Any]]) -> None:
        with open_warehouse(self.settings) as engine:
            fill(engine, objections)

    def configure(self, section: str, **values: Any) -> None:
        path = self.settings.config / "content.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        data[section].update(values)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


@pytest.fixture
def new_company(tmp_path: Path, jira: JiraAtTheWire) -> Callable[[Settings], Company]:
    """A company over given settings, with quick waits: three themes are heard, two may have a task."""

    def make(settings: Settings) -> Company:
        config = tmp_path / "config"
        config.mkdir()
        for name in ("content.yml", "taxonomy.yml"):
            text = (PROJECT_ROOT / "include" / "config" / name).read_text(encoding="utf-8")
            (config / name).write_text(text, encoding="utf-8")
        company = Company(replace(settings, config=config), jira)
        company.configure("tracker", index_wait_seconds=0.2, search_spacing_seconds=0.1, run_budget_seconds=15)
        company.fill(
            [
                *_objections_of("price", "too_high", 9, 3000.0),
                *_objections_of("trust", "reviews", 5, 800.0),
                *_objections_of("terms", "general", 2, 9000.0),
            ]
        )
        return company

    return make


@pytest.fixture
def company(settings: Settings, new_company: Callable[[Settings], Company]) -> Company:
    """The company on DuckDB and SQLite."""
    return new_company(settings)


@pytest.fixture
def objections_of() -> Callable[..., list[dict[str, Any]]]:
    """See `_objections_of`."""
    return _objections_of


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
