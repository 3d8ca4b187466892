"""Where the pipeline may connect to: the hosts of its connections, and no address inside our own network behind them.

Every HTTP client, and the mail client, is made here. A call goes to an address that the connection names, or not at
all; redirects are not followed; and the address that a name led to is looked at once the socket is connected, before a
byte is sent, so that no name can lead a token to `localhost`, to the office network or to a cloud's metadata service.

A host that is inside by its own name may be inside: an address that is written as a private one, `localhost`, a name
without a dot (a service of docker compose), `.local`, `.internal`, `.lan`, `.home.arpa` (RFC 6761, 6762, 8375, 9476).
Other names of one's own network are listed in REBUTTAL_PRIVATE_HOSTS, separated by commas. Link-local addresses, which
is where metadata services are, are never called.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import smtplib
import socket
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from rebuttal.errors import ContractError

# At DEBUG it tells every address in full, and those of webhooks and bots are secrets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_INSIDE = ("localhost", "local", "internal", "lan", "home.arpa")
_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


class ForbiddenHostError(ContractError):
    """A call was about to go to a host that no connection names, or to an address inside our own network."""


def origin_of(url: str) -> Origin:
    """Scheme, host in lower case and port of an http(s) address. Raises ForbiddenHostError for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ForbiddenHostError("That is no http(s) address", next_step="Correct the connection's host")
    if parts.username is not None or parts.password is not None:  # addresses are told in errors, and kept in histories
        raise ForbiddenHostError(
            f"The address of {parts.hostname} holds a user or a password",
            next_step="Put them into the connection's login and password",
        )
    return parts.scheme, parts.hostname.lower().rstrip("."), port or _PORTS[parts.scheme]


def is_inside_by_name(host: str) -> bool:
    """Whether a host says by itself that it is one of our own network."""
    host = host.lower().rstrip(".").strip("[]")
    try:
        return not _plain(host).is_global
    except ValueError:
        pass
    listed = {one.strip().lower() for one in os.environ.get("REBUTTAL_PRIVATE_HOSTS", "").split(",")}
    return "." not in host or host in listed or host.endswith(tuple(f".{one}" for one in _INSIDE))


def refuse_inside(host: str, address: str) -> None:
    """Raise ForbiddenHostError when the name `host` led to an address where it has no business."""
    found = _plain(address.split("%")[0])
    if found.is_link_local or (not found.is_global and not is_inside_by_name(host)):
        raise ForbiddenHostError(
            f"{host} leads to an address inside a private network; nothing was sent",
            next_step="Check the name; if it is a host of your own, name it in REBUTTAL_PRIVATE_HOSTS",
        )


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address, and of one that wraps an IPv4 address that."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        return inner or found
    return found


def _checked(host: str, connected: socket.socket) -> socket.socket:
    try:
        refuse_inside(host, connected.getpeername()[0])
    except ForbiddenHostError:
        connected.close()
        raise
    return connected


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self.host, super()._new_conn())


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self.host, super()._new_conn())


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    """Looks at the address of each new connection. A proxy of the environment is the operator's own choice."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _NoNetrc(AuthBase):
    """Keeps `requests` from putting a password of the user's .netrc in the place of the connection's token."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Reach(requests.Session):
    """An HTTP session that calls the origins (scheme, host, port) of `bases` and no other. Follows no redirect."""

    def __init__(self, bases: Iterable[str]) -> None:
        super().__init__()
        self._allowed = {origin_of(base) for base in bases}
        self.auth = _NoNetrc()
        self._surroundings: dict[tuple[Any, ...], Any] = {}
        for scheme in _PORTS:
            self.mount(f"{scheme}://", _Adapter())

    def allow(self, url: str) -> None:
        """One more origin, which the caller has checked to be one of the connection's."""
        self._allowed.add(origin_of(url))

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """As `requests` has it; the environment's proxies are looked up once for an origin, not with each call."""
        known = (origin_of(str(url)), str(proxies), stream, verify, cert)
        if known not in self._surroundings:
            found = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._surroundings[known] = found
        return self._surroundings[known]

    def request(self, method: str | bytes, url: str | bytes, *arguments: Any, **options: Any) -> requests.Response:
        """As `requests` has it, but for redirects."""
        options["allow_redirects"] = False
        return super().request(method, url, *arguments, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Raises ForbiddenHostError before anything is sent elsewhere."""
        origin = origin_of(request.url or "")
        if origin not in self._allowed:
            raise ForbiddenHostError(
                f"A call was about to go to {origin[1]}, which the connection does not name; nothing was sent",
                next_step="Correct the connection's host",
            )
        return super().send(request, **{**options, "allow_redirects": False})


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, host: str, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, *arguments, **options)
        try:
            refuse_inside(host, stream.get_extra_info("server_addr")[0])
        except ForbiddenHostError:
            stream.close()
            raise
        return stream


class ReachTransport(httpx.HTTPTransport):
    """The same for an `httpx` client with one base address."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._allowed = origin_of(base)
        self._pool = httpcore.ConnectionPool(ssl_context=httpx.create_ssl_context(), network_backend=_Backend())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ForbiddenHostError before anything is sent elsewhere."""
        if origin_of(str(request.url)) != self._allowed:
            raise ForbiddenHostError("A call was about to go to a host that is not configured; nothing was sent")
        return super().handle_request(request)


class ReachSmtp(smtplib.SMTP):
    """A mail client that looks at the address it is connected to before it says anything."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        return _checked(host, found)


class ReachSmtpTls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(self, host: str, port: int, *, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=timeout, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        return _checked(host, found)
