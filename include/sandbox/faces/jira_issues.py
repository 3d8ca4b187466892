"""Jira's issues: what is stored, how each write changes it, and what the search index knows of it so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sandbox.faces import jira_adf
from sandbox.recorded import ACCOUNTS, COLLEAGUES, TaskCard, TeamAction

PROJECT = ACCOUNTS["jira"]["project"]
FIRST_ID = 10_000


@dataclass(frozen=True)
class Status:
    """A workflow status; `category` is Jira's key: new, indeterminate or done."""

    id: str
    name: str
    category: str
    transition_id: str


STATUSES = {
    status.name: status
    for status in (
        Status("10000", "To Do", "new", "11"),
        Status("10001", "In Progress", "indeterminate", "21"),
        Status("10002", "In Review", "indeterminate", "31"),
        Status("10003", "Published", "done", "41"),
        Status("10004", "Won't do", "done", "51"),
    )
}
USERS = {
    "loop": {"accountId": "5f0000000000000000000001", "displayName": "Loop", "emailAddress": ACCOUNTS["jira"]["email"]},
    "team": {"accountId": "5f0000000000000000000002", "displayName": "Content team"},
    **{
        short: {"accountId": f"5f{number:022d}", "displayName": name}
        for number, (short, name) in enumerate(COLLEAGUES.items(), 3)
    },
}
SHORT_NAMES = {user["accountId"]: short for short, user in USERS.items()}


@dataclass(frozen=True)
class Issue:
    """One issue as of a moment. `comments`, `history` and `links` are in the order they came."""

    id: int
    key: str
    created: datetime
    updated: datetime
    fields: Mapping[str, Any]  # summary, description (ADF or None), labels, issuetype, priority, duedate, assignee
    status: str = "To Do"
    resolved: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[Mapping[str, Any], ...] = ()  # {"id", "author", "at", "body"}
    history: tuple[Mapping[str, Any], ...] = ()  # {"id", "author", "at", "items"}
    links: tuple[Mapping[str, Any], ...] = ()  # {"id", "url", "title"}

    @property
    def summary(self) -> str:
        return str(self.fields["summary"])

    @property
    def labels(self) -> list[str]:
        return list(self.fields.get("labels") or [])


