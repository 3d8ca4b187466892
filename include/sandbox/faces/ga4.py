"""GA4 Data API v1beta over REST: runReport, batchRunReports and the metadata of the one property."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faces.ga4_fields import DIMENSIONS, METRIC_TYPES, METRICS
from sandbox.faces.ga4_filters import Invalid
from sandbox.faces.ga4_quota import Tokens
from sandbox.faces.ga4_report import Property, run_report
from sandbox.faces.wire import Call, Face, Rate, Site, answer
from sandbox.recorded import ACCOUNTS

MAX_BATCH = 5
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
}


class Ga4(Face):
    """The face. `tokens` counts the property's quota; give it other limits to see it run out."""

    prefix = "ga4"
    rates: ClassVar = {"requests": Rate(per_second=20, burst=40)}

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        account = ACCOUNTS[self.prefix]
        self.account = account
        self.property = Property(account["time_zone"], account["currency"])
        self.tokens = Tokens()

    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's paths."""
        base = "/v1beta/properties/{property}"
        return [
            Route(f"{base}:runReport", self.report, methods=["POST"]),
            Route(f"{base}:batchRunReports", self.batch, methods=["POST"]),
            Route(f"{base}/metadata", self.metadata),
        ]

    def unauthorized(self, call: Call) -> Response | None:
        """401 without the property's bearer token."""
        if call.bearer() == self.account["access_token"]:
            return None
        return _error(401, "Request had invalid authentication credentials. Expected an OAuth 2 access token.")

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429; GA4 never says when to come back."""
        return _error(429, "Exhausted concurrent requests quota. Wait for active requests to finish.")

    def broken(self, call: Call, status: int) -> Response:
        """500 as INTERNAL, else UNAVAILABLE."""
        text = "An internal error has occurred." if status == 500 else "The service is currently unavailable."
        return _error(status, text)

    async def report(self, request: Request) -> Response:
        """One report."""
        return self._refused(request) or self._answered(request, await request.body(), self._report)

    async def batch(self, request: Request) -> Response:
        """Up to five reports of one property."""
        return self._refused(request) or self._answered(request, await request.body(), self._reports)

    async def metadata(self, request: Request) -> Response:
        """The dimensions and metrics there are."""
        numbers = {name: number for number, name in METRIC_TYPES.items()}
        is_int = _enums_as_int(request)
        return self._refused(request) or answer(
            {
                "name": f"properties/{self.account['property']}/metadata",
                "dimensions": [
                    {"apiName": item.name, "uiName": item.label, "category": item.category}
                    for item in DIMENSIONS.values()
                ],
                "metrics": [
                    {
                        "apiName": item.name,
                        "uiName": item.label,
                        "type": numbers[item.type] if is_int else item.type,
                        "category": "Session",
                    }
                    for item in METRICS.values()
                ],
            }
        )

    def _refused(self, request: Request) -> Response | None:
        asked = request.path_params["property"]
        if not asked.isdigit():
            return _error(400, f"A property ID is a number, but {asked!r} was given.")
        if asked != self.account["property"]:
            return _error(403, "User does not have sufficient permissions for this property.")
        return None

    def _answered(self, request: Request, raw: bytes, make: Any) -> Response:
        try:
            body = json.loads(raw or b"{}")
        except (ValueError, RecursionError):
            return _error(400, "Invalid JSON payload received. Unexpected token.")
        if not isinstance(body, dict):
            return _error(400, "Invalid JSON payload received. An object is expected.")
        exhausted = self.tokens.exhausted(datetime.now(UTC))
        if exhausted:
            return _error(429, exhausted)
        try:
            return answer(make(body, _enums_as_int(request)))
        except Invalid as invalid:
            return _error(400, str(invalid))

    def _report(self, body: dict[str, Any], is_int: bool) -> dict[str, Any]:
        recorded = self.site.recorded()
        today = recorded.now.astimezone(self.property.zone).date()
        off = self.site.faults.values["totals_off"]
        response = run_report(body, recorded.sessions, self.property, today, enums_as_int=is_int, totals_off=off)
        columns = len(response.get("dimensionHeaders", [])) + len(response["metricHeaders"])
        quota = self.tokens.spend(len(response.get("rows", [])), columns, datetime.now(UTC))
        if body.get("returnPropertyQuota"):
            response["propertyQuota"] = quota
        return response

    def _reports(self, body: dict[str, Any], is_int: bool) -> dict[str, Any]:
        requests = body.get("requests")
        if not isinstance(requests, list) or not 0 < len(requests) <= MAX_BATCH:
            raise Invalid(f"A batch holds 1 to {MAX_BATCH} requests")
        own = f"properties/{self.account['property']}"
        if any(not isinstance(item, dict) or item.get("property", own) != own for item in requests):
            raise Invalid("The property of a request in a batch must be the property of the batch")
        return {"reports": [self._report(item, is_int) for item in requests], "kind": "analyticsData#batchRunReports"}


def face(site: Site) -> Ga4:
    """The GA4 face over `site`."""
    return Ga4(site)


def _enums_as_int(request: Request) -> bool:
    """The vendor's own clients ask for numbers: `?$alt=json;enum-encoding=int`."""
    return any("enum-encoding=int" in value for value in request.query_params.getlist("$alt"))


def _error(status: int, message: str) -> Response:
    return answer({"error": {"code": status, "message": message, "status": _STATUS[status]}}, status)
