"""A sandbox that is served in this process, over real HTTP, on a free port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from small_world import SmallWorld

from sandbox.faces.wire import Site
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.recorded import World
from sandbox.server import Sandbox, Server


@dataclass
class Served:
    """A sandbox that answers at `url` until the test ends."""

    url: str
    sandbox: Sandbox
    server: Server
    thread: threading.Thread

    def operate(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """GET `/_sandbox/<path>`, or POST `data` to it; the JSON it answers."""
        url = f"{self.url}/_sandbox/{path}"
        reply = requests.get(url, timeout=30) if data is None else requests.post(url, json=data, timeout=30)
        reply.raise_for_status()
        return reply.json()

    def fault(self, face: str, kind: str, times: int = 1, path: str = "") -> None:
        """Let the next calls of `face` fail."""
        self.operate("faults", {"next": [{"face": face, "kind": kind, "times": times, "path": path}]})

    def stop(self) -> None:
        """Stop answering and give the journal back."""
        self.server.should_exit = True
        self.thread.join(30)
        self.sandbox.site.journal.close()


Serve = Callable[..., Served]


def start(
    world: World | None = None,
    rate_factor: float = 1000.0,
    state: Path | None = None,
    profile: str = "none",
    until: Callable[[], datetime] | None = None,
) -> Served:
    """Serve `world` (a new small one unless given), practically without rate limits unless told."""
    site = Site(world or SmallWorld(), Faults(7, profile), Journal(state))
    sandbox = Sandbox(site, {"seed": 7}, rate_factor)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    ready = threading.Event()
    server = Server(sandbox, "127.0.0.1", port, ready.set, until, pause=0.05)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    assert ready.wait(30), "the sandbox did not start"
    return Served(f"http://127.0.0.1:{port}", sandbox, server, thread)
