"""A chat/completions endpoint on this machine, as OpenAI-compatible servers speak it, that answers what a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Sentences = list[dict[str, Any]]


class ChatStub:
    """Keeps every request; `answer` turns the user's sentences into the content of the answer, or raises nothing.

    `status` other than 200 is answered with an error body; `delay` is waited before an answer.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: Callable[[Sentences], str] = lambda sentences: json.dumps({"confidence": 0.9, "objections": []})
        self.status = 200
        self.delay = 0.0
        self.url = ""

    def content_of(self, index: int) -> Sentences:
        """The sentences of a request."""
        found: Sentences = json.loads(self.requests[index]["messages"][1]["content"])
        return found

    def sent(self) -> str:
        """Everything that came over the wire, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)


@contextmanager
def chat_stub() -> Iterator[ChatStub]:
    """The stub, served on a port of its own."""
    stub = ChatStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/chat/completions"
            stub.requests.append(body)
            stub.keys.append(self.headers.get("Authorization", ""))
            time.sleep(stub.delay)
            if stub.status == 200:
                content = stub.answer(json.loads(body["messages"][1]["content"]))
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
                told = {"id": "c1", "object": "chat.completion", "model": body["model"], "choices": [choice]}
            else:
                told = {"error": {"message": "slow down", "type": "rate_limit_error", "code": None}}
            raw = json.dumps(told).encode()
            try:
                self.send_response(stub.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except OSError:
                pass  # who asked has stopped waiting

        def log_message(self, format: str, *args: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
