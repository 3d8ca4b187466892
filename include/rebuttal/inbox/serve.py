"""The receiver as a process of its own: the same application behind uvicorn, with an end to slow and endless heads."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rebuttal.connections import Resolver
from rebuttal.inbox.asgi import InboxApp
from rebuttal.inbox.door import Door
from rebuttal.inbox.hooks import load_hooks
from rebuttal.inbox.verify import SIGNATURES
from rebuttal.inbox.writer import Writer
from rebuttal.settings import Settings

PREFIX = "/hooks"
_HEAD_S = 10.0  # to send the head of a request; keeps connections that say nothing from piling up
_HEAD_BYTES = 32_768


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with an end to waiting for a head, and to a head."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A head is due."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HEAD_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what comes before the head is complete."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._deadline is not None and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._deadline is None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(_HEAD_S, self.transport.abort)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._arrived()
        super().on_headers_complete()

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def make_app(settings: Settings, resolve: Resolver, prefix: str = "", *, signed_only: bool = False) -> InboxApp:
    """The receiver over these settings; `signed_only` leaves out hooks that have their secret in the address.

    Raises ConfigError or CredentialsError: with a bad secret nothing opens.
    """
    hooks = load_hooks(settings, resolve)
    opened = {name: hook for name, hook in hooks.items() if not signed_only or hook.vendor in SIGNATURES}
    return InboxApp(Door(opened, Writer(settings)), prefix)


def make_server(app: InboxApp) -> uvicorn.Server:
    """uvicorn as the receiver needs it. No access log: addresses of those who sign nothing hold their secret. No proxy
    headers: nothing here trusts them."""
    config = uvicorn.Config(
        app, http=PatientProtocol, ws="none", access_log=False, log_level="warning", proxy_headers=False,
        server_header=False, timeout_keep_alive=15, timeout_graceful_shutdown=10, lifespan="on",
    )  # fmt: skip
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), backlog=4096, family=family)


def serve(settings: Settings, resolve: Resolver, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until a signal says stop; what was taken by then is answered first. `announce` is told the address."""
    server = make_server(make_app(settings, resolve, PREFIX))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = listen(host, port)
    announce(f"http://{host}:{listener.getsockname()[1]}{PREFIX}")
    server.run(sockets=[listener])
