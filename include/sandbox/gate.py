"""The gate before each face: counts the call, plays the fault that is due, checks credentials, throttles, lets go."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import time
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from sandbox.faces.wire import Call, Face, Rate, query_pairs
from sandbox.spoil import BROKEN_BYTES, BROKEN_MARK

MAX_BODY = 32 * 1024 * 1024
# Parameters that only say which page is wanted: with all others equal, a page before can come again.
PAGING = frozenset(("after", "before", "page", "pageToken", "nextPageToken", "offset", "startAt"))
ERROR_PAGE = "<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>We'll be right back</h1></body></html>"
_STATUS = {"error_500": 500, "error_502": 502, "error_503": 503}


class Bucket:
    """A token bucket over the monotonic clock."""

    def __init__(self, rate: Rate, factor: float) -> None:
        self.per_second, self.burst = rate.per_second * factor, max(1.0, rate.burst * factor)
        self.tokens, self.seen = self.burst, time.monotonic()

    def take(self) -> float:
        """Take a token; 0.0 when there was one, else the seconds until there is one."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.seen) * self.per_second)
        self.seen = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.per_second


class Gate:
    """An ASGI application around one face. `counts` is path -> calls, for those who prove what was not read."""

    def __init__(self, face: Face, rate_factor: float = 1.0) -> None:
        self.face = face
        self.router = Router(face.routes())
        self.buckets = {name: Bucket(rate, rate_factor) for name, rate in face.rates.items()}
        self.counts: dict[str, int] = {}
        self.number = 0
        self._page: tuple[str, bytes, list[tuple[bytes, bytes]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP call."""
        if scope["type"] != "http":
            return
        body = await _whole_body(receive)
        if body is None:
            await PlainTextResponse("body too large", 413)(scope, receive, send)
            return
        self.number += 1
        path = scope["path"][len(scope.get("root_path", "")) :] or "/"
        query = query_pairs(scope["query_string"])
        call = Call(self.face.prefix, self.number, scope["method"], path, query, Headers(scope=scope), body)
        key = f"{call.method} {path}"
        self.counts[key] = self.counts.get(key, 0) + 1

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        scope["sandbox.call"] = call
        if self.face.is_page(call):
            await self.router(scope, receive_again, send)
            return
        exact = hashlib.sha256(scope["query_string"] + b"\0" + body).hexdigest()
        fault = self.face.site.faults.draw(
            self.face.prefix, self.number, call.method, path, f"{key}?{exact}", self.face.is_write(call)
        )
        if fault == "slow":
            await asyncio.sleep(self.face.site.faults.values["slow_s"])
        elif fault == "reset":
            await _reset(scope)
            return
        early = self._early(call, fault)
        captured = _Captured()
        await (early or self._answer_of(call))(scope, receive_again, captured.send)
        await self._let_out(scope, send, call, fault, captured)

    def _early(self, call: Call, fault: str | None) -> Response | None:
        """The answer of a fault that keeps the call from being worked on."""
        if fault in ("throttle", "throttle_bare"):
            bucket = self.face.bucket_of(call) or next(iter(self.face.rates), "")
            return self.face.throttled(call, bucket, 1.0, fault == "throttle")
        if fault in _STATUS:
            return self.face.broken(call, _STATUS[fault])
        if fault == "unauthorized":
            return self.face.unauthorized(replace(call, headers=Headers({"authorization": "Bearer expired"})))
        if fault == "error_page":
            return Response(ERROR_PAGE, media_type="text/html")
        return Response(b"", media_type="application/json") if fault == "empty" else None

    def _answer_of(self, call: Call) -> Any:
        refusal = self.face.unauthorized(call)
        if refusal is not None:
            return refusal
        name = self.face.bucket_of(call)
        if name is not None:
            wait = self.buckets[name].take()
            if wait > 0:
                return self.face.throttled(call, name, wait, True)
        return self.router

    async def _let_out(self, scope: Scope, send: Send, call: Call, fault: str | None, captured: _Captured) -> None:
        if fault == "lost_answer":
            await _reset(scope)
            return
        body = captured.body
        marked = {key.decode("latin-1"): value.decode("latin-1") for key, value in captured.headers}
        self.face.marks(call, marked, {name: int(bucket.tokens) for name, bucket in self.buckets.items()})
        headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in marked.items()]
        if captured.status == 200 and not self.face.is_write(call):
            shape = _without_paging(call)
            if fault == "duplicate_page" and self._page is not None and self._page[0] == shape:
                body, headers = self._page[1], self._page[2]
            # Kept only where it may be needed: pages can be large.
            self._page = (shape, body, headers) if self.face.site.faults.may_strike("duplicate_page") else None
        if self.face.site.faults.values["broken_utf8"]:
            body = body.replace(BROKEN_MARK.encode(), BROKEN_BYTES)
        headers = [(key, value) for key, value in headers if key.lower() != b"content-length"]
        half = body[: len(body) // 2]
        if fault == "cut_length":
            headers.append((b"content-length", str(len(body) + 1).encode()))
            await _cut(scope, send, captured.status, headers, half)
        elif fault == "cut_chunk":
            await _cut(scope, send, captured.status, headers, half)
        else:
            if captured.status not in (204, 304):
                headers.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": captured.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})


class _Captured:
    """A response held back until it is known what shall become of it."""

    def __init__(self) -> None:
        self.status, self.headers, self._parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self._parts.append(message.get("body", b""))

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)


async def _whole_body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _without_paging(call: Call) -> str:
    """What the call asks for, apart from which page of it."""
    pairs = [pair for pair in call.query if pair[0] not in PAGING]
    try:
        data = json.loads(call.body)
    except ValueError:
        data = [pair for pair in parse_qsl(call.body.decode("latin-1")) if pair[0] not in PAGING]
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if name not in PAGING}
    return json.dumps([call.method, call.path, pairs, data], sort_keys=True)


async def _reset(scope: Scope) -> None:
    """Close the caller's connection with RST instead of an answer."""
    transport = scope["extensions"]["sandbox.transport"]
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_closed(scope)


async def _cut(scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], half: bytes) -> None:
    """Send the beginning of an answer, then close the connection as if it were done."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope["extensions"]["sandbox.transport"].close()
    await _until_closed(scope)


async def _until_closed(scope: Scope) -> None:
    """Wait until what was sent is out and the server knows that the connection is gone: it would complain else."""
    transport = scope["extensions"]["sandbox.transport"]
    for _ in range(1000):
        if not transport.get_write_buffer_size():
            break
        await asyncio.sleep(0.01)
    for _ in range(3):
        await asyncio.sleep(0)
