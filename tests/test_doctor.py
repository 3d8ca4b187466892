"""What `rebuttal doctor` looks at follows the configuration."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.doctor import examine
from rebuttal.settings import Settings


class Answering(BaseHTTPRequestHandler):
    """Says 204 to everything."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test's output stays clean."""


def test_the_tracker_that_is_configured_is_examined_and_no_other(settings: Settings, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(settings.config, config)
    content = config / "content.yml"
    told = content.read_text(encoding="utf-8").replace("kind: jira ", "kind: trello ")
    content.write_text(told.replace("connection: jira ", "connection: board "), encoding="utf-8")
    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        host = f"http://127.0.0.1:{server.server_port}"
        mine = replace(settings, config=config)
        env = {"AIRFLOW_CONN_BOARD": f'{{"conn_type": "http", "host": "{host}", "password": "t"}}'}
        context = Context(mine, Clock(), from_environment(mine, env), b"a key of sixteen bytes")
        findings = {one["what"]: one for one in examine(context)}
    finally:
        server.shutdown()
        server.server_close()
    assert findings["connection of the tracker"]["message"] == f"trello: {host} answers"
    assert findings["connection of the tracker"]["ok"] is True
    assert not [what for what in findings if "jira" in what]
    assert findings["connection hubspot"]["ok"] is False  # nothing listens there
