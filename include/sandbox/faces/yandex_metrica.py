"""Yandex Metrica: the Logs API (asynchronous, in parts) and the data method of its reports, for the one counter."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faces import yandex_metrica_requests as requests
from sandbox.faces import yandex_metrica_stat as stat
from sandbox.faces.wire import Call, Face, Rate, Site, answer
from sandbox.faces.yandex_metrica_fields import Log
from sandbox.recorded import ACCOUNTS

_TYPES = {400: "invalid_parameter", 401: "invalid_token", 403: "access_denied", 404: "not_found"}
_TYPES |= {429: "quota_requests_by_ip", 500: "backend_error", 502: "backend_error", 503: "backend_error"}
PARTS_A_LOOK = 2  # a long log gets ready over several looks, so that no call waits for all of it
Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """A call answered with an error body."""

    def __init__(self, status: int, message: str, location: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.location = status, message, location


class YandexMetrica(Face):
    """The face. A log is ready from the `polls_until_ready`-th look at it on, in parts of `part_rows` rows; prepared
    logs may take `quota_bytes` together until they are cleaned."""

    prefix = "yandex-metrica"
    rates: ClassVar = {
        "logs": Rate(per_second=10, burst=10),
        "stat": Rate(per_second=200 / 300, burst=200),
        "management": Rate(per_second=30, burst=30),
    }
    polls_until_ready = 2
    part_rows = 50_000
    quota_bytes = 10 * 1024**3

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.account = ACCOUNTS[self.prefix]
        self.zone = ZoneInfo(self.account["time_zone"])
        self.requests: dict[int, requests.LogRequest] = {}
        self._log: Log | None = None

    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's paths."""
        base = "/management/v1/counter/{counter}"
        request = base + "/logrequest/{number}"
        return [
            Route("/management/v1/counters", self.counters),
            Route(base, self._told(self.counter)),
            Route(f"{base}/logrequests/evaluate", self._told(self.evaluate)),
            Route(f"{base}/logrequests", self._told(self.create), methods=["POST"]),
            Route(f"{base}/logrequests", self._told(self.all_requests)),
            Route(request, self._told(self.status)),
            Route(request + "/part/{part}/download", self._told(self.download)),
            Route(f"{request}/clean", self._told(self.clean), methods=["POST"]),
            Route(f"{request}/cancel", self._told(self.cancel), methods=["POST"]),
            Route("/stat/v1/data", self._told(self.data)),
        ]

    def unauthorized(self, call: Call) -> Response | None:
        """401 without a token, 403 with one that is not ours; `OAuth` and `Bearer` are both understood."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() in ("oauth", "bearer") and token.strip() == self.account["access_token"]:
            return None
        return error(403 if token.strip() else 401, "Invalid oauth_token", kind="invalid_token")

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429; Metrica never says when to come back."""
        kind = "quota_requests_by_uid" if bucket == "stat" else "quota_requests_by_ip"
        return error(429, "Quota exceeded. See the documentation for the limits.", kind=kind)

    def broken(self, call: Call, status: int) -> Response:
        """Metrica's backend error."""
        return error(status, "Backend error")

    def bucket_of(self, call: Call) -> str | None:
        """Logs, reports and the rest have limits of their own."""
        if call.path.startswith("/stat/"):
            return "stat"
        return "logs" if "/logrequest" in call.path else "management"

    def is_write(self, call: Call) -> bool:
        """Requests are made, cleaned and cancelled by POST."""
        return call.method == "POST"

    async def counters(self, _: Request) -> Response:
        """The counters that the token may see."""
        return answer({"rows": 1, "counters": [self._counter()]})

    async def counter(self, _: Request) -> Response:
        """The counter with its time zone."""
        return answer({"counter": self._counter()})

    async def evaluate(self, request: Request) -> Response:
        """Whether a log could be made."""
        requests.read(dict(request.query_params), self._today())
        possible = self._kept() < self.quota_bytes
        days = 365 if possible else 0
        return answer({"log_request_evaluation": {"possible": possible, "max_possible_day_quantity": days}})

    async def create(self, request: Request) -> Response:
        """Queue a log."""
        asked = requests.read(dict(request.query_params), self._today())
        if self._kept() >= self.quota_bytes:
            raise Refused(400, "Prepared logs take all the space of the counter. Clean some of them.")
        number = 1_000_001 + len(self.requests)
        made = self.requests[number] = requests.LogRequest(number, asked, self._current())
        return answer({"log_request": made.told(self.account["counter"])})

    async def all_requests(self, _: Request) -> Response:
        """All requests."""
        return answer({"requests": [made.told(self.account["counter"]) for made in self.requests.values()]})

    async def status(self, request: Request) -> Response:
        """One request; looking at it is what makes it ready."""
        made = self._request(request)
        if made.status == "created":
            made.polls += 1
            if made.polls >= self.polls_until_ready:
                made.process(self.part_rows, PARTS_A_LOOK)
        return answer({"log_request": made.told(self.account["counter"])})

    async def download(self, request: Request) -> Response:
        """A part as TSV, gzipped for those who take it."""
        made, part = self._request(request), request.path_params["part"]
        if made.status != "processed":
            raise Refused(400, "Only log of requests in status 'processed' can be downloaded")
        if not part.isdigit() or int(part) >= len(made.parts):
            raise Refused(400, "Incorrect part number", "part_number")
        body, headers = made.parts[int(part)], {"Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        return Response(body, headers=headers, media_type="text/tab-separated-values; charset=utf-8")

    async def clean(self, request: Request) -> Response:
        """Give back the space of a prepared log."""
        return self._dropped(request, "processed", "cleaned_by_user")

    async def cancel(self, request: Request) -> Response:
        """Call off a log that is not ready."""
        return self._dropped(request, "created", "canceled")

    async def data(self, request: Request) -> Response:
        """The report's data method."""
        parameters = dict(request.query_params)
        if parameters.get("ids") != self.account["counter"]:
            raise Refused(403, "Access is denied", "ids")
        told = stat.report(parameters, self._current(), self._today())
        factor = 1 + self.site.faults.values["totals_off"]
        return answer({**told, "totals": [round(total * factor, 6) for total in told["totals"]]})

    def _told(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint for our counter, its refusals as error bodies."""

        async def told(request: Request) -> Response:
            if request.path_params.get("counter", self.account["counter"]) != self.account["counter"]:
                return error(403, "Access is denied")
            try:
                return await endpoint(request)
            except Refused as refused:
                return error(refused.status, refused.message, location=refused.location)
            except requests.Invalid as invalid:
                return error(400, str(invalid), location=invalid.parameter)
            except stat.Invalid as invalid:
                return error(400, str(invalid))

        return told

    def _dropped(self, request: Request, only: str, status: str) -> Response:
        made = self._request(request)
        if made.status != only:
            raise Refused(400, f"The request is in status '{made.status}', not '{only}'")
        made.drop(status)
        return answer({"log_request": made.told(self.account["counter"])})

    def _request(self, request: Request) -> requests.LogRequest:
        number = request.path_params["number"]
        made = self.requests.get(int(number)) if number.isdigit() else None
        if made is None:
            raise Refused(404, "There is no such log request", "request_id")
        return made

    def _kept(self) -> int:
        return sum(sum(made.sizes) for made in self.requests.values() if made.status == "processed")

    def _current(self) -> Log:
        recorded = self.site.recorded()
        if self._log is None or self._log.recorded is not recorded:
            self._log = Log(recorded, self.account["counter"], self.zone)
        return self._log

    def _today(self) -> date:
        return self.site.recorded().now.astimezone(self.zone).date()

    def _counter(self) -> dict[str, Any]:
        return {
            "id": int(self.account["counter"]),
            "status": "Active",
            "name": "Beauty brand",
            "site": "brand.example",
            "permission": "view",
            "time_zone_name": self.account["time_zone"],
            "time_zone_offset": 180,
        }


def face(site: Site) -> YandexMetrica:
    """The Metrica face over `site`."""
    return YandexMetrica(site)


def error(status: int, message: str, *, kind: str = "", location: str = "") -> Response:
    """Metrica's error body."""
    item = {"error_type": kind or _TYPES[status], "message": message}
    if location:
        item["location"] = location
    return answer({"errors": [item], "code": status, "message": message}, status)
