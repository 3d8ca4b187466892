"""Jira's enhanced search: bounded JQL over an index that lags, paged by tokens, without a total."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.faces import jira_shapes as shapes
from sandbox.faces.jira_forms import Refused, read_json
from sandbox.faces.jira_issues import Issue, Issues
from sandbox.faces.jira_jql import BadQuery, Query
from sandbox.faces.wire import Site, answer

DEFAULT_PAGE, MAX_PAGE, MAX_RECONCILED, MAX_PROPERTIES = 50, 100, 50, 5


class JiraSearch:
    """The search paths over `issues`."""

    def __init__(self, site: Site, issues: Issues) -> None:
        self.site = site
        self.issues = issues

    async def found(self, request: Request) -> Response:
        """`/search/jql`: ids only unless fields are asked for; `reconcileIssues` are seen as they are now."""
        asked = await _asked(request)
        hits = self._hits(request, asked["jql"], asked["reconcileIssues"])
        # The token belongs to the query that it was given for.
        mark = hashlib.sha256(str(asked["jql"]).encode()).hexdigest()[:12]
        start = _start(asked["nextPageToken"], mark)
        page = hits[start : start + asked["maxResults"]]
        result: dict[str, Any] = {"issues": [self._shown(request, issue, asked) for issue in page]}
        is_last = start + len(page) >= len(hits)
        if not is_last:
            token = json.dumps([start + len(page), mark]).encode()
            result["nextPageToken"] = base64.urlsafe_b64encode(token).decode()
        return answer({**result, "isLast": is_last})

    async def count(self, request: Request) -> Response:
        """`/search/approximate-count`."""
        return answer({"count": len(self._hits(request, read_json(await request.body()).get("jql"), []))})

    async def gone(self, request: Request) -> Response:
        """The old `/search`."""
        message = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
        raise Refused(410, message)

    def _hits(self, request: Request, jql: Any, reconciled: list[int]) -> list[Issue]:
        try:
            query = Query(str(jql or ""), self.issues.all(), self.site.now(), shapes.ZONE)
        except BadQuery as bad:
            raise Refused(400, str(bad)) from None
        if "authorization" not in request.headers:
            return []
        return query.found(self.issues.indexed(self.site.faults.values["jira_index_lag_s"], reconciled))

    def _shown(self, request: Request, issue: Issue, asked: dict[str, Any]) -> dict[str, Any]:
        fields = asked["fields"]
        if not fields or fields == ["id"]:
            shown: dict[str, Any] = {"id": str(issue.id)}
        else:
            wanted = shapes.wanted_fields(fields, ())
            has_changelog = "changelog" in asked["expand"]
            shown = shapes.shown_issue(shapes.api(request), issue, wanted, has_changelog)
            if not wanted:
                del shown["fields"]
        if asked["properties"]:
            shown["properties"] = {key: issue.properties[key] for key in asked["properties"] if key in issue.properties}
        return shown


async def _asked(request: Request) -> dict[str, Any]:
    """The parameters of a search, from the query or the body. Raises Refused."""
    data: dict[str, Any]
    if request.method == "POST":
        data = read_json(await request.body())
    else:
        query = request.query_params
        data = dict(query)
        data["reconcileIssues"] = query.getlist("reconcileIssues")
        data["fields"], data["properties"] = query.getlist("fields"), query.getlist("properties")
    try:
        maximum = int(data.get("maxResults") or DEFAULT_PAGE)
        reconciled = [int(id_) for id_ in _listed(data.get("reconcileIssues"))]
    except (TypeError, ValueError):
        raise Refused(400, "Invalid request payload. Refer to the REST API documentation and try again.") from None
    if len(reconciled) > MAX_RECONCILED:
        raise Refused(400, f"The reconcileIssues list must not hold more than {MAX_RECONCILED} ids.")
    properties = _listed(data.get("properties"))
    if len(properties) > MAX_PROPERTIES:
        raise Refused(400, f"The properties list must not hold more than {MAX_PROPERTIES} keys.")
    return {
        "jql": data.get("jql"),
        "fields": _listed(data.get("fields")),
        "properties": properties,
        "expand": str(data.get("expand") or ""),
        "reconcileIssues": reconciled,
        "maxResults": max(1, min(MAX_PAGE, maximum)),
        "nextPageToken": data.get("nextPageToken"),
    }


def _listed(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value] if value else []
    return [one.strip() for part in parts for one in str(part).split(",") if one.strip()]


def _start(token: Any, mark: str) -> int:
    if not token:
        return 0
    try:
        start, of = json.loads(base64.urlsafe_b64decode(str(token)))
    except ValueError:
        start, of = -1, ""
    if of != mark or not isinstance(start, int) or start < 0:
        raise Refused(400, "The provided next page token is invalid or expired.")
    return start
