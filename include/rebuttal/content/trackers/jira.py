"""Jira Cloud behind the tracker port: enhanced search with its lagging index, ADF briefs, our marker as a property.

Nothing of an issue is changed after it was created but a twin of ours, which is closed, and the words of a person who
asked to be erased: people's edits stay theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rebuttal.connections import Connection
from rebuttal.content.trackers import Address, Draft, RefusedError, RemoteTask, adf
from rebuttal.content.trackers.addresses import is_web_address
from rebuttal.content.trackers.assignee import named
from rebuttal.content.trackers.jira_wire import JiraWire
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.errors import ContractError, UncertainError

PROPERTY = "rebuttal"
_FIELDS = ["status", "created", "creator", "labels", "assignee"]
_RECONCILE_LIMIT = 50
_LABELS_PER_SEARCH = 40
_TWIN_COMMENT = "This task is a twin made when an answer was lost. Please go on with "


class JiraTracker:
    """One Jira project. Raises CredentialsError when the connection lacks host, token or `extra.project`."""

    def __init__(
        self, connection: Connection, issue_type: str, patience: float = 20.0, wall: Waiting = WALL_CLOCK
    ) -> None:
        self._wire, self._wall = JiraWire(connection, patience, wall), wall
        self._project = connection.option("project")
        self._issue_type = str(connection.extra.get("issue_type") or issue_type)

    def create(self, draft: Draft) -> RemoteTask:
        """See Tracker.create."""
        body = {
            "fields": {
                "project": {"key": self._project},
                "issuetype": {"name": self._issue_type},
                "summary": draft.brief.title,
                "labels": [PROPERTY, draft.label, f"objection-{draft.category}"],
                "description": adf.document(draft.brief.blocks),
            },
            "properties": [{"key": PROPERTY, "value": {"task_id": draft.task_id}}],
        }
        what = f"creating the task {draft.label} in project {self._project}"
        answer = self._wire.write("POST", "/issue", body, what)
        if not (isinstance(answer, dict) and answer.get("id") and answer.get("key")):
            raise UncertainError(f"Jira's answer to {what} names no task")
        return RemoteTask(
            remote_id=str(answer["id"]),
            key=str(answer["key"]),
            url=self._browse(str(answer["key"])),
            status_name="",
            status_id="",
            status_category="",
            created_at=self._wall.now(),
            creator="",
            task_id=draft.task_id,
        )

    def search(self, labels: Sequence[str]) -> list[RemoteTask]:
        """See Tracker.search."""
        found: list[RemoteTask] = []
        for chunk in _chunks(list(labels), _LABELS_PER_SEARCH):
            wanted = ", ".join(map(_quoted, chunk))
            jql = f"project = {_quoted(self._project)} AND labels in ({wanted}) ORDER BY created ASC"
            found += self._search({"jql": jql})
        return sorted(found, key=lambda task: (task.created_at, int(task.remote_id)))

    def read(self, known: Collection[tuple[str, str]]) -> dict[str, RemoteTask | None]:
        """See Tracker.read. A moved task is found by its id, whatever its key is now."""
        result: dict[str, RemoteTask | None] = {}
        for chunk in _chunks(sorted(one for one in known if one[0].isdecimal()), _RECONCILE_LIMIT):
            body = {
                "jql": f"key in ({', '.join(_quoted(key) for _, key in chunk)})",
                "reconcileIssues": [int(remote_id) for remote_id, _ in chunk],
            }
            try:
                seen = {task.remote_id: task for task in self._search(body)}
            except RefusedError:
                seen = {}  # Jira refuses the whole question when one key exists no more: ask one by one
            for remote_id, _ in chunk:
                result[remote_id] = seen.get(remote_id) or self._get(remote_id)
        if any(task is None for task in result.values()):
            self._assert_project_visible()
        return result

    def address(self, task: RemoteTask) -> Address | None:
        """See Tracker.address: the newest comment that holds an address, else the newest remote link."""
        data = self._wire.read(
            "GET",
            f"/issue/{quote(task.remote_id)}/comment",
            f"comments of {task.key}",
            params={"orderBy": "-created", "maxResults": 100},
        )
        comments = sorted((data or {}).get("comments") or [], key=lambda c: _time(c.get("created")), reverse=True)
        for comment in comments:
            urls = self._outside(adf.addresses(comment.get("body")))
            if urls:
                return Address(urls[-1], _time(comment.get("created")))
        return self._linked(task)

    def _linked(self, task: RemoteTask) -> Address | None:
        """A remote link has no time of its own: the piece was out when its task was resolved, or last changed."""
        path = f"/issue/{quote(task.remote_id)}"
        links = self._wire.read_list(f"{path}/remotelink", f"remote links of {task.key}") or []
        newest = sorted(links, key=lambda link: int(link.get("id") or 0))
        urls = self._outside([str((link.get("object") or {}).get("url") or "") for link in newest])
        if not urls:
            return None
        issue = self._wire.read("GET", path, task.key, params={"fields": "resolutiondate,updated"}) or {}
        fields = issue.get("fields") or {}
        return Address(urls[-1], _time(fields.get("resolutiondate") or fields.get("updated")))

    def _outside(self, urls: Iterable[str]) -> list[str]:
        """Web addresses that are no issue of this very tracker: those are links between tasks."""
        return [url for url in urls if is_web_address(url) and not url.startswith(f"{self._wire.site}/browse/")]

    def withdraw(self, remote_id: str, key: str, phrases: Sequence[str], blot: str) -> int:
        """See Tracker.withdraw: the text nodes of the description that are one of the phrases."""
        path = f"/issue/{quote(remote_id)}"
        issue = self._wire.read("GET", path, f"task {key}", params={"fields": "description"})
        document, count = adf.without((issue or {}).get("fields", {}).get("description"), phrases, blot)
        if count:
            self._wire.write("PUT", path, {"fields": {"description": document}}, f"taking words out of {key}")
        return count

    def workspace(self) -> str:
        """See Tracker.workspace."""
        told = self._wire.read("GET", "/serverInfo", "the site's address") or {}
        return f"{str(told.get('baseUrl') or self._wire.site).rstrip('/')}/{self._project}"

    def close_twin(self, twin: RemoteTask, kept: RemoteTask) -> None:
        """See Tracker.close_twin: a comment that links the kept task, then a transition into a finished status."""
        if twin.status_category == "done":
            return
        path = f"/issue/{quote(twin.remote_id)}"
        comments = self._wire.read("GET", f"{path}/comment", f"comments of {twin.key}") or {}
        if kept.url not in [url for c in comments.get("comments") or [] for url in adf.addresses(c.get("body"))]:
            note = {"body": adf.comment(_TWIN_COMMENT, (kept.key, kept.url))}
            self._wire.write("POST", f"{path}/comment", note, f"a comment on {twin.key}")
        offered = (self._wire.read("GET", f"{path}/transitions", f"transitions of {twin.key}") or {}).get("transitions")
        finished = [t for t in offered or [] if t.get("to", {}).get("statusCategory", {}).get("key") == "done"]
        if not finished:
            raise RefusedError(
                f"The twin {twin.key} of {kept.key} cannot be closed from its status", next_step="Close it by hand"
            )
        # "Won't do" rather than "Published": a twin was never worked on.
        finished.sort(key=lambda t: ("won" not in str(t.get("name", "")).lower(), str(t.get("id"))))
        body = {"transition": {"id": finished[0]["id"]}}
        self._wire.write("POST", f"{path}/transitions", body, f"closing the twin {twin.key}")

    def _search(self, body: dict[str, Any]) -> list[RemoteTask]:
        asked = {"fields": _FIELDS, "properties": [PROPERTY], "maxResults": 100, **body}
        found: list[RemoteTask] = []
        token: str | None = None
        while True:
            page = self._wire.read(
                "POST", "/search/jql", "a search", json={**asked, **({"nextPageToken": token} if token else {})}
            )
            if page is None or not isinstance(page.get("issues"), list):
                raise ContractError("Jira's search answered without issues", next_step="Check the connection's host")
            found += [self._task(issue) for issue in page["issues"]]
            following = page.get("nextPageToken")
            if not following or page.get("isLast"):
                return found
            if following == token:
                raise ContractError("Jira's search gives the same page for ever", next_step="Report it to Atlassian")
            token = following

    def _get(self, remote_id: str) -> RemoteTask | None:
        parameters = {"fields": ",".join(_FIELDS), "properties": PROPERTY}
        data = self._wire.read("GET", f"/issue/{quote(remote_id)}", f"task {remote_id}", params=parameters)
        return None if data is None else self._task(data)

    def _assert_project_visible(self) -> None:
        if self._wire.read("GET", f"/project/{quote(self._project)}", f"project {self._project}") is None:
            raise ContractError(
                f"Jira shows no project {self._project} to this account, so nobody can say which tasks are gone",
                next_step="Check the project key and the account's permission to browse it",
            )

    def _task(self, issue: dict[str, Any]) -> RemoteTask:
        try:
            return self._shown(issue)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ContractError(
                "Jira's answer about a task has another shape than Jira's", next_step="Check the connection's host"
            ) from None

    def _shown(self, issue: dict[str, Any]) -> RemoteTask:
        fields = issue.get("fields") or {}
        status = fields.get("status") or {}
        marker = ((issue.get("properties") or {}).get(PROPERTY) or {}).get("task_id", "")
        return RemoteTask(
            remote_id=str(issue["id"]),
            key=str(issue["key"]),
            url=self._browse(str(issue["key"])),
            status_name=str(status.get("name") or ""),
            status_id=str(status.get("id") or ""),
            status_category=str((status.get("statusCategory") or {}).get("key") or ""),
            created_at=_time(fields.get("created")),
            creator=str((fields.get("creator") or {}).get("accountId") or ""),
            task_id=str(marker),
            assignee=_assignee(fields),
        )

    def _browse(self, key: str) -> str:
        return f"{self._wire.site}/browse/{quote(key)}"


def _assignee(fields: dict[str, Any]) -> str | None:
    """Jira leaves a field out that the account may not see; an issue that nobody has says null."""
    if "assignee" not in fields:
        return None
    person = fields["assignee"]
    return named([] if person is None else [str(person.get("displayName") or "")])


def _chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _time(value: Any) -> datetime:
    """Jira's `2026-10-03T12:00:01.123+0200` as UTC. A time it does not give sorts first."""
    if not value:
        return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        raise ContractError(f"Jira gave {str(value)[:40]!r} as a time", next_step="Report it to Atlassian") from None
