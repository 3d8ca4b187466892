"""How a call proves who we are: a token in a header, renewed once when the vendor says that it is no longer good."""

from __future__ import annotations

from collections.abc import MutableMapping
from urllib.parse import urlsplit

import requests

from rebuttal.connections import VEIL, Connection
from rebuttal.errors import ConfigError, CredentialsError, UnavailableError
from rebuttal.hosts import Reach

# Where refresh tokens may be sent, beside the connection's own host.
TOKEN_HOSTS = frozenset(("oauth2.googleapis.com", "oauth.yandex.ru", "api.hubapi.com", "api.typeform.com"))


class TokenAuth:
    """`Authorization: <scheme> <token>` from the connection's password.

    When the connection's extra has `token_url`, `refresh_token`, `client_id` and `client_secret`, a refused token is
    renewed by OAuth 2.0's refresh grant (RFC 6749, section 6), once for each refusal. Nothing is written back: a vendor
    that gives out a new refresh token each time needs a connection that someone keeps up to date.
    """

    def __init__(self, connection: Connection, scheme: str, host: str) -> None:
        self._connection, self._scheme, self._host = connection, scheme, host
        self._token = connection.password

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Put the token in. Raises CredentialsError when there is none and none can be got."""
        headers["Authorization"] = f"{self._scheme} {self._token or self._connection.secret()}"

    def veiled(self, text: str) -> str:
        """`text` without the connection's secrets and without the token in use."""
        text = self._connection.veiled(text)
        return text.replace(self._token, VEIL) if self._token else text

    def renew(self, session: Reach, timeout: tuple[float, float]) -> bool:
        """Get a new access token; False when the connection has no refresh token."""
        extra = self._connection.extra
        url, refresh = str(extra.get("token_url") or ""), str(extra.get("refresh_token") or "")
        if not url or not refresh:
            return False
        host = (urlsplit(url).hostname or "").lower()
        if host not in TOKEN_HOSTS and host != self._host:
            raise ConfigError(
                f"Connection {self._connection.id!r} has a token_url on a host that is not a vendor's",
                next_step=f"Use one of {', '.join(sorted(TOKEN_HOSTS))}",
            )
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        form |= {name: self._connection.option(name) for name in ("client_id", "client_secret")}
        session.allow(url)
        try:
            answer = session.post(url, data=form, timeout=timeout, allow_redirects=False)
            token = answer.json().get("access_token") if answer.ok else None
        except (requests.RequestException, ValueError, AttributeError):
            raise UnavailableError(f"The token service of connection {self._connection.id!r} did not answer") from None
        if not isinstance(token, str) or not token:
            raise CredentialsError(
                f"The refresh token of connection {self._connection.id!r} was refused",
                next_step="Authorise the connection again",
            )
        self._token = token
        return True
