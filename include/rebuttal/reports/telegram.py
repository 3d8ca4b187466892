"""A Telegram chat by the Bot API's sendMessage (https://core.telegram.org/bots/api#sendmessage).

The connection's password is the bot's token and its extra has `chat_id`, as Airflow's Telegram provider has it; the
host is empty for Telegram's own server. The address holds the token, so it is in no message or log.
"""

from __future__ import annotations

from collections.abc import Callable

from rebuttal.connections import Connection
from rebuttal.errors import ConfigError, CredentialsError
from rebuttal.reports.webhook import Outcome, is_private, post_once, shortened

_SERVER = "https://api.telegram.org"
_LIMIT = 4096  # characters of a message


class Telegram:
    """One chat. Raises CredentialsError without a token or chat, ConfigError for a server that is not https."""

    def __init__(self, connection: Connection) -> None:
        chat = connection.extra.get("chat_id")
        if not connection.password or not chat:
            raise CredentialsError(
                f"Connection {connection.id!r} lacks the bot's token or the chat",
                next_step='Set the token as its password and {"chat_id": ...} as its extra',
            )
        server = connection.host or _SERVER
        server = server if "://" in server else f"https://{server}"
        if not is_private(server):
            raise ConfigError(
                f"The server of connection {connection.id!r} is not https", next_step="Use its https address"
            )
        self._url = f"{server.rstrip('/')}/bot{connection.password}/sendMessage"
        self._chat = chat
        self._timeout = float(connection.extra.get("timeout") or 30)

    def post(self, text: str, claim: Callable[[], bool]) -> tuple[Outcome, str]:
        """Send one plain message, shortened to what a message may hold; outcome and status code as a webhook's."""
        body = {"chat_id": self._chat, "text": shortened(text, _LIMIT), "link_preview_options": {"is_disabled": True}}
        return post_once(self._url, body, self._timeout, claim)
