"""The one HTTP client of all sources: patient within a budget, distrustful of bodies, and silent about secrets.

Waiting: 5xx, broken connections, cut bodies and error pages are tried again with exponential backoff and jitter, at
most `limits.attempts` times. A throttle is waited for as long as the vendor says (or backoff, when it does not say)
while the run's wait budget lasts; then it is a ThrottledError and the stream is deferred.
Trust: only the connection's own host is ever called; redirects are refused, and `next` links are never followed.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from rebuttal.connections import Connection
from rebuttal.errors import (
    ConfigError,
    ContractError,
    CredentialsError,
    CutBodyError,
    RebuttalError,
    ThrottledError,
    UnavailableError,
)
from rebuttal.hosts import Reach
from rebuttal.sources.auth import TokenAuth
from rebuttal.sources.body import head_of, looks_like_html, read_body
from rebuttal.sources.config import Limits
from rebuttal.sources.declare import Answer, Page, Request, Source
from rebuttal.sources.decode import decode_json

log = logging.getLogger(__name__)
THROTTLES = (420, 429)


class ErrorPageError(ContractError):
    """A page for people, an empty body or no content where data should be: tried again, then final."""


def host_of(connection: Connection) -> str:
    """The host name of a connection's base URL. Raises ConfigError when it is no http(s) address."""
    parts = urlsplit(connection.host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"The host of connection {connection.id!r} is not an http(s) address",
            next_step="Set it to the vendor's base URL, for example https://api.vendor.example",
        )
    return parts.hostname.lower()


