"""Jira Cloud REST v3: issues written and read back, transitions, comments, properties, remote links; and its pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.faces import jira_forms as forms
from sandbox.faces import jira_pages as pages
from sandbox.faces import jira_shapes as shapes
from sandbox.faces.jira_about import JiraAbout
from sandbox.faces.jira_forms import Refused
from sandbox.faces.jira_hooks import change
from sandbox.faces.jira_issues import STATUSES, Issue, Issues
from sandbox.faces.jira_search import JiraSearch
from sandbox.faces.wire import Call, Rate, Site, Tracker, answer, face_url
from sandbox.journal import Entry
from sandbox.recorded import ACCOUNTS, TaskCard, TeamAction

MAX_BULK = 50
Handler = Callable[[Request], Awaitable[Response]]


def face(site: Site) -> Tracker:
    """The face."""
    return JiraFace(site)


class JiraFace(Tracker):
    """See the module."""

    prefix = "jira"
    rates: ClassVar[Mapping[str, Rate]] = {"read": Rate(100, 350), "write": Rate(50, 100)}

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.issues = Issues()
        self.search = JiraSearch(site, self.issues)
        self.about = JiraAbout(site)

    def routes(self) -> Sequence[Route]:
        """Jira's paths, and the pages that people look at."""
        paths: list[tuple[str, str, Handler]] = [
            ("GET", "/serverInfo", self.about.server_info),
            ("GET", "/myself", self.about.myself),
            ("GET", "/field", self.about.fields),
            ("GET", "/status", self.about.statuses),
            ("GET", "/priority", self.about.priorities),
            ("GET", "/project/search", self.about.projects),
            ("GET", "/project/{project}", self.about.project),
            ("GET", "/project/{project}/statuses", self.about.project_statuses),
            ("GET", "/issue/createmeta/{project}/issuetypes", self.about.issue_types),
            ("GET", "/issue/createmeta/{project}/issuetypes/{type}", self.about.issue_type_fields),
            ("GET", "/search/jql", self.search.found),
            ("POST", "/search/jql", self.search.found),
            ("POST", "/search/approximate-count", self.search.count),
            ("GET", "/search", self.search.gone),
            ("POST", "/search", self.search.gone),
            ("POST", "/issue", self._create),
            ("POST", "/issue/bulk", self._bulk),
            ("GET", "/issue/{issue}", self._read),
            ("PUT", "/issue/{issue}", self._edit),
            ("DELETE", "/issue/{issue}", self._delete),
            ("GET", "/issue/{issue}/changelog", self._changelog),
            ("GET", "/issue/{issue}/comment", self._comments),
            ("POST", "/issue/{issue}/comment", self._comment),
            ("GET", "/issue/{issue}/transitions", self._transitions),
            ("POST", "/issue/{issue}/transitions", self._transition),
            ("GET", "/issue/{issue}/properties", self._property_keys),
            ("GET", "/issue/{issue}/properties/{key}", self._property),
            ("PUT", "/issue/{issue}/properties/{key}", self._set_property),
            ("DELETE", "/issue/{issue}/properties/{key}", self._drop_property),
            ("GET", "/issue/{issue}/remotelink", self._links),
            ("POST", "/issue/{issue}/remotelink", self._link),
        ]
        interface = [Route(shapes.API + path, _guarded(handler), methods=[method]) for method, path, handler in paths]
        return [*interface, Route("/", self._board), Route("/browse/{issue}", self._page)]

    def unauthorized(self, call: Call) -> Response | None:
        """401 for a wrong token; without one, Jira acts as if there were nothing to see."""
        account = ACCOUNTS["jira"]
        right = base64.b64encode(f"{account['email']}:{account['api_token']}".encode()).decode()
        given = call.headers.get("authorization")
        if given == f"Basic {right}":
            return None
        if given is not None:
            login = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED", "WWW-Authenticate": 'OAuth realm="sandbox"'}
            return PlainTextResponse("Client must be authenticated to access this resource.", 401, login)
        if call.path.startswith((f"{shapes.API}/search", f"{shapes.API}/serverInfo")):
            return None
        if call.method == "GET" and call.path.startswith(f"{shapes.API}/issue/"):
            return Refused(404, forms.MISSING).answer()
        message = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
        return answer(message, 401)

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429 with the reason."""
        headers = {"RateLimit-Reason": "jira-burst-based", "X-RateLimit-NearLimit": "true"}
        if says_when:
            until = datetime.now(UTC) + timedelta(seconds=wait_s)
            headers |= {"Retry-After": str(max(1, round(wait_s))), "X-RateLimit-Reset": f"{until:%Y-%m-%dT%H:%MZ}"}
        return answer({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)

    def broken(self, call: Call, status: int) -> Response:
        """500 as JSON; 502 and 503 come from the proxy in front."""
        if status == 500:
            return answer({"errorMessages": ["Internal server error"], "errors": {}}, 500)
        headers = {"Retry-After": "1"} if status == 503 else None
        return PlainTextResponse("upstream connect error or disconnect/reset before headers", status, headers)

    def bucket_of(self, call: Call) -> str:
        """Reads and writes have limits of their own."""
        return "write" if self.is_write(call) else "read"

    def is_page(self, call: Call) -> bool:
        """The board and the issues' pages."""
        return not call.path.startswith("/rest/")

    def is_write(self, call: Call) -> bool:
        """Everything that is no read and no search."""
        return call.method in ("POST", "PUT", "DELETE") and not call.path.startswith(f"{shapes.API}/search")

    def marks(self, call: Call, headers: dict[str, str], left: Mapping[str, int]) -> None:
        """A request id, and what is left of the limit."""
        bucket = self.bucket_of(call)
        headers["X-ARequestId"] = f"{call.number:032x}"
        headers["X-RateLimit-Limit"] = str(self.rates[bucket].burst)
        headers["X-RateLimit-Remaining"] = str(left[bucket])

    def replay(self, entry: Entry) -> None:
        """Writes are journalled in the words of `Issues.apply`."""
        self.issues.apply(entry.kind, entry.at, entry.data, is_old=True)

    def cards(self) -> list[TaskCard]:
        """All issues as the content team sees them."""
        return [self.issues.card(issue) for issue in self.issues.all()]

    def work(self, actions: Sequence[TeamAction]) -> None:
        """Status changes with their changelog, edits, comments, and the address of what was published."""
        for action in actions:
            before = self.issues.find(action.key)
            self.issues.work(action)
            self._tell(before, self.issues.find(action.key), action.at)

    def _write(self, kind: str, data: Mapping[str, Any]) -> Issue | None:
        before, at = self.issues.find(str(data.get("id"))), self.site.write(self.prefix, kind, data).at
        after = self.issues.apply(kind, at, data)
        self._tell(before, after, at)
        return after

    def _tell(self, before: Issue | None, after: Issue | None, at: datetime) -> None:
        self.site.hooks.tell(self.prefix, change(before, after, at) if self.site.hooks.addresses else [])

    def _issue(self, request: Request) -> Issue:
        issue = self.issues.find(request.path_params["issue"])
        if issue is None:
            raise Refused(404, forms.MISSING)
        return issue

    async def _create(self, request: Request) -> Response:
        data = forms.read_json(await request.body())
        return answer(self._created(request, data), 201)

    def _created(self, request: Request, data: Mapping[str, Any]) -> dict[str, Any]:
        fields, properties = forms.new_fields(data), forms.new_properties(data)
        issue = self._write("create", {"fields": fields, "properties": properties})
        assert issue is not None
        return {"id": str(issue.id), "key": issue.key, "self": f"{shapes.api(request)}/issue/{issue.id}"}

    async def _bulk(self, request: Request) -> Response:
        updates = forms.read_json(await request.body()).get("issueUpdates")
        if not isinstance(updates, list) or not 0 < len(updates) <= MAX_BULK:
            raise Refused(400, f"The number of issues must be between 1 and {MAX_BULK}.")
        made: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for number, data in enumerate(updates):
            try:
                made.append(self._created(request, data if isinstance(data, dict) else {}))
            except Refused as refused:
                errors.append({"status": 400, "elementErrors": refused.body, "failedElementNumber": number})
        return answer({"issues": made, "errors": errors}, 201 if made else 400)

    async def _read(self, request: Request) -> Response:
        issue, query = self._issue(request), request.query_params
        asked = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
        fields = shapes.wanted_fields(asked, shapes.FIELDS)
        shown = shapes.shown_issue(shapes.api(request), issue, fields, "changelog" in query.get("expand", ""))
        keys = [key.strip() for key in query.get("properties", "").split(",") if key.strip()]
        if keys:
            shown["properties"] = {key: issue.properties[key] for key in keys if key in issue.properties}
        return answer(shown)

    async def _edit(self, request: Request) -> Response:
        issue, data = self._issue(request), forms.read_json(await request.body())
        update = data.get("update") or {}
        fields = forms.changed_fields(data.get("fields") or {}, update, issue.fields)
        properties = forms.new_properties(data)
        added = [forms.comment_body(one.get("add") or {}) for one in update.get("comment", [])]
        if fields:
            self._write("edit", {"id": issue.id, "fields": fields})
        for body in added:
            self._write("comment", {"id": issue.id, "body": body})
        for key, value in properties.items():
            self._write("property", {"id": issue.id, "key": key, "value": value})
        return Response(status_code=204)

    async def _delete(self, request: Request) -> Response:
        self._write("delete", {"id": self._issue(request).id})
        return Response(status_code=204)

    async def _changelog(self, request: Request) -> Response:
        log = shapes.changelog(shapes.api(request), self._issue(request))
        return answer(
            {"startAt": 0, "maxResults": 100, "total": log["total"], "isLast": True, "values": log["histories"][::-1]}
        )

    async def _comments(self, request: Request) -> Response:
        return answer(shapes.comments(shapes.api(request), self._issue(request)))

    async def _comment(self, request: Request) -> Response:
        issue, body = self._issue(request), forms.comment_body(forms.read_json(await request.body()))
        after = self._write("comment", {"id": issue.id, "body": body})
        assert after is not None
        return answer(shapes.comment(shapes.api(request), after, after.comments[-1]), 201)

    async def _transitions(self, request: Request) -> Response:
        issue = self._issue(request)
        found = [shapes.transition(shapes.api(request), one) for one in STATUSES.values() if one.name != issue.status]
        return answer({"expand": "transitions", "transitions": found})

    async def _transition(self, request: Request) -> Response:
        issue, data = self._issue(request), forms.read_json(await request.body())
        id_ = str((data.get("transition") or {}).get("id"))
        target = next((one for one in STATUSES.values() if one.transition_id == id_ and one.name != issue.status), None)
        if target is None:
            raise Refused(400, f"Transition id '{id_}' is not valid for this issue.")
        added = [forms.comment_body(one.get("add") or {}) for one in (data.get("update") or {}).get("comment", [])]
        self._write("transition", {"id": issue.id, "status": target.name})
        for body in added:
            self._write("comment", {"id": issue.id, "body": body})
        return Response(status_code=204)

    async def _property_keys(self, request: Request) -> Response:
        issue = self._issue(request)
        base = f"{shapes.api(request)}/issue/{issue.key}/properties"
        return answer({"keys": [{"self": f"{base}/{key}", "key": key} for key in issue.properties]})

    async def _property(self, request: Request) -> Response:
        issue, key = self._issue(request), request.path_params["key"]
        if key not in issue.properties:
            raise Refused(404, f"The property with key '{key}' was not found.")
        return answer({"key": key, "value": issue.properties[key]})

    async def _set_property(self, request: Request) -> Response:
        issue, key = self._issue(request), request.path_params["key"]
        try:
            value = json.loads(await request.body())
        except ValueError:
            raise Refused(400, "The property value must be valid JSON.") from None
        forms.check_property(key, value)
        is_new = key not in issue.properties
        self._write("property", {"id": issue.id, "key": key, "value": value})
        return Response(status_code=201 if is_new else 200)

    async def _drop_property(self, request: Request) -> Response:
        issue, key = self._issue(request), request.path_params["key"]
        if key not in issue.properties:
            raise Refused(404, f"The property with key '{key}' was not found.")
        self._write("property", {"id": issue.id, "key": key, "is_gone": True})
        return Response(status_code=204)

    async def _links(self, request: Request) -> Response:
        issue = self._issue(request)
        return answer([shapes.remote_link(shapes.api(request), issue, link) for link in issue.links])

    async def _link(self, request: Request) -> Response:
        issue, data = self._issue(request), forms.read_json(await request.body())
        linked = data.get("object") or {}
        if not linked.get("url") or not linked.get("title"):
            raise Refused(400, object="url and title are required")
        after = self._write("link", {"id": issue.id, "url": str(linked["url"]), "title": str(linked["title"])})
        assert after is not None
        link = shapes.remote_link(shapes.api(request), after, after.links[-1])
        return answer({"id": link["id"], "self": link["self"]}, 201)

    async def _board(self, request: Request) -> Response:
        return HTMLResponse(pages.board(self.issues.all(), face_url(request)))

    async def _page(self, request: Request) -> Response:
        issue = self.issues.find(request.path_params["issue"])
        if issue is None:
            return HTMLResponse(pages.missing(face_url(request)), 404)
        return HTMLResponse(pages.issue_page(issue, face_url(request)))


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return refused.answer()

    return guarded
