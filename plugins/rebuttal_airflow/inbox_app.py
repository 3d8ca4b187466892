"""The receiver of webhooks in Airflow's API server, at `/hooks`. It has no log-in: signatures say who may bring what.

Until its configuration and secrets are right it answers 503 to everybody and keeps nothing; they are read again when
the next delivery comes, ten seconds later at the earliest. Hooks that sign nothing have their secret in the address,
which the API server's access log would keep: those are open in the receiver's own process only
(`rebuttal inbox serve`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from rebuttal.errors import AbortError
from rebuttal.inbox.asgi import InboxApp
from rebuttal.settings import load_settings
from rebuttal_airflow.connections import resolver

_AGAIN_S = 10.0
_log = logging.getLogger(__name__)


class OpenWhenReady:
    """The receiver once its configuration can be read; before that, a closed door."""

    def __init__(self) -> None:
        self._app: InboxApp | None = None
        self._not_before = 0.0
        self._opening = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request on, or say that nothing is received yet."""
        app = self._app or await self._opened()
        if app is not None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"60"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error":"Nothing is received at the moment"}'})

    async def _opened(self) -> InboxApp | None:
        async with self._opening:
            if self._app is None and time.monotonic() >= self._not_before:
                self._not_before = time.monotonic() + _AGAIN_S
                try:
                    app = await asyncio.to_thread(_make)
                    await app.open()
                    self._app = app
                except AbortError as error:
                    _log.error("The receiver of webhooks stays closed: %s", error)
            return self._app


def _make() -> InboxApp:
    from rebuttal.inbox.serve import make_app

    return make_app(load_settings(), resolver(), signed_only=True)


app = OpenWhenReady()
