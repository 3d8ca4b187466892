"""A company at a sandbox's tracker, Jira or Trello: what people do there, and what came of our tasks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from sqlalchemy import select
from tests.content.conftest import NOW, Hours, _objections_of, fill

from rebuttal import content
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.records import Report
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import ContentTask, Decision, Outbox, open_state
from rebuttal.warehouse import open_warehouse
from sandbox.faces.jira_issues import STATUSES
from sandbox.recorded import ACCOUNTS

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))

from serving import Served, start

CREATES = {"jira": "POST /rest/api/3/issue", "trello": "POST /1/cards"}
JIRA = (ACCOUNTS["jira"]["email"], ACCOUNTS["jira"]["api_token"])
TRELLO = {"key": ACCOUNTS["trello"]["api_key"], "token": "sandbox-trello-team-token"}
BOARD = ACCOUNTS["trello"]["board"]
OTHER_BOARD = "5f5f5f5f0000000000000002"
TRANSITIONS = {status.name: status.transition_id for status in STATUSES.values()}


@dataclass(frozen=True)
class Desk:
    """One company and its tracker."""

    kind: str
    settings: Settings
    served: Served
    through: str = ""  # the address of a proxy before the tracker, for the loop's own calls
    hours: Hours = field(default_factory=Hours)  # what leases, limits and waits go by

    def configure(self, section: str, **values: Any) -> None:
        path = self.settings.config / "content.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        data[section].update(values)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    def hear(self, objections: list[dict[str, Any]]) -> None:
        with open_warehouse(self.settings) as engine:
            fill(engine, objections)

    def connection(self, **extra: str) -> Connection:
        account = ACCOUNTS[self.kind]
        login, secret = JIRA if self.kind == "jira" else (account["api_key"], account["access_token"])
        return Connection(
            self.kind, f"{self.through or self.served.url}/{self.kind}", login, secret, extra={**account, **extra}
        )

    def run(self, weeks: float = 0, **extra: str) -> Report:
        """One run of the stage, so many weeks after the first."""
        clock = Clock(NOW + timedelta(weeks=weeks))
        resolve = lambda _: self.connection(**extra)  # noqa: E731
        return content.run(Context(self.settings, clock, resolve, b"0123456789abcdef"), wall=self.hours)

    def fault(self, kind: str, times: int = 1) -> None:
        """Let the next creates fail."""
        path = CREATES[self.kind].removeprefix("POST ")
        fault = {"face": self.kind, "kind": kind, "times": times, "path": path, "method": "POST"}
        self.served.operate("faults", {"next": [fault]})

    @property
    def face(self) -> Any:
        return next(face for face in self.served.sandbox.faces if face.prefix == self.kind)

    def creates(self) -> int:
        """How often a task was sent."""
        return int(self.served.operate("requests")[self.kind].get(CREATES[self.kind], 0))

    def writes(self) -> int:
        """How many writes the tracker has taken, from us and from people."""
        counts = self.served.operate("requests")[self.kind]
        return sum(n for call, n in counts.items() if not call.startswith("GET") and "search" not in call)

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks in the tracker: id, status, title, text and whether it is open; oldest first."""
        if self.kind == "jira":
            return [
                {
                    "id": str(issue.id), "key": issue.key, "status": issue.status, "title": issue.summary,
                    "text": issue.fields["description"], "is_open": STATUSES[issue.status].category != "done",
                    "at": issue.updated,
                }
                for issue in self.face.issues.all()
            ]  # fmt: skip
        boards = self.face.boards
        return [
            {
                "id": card.id, "key": card.short_link, "status": boards.lists[card.fields["idList"]]["name"],
                "title": card.name, "text": card.fields["desc"], "is_open": not card.fields["closed"],
                "at": card.touched,
            }
            for card in boards.all()
        ]  # fmt: skip

    def task(self) -> dict[str, Any]:
        (task,) = self.tasks()
        return task

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """What a person does."""
        if self.kind == "jira":
            url, login = f"{self.served.url}/jira/rest/api/3{path}", {"auth": JIRA}
        else:
            url, login = f"{self.served.url}/trello/1{path}", {"params": TRELLO}
        reply = requests.request(method, url, json=data, timeout=30, **login)  # type: ignore[arg-type]
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else {}

    def start_list(self) -> str:
        """Trello: the id of the list that new cards are put into."""
        return str(self.call("GET", f"/boards/{BOARD}/lists")[0]["id"])

    def edit(self, title: str) -> None:
        """A new title, no text, no labels: our marker goes with them."""
        task = self.task()
        if self.kind == "jira":
            self.call("PUT", f"/issue/{task['id']}", {"fields": {"summary": title, "description": None, "labels": []}})
            self.call("DELETE", f"/issue/{task['id']}/properties/rebuttal")
        else:
            self.call("PUT", f"/cards/{task['id']}", {"name": title, "desc": "", "idLabels": ""})

    def move(self, status: str, address: str = "") -> None:
        id_ = self.task()["id"]
        if self.kind == "jira":
            self.call("POST", f"/issue/{id_}/transitions", {"transition": {"id": TRANSITIONS[status]}})
            if address:
                link = {"object": {"url": address, "title": "Published"}}
                self.call("POST", f"/issue/{id_}/remotelink", link)
        else:
            lists = {one["name"]: one["id"] for one in self.call("GET", f"/boards/{BOARD}/lists")}
            self.call("PUT", f"/cards/{id_}", {"idList": lists[status]})
            if address:
                self.call("POST", f"/cards/{id_}/attachments", {"url": address})

    def delete(self) -> None:
        self.call("DELETE", f"/issue/{self.task()['id']}" if self.kind == "jira" else f"/cards/{self.task()['id']}")

    def copy(self) -> None:
        """A person copies the task, marker and all."""
        if self.kind == "trello":
            card = self.call("GET", f"/cards/{self.task()['id']}")
            self.call("POST", "/cards", {"idList": card["idList"], "idCardSource": card["id"]})
            return
        issue = self.call("GET", f"/issue/{self.task()['id']}?properties=rebuttal")
        kept = {name: issue["fields"][name] for name in ("summary", "description", "labels")}
        fields = {**kept, "project": {"key": "MKT"}, "issuetype": {"name": "Task"}}
        properties = [{"key": key, "value": value} for key, value in issue["properties"].items()]
        self.call("POST", "/issue", {"fields": fields, "properties": properties})

    def ledger(self) -> list[ContentTask]:
        with open_state(self.settings) as sessions, sessions() as session:
            return list(session.scalars(select(ContentTask).order_by(ContentTask.created_at, ContentTask.task_id)))

    def outbox(self) -> list[Outbox]:
        with open_state(self.settings) as sessions, sessions() as session:
            return list(session.scalars(select(Outbox).order_by(Outbox.outbox_id)))

    def decisions(self) -> list[str]:
        with open_state(self.settings) as sessions, sessions() as session:
            return sorted(session.scalars(select(Decision.decision)))


@contextmanager
def desk_of(kind: str, settings: Settings, folder: Path) -> Iterator[Desk]:
    """A desk with one theme that is heard, and the waits that are shipped."""
    config = folder / "config"
    config.mkdir()
    for name in ("content.yml", "taxonomy.yml"):
        text = (PROJECT_ROOT / "include" / "config" / name).read_text(encoding="utf-8")
        (config / name).write_text(text, encoding="utf-8")
    served = start()
    desk = Desk(kind, replace(settings, config=config), served)
    desk.configure("tracker", kind=kind, connection=kind)
    desk.hear(objections())
    try:
        yield desk
    finally:
        served.stop()


def one_kind(kind: str) -> pytest.MarkDecorator:
    """For a fault that only one of the trackers can have."""
    return pytest.mark.parametrize("desk", [kind], indirect=True)


def objections(category: str = "price", theme: str = "too_high", count: int = 9, **more: Any) -> list[dict[str, Any]]:
    """`count` deals with one theme."""
    return _objections_of(category, theme, count, **more)


Gesture = Callable[[Desk], None]
