"""One HTTP call to a tracker, and what its answer means for the caller. A write is sent once: no client repeats it.

| answer | write | read |
|---|---|---|
| connection refused, no route | UnavailableError: surely not done | waited for, then UnavailableError |
| reset, time-out, broken TLS, 5xx, 2xx that cannot be read | UncertainError | waited for, then UnavailableError |
| 429 | ThrottledError: not done | waited for within `patience` |
| 401, and 403 on reads | CredentialsError | CredentialsError |
| 409 | UnavailableError: not done, try later | UnavailableError |
| 3xx, 404 without the vendor's words | ContractError: this is no such tracker | ContractError |
| other 4xx | RefusedError with the vendor's own words | RefusedError; 404 is returned as None |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any, ClassVar

import requests
from urllib3.exceptions import NewConnectionError

from rebuttal.connections import Connection
from rebuttal.content.trackers import RefusedError
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.errors import (
    ContractError,
    CredentialsError,
    ThrottledError,
    UnavailableError,
    UncertainError,
)
from rebuttal.hosts import Reach
from rebuttal.outgoing import is_safe, plain_line

_TIMEOUT = (5.0, 30.0)  # connect, read; seconds. Together below the outbox lease
_READ_ATTEMPTS = 6


class TrackerWire(ABC):
    """Calls to one site. Not thread-safe."""

    vendor: ClassVar[str]
    api: ClassVar[str]  # path of the interface below the site
    login_words: ClassVar[str]  # what a person checks when the login is refused
    usual_wait: ClassVar[float]  # seconds to wait at a limit when the vendor does not say

    def __init__(self, connection: Connection, patience: float = 20.0, wall: Waiting = WALL_CLOCK) -> None:
        """`patience`: seconds that one read may wait for limits and failures. Raises CredentialsError when empty."""
        if not connection.host:
            raise CredentialsError(f"Connection {connection.id!r} has no host", next_step="Set the site's address")
        self.site = connection.host.rstrip("/")
        self._patience, self._wall, self._veiled = patience, wall, connection.veiled
        self._session = Reach([self.site])
        self._session.headers["Accept"] = "application/json"
        self._log_in(self._session, connection)

    @abstractmethod
    def _log_in(self, session: requests.Session, connection: Connection) -> None:
        """Give the session its credentials. Raises CredentialsError when the connection has none."""

    @abstractmethod
    def _words(self, response: requests.Response) -> str:
        """The vendor's own error messages, '' when the answer is none of the vendor's."""

    def _is_out_of_sight(self, response: requests.Response) -> bool:
        """Whether a read was refused as if the thing were not there."""
        return response.status_code == 404 and bool(self.own_words(response))

    def write(self, method: str, path: str, body: dict[str, Any], what: str) -> Any:
        """Send once. Returns the answer's JSON, {} for an empty 204. `what` names the effect in errors."""
        try:
            response = self._send(method, path, json=body)
        except requests.ConnectTimeout:
            raise UnavailableError(f"{self.site} cannot be reached (time-out)") from None
        except requests.RequestException as error:
            if _never_connected(error):
                raise UnavailableError(f"{self.site} refuses connections", next_step="Check that it runs") from None
            raise UncertainError(f"The answer to {what} was lost ({type(error).__name__})") from None
        if response.status_code == 429:
            raise ThrottledError(f"{self.vendor} limits {what}", retry_after=_retry_after(response) or self.usual_wait)
        if response.status_code >= 500 or response.status_code == 408:
            raise UncertainError(
                f"{self.vendor} answered {response.status_code} to {what}", retry_after=_retry_after(response)
            )
        self._refuse(response, what)
        if response.status_code == 204:
            return {}
        try:
            return response.json()
        except ValueError:
            raise UncertainError(f"{self.vendor}'s answer to {what} cannot be read") from None

    def read(self, method: str, path: str, what: str, **parameters: Any) -> dict[str, Any] | None:
        """Read with patience. Returns the JSON object, None for what is not there."""
        found = self._read(method, path, what, dict, **parameters)
        assert found is None or isinstance(found, dict)
        return found

    def read_list(self, path: str, what: str, **parameters: Any) -> list[dict[str, Any]] | None:
        """GET with patience. Returns the JSON list, None for what is not there."""
        found = self._read("GET", path, what, list, **parameters)
        assert found is None or isinstance(found, list)
        return found

    def _read(self, method: str, path: str, what: str, shape: type, **parameters: Any) -> Any | None:
        deadline = self._wall.now() + timedelta(seconds=self._patience)
        for attempt in range(_READ_ATTEMPTS):
            try:
                return self._read_once(method, path, what, shape, **parameters)
            except (ThrottledError, UnavailableError) as error:
                wait = error.retry_after if error.retry_after is not None else 0.3 * 2**attempt
                if attempt == _READ_ATTEMPTS - 1 or self._wall.now() + timedelta(seconds=wait) > deadline:
                    raise
                self._wall.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def own_words(self, response: requests.Response) -> str:
        """The vendor's error messages in one line, '' without any; no secret of ours, nothing like personal data."""
        line = plain_line(self._veiled(self._words(response)), 300)
        return line if is_safe(line) else "(not shown: it holds personal data)"

    def _read_once(self, method: str, path: str, what: str, shape: type, **parameters: Any) -> Any | None:
        try:
            response = self._send(method, path, **parameters)
        except requests.RequestException as error:
            raise UnavailableError(f"{self.site} did not answer {what} ({type(error).__name__})") from None
        if self._is_out_of_sight(response):
            return None
        if response.status_code == 429:
            raise ThrottledError(f"{self.vendor} limits {what}", retry_after=_retry_after(response))
        if response.status_code >= 500:
            raise UnavailableError(
                f"{self.vendor} answered {response.status_code} to {what}", retry_after=_retry_after(response)
            )
        self._refuse(response, what)
        try:
            data = response.json()
        except ValueError:
            # An error page or a cut body with status 200; the next answer may be whole.
            raise UnavailableError(f"{self.vendor}'s answer to {what} cannot be read") from None
        if not isinstance(data, shape):
            raise ContractError(
                f"{self.vendor}'s answer to {what} is no {'list' if shape is list else 'object'}",
                next_step="Check the connection's host",
            )
        return data

    def _send(self, method: str, path: str, **parameters: Any) -> requests.Response:
        # Redirects are not followed: they would turn a POST into a GET and carry the token elsewhere.
        return self._session.request(
            method, f"{self.site}{self.api}{path}", timeout=_TIMEOUT, allow_redirects=False, **parameters
        )

    def _refuse(self, response: requests.Response, what: str) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if status == 401 or (status == 403 and response.request.method == "GET"):
            raise CredentialsError(
                f"{self.vendor} refused the login for {what} (status {status})", next_step=f"Check {self.login_words}"
            )
        if status == 409:
            raise UnavailableError(f"{self.vendor} answered 409 (conflict) to {what}")
        words = self.own_words(response)
        if status < 400 or (status == 404 and not words):
            raise ContractError(
                f"{self.site} answered {status} to {what} and is no {self.vendor}",
                next_step="Check the connection's host",
            )
        raise RefusedError(
            f"{self.vendor} refused {what} (status {status}): {words or 'no explanation'}",
            next_step=f"Correct the project in {self.vendor} or the connection; the theme is proposed again a week "
            "later",
        )


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of a Retry-After header; None when it is missing or no number."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.replace(".", "", 1).isdigit() else None


def _never_connected(error: requests.RequestException) -> bool:
    """Whether no byte of the request can have left."""
    cause: Any = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)