class WaitBudget:
    """The seconds that a run may still spend waiting for one vendor."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def spend(self, seconds: float) -> bool:
        """Sleep for `seconds`; False, without sleeping, when that is more than is left."""
        if seconds > self.left:
            return False
        self.left -= seconds
        time.sleep(seconds)
        return True


class Client:
    """Calls one vendor for one connection."""

    def __init__(self, source: Source, base_url: str, auth: TokenAuth, limits: Limits, budget: WaitBudget) -> None:
        self._source, self._base, self._auth, self._limits, self._budget = source, base_url, auth, limits, budget
        self._http = Reach([base_url])
        self._is_down = False  # the last call failed for good: the next one is tried only once
        self._last_call = 0.0

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def fetch(self, request: Request, target: Path) -> Page:
        """The answer to `request`, spooled to `target`. Raises errors of the tree that name vendor and path only."""
        failures = throttles = 0
        is_renewed = False
        while True:
            try:
                page = self._once(request, target)
                self._is_down = False
                return page
            except ThrottledError as error:
                throttles += 1
                wait = self._throttle_wait(error, throttles)
                log.info("%s asks to slow down: waiting %.1f s", self._source.name, wait)
                if not self._budget.spend(wait):
                    raise ThrottledError(
                        f"{error.message}; waiting {wait:.0f} s is more than this run may",
                        next_step="The next run goes on from the same place; or raise limits.wait_budget_seconds",
                        retry_after=wait,
                    ) from None
            except (UnavailableError, CutBodyError, ErrorPageError) as error:
                failures += 1
                wait = max(self._backoff(failures), getattr(error, "retry_after", None) or 0.0)
                log.info("%s, attempt %d: %s", self._source.name, failures, error.message)
                if self._is_down or failures >= self._limits.attempts or not self._budget.spend(wait):
                    self._is_down = isinstance(error, UnavailableError)
                    raise
            except CredentialsError:
                if is_renewed or not self._auth.renew(self._http, self._timeouts):
                    raise
                is_renewed = True

    @property
    def _timeouts(self) -> tuple[float, float]:
        return self._limits.connect_seconds, self._limits.read_seconds

    def _backoff(self, count: int) -> float:
        full: float = min(self._limits.backoff_seconds * 2 ** (count - 1), self._limits.backoff_cap_seconds)
        return full * random.uniform(0.5, 1.0)

    def _throttle_wait(self, error: ThrottledError, count: int) -> float:
        if error.retry_after is None or error.retry_after < 0:
            return self._backoff(count)
        return max(error.retry_after, self._limits.backoff_seconds * 0.5)

    def _once(self, request: Request, target: Path) -> Page:
        where = f"{self._source.name} {request.path.split('?')[0]}"
        url = self._base + request.path
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise ContractError(f"{where} leads to another host", next_step="This is refused")
        headers = {"Accept-Encoding": "gzip", "User-Agent": "rebuttal", **request.headers}
        self._auth.sign(headers)
        if (pause := self._last_call + request.gap - time.monotonic()) > 0:
            time.sleep(pause)
        self._last_call = time.monotonic()
        deadline = time.monotonic() + self._limits.total_seconds
        try:
            response = self._http.request(
                request.method,
                url,
                params=dict(request.params),
                json=request.json,
                headers=headers,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise UnavailableError(f"{where} cannot be reached ({type(error).__name__})") from None
        with response:
            try:
                body = read_body(response, target, deadline=deadline, max_bytes=self._max_bytes(request))
            except RebuttalError as error:
                error.message = f"{where}: {error.message}"
                raise
            try:
                return self._judge(request, response, where, target, body.size)
            except RebuttalError as error:
                # The vendor's words may be those that it heard from us.
                error.message, error.next_step = self._auth.veiled(error.message), self._auth.veiled(error.next_step)
                error.args = (error.message,)
                raise

    def _max_bytes(self, request: Request) -> int:
        return self._limits.max_page_bytes if request.expects == "json" else self._limits.max_file_bytes

    def _judge(self, request: Request, response: requests.Response, where: str, target: Path, size: int) -> Page:
        status, headers = response.status_code, response.headers
        page = Page(target, status, headers, size)
        if status in request.pending:
            return page
        if status not in request.accept:
            raise self._refusal(where, status, headers, head_of(target))
        content_type = headers.get("Content-Type", "")
        if size == 0:
            raise ErrorPageError(f"{where} answered {status} without a body", next_step="That is not zero rows")
        if looks_like_html(head_of(target, 256), content_type):
            raise ErrorPageError(f"{where} answered {status} with a web page", next_step="Check proxy, host, vendor")
        if request.expects == "json" or "json" in content_type:
            try:
                page.data, page.is_suspect = decode_json(target.read_bytes())
            except RebuttalError as error:
                error.message = f"{where}: {error.message}"
                raise
            if request.expects != "json" or self._source.is_refusal(page.data):
                raise self._source.explain(Answer(status, headers, page.data)) or ContractError(
                    f"{where} answered {status} with an error instead of data ({error_words(page.data)})",
                    next_step="Nothing of it was landed; see the vendor's error list",
                )
        return page

    def _refusal(self, where: str, status: int, headers: Mapping[str, str], head: bytes) -> RebuttalError:
        """The error that a status stands for, in the vendor's words first."""
        try:
            body = decode_json(head)[0]
        except RebuttalError:
            body = None
        if (error := self._source.explain(Answer(status, headers, body))) is not None:
            return error
        words = error_words(body)
        if status in THROTTLES:
            return ThrottledError(f"{where} throttles", retry_after=retry_after(headers))
        if status in (401, 403):
            return CredentialsError(
                f"{where} refuses the credentials of connection {self._source.name!r} ({status} {words})",
                next_step="Renew the connection's token and its scopes",
            )
        if status >= 500 or status == 408:
            return UnavailableError(f"{where} answers {status}", retry_after=retry_after(headers))
        if 300 <= status < 400:
            return ContractError(f"{where} redirects elsewhere ({status})", next_step="Set the host to that address")
        if status == 410:
            return ContractError(
                f"{where} is gone (410 {words})".replace(" )", ")"),
                next_step="The vendor has ended this version of its API: move the source to the present one",
            )
        if status == 204:
            return ErrorPageError(f"{where} answered 204, no content", next_step="That is not zero rows")
        return ContractError(f"{where} refuses the request ({status} {words})", next_step="See the vendor's error list")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After` (number or HTTP date); None when absent, negative or unreadable."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment - datetime.now(moment.tzinfo or UTC)).total_seconds() if moment.tzinfo else 0.0
    return seconds if seconds >= 0 else None


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{1,60}")
_WORD_KEYS = ("status", "code", "error_code", "category", "errorType", "error_type", "policyName", "error_string")


def error_words(body: Any) -> str:
    """The machine-readable words of an error body (codes and categories): never its free text, which may quote data."""
    words: list[str] = []

    def collect(value: Any, depth: int) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                is_code = name in _WORD_KEYS and isinstance(part, str)
                if is_code and (_WORD.fullmatch(part) or part.isdigit()) and part not in words:
                    words.append(part)
                elif depth < 6 and isinstance(part, dict | list):
                    collect(part, depth + 1)
                elif name.endswith("Error") and isinstance(part, str) and _WORD.fullmatch(part):
                    words.append(part)
        elif isinstance(value, list):
            for part in value[:5]:
                collect(part, depth + 1)

    collect(body, 0)
    return " ".join(words[:6])
