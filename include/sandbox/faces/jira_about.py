"""What Jira tells about itself: the server, the user, the project and its vocabulary."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sandbox.faces import jira_forms as forms
from sandbox.faces import jira_shapes as shapes
from sandbox.faces.jira_forms import Refused
from sandbox.faces.jira_issues import PROJECT, STATUSES
from sandbox.faces.wire import Site, answer, face_url


class JiraAbout:
    """The paths beside issues and search."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def server_info(self, request: Request) -> Response:
        """`/serverInfo`."""
        now = shapes.stamp(self.site.now())
        version = {"version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud"}
        build = {"buildNumber": 100_300, "buildDate": now, "serverTime": now, "scmInfo": "sandbox"}
        return answer({"baseUrl": face_url(request), **version, **build, "serverTitle": "Jira"})

    async def myself(self, request: Request) -> Response:
        """`/myself`: the token's user, with the zone that dates in JQL are in."""
        return answer(shapes.user(shapes.api(request), "loop"))

    async def fields(self, request: Request) -> Response:
        """`/field`."""
        common = {"custom": False, "orderable": True, "navigable": True, "searchable": True}
        return answer(
            [{"id": name, "key": name, "name": name, **common, "clauseNames": [name]} for name in shapes.FIELDS]
        )

    async def statuses(self, request: Request) -> Response:
        """`/status`."""
        return answer([shapes.status(shapes.api(request), one) for one in STATUSES.values()])

    async def priorities(self, request: Request) -> Response:
        """`/priority`."""
        return answer([shapes.priority(shapes.api(request), name) for name in forms.PRIORITIES])

    async def projects(self, request: Request) -> Response:
        """`/project/search`."""
        values = [shapes.project(shapes.api(request))]
        return answer({"maxResults": 50, "startAt": 0, "total": 1, "isLast": True, "values": values})

    async def project(self, request: Request) -> Response:
        """`/project/{project}`."""
        _check_project(request)
        return answer(shapes.project(shapes.api(request)))

    async def project_statuses(self, request: Request) -> Response:
        """`/project/{project}/statuses`: by issue type."""
        _check_project(request)
        statuses = [shapes.status(shapes.api(request), one) for one in STATUSES.values()]
        return answer([{**shapes.issue_type(shapes.api(request)), "statuses": statuses}])

    async def issue_types(self, request: Request) -> Response:
        """`/issue/createmeta/{project}/issuetypes`."""
        _check_project(request)
        types = [shapes.issue_type(shapes.api(request))]
        return answer({"maxResults": 50, "startAt": 0, "total": 1, "issueTypes": types})

    async def issue_type_fields(self, request: Request) -> Response:
        """`/issue/createmeta/{project}/issuetypes/{type}`: what may and what must be given."""
        _check_project(request)
        names = ("project", "issuetype", *forms.EDITABLE)
        required = ("project", "issuetype", "summary")
        fields = [
            {"fieldId": name, "key": name, "name": name, "required": name in required, "operations": ["set"]}
            for name in names
        ]
        return answer({"maxResults": 50, "startAt": 0, "total": len(fields), "fields": fields})


def _check_project(request: Request) -> None:
    if request.path_params["project"] not in (PROJECT, "10000"):
        raise Refused(404, f"No project could be found with key '{request.path_params['project']}'.")
