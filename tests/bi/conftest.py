"""One Superset for the tests of this folder: provisioned once, its marts replaced as a publication replaces them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from tests.bi.sample_marts import write_marts

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-bi" / "bin"
START_SECONDS = 240.0
MISSING = "Superset's environment is not there; `make test` makes it, but for BI=0"


@dataclass(frozen=True)
class Superset:
    """A running Superset; `home` is its REBUTTAL_HOME."""

    home: Path
    address: str
    env: dict[str, str]
    first_counts: dict[str, int]

    def provision(self, include: Path = ROOT / "include") -> dict[str, int]:
        """Run `bi.provision` of the sources in `include`; what it counted."""
        return provision(self.env | {"PYTHONPATH": str(include)})

    def browse(self, user: str, *tasks: dict[str, Any]) -> list[Any]:
        """Let `user` do `tasks` in Chromium (browse.py)."""
        known = json.loads((self.home / "superset" / "passwords.json").read_text(encoding="utf-8"))
        script = str(Path(__file__).with_name("browse.py"))
        command = [str(BIN / "python"), script, self.address, user, known[user], json.dumps(tasks)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        answers: list[Any] = json.loads(done.stdout)
        return answers

    def datasets(self) -> dict[str, int]:
        """The number of each dataset by its name, from Superset's own database."""
        with closing(sqlite3.connect(self.home / "superset" / "superset.db")) as metadata:
            return dict(metadata.execute("select table_name, id from tables"))

    def publish(self, path: Path | None) -> None:
        """Replace the published copy by an atomic rename, or take it away."""
        target = self.home / "published.duckdb"
        if path is None:
            target.unlink(missing_ok=True)
            return
        new = target.with_name("published.duckdb.new")
        shutil.copyfile(path, new)
        new.replace(target)


def provision(env: dict[str, str]) -> dict[str, int]:
    done = subprocess.run(
        [str(BIN / "python"), "-m", "bi.provision"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counted = done.stdout.strip().splitlines()[-1]
    return {word: int(number) for number, word in (part.split() for part in counted.split(", "))}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published copy with rows in every mart."""
    path = tmp_path_factory.mktemp("marts") / "published.duckdb"
    write_marts(path)
    return path


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[Superset]:
    """Superset on the sample marts, as launch starts it."""
    if not (BIN / "gunicorn").exists():
        pytest.skip(MISSING)
    from launch import bi

    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sample, home / "published.duckdb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REBUTTAL_")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BI_PORT", str(number))
        env = {name: value for name, value in bi.variables(home).items() if name in clean or name not in os.environ}
        env |= {"REBUTTAL_HOME": str(home), "REBUTTAL_CONFIG": str(ROOT / "include" / "config")}
        env |= {"PYTHONPATH": str(ROOT / "include")}
        command, address = bi.serve_command(), bi.address()
    counts = provision(env)
    with (home / "superset.log").open("ab") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"{address}/health", process, home / "superset.log")
        yield Superset(home, address, env, counts)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")[-3000:]
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer within {START_SECONDS:.0f} s")
