"""A programmable vendor at the wire: real sockets, real bytes, and faults that are due for the next calls."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What goes out. `send` overrides how: it writes to the raw socket file itself."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    send: Callable[[BaseHTTPRequestHandler], None] | None = None

    @classmethod
    def of(cls, data: Any, status: int = 200, **headers: str) -> Reply:
        return cls(json.dumps(data, ensure_ascii=False).encode(), status, headers=headers)


Answer = Callable[[Call], Reply]


class Wire:
    """Routes (first match answers), faults (each used once, before any route), and the calls that came."""

    def __init__(self, token: str) -> None:
        self.token, self.base = token, ""
        self.calls: list[Call] = []
        self.faults: deque[Reply | None] = deque()  # None lets a call pass
        self.every: Reply | None = None  # a fault for ever
        self._routes: list[tuple[str, re.Pattern[str], Answer]] = []
        self.refusal = Reply.of({"status": "error", "category": "EXPIRED_AUTHENTICATION"}, 401)

    def on(self, method: str, path: str, answer: Answer) -> None:
        self._routes.append((method, re.compile(path), answer))

    def reply_to(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.every is not None:
            return self.every
        if self.faults and (fault := self.faults.popleft()) is not None:
            return fault
        if self.token not in call.headers.get("authorization", ""):
            return self.refusal
        for method, pattern, answer in self._routes:
            if method == call.method and pattern.fullmatch(call.path):
                return answer(call)
        return Reply.of({"message": "no such path"}, 404)


@contextmanager
def served(wire: Wire) -> Iterator[Wire]:
    """Serve the wire on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = wire.reply_to(Call(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body))
            if reply.send is not None:
                reply.send(self)
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            else:
                self.close_connection = True
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = _serve

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    wire.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


HTML = Reply(b"<!DOCTYPE html><html><body>Sign in</body></html>", content_type="text/html")
EMPTY = Reply(b"")


def cut(body: bytes = b'{"results": [') -> Reply:
    """A body that is shorter than its Content-Length."""
    return Reply(body, headers={"Content-Length": str(len(body) + 100)})


def failure(status: int = 503, **headers: str) -> Reply:
    return Reply(b"upstream is down", status, "text/plain", headers)
