"""Receivers for tests: in a thread of this process, or as the process that `rebuttal inbox serve` is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
from bench.speed.posting import SECRET, URL, request

from rebuttal.connections import Connection
from rebuttal.inbox.serve import PREFIX, listen, make_app, make_server
from rebuttal.settings import PROJECT_ROOT, Settings

YCLIENTS_SECRET = "part-of-the-address-of-yclients"
HOOKS = """public_url: http://hooks.example/hooks
limits: {limits}
hooks:
  hubspot: {{vendor: hubspot, account: "62515"}}
  trello: {{vendor: trello}}
  yclients: {{vendor: yclients}}
  meta: {{vendor: jira, challenge: hub}}
  slack: {{vendor: jira, challenge: body}}
"""


def secrets_of(connection_id: str) -> Connection:
    """The connections of the hooks above."""
    password = YCLIENTS_SECRET if connection_id == "yclients_hook" else SECRET
    return Connection(connection_id, password=password, extra={"verify_token": "the token of the handshake"})


def write_config(folder: Path, limits: str = "{}") -> Path:
    """A configuration folder with these hooks and their connections."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hooks.yml").write_text(HOOKS.format(limits=limits), encoding="utf-8")
    (folder / "sources.yml").write_text("sources: {yclients: {options: {branches: {'1': salon-01, '2': salon-02}}}}\n")
    lines = ["REBUTTAL_IDENTITY_KEY=only-of-tests-identity-key"]
    for name in ("hubspot", "trello", "yclients", "meta", "slack"):
        found = secrets_of(f"{name}_hook")
        told = {"conn_type": "http", "password": found.password, "extra": dict(found.extra)}
        lines.append(f"AIRFLOW_CONN_{name.upper()}_HOOK={json.dumps(told)}")
    (folder / "connections.env").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def signed(number: int) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the delivery of that number."""
    head, _, body = request(number).partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return body, {name: value for name, value in pairs if name not in ("host", "content-length")}


@contextmanager
def in_a_thread(settings: Settings) -> Iterator[str]:
    """A receiver over real sockets; its address."""
    app = make_app(settings, secrets_of, PREFIX)
    server, listener = make_server(app), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
    finally:
        server.should_exit = True
        thread.join()


class ReceiverProcess:
    """`rebuttal inbox serve`, to be killed and started again on the same port."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.port = settings, 0
        self.process: subprocess.Popen[str]

    def start(self, failpoint: str = "", stderr: IO[str] | None = None) -> str:
        """Start and wait until it listens; its address. `stderr`: where its log goes, instead of ours."""
        own = {
            "REBUTTAL_HOME": str(self.settings.home),
            "REBUTTAL_CONFIG": str(self.settings.config),
            "REBUTTAL_STATE_URL": self.settings.state_url,
            "PYTHONPATH": str(PROJECT_ROOT / "include"),
            **({"FAILPOINT": failpoint} if failpoint else {}),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REBUTTAL_", "AIRFLOW_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rebuttal", "inbox", "serve", "--port", str(self.port)],
            env=kept | own, stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address = line.rpartition(" ")[2].strip()
        assert address.startswith("http://"), line
        self.port = int(address.rpartition(":")[2].partition("/")[0])
        return address

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def post(address: str, number: int, client: httpx.Client | None = None) -> int:
    """Send the delivery of that number to HubSpot's hook: the status, 0 for no answer."""
    body, headers = signed(number)
    try:
        sender = client or httpx
        return sender.post(f"{address}/hubspot", content=body, headers=headers, timeout=20).status_code
    except httpx.HTTPError:
        return 0


assert URL == "http://hooks.example/hooks/hubspot"
