"""An incoming webhook that takes `{"text": ...}` (Slack, Mattermost, and others that are compatible).

The connection's host is the base address, its password the secret rest of it, as Airflow's Slack provider has it:
`https://hooks.slack.com/services` and `/T000/B000/XXXX`. The address is a secret and is in no message or log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from rebuttal.connections import Connection
from rebuttal.errors import ConfigError, CredentialsError
from rebuttal.hosts import ForbiddenHostError, Reach

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LATER = (408, 425, 429, 500, 503)  # the server says that it has not taken the message
_LIMIT = 12_000  # characters; a channel's message is cut by the server somewhat above
Outcome = Literal["sent", "refused", "later", "unknown", "yielded"]


class Webhook:
    """One channel. Raises CredentialsError without an address, ConfigError for one that is not https."""

    def __init__(self, connection: Connection) -> None:
        if not connection.host:
            raise CredentialsError(f"Connection {connection.id!r} has no host", next_step="Set the webhook's address")
        base = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
        if connection.port:
            base = f"{base}:{connection.port}"
        url = f"{base.rstrip('/')}/{connection.password.lstrip('/')}" if connection.password else base
        if not is_private(url):
            raise ConfigError(
                f"The webhook of connection {connection.id!r} is not https", next_step="Use its https address"
            )
        self._url = url
        self._timeout = float(connection.extra.get("timeout") or 30)

    def post(self, text: str, claim: Callable[[], bool]) -> tuple[Outcome, str]:
        """Send one message. Returns the outcome and the status code ('' without one).

        `claim` is called right before: False gives the message up (`yielded`). A server that cannot be connected to has
        not got it (`later`); when the answer is lost, or a gateway answers for it, nobody knows (`unknown`).
        """
        shown = shortened(text, _LIMIT)
        for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # else `<!channel>` would call everybody
            shown = shown.replace(sign, entity)
        return post_once(self._url, {"text": shown}, self._timeout, claim)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, with a mark where it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def post_once(url: str, body: dict[str, Any], timeout: float, claim: Callable[[], bool]) -> tuple[Outcome, str]:
    """POST `body` as JSON: outcome and status code, as `Webhook.post` tells them."""
    if not claim():
        return "yielded", ""
    try:
        with Reach([url]) as session:
            answer = session.post(url, json=body, timeout=timeout)
    except ForbiddenHostError:
        return "refused", "host"
    except requests.exceptions.ConnectTimeout:
        return "later", ""
    except requests.exceptions.ConnectionError as error:
        return ("later" if _never_connected(error) else "unknown"), ""
    except requests.exceptions.RequestException:
        return "unknown", ""
    code = answer.status_code
    if 200 <= code < 300:
        return "sent", str(code)
    return ("later" if code in _LATER else "unknown" if code >= 500 else "refused"), str(code)


def is_private(url: str) -> bool:
    """Nobody on the way can read what is sent there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def _never_connected(error: BaseException) -> bool:
    from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | SSLError)
