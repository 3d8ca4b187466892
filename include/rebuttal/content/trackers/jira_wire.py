"""Jira Cloud's side of the wire: Basic authentication and the form of its error messages."""

from __future__ import annotations

from typing import ClassVar

import requests

from rebuttal.connections import Connection
from rebuttal.content.trackers.wire import TrackerWire


class JiraWire(TrackerWire):
    """Calls to one site with e-mail and API token."""

    vendor: ClassVar[str] = "Jira"
    api: ClassVar[str] = "/rest/api/3"
    login_words: ClassVar[str] = "e-mail and API token"
    usual_wait: ClassVar[float] = 5.0

    def _log_in(self, session: requests.Session, connection: Connection) -> None:
        session.auth = (connection.login, connection.secret())

    def _words(self, response: requests.Response) -> str:
        try:
            data = response.json()
        except ValueError:
            return ""
        if not isinstance(data, dict):
            return ""
        fields = data.get("errors") or {}
        words = [str(message) for message in data.get("errorMessages") or []]
        words += [f"field {name}: {message}" for name, message in fields.items()] if isinstance(fields, dict) else []
        return "; ".join(words)
