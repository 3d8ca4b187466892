"""Google Ads API over REST: search and searchStream, accessible customers, and the OAuth token of the account.

Bodies are proto3 JSON as the vendor's own strict parser takes it; errors carry a GoogleAdsFailure, as an array where
the call was a stream.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faces import gaql
from sandbox.faces.google_ads_errors import Refused
from sandbox.faces.google_ads_page import Expired, Unknown, open_token, seal_token
from sandbox.faces.google_ads_query import Answer, evaluate
from sandbox.faces.wire import Call, Face, Rate, Site, answer
from sandbox.recorded import ACCOUNTS

VERSIONS = ("v24", "v25", "v26")
MANAGER = "9876543210"  # the manager account above ours
REFRESH_TOKEN = "sandbox-google-ads-refresh-token"
_SETTINGS = {"omitResults", "returnSummaryRow", "returnTotalResultsCount"}
_BODY_KEYS = {
    "search": {"query", "pageToken", "pageSize", "validateOnly", "searchSettings"},
    "searchStream": {"query", "summaryRowSetting"},
}


class GoogleAds(Face):
    """The face. `page_rows` rows a page or chunk; page tokens live `token_seconds` and end when the world moves."""

    prefix = "google-ads"
    rates: ClassVar = {"requests": Rate(per_second=20, burst=40)}
    page_rows = 10_000
    token_seconds = 7200.0

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.account = ACCOUNTS[self.prefix]
        self._answers: OrderedDict[str, tuple[Any, Answer]] = OrderedDict()
        self._number = 0  # of the call that is being answered: no handler waits, so there is only one

    def routes(self) -> Sequence[BaseRoute]:
        """Paths of the vendor, the version in front; `/token` stands for its OAuth host."""
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/{version}/customers:listAccessibleCustomers", self.customers),
            Route("/{version}/customers/{customer}/googleAds:search", self.search, methods=["POST"]),
            Route("/{version}/customers/{customer}/googleAds:searchStream", self.stream, methods=["POST"]),
        ]

    def unauthorized(self, call: Call) -> Response | None:
        """401 without the account's bearer token."""
        self._number = call.number
        if call.path == "/token" or call.bearer() == self.account["access_token"]:
            return None
        given = call.bearer() is not None
        code = "OAUTH_TOKEN_INVALID" if given else "AUTHENTICATION_ERROR"
        refused = Refused(401, "authenticationError", code, "The request lacks valid OAuth 2 credentials.")
        return self.refusal(call.path, refused)

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429; the delay stands in the body only."""
        self._number = call.number
        details = None
        if says_when:
            delay = f"{max(1, round(wait_s))}s"
            details = {
                "quotaErrorDetails": {"rateScope": "ACCOUNT", "rateName": "Requests per account", "retryDelay": delay}
            }
        message = "Too many requests. Retry later."
        code = "RESOURCE_TEMPORARILY_EXHAUSTED"
        return self.refusal(call.path, Refused(429, "quotaError", code, message, details=details))

    def broken(self, call: Call, status: int) -> Response:
        """500 as INTERNAL, 502 and 503 as UNAVAILABLE."""
        self._number = call.number
        code = "INTERNAL_ERROR" if status == 500 else "TRANSIENT_ERROR"
        return self.refusal(call.path, Refused(status, "internalError", code, "The server failed. Try again."))

    def marks(self, call: Call, headers: dict[str, str], left: Any) -> None:
        """Every answer names its request."""
        headers["request-id"] = _request_id(call.number)

    def refusal(self, path: str, refused: Refused) -> Response:
        """The error body, in an array where `path` is a stream's."""
        version = next((part for part in path.split("/") if part in VERSIONS), VERSIONS[-1])
        body = refused.body(version, _request_id(self._number))
        return answer([body] if path.endswith(":searchStream") else body, refused.status)

    async def token(self, request: Request) -> Response:
        """OAuth: a refresh token for an access token."""
        form: dict[str, str] = dict(parse_qsl((await request.body()).decode("latin-1")))
        if form.get("grant_type") != "refresh_token":
            return answer({"error": "unsupported_grant_type", "error_description": "Use refresh_token."}, 400)
        if not form.get("client_id") or not form.get("client_secret"):
            return answer({"error": "invalid_client", "error_description": "Client is not known."}, 401)
        if form.get("refresh_token") != REFRESH_TOKEN:
            return answer({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400)
        return answer(
            {
                "access_token": self.account["access_token"],
                "expires_in": 3599,
                "scope": "https://www.googleapis.com/auth/adwords",
                "token_type": "Bearer",
            }
        )

    async def customers(self, request: Request) -> Response:
        """The accounts that the token reaches directly."""
        try:
            _check_version(request)
        except Refused as refused:
            return self.refusal(request.url.path, refused)
        return answer({"resourceNames": [f"customers/{self.account['customer_id']}"]})

    async def search(self, request: Request) -> Response:
        """One page of a query."""
        try:
            body = await self._body(request, "search")
            return answer(self._page(body))
        except Refused as refused:
            return self.refusal(request.url.path, refused)

    async def stream(self, request: Request) -> Response:
        """All rows of a query, as an array of chunks."""
        try:
            body = await self._body(request, "searchStream")
            result = self._answer(body)
            setting = body.get("summaryRowSetting", "NO_SUMMARY_ROW")
            wanted = setting in ("SUMMARY_ROW_WITH_RESULTS", "SUMMARY_ROW_ONLY")
            summary = self._summary_row(result) if wanted else None
        except Refused as refused:
            return self.refusal(request.url.path, refused)
        common = {
            "fieldMask": result.field_mask,
            "requestId": _request_id(self._number),
            "queryResourceConsumption": str(_consumption(result)),
        }
        rows = [] if setting == "SUMMARY_ROW_ONLY" else result.rows
        chunks: list[dict[str, Any]] = [
            {"results": rows[at : at + self.page_rows], **common} for at in range(0, len(rows), self.page_rows)
        ]
        if summary is not None:
            chunks.append({"summaryRow": summary, **common})
        return answer(chunks or [common])

    async def _body(self, request: Request, method: str) -> dict[str, Any]:
        _check_version(request)
        self._check_customer(request)
        try:
            body = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or set(body) - _BODY_KEYS[method]:
            raise Refused(400, "requestError", "UNKNOWN", "The JSON body has an unknown shape or field.")
        if "pageSize" in body:
            message = "Setting the page size is not supported; pages are of a fixed size."
            raise Refused(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", message, field="page_size")
        settings = body.get("searchSettings", {})
        if not isinstance(settings, dict) or set(settings) - _SETTINGS:
            raise Refused(400, "requestError", "UNKNOWN", "searchSettings has an unknown field.")
        if not isinstance(body.get("query"), str) or not body["query"].strip():
            raise Refused(400, "queryError", "QUERY_ERROR", "The query is empty.", field="query")
        return body

    def _check_customer(self, request: Request) -> None:
        customer, login = request.path_params["customer"], request.headers.get("login-customer-id", "")
        if not re.fullmatch(r"\d+", customer):
            raise Refused(400, "requestError", "INVALID_CUSTOMER_ID", f"Invalid customer ID {customer!r}.")
        if login and not re.fullmatch(r"\d{10}", login):
            message = "The login-customer-id header takes ten digits without dashes."
            raise Refused(400, "headerError", "INVALID_LOGIN_CUSTOMER_ID", message)
        if customer != self.account["customer_id"] or login not in ("", MANAGER, customer):
            message = "The caller has no permission for this customer, or not under this login-customer-id."
            raise Refused(403, "authorizationError", "USER_PERMISSION_DENIED", message)

    def _answer(self, body: dict[str, Any]) -> Answer:
        """The query's answer; kept for the pages that follow, as long as the world and its faults stay."""
        recorded = self.site.recorded()
        kept = self._answers.get(body["query"])
        if kept is None or kept[0] is not recorded:
            try:
                kept = (recorded, evaluate(gaql.parse(body["query"]), recorded, self.account))
            except gaql.QueryRefused as refused:
                raise Refused(400, "queryError", refused.code, refused.message, field=refused.field) from None
            self._answers[body["query"]] = kept
            while len(self._answers) > 4:
                self._answers.popitem(last=False)
        return kept[1]

    def _page(self, body: dict[str, Any]) -> dict[str, Any]:
        result = self._answer(body)
        settings = body.get("searchSettings", {})
        summary = self._summary_row(result) if settings.get("returnSummaryRow") else None
        if body.get("validateOnly"):
            return {}
        start = self._start(body)
        rows = [] if settings.get("omitResults") else result.rows
        page: dict[str, Any] = {"results": rows[start : start + self.page_rows]} if rows else {}
        if start + self.page_rows < len(rows):
            page["nextPageToken"] = seal_token(start + self.page_rows, self._binding(body), time.time())
        if settings.get("returnTotalResultsCount"):
            page["totalResultsCount"] = str(len(result.rows))
        if summary is not None:
            page["summaryRow"] = summary
        return {**page, "fieldMask": result.field_mask, "queryResourceConsumption": str(_consumption(result))}

    def _summary_row(self, result: Answer) -> dict[str, Any]:
        if result.summary is None:
            code = "CANNOT_RETURN_SUMMARY_ROW_FOR_REQUEST_WITHOUT_METRICS"
            raise Refused(400, "requestError", code, "A summary row needs metrics in SELECT.")
        factor = 1 + self.site.faults.values["totals_off"]
        told = {
            name: str(round(int(value) * factor)) if isinstance(value, str) else value
            for name, value in result.summary["metrics"].items()
        }
        return {"metrics": told}

    def _start(self, body: dict[str, Any]) -> int:
        if not body.get("pageToken"):
            return 0
        if body.get("validateOnly"):
            message = "A validate-only request takes no page token."
            raise Refused(400, "requestError", "VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN", message)
        try:
            return open_token(body["pageToken"], self._binding(body), time.time(), self.token_seconds)
        except Expired:
            message = "The page token has expired. Start the query again."
            raise Refused(400, "requestError", "EXPIRED_PAGE_TOKEN", message, field="page_token") from None
        except Unknown:
            message = "The page token is not one of this query."
            raise Refused(400, "requestError", "INVALID_PAGE_TOKEN", message, field="page_token") from None

    def _binding(self, body: dict[str, Any]) -> tuple[str, str]:
        """What a token belongs to: the query with its settings, and the state of the account."""
        asked = json.dumps([body["query"], body.get("searchSettings", {})], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest(), self.site.world.now.isoformat()


def face(site: Site) -> GoogleAds:
    """The Google Ads face over `site`."""
    return GoogleAds(site)


def _check_version(request: Request) -> None:
    version = request.path_params["version"]
    if version in VERSIONS:
        return
    if re.fullmatch(r"v([1-9]|1\d|2[0-3])", version):
        message = f"Version {version} is deprecated. Requests to it will be blocked."
        raise Refused(400, "requestError", "UNSUPPORTED_VERSION", message)
    raise Refused(404, "requestError", "RESOURCE_NOT_FOUND", f"There is no version {version!r}.")


def _consumption(result: Answer) -> int:
    return 1 + len(result.rows) * (1 + result.field_mask.count(",")) // 100


def _request_id(number: int) -> str:
    return hashlib.sha256(f"request {number}".encode()).hexdigest()[:22]
