"""Yandex Direct: the Reports service, which is its own queue, and the few other services a puller needs.

A report has no number: the same POST again is the poll. The first answer is 201, then 202, then 200 with TSV.
Reports refuse with HTTP 400 and a number as code; the other services with HTTP 200 and the code as text.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faces import yandex_direct_services as services
from sandbox.faces.wire import Call, Face, Rate, Site, answer
from sandbox.faces.yandex_direct_report import Form, tsv
from sandbox.faces.yandex_direct_spec import Refused, Spec, read
from sandbox.recorded import ACCOUNTS

QUEUE_LIMIT = 5
KEPT = timedelta(hours=5)
MAX_KEPT = 200  # reports in memory; the oldest goes first
DAILY_UNITS = 64_000
_STRINGS = {
    53: "Authorization error",
    54: "No rights",
    55: "Operation not found",
    56: "Request limit exceeded",
    1000: "The server is temporarily unavailable",
    1002: "Operation error",
    4000: "Invalid use of parameters",
    4001: "Invalid selection criteria",
    4002: "Invalid page",
    8000: "Invalid request",
    9000: "The report cannot be queued",
}


@dataclass
class Queued:
    """A report in the queue or ready: what it is, when it was queued (world, monotonic), how often it was asked for."""

    text: str
    at: datetime
    since: float
    polls: int = 0
    body: bytes | None = None


class YandexDirect(Face):
    """The face. A queued report is ready at the `polls_until_ready`-th poll, which may come `retry_in` seconds later;
    in mode auto reports of up to `online_rows` recorded rows are answered at once."""

    prefix = "yandex-direct"
    rates: ClassVar = {"reports": Rate(per_second=2, burst=20), "services": Rate(per_second=5, burst=20)}
    polls_until_ready = 2
    retry_in = 1
    online_rows = 0

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.account = ACCOUNTS[self.prefix]
        self.zone = ZoneInfo(self.account["time_zone"])
        self._reports: dict[tuple[str, frozenset[str]], Queued] = {}
        self._units = DAILY_UNITS
        self._number = 0  # of the call that is being answered: no handler waits, so there is only one

    def routes(self) -> Sequence[BaseRoute]:
        """Both versions answer alike."""
        return [
            route
            for version in ("v5", "v501")
            for route in (
                Route(f"/json/{version}/reports", self.reports, methods=["POST"]),
                Route(f"/json/{version}/{{service}}", self.service, methods=["POST"]),
            )
        ]

    def unauthorized(self, call: Call) -> Response | None:
        """Error 53 without our token, 54 for another client's login."""
        self._number = call.number
        if call.bearer() != self.account["access_token"]:
            return self._error(call.path, Refused(53, "Invalid OAuth token"))
        login = call.headers.get("client-login", self.account["client_login"])
        if login.lower() != self.account["client_login"]:
            return self._error(call.path, Refused(54, "No rights to the client in Client-Login"))
        return None

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """Error 56; Direct never says when to come back."""
        self._number = call.number
        return self._error(call.path, Refused(56, "More requests than allowed per time"))

    def broken(self, call: Call, status: int) -> Response:
        """500 failed, 502 took longer than the server allows, 503 unavailable."""
        self._number = call.number
        refused = Refused(
            1000 if status == 503 else 1002, "The request took too long" if status == 502 else "Try again"
        )
        return self._error(call.path, refused, status)

    def bucket_of(self, call: Call) -> str | None:
        """Reports have a limit of their own."""
        return "reports" if call.path.endswith("/reports") else "services"

    def marks(self, call: Call, headers: dict[str, str], left: Mapping[str, int]) -> None:
        """Each answer names its request; services tell the units left."""
        headers["RequestId"] = _request_id(call.number)
        if not call.path.endswith("/reports"):
            headers["Units"] = f"10/{self._units}/{DAILY_UNITS}"

    async def reports(self, request: Request) -> Response:
        """Queue a report, or look whether it is ready."""
        try:
            spec = read(_json(await request.body()), self._today())
            mode = request.headers.get("processingmode", "auto").lower()
            if mode not in ("auto", "online", "offline"):
                raise Refused(8000, "processingMode must be auto, online or offline")
            form = Form(
                is_micros=request.headers.get("returnmoneyinmicros", "true").lower() != "false",
                has_title=request.headers.get("skipreportheader", "").lower() != "true",
                has_names=request.headers.get("skipcolumnheader", "").lower() != "true",
                has_total=request.headers.get("skipreportsummary", "").lower() != "true",
            )
            is_small = len(self.site.recorded().ads[self.prefix]) <= self.online_rows
            if mode == "online" or (mode == "auto" and is_small):
                return _ready(self._tsv(spec, form))
            return self._queued(spec, form)
        except Refused as refused:
            return self._error(request.url.path, refused)

    async def service(self, request: Request) -> Response:
        """One of the other services."""
        name = request.path_params["service"]
        if name not in ("campaigns", "adgroups", "ads", "changes"):
            return Response(status_code=404)
        try:
            body = _json(await request.body())
            result = services.run(name, body, self.site.recorded(), self.zone, self.account["currency"])
        except Refused as refused:
            return self._error(request.url.path, refused)
        self._units = max(0, self._units - 10)
        return answer({"result": result})

    def _queued(self, spec: Spec, form: Form) -> Response:
        now, text = self.site.world.now, f"{form} {spec.text}"
        self._reports = {key: report for key, report in self._reports.items() if now - report.at <= KEPT}
        # With other faulty rows switched on it is another account's report: what is kept would hide the switch.
        key = (spec.name, self.site.faults.data_switches())
        report = self._reports.get(key)
        if report is None:
            if self._waiting() >= QUEUE_LIMIT:
                raise Refused(9000, f"The queue holds {QUEUE_LIMIT} reports already")
            self._reports[key] = Queued(text, now, time.monotonic())
            while len(self._reports) > MAX_KEPT:
                self._reports.pop(next(iter(self._reports)))
            return self._wait(201)
        if report.text != text:
            raise Refused(4000, f"A report named {spec.name!r} exists with other parameters")
        report.polls += 1
        if report.body is None and report.polls >= self.polls_until_ready:
            report.body = self._tsv(spec, form)
        return self._wait(202) if report.body is None else _ready(report.body)

    def _waiting(self) -> int:
        """Reports that are being built. One that nobody asks for again gets ready all the same, after its time."""
        longest = self.retry_in * self.polls_until_ready
        return sum(
            report.body is None and time.monotonic() - report.since < longest for report in self._reports.values()
        )

    def _wait(self, status: int) -> Response:
        headers = {"retryIn": str(self.retry_in), "reportsInQueue": str(self._waiting())}
        return Response(status_code=status, headers=headers)

    def _tsv(self, spec: Spec, form: Form) -> bytes:
        off = self.site.faults.values["totals_off"]
        return tsv(spec, self.site.recorded().ads[self.prefix], self.account["client_login"], form, off)

    def _today(self) -> date:
        return self.site.recorded().now.astimezone(self.zone).date()

    def _error(self, path: str, refused: Refused, status: int | None = None) -> Response:
        is_report = path.endswith("/reports")
        error: dict[str, Any] = {
            "request_id": _request_id(self._number),
            "error_code": refused.code if is_report else str(refused.code),
            "error_string": _STRINGS[refused.code],
            "error_detail": refused.detail,
        }
        return answer({"error": error}, status or (400 if is_report else 200))


def face(site: Site) -> YandexDirect:
    """The Direct face over `site`."""
    return YandexDirect(site)


def _ready(body: bytes) -> Response:
    return Response(body, media_type="text/tab-separated-values; charset=utf-8")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(8000, "The body is not JSON") from None


def _request_id(number: int) -> str:
    return str(int(hashlib.sha256(f"direct {number}".encode()).hexdigest()[:15], 16))
