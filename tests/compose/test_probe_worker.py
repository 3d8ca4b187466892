"""The worker's health check, against a Redis that is played at the wire."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[2] / "compose" / "probe_worker.py"
WORD = "pass word$5"
SILENT = "id=1 addr=127.0.0.1:5 name= idle=61 cmd=brpop"
OTHERS = "id=3 addr=10.0.0.9:6 name= idle=0 cmd=brpop"


class _Redis(socketserver.StreamRequestHandler):
    clients: tuple[str, ...] = ()

    def handle(self) -> None:
        if self._command() != ["AUTH", WORD]:
            self.wfile.write(b"-WRONGPASS invalid\r\n")
            return
        self.wfile.write(b"+OK\r\n")
        assert self._command() == ["CLIENT", "LIST"]
        asking = f"id=9 addr={self.client_address[0]}:{self.client_address[1]} name= idle=0 cmd=client|list"
        listed = "\n".join((asking, *self.clients, "")).encode()
        self.wfile.write(b"$%d\r\n%s\r\n" % (len(listed), listed))

    def _command(self) -> list[str]:
        count = int(self.rfile.readline()[1:])
        words = []
        for _ in range(count):
            length = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(length + 2)[:-2].decode())
        return words


@pytest.mark.parametrize(
    ("clients", "word", "told"),
    [
        ((SILENT, "id=2 addr=127.0.0.1:6 name= idle=2 cmd=publish"), WORD, None),
        ((SILENT, OTHERS), WORD, "61 s"),
        ((OTHERS,), WORD, "no connection"),
        ((), "another", "password"),
    ],
)
def test_a_worker_is_well_while_it_speaks(
    clients: tuple[str, ...], word: str, told: str | None, tmp_path: Path
) -> None:
    (tmp_path / "word").write_text(word + "\n", encoding="utf-8")
    handler = type("_Told", (_Redis,), {"clients": clients})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        done = subprocess.run(
            [sys.executable, str(PROBE)],
            env={"REDIS_ADDRESS": address, "REDIS_PASSWORD_FILE": str(tmp_path / "word")},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        server.shutdown()
    assert (done.returncode, done.stderr) == (1 if told else 0, "")
    assert (told or "") in done.stdout
    assert WORD not in done.stdout