class Issues:
    """All issues. `apply` does a journalled write; the same writes in the same order make the same issues."""

    def __init__(self) -> None:
        self.elapsed: Callable[[], float] = time.monotonic
        self._versions: dict[int, list[tuple[float, Issue | None]]] = {}
        self._ids: dict[str, int] = {}
        self._count = 0  # of comments, changes and links: their ids

    def find(self, id_or_key: str) -> Issue | None:
        """The issue as it is now, by id or key (any case)."""
        id_ = self._ids.get(id_or_key.upper(), int(id_or_key) if id_or_key.isdecimal() else -1)
        versions = self._versions.get(id_)
        return versions[-1][1] if versions else None

    def all(self) -> list[Issue]:
        """Every issue as it is now, oldest first."""
        return [issue for versions in self._versions.values() if (issue := versions[-1][1]) is not None]

    def indexed(self, lag_s: float, reconciled: Sequence[int] = ()) -> list[Issue]:
        """Every issue as the search index knows it: without what is younger than `lag_s`, but for `reconciled` ids."""
        newest = self.elapsed() - lag_s
        found = []
        for id_, versions in self._versions.items():
            known = versions if id_ in reconciled else [entry for entry in versions if entry[0] <= newest]
            if known and known[-1][1] is not None:
                found.append(known[-1][1])
        return found

    def apply(self, kind: str, at: datetime, data: Mapping[str, Any], is_old: bool = False) -> Issue | None:
        """Do a write: create, edit, transition, comment, property, link or delete. `is_old`: long in the index."""
        seen = float("-inf") if is_old else self.elapsed()
        if kind == "create":
            id_ = FIRST_ID + len(self._versions)
            issue = Issue(id_, f"{PROJECT}-{len(self._versions) + 1}", at, at, dict(data["fields"]))
            issue = replace(issue, properties=dict(data.get("properties") or {}))
            self._ids[issue.key] = id_
            self._versions[id_] = [(seen, issue)]
            return issue
        versions = self._versions[int(data["id"])]
        before = versions[-1][1]
        if before is None:
            return None
        after = None if kind == "delete" else getattr(self, f"_{kind}")(before, at, data)
        if after is not before:
            versions.append((seen, after))
        return after

    def card(self, issue: Issue) -> TaskCard:
        """The issue as the content team sees it."""
        text = jira_adf.plain_text(issue.fields.get("description")).strip()
        url = str(issue.links[-1]["url"]) if issue.links and issue.status == "Published" else None
        return TaskCard(issue.key, issue.created, issue.summary, text, tuple(issue.labels), issue.status, url)

    def work(self, action: TeamAction) -> None:
        """Do what the content team did. The index has known it for long: it happened while the world moved."""
        issue = self.find(action.key)
        if issue is None:
            return
        common = {"id": issue.id, "author": "team"}
        if action.kind == "summary":
            self.apply("edit", action.at, {**common, "fields": {"summary": action.text}}, True)
        elif action.kind == "comment":
            self.apply("comment", action.at, {**common, "body": jira_adf.from_text(action.text, action.url)}, True)
        elif action.kind == "assignee":
            given = {"accountId": USERS[action.text]["accountId"]}
            self.apply("edit", action.at, {**common, "fields": {"assignee": given}}, True)
        elif action.kind == "status":
            self.apply("transition", action.at, {**common, "status": action.text}, True)
            if action.url:
                body = jira_adf.from_text("Published:", action.url)
                self.apply("comment", action.at, {**common, "body": body}, True)
                self.apply("link", action.at, {**common, "url": action.url, "title": issue.summary}, True)
        else:
            raise ValueError(f"the content team did something unknown: {action.kind}")

    def _next_id(self) -> str:
        self._count += 1
        return str(FIRST_ID + self._count)

    def _changed(
        self, issue: Issue, at: datetime, data: Mapping[str, Any], items: list[dict[str, Any]], **new: Any
    ) -> Issue:
        change = {"id": self._next_id(), "author": data.get("author", "loop"), "at": at, "items": items}
        return replace(issue, updated=max(at, issue.updated), history=(*issue.history, change), **new)

    def _edit(self, issue: Issue, at: datetime, data: Mapping[str, Any]) -> Issue:
        items = []
        for name, value in data["fields"].items():
            before = issue.fields.get(name)
            if before != value:
                ids = [(one or {}).get("accountId") if name == "assignee" else None for one in (before, value)]
                items.append(_item(name, ids[0], _as_text(before), ids[1], _as_text(value)))
        if not items:
            return issue
        return self._changed(issue, at, data, items, fields={**issue.fields, **data["fields"]})

    def _transition(self, issue: Issue, at: datetime, data: Mapping[str, Any]) -> Issue:
        old, new = STATUSES[issue.status], STATUSES[data["status"]]
        if old is new:
            return issue
        items = [_item("status", old.id, old.name, new.id, new.name)]
        is_done = new.category == "done"
        if is_done != (old.category == "done"):
            items.append(
                _item("resolution", *((None, None, "10000", "Done") if is_done else ("10000", "Done", None, None)))
            )
        return self._changed(issue, at, data, items, status=new.name, resolved=at if is_done else None)

    def _comment(self, issue: Issue, at: datetime, data: Mapping[str, Any]) -> Issue:
        comment = {"id": self._next_id(), "author": data.get("author", "loop"), "at": at, "body": data["body"]}
        return replace(issue, updated=max(at, issue.updated), comments=(*issue.comments, comment))

    def _property(self, issue: Issue, at: datetime, data: Mapping[str, Any]) -> Issue:
        """Properties do not count as a change of the issue: `updated` stays."""
        kept = {key: value for key, value in issue.properties.items() if key != data["key"]}
        return replace(issue, properties=kept if data.get("is_gone") else {**kept, data["key"]: data["value"]})

    def _link(self, issue: Issue, at: datetime, data: Mapping[str, Any]) -> Issue:
        others = tuple(link for link in issue.links if link["url"] != data["url"])
        link = {"id": self._next_id(), "url": data["url"], "title": data["title"]}
        return replace(issue, updated=max(at, issue.updated), links=(*others, link))


def _item(name: str, from_: str | None, from_text: str | None, to: str | None, to_text: str | None) -> dict[str, Any]:
    known = {"field": name, "fieldtype": "jira", "fieldId": name}
    return {**known, "from": from_, "fromString": from_text, "to": to, "toString": to_text}


def _as_text(value: Any) -> str | None:
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    if isinstance(value, dict) and "accountId" in value:
        return USERS[SHORT_NAMES[value["accountId"]]]["displayName"]
    if isinstance(value, dict):
        return jira_adf.plain_text(value).strip() if value.get("type") == "doc" else str(value.get("name"))
    return None if value is None else str(value)
