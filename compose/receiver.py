"""The receiver of webhooks: `rebuttal inbox serve`, and until this version has it a server that asks vendors to wait.

The answer 503 with Retry-After loses nothing: vendors keep what they could not deliver, and the pull finds it anyway.
"""

from __future__ import annotations

import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST, PORT = "0.0.0.0", 8790  # noqa: S104 - inside its container


class Wait(BaseHTTPRequestHandler):
    """Reads nothing, keeps nothing."""

    def do_GET(self) -> None:
        """Health: the process lives."""
        self._answer(200 if self.path == "/hooks/health" else 404, b'{"receiving": false}\n')

    def do_POST(self) -> None:
        """Come again in five minutes."""
        self._answer(503, b'{"error": "webhooks are not received yet"}\n')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "300")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Addresses of callers are nobody's business."""


if __name__ == "__main__":
    if subprocess.run(["rebuttal", "inbox", "serve", "--help"], capture_output=True, check=False).returncode == 0:
        os.execvp("rebuttal", ["rebuttal", "inbox", "serve", "--host", HOST, "--port", str(PORT)])
    ThreadingHTTPServer((HOST, PORT), Wait).serve_forever()
