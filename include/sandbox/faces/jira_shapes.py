"""Issues as Jira's REST interface shows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from sandbox.faces.jira_forms import ISSUE_TYPE, PRIORITIES
from sandbox.faces.jira_issues import PROJECT, SHORT_NAMES, STATUSES, USERS, Issue, Status
from sandbox.faces.wire import face_url

API = "/rest/api/3"
ZONE = ZoneInfo("Europe/Kyiv")  # of the user that the token belongs to: dates in JQL are in it
FIELDS = (
    "summary", "description", "labels", "status", "priority", "issuetype", "project", "created", "updated", "duedate",
    "assignee", "reporter", "creator", "resolution", "resolutiondate", "comment",
)  # fmt: skip
# What `*navigable` (and no `fields` at a single issue's place) leaves out.
_NOT_NAVIGABLE = ("comment",)


def api(request: Request) -> str:
    """The address of the REST interface as the caller reaches it."""
    return face_url(request) + API


def stamp(moment: datetime) -> str:
    """`2026-10-03T12:00:01.123+0300`, in the user's zone."""
    local = moment.astimezone(ZONE)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")


def user(api: str, name: str) -> dict[str, Any]:
    """A user; people see no e-mail addresses but their own."""
    known = USERS[name]
    about = {"accountType": "atlassian", "active": True, "timeZone": str(ZONE), "avatarUrls": {}}
    return {"self": f"{api}/user?accountId={known['accountId']}", **known, **about}


def status(api: str, one: Status) -> dict[str, Any]:
    """A status with its category."""
    id_, name, color = {
        "new": (2, "To Do", "blue-gray"),
        "indeterminate": (4, "In Progress", "yellow"),
        "done": (3, "Done", "green"),
    }[one.category]
    category = {
        "self": f"{api}/statuscategory/{id_}",
        "id": id_,
        "key": one.category,
        "colorName": color,
        "name": name,
    }
    return {"self": f"{api}/status/{one.id}", "id": one.id, "name": one.name, "statusCategory": category}


def project(api: str) -> dict[str, Any]:
    """The one project."""
    about = {"projectTypeKey": "software", "simplified": True, "name": "Marketing content", "avatarUrls": {}}
    return {"self": f"{api}/project/10000", "id": "10000", "key": PROJECT, **about}


def issue_type(api: str) -> dict[str, Any]:
    """The one issue type."""
    return {"self": f"{api}/issuetype/{ISSUE_TYPE['id']}", **ISSUE_TYPE, "hierarchyLevel": 0}


def priority(api: str, name: str) -> dict[str, Any]:
    """A priority."""
    return {"self": f"{api}/priority/{PRIORITIES[name]}", "id": PRIORITIES[name], "name": name}


def comment(api: str, issue: Issue, one: Mapping[str, Any]) -> dict[str, Any]:
    """A comment; its body is a document."""
    author, at = user(api, one["author"]), stamp(one["at"])
    shown = {"self": f"{api}/issue/{issue.id}/comment/{one['id']}", "id": one["id"], "body": one["body"]}
    return {**shown, "author": author, "updateAuthor": author, "created": at, "updated": at, "jsdPublic": True}


def comments(api: str, issue: Issue) -> dict[str, Any]:
    """All comments, as a page."""
    found = [comment(api, issue, one) for one in issue.comments]
    return {"comments": found, "maxResults": max(50, len(found)), "total": len(found), "startAt": 0}


def changelog(api: str, issue: Issue) -> dict[str, Any]:
    """All changes, the newest first as `expand=changelog` has it."""
    histories = [
        {
            "id": change["id"],
            "author": user(api, change["author"]),
            "created": stamp(change["at"]),
            "items": change["items"],
        }
        for change in reversed(issue.history)
    ]
    return {"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}


def remote_link(api: str, issue: Issue, link: Mapping[str, Any]) -> dict[str, Any]:
    """A link to something outside."""
    shown = {"url": link["url"], "title": link["title"], "icon": {}, "status": {"icon": {}}}
    return {"id": int(link["id"]), "self": f"{api}/issue/{issue.key}/remotelink/{link['id']}", "object": shown}


def transition(api: str, one: Status) -> dict[str, Any]:
    """A transition: from everywhere to everywhere."""
    flags = {"hasScreen": False, "isGlobal": True, "isInitial": False, "isAvailable": True, "isConditional": False}
    return {"id": one.transition_id, "name": one.name, "to": status(api, one), **flags, "isLooped": False}


def wanted_fields(asked: Collection[str], default: Collection[str]) -> set[str]:
    """The field names meant by a `fields` parameter: names, `*all`, `*navigable`, `-name`."""
    positive = [name for name in asked if not name.startswith("-")]
    wanted: set[str] = set(default if not positive else ())
    for name in positive:
        if name == "*all":
            wanted |= set(FIELDS)
        elif name == "*navigable":
            wanted |= set(FIELDS) - set(_NOT_NAVIGABLE)
        else:
            wanted.add(name)
    return (wanted - {name[1:] for name in asked if name.startswith("-")}) & set(FIELDS)


def shown_issue(api: str, issue: Issue, fields: Collection[str], has_changelog: bool = False) -> dict[str, Any]:
    """An issue with the asked fields."""
    is_done = issue.resolved is not None
    resolution = {"self": f"{api}/resolution/10000", "id": "10000", "name": "Done", "description": ""}
    assignee = issue.fields.get("assignee")
    known: dict[str, Any] = {
        "summary": issue.summary,
        "description": issue.fields.get("description"),
        "labels": issue.labels,
        "status": status(api, STATUSES[issue.status]),
        "priority": priority(api, issue.fields.get("priority", "Medium")),
        "issuetype": issue_type(api),
        "project": project(api),
        "created": stamp(issue.created),
        "updated": stamp(issue.updated),
        "duedate": issue.fields.get("duedate"),
        "assignee": user(api, SHORT_NAMES[assignee["accountId"]]) if assignee else None,
        "reporter": user(api, "loop"),
        "creator": user(api, "loop"),
        "resolution": resolution if is_done else None,
        "resolutiondate": stamp(issue.resolved) if issue.resolved else None,
        "comment": comments(api, issue),
    }
    shown: dict[str, Any] = {"expand": "", "id": str(issue.id), "self": f"{api}/issue/{issue.id}", "key": issue.key}
    shown["fields"] = {name: known[name] for name in FIELDS if name in fields}
    if has_changelog:
        shown["changelog"] = changelog(api, issue)
    return shown
