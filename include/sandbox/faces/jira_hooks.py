"""Jira's webhooks: what a change of an issue is told as."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.faces import jira_shapes as shapes
from sandbox.faces.jira_issues import USERS, Issue
from sandbox.webhooks import Event

API = f"https://sandbox.atlassian.net{shapes.API}"  # in `self` links: a webhook has no request to take them from


def change(before: Issue | None, after: Issue | None, at: datetime) -> list[Event]:
    """The event of an issue that was made (`before` is None), changed or deleted (`after` is None).

    Comments, links and properties alone are no change of the issue.
    """
    issue = after or before
    if issue is None or after is before:
        return []
    common = {
        "timestamp": int(at.timestamp() * 1000),
        "user": _person(issue.history[-1]["author"] if issue.history else "loop"),
        "issue": shapes.shown_issue(API, issue, shapes.FIELDS),
    }
    if before is None:
        return [{**common, "webhookEvent": "jira:issue_created", "issue_event_type_name": "issue_created"}]
    if after is None:
        return [{**common, "webhookEvent": "jira:issue_deleted"}]
    if len(after.history) == len(before.history):
        return []
    log = {"id": after.history[-1]["id"], "items": after.history[-1]["items"]}
    return [
        {**common, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic", "changelog": log}
    ]


def _person(author: str) -> dict[str, Any]:
    known = USERS.get(author, USERS["loop"])
    return {"accountId": known["accountId"], "displayName": known["displayName"]}
