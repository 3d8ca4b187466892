"""The receiver as an ASGI application: `POST /<hook>`, handshakes, `GET /health`, `GET /metrics`.

ASGI is a calling convention and no framework: the same object is mounted in Airflow's API server and served by itself.
It reads bodies itself, so that none is held that is too large, too slow, compressed or not signed at all.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from rebuttal.errors import UnavailableError
from rebuttal.inbox.door import NO_HOOK, Answer, Door
from rebuttal.inbox.hooks import Hook
from rebuttal.inbox.verify import Delivery

BODY_S = 10.0  # to send a body, whole
_MOST_BYTES = 64_000_000  # of bodies under way, all together
_PROBE_S = 5.0  # how long the answer of a probe is told again
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class InboxApp:
    """One door, served. `prefix` is cut off paths when no server did that already."""

    def __init__(self, door: Door, prefix: str = "") -> None:
        self.door, self.prefix = door, prefix
        self._bytes = 0
        self._probed_at, self._is_well = -_PROBE_S, False
        self._probing = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the beginning and end of the server."""
        if scope["type"] == "http":
            await _send(scope, send, await self._answer(scope, receive))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def open(self) -> None:
        """Bring the store's schema to this code's before the first delivery waits for it; a store that is away is
        opened when it is back."""
        await self._is_writable()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.door.writer.close()
            else:
                await self.open()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        path, method = self._path(scope), scope["method"]
        if path in ("/health", "/metrics"):
            if method not in ("GET", "HEAD"):
                return Answer(405, headers=((b"allow", b"GET, HEAD"),), closes=True)
            return await (self._health() if path == "/health" else self._metrics())
        found = None if path is None else self.door.find(path)
        if found is None:
            return self._counted("none", NO_HOOK)
        hook, secret = found
        if method != "POST":
            return self._counted(hook.name, self.door.greet(hook, method, scope.get("query_string", b"")))
        return self._counted(hook.name, await self._take(hook, secret, scope["headers"], receive))

    def _path(self, scope: Message) -> str | None:
        path, prefix = str(scope["path"]), scope.get("root_path", "") + self.prefix
        if prefix and path.startswith(prefix + "/"):
            return path[len(prefix) :]
        return None if self.prefix else path

    def _counted(self, hook: str, answer: Answer) -> Answer:
        self.door.counts.answers[hook, answer.status] += 1
        return answer

    async def _take(self, hook: Hook, secret: bytes, headers: list[tuple[bytes, bytes]], receive: Receive) -> Answer:
        refused = self.door.refuse_unread(hook, Delivery(headers, b"", secret))
        if refused is not None:
            return refused
        body = bytearray()
        try:
            refused = await self._read(hook, receive, body)
            return refused or await self.door.deliver(hook, Delivery(headers, bytes(body), secret))
        finally:
            self._bytes -= len(body)

    async def _read(self, hook: Hook, receive: Receive, body: bytearray) -> Answer | None:
        try:
            async with asyncio.timeout(BODY_S):
                is_more = True
                while is_more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return Answer.error(400, "The request was not finished", closes=True)
                    chunk, is_more = message.get("body", b""), message.get("more_body", False)
                    if len(body) + len(chunk) > hook.limits.body_bytes:
                        return self.door.too_large(hook)
                    if self._bytes + len(chunk) > _MOST_BYTES:
                        return Answer.error(503, "Too much is under way", retry_after=5, closes=True)
                    body += chunk
                    self._bytes += len(chunk)
        except TimeoutError:
            return Answer.error(408, f"The body did not come within {BODY_S:.0f} seconds", closes=True)
        return None

    async def _is_writable(self) -> bool:
        async with self._probing:
            if time.monotonic() - self._probed_at >= _PROBE_S:
                try:
                    await self.door.writer.probe()
                    self._is_well = True
                except UnavailableError:
                    self._is_well = False
                self._probed_at = time.monotonic()
            return self._is_well

    async def _health(self) -> Answer:
        if await self._is_writable():
            return Answer(200, json.dumps({"status": "ok", "hooks": sorted(self.door.hooks)}).encode())
        return Answer(503, b'{"status":"failing","why":"the store does not take events"}')

    async def _metrics(self) -> Answer:
        is_well = await self._is_writable()
        text = "\n".join(_exposition(self.door, is_well)) + "\n"
        return Answer(200, text.encode(), b"text/plain; version=0.0.4; charset=utf-8")


async def _send(scope: Message, send: Send, answer: Answer) -> None:
    body = b"" if scope["method"] == "HEAD" else answer.body
    headers = [*_ALWAYS, *answer.headers, (b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", answer.content_type))
    if answer.closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _exposition(door: Door, is_well: bool) -> Iterator[str]:
    """Prometheus' text format. Labels: https://prometheus.io/docs/instrumenting/exposition_formats/."""
    counts, commits = door.counts, door.writer.commits
    for name, told, labels, counter in (
        ("requests", "Answers by hook and status.", ("hook", "status"), counts.answers),
        ("refused", "Deliveries that were not believed.", ("hook", "why"), counts.refused),
        ("events", "Events by what became of them.", ("hook", "outcome"), counts.events),
    ):
        yield f"# HELP rebuttal_inbox_{name}_total {told}\n# TYPE rebuttal_inbox_{name}_total counter"
        for (hook, word), count in sorted(counter.items(), key=str):
            yield f'rebuttal_inbox_{name}_total{{{labels[0]}="{hook}",{labels[1]}="{word}"}} {count}'
    for name, kind, told, value in (
        ("transactions_total", "counter", "Transactions that were tried.", commits.transactions),
        ("transaction_seconds_total", "counter", "Time in transactions.", round(commits.seconds, 6)),
        ("not_kept_total", "counter", "Deliveries that the store did not take.", commits.failures),
        ("waiting_deliveries", "gauge", "Deliveries that wait for the store.", door.writer.waiting_count),
        ("store_writable", "gauge", "1 when the store takes events.", int(is_well)),
    ):
        yield f"# HELP rebuttal_inbox_{name} {told}\n# TYPE rebuttal_inbox_{name} {kind}\nrebuttal_inbox_{name} {value}"
