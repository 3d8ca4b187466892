"""Trello's side of the wire: key and token in a header, refusals in plain text."""

from __future__ import annotations

from typing import ClassVar

import requests

from rebuttal.connections import Connection
from rebuttal.content.trackers.wire import TrackerWire
from rebuttal.errors import CredentialsError

_LONGEST = 20_000  # characters of an answer that are looked at


class _Login(requests.auth.AuthBase):
    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class TrelloWire(TrackerWire):
    """Calls with the connection's login as the API key and its password as the token."""

    vendor: ClassVar[str] = "Trello"
    api: ClassVar[str] = "/1"
    login_words: ClassVar[str] = "API key (login) and token (password)"
    usual_wait: ClassVar[float] = 10.0  # the interval of its limits; it never says how long to wait

    def _log_in(self, session: requests.Session, connection: Connection) -> None:
        if not connection.login:
            raise CredentialsError(f"Connection {connection.id!r} has no login", next_step="Set Trello's API key there")
        # In the query they would end up in logs on the way; a plain header would give way to a .netrc.
        session.auth = _Login(f'OAuth oauth_consumer_key="{connection.login}", oauth_token="{connection.secret()}"')

    def _is_out_of_sight(self, response: requests.Response) -> bool:
        """404; and 401 for one thing that this account may not see, which is no refused login."""
        words = self._words(response)
        return (response.status_code == 404 and bool(words)) or (
            response.status_code == 401 and words.startswith("unauthorized") and "permission" in words
        )

    def _words(self, response: requests.Response) -> str:
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("text/plain"):
            return response.text[:_LONGEST]
        try:
            data = response.json()
        except ValueError:
            return ""
        return str(data.get("message") or data.get("error") or "") if isinstance(data, dict) else ""
