"""Connections: how a vendor, the tracker or the mail server is reached, in Airflow's own notation.

`AIRFLOW_CONN_<ID>` (JSON or URI) is read as Airflow reads it. What the environment does not name is looked up in the
configuration's `connections.env`; the default one speaks to the sandbox and holds dummy values only. Under Airflow the
same `Connection` is made from Airflow's connection, so that secrets backends work.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from rebuttal.errors import ConfigError, CredentialsError
from rebuttal.settings import Settings

VEIL = "***"
_SECRET_NAME = re.compile(r"token|secret|key|password|credential", re.IGNORECASE)
_SHORTEST = 6  # a shorter one would veil words of every text, and protects nothing


@dataclass(frozen=True)
class Connection:
    """One connection. `host` is a base URL for HTTP vendors (without trailing slash) and a host name for mail."""

    id: str
    host: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    port: int | None = None
    schema: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def secret(self) -> str:
        """The password or token. Raises CredentialsError when it is empty."""
        if not self.password:
            raise CredentialsError(
                f"Connection {self.id!r} has no password or token",
                next_step=f"Set it in AIRFLOW_CONN_{self.id.upper()} or in Airflow's connections",
            )
        return self.password

    def veiled(self, text: str) -> str:
        """`text` without this connection's secrets: what a server says may be what it heard from us."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, VEIL)
        return text

    def _secrets(self) -> set[str]:
        told = [self.password, self.login]
        told += [str(value) for name, value in self.extra.items() if _SECRET_NAME.search(name)]
        parts = {part for one in told for part in (one, *re.split(r"[\s,;:/=]+", one))}
        if self.password:
            parts.add(base64.b64encode(f"{self.login}:{self.password}".encode()).decode())
        return {part for part in parts if len(part) >= _SHORTEST}

    def option(self, name: str) -> str:
        """A needed key of `extra` as text. Raises CredentialsError when it is missing."""
        value = self.extra.get(name)
        if value in (None, ""):
            raise CredentialsError(
                f"Connection {self.id!r} lacks {name!r} in its extra", next_step="Add it to the connection's extra"
            )
        return str(value)


class Resolver(Protocol):
    """Turns a connection id into a Connection; raises CredentialsError when there is none."""

    def __call__(self, connection_id: str) -> Connection: ...


def environment(settings: Settings, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The process environment over the configuration's `connections.env` (`KEY=VALUE` lines, `#` comments)."""
    values: dict[str, str] = {}
    path = settings.config / "connections.env"
    if path.is_file():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            key, separator, value = line.partition("=")
            if not separator:
                raise ConfigError(f"{path}:{number} is not KEY=VALUE", next_step="Mend or comment out the line")
            values[key.strip()] = value.strip().replace("${REBUTTAL_SANDBOX_URL}", settings.sandbox_url)
    values.update(os.environ if env is None else env)
    return values


def from_environment(settings: Settings, env: Mapping[str, str] | None = None) -> Resolver:
    """A resolver over AIRFLOW_CONN_* variables."""
    values = environment(settings, env)

    def resolve(connection_id: str) -> Connection:
        name = f"AIRFLOW_CONN_{connection_id.upper()}"
        text = values.get(name, "").strip()
        if not text:
            raise CredentialsError(f"No connection {connection_id!r}", next_step=f"Set {name} (JSON or URI)")
        return parse(connection_id, text)

    return resolve


def parse(connection_id: str, text: str) -> Connection:
    """Read a connection from Airflow's JSON or URI form. Raises ConfigError that does not repeat the text."""
    if not text.startswith("{"):
        return _parse_uri(connection_id, text)
    try:
        data = json.loads(text)
    except ValueError:
        raise ConfigError(
            f"AIRFLOW_CONN_{connection_id.upper()} is not valid JSON", next_step="Check quotes and braces"
        ) from None
    extra = data.get("extra") or {}
    if isinstance(extra, str):
        extra = json.loads(extra)
    return Connection(
        id=connection_id,
        host=str(data.get("host") or "").rstrip("/"),
        login=str(data.get("login") or ""),
        password=str(data.get("password") or ""),
        port=int(data["port"]) if data.get("port") else None,
        schema=str(data.get("schema") or ""),
        extra=extra,
    )


def _parse_uri(connection_id: str, text: str) -> Connection:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        raise ConfigError(f"AIRFLOW_CONN_{connection_id.upper()} has a bad port", next_step="Use 1-65535") from None
    return Connection(
        id=connection_id,
        host=unquote(parts.hostname or ""),
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        port=port,
        schema=parts.path.lstrip("/"),
        extra=dict(parse_qsl(parts.query)),
    )
