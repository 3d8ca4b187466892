"""A sandbox and a mail catcher of one's own, and `rebuttal` commands against them: one folder, free ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0


@dataclass(frozen=True)
class World:
    """Which world the sandbox simulates."""

    seed: int
    weeks: int = 12
    until: str = "2026-11-15"
    scale: float = 0.3
    faults: str = "none"
    consent_loss: float = 0.0

    def options(self) -> list[str]:
        return [
            "--seed", str(self.seed), "--weeks", str(self.weeks), "--until", self.until, "--scale", str(self.scale),
            "--faults", self.faults, "--consent-loss", str(self.consent_loss),
        ]  # fmt: skip


@dataclass(frozen=True)
class Company:
    """A running sandbox and mail catcher, and the environment that points `rebuttal` at them."""

    world: World
    home: Path
    sandbox_port: int
    mail_port: int
    env: dict[str, str]

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "rebuttal", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one `rebuttal` command to its end; raises RuntimeError with its output when it fails."""
        done = subprocess.run(self.command(*arguments), env=self.env, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"rebuttal {' '.join(arguments)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def loop(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One turn up to the world's last day."""
        return self.run("loop", "--until", self.world.until, check=check)

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks of the loop in the sandbox's Jira, as the vendor's API gives them."""
        told = json.loads(
            subprocess.run(
                [sys.executable, "-m", "sandbox", "credentials", "--json"],
                env=self.env, capture_output=True, text=True, check=True,
            ).stdout
        )["jira"]  # fmt: skip
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            body = {
                "jql": f"project = {told['project']} ORDER BY created ASC",
                "fields": ["labels", "status", "summary"],
            }
            answer = requests.post(
                f"{told['base_url']}/rest/api/3/search/jql", json=body | ({"nextPageToken": token} if token else {}),
                auth=(told["email"], told["api_token"]), timeout=30,
            ).json()  # fmt: skip
            found += answer["issues"]
            token = answer.get("nextPageToken")
            if answer.get("isLast", True):
                return found

    def mails(self) -> list[dict[str, Any]]:
        """All mails that were caught."""
        found: list[dict[str, Any]] = requests.get(f"http://127.0.0.1:{self.mail_port}/api/mails", timeout=30).json()
        return found

    def advance(self, days: float) -> None:
        """Let the world move on; by a year at most at a time, which is what the sandbox takes."""
        while days > 0:
            step = min(days, 365)
            answer = requests.post(f"{self.sandbox_url}/_sandbox/advance", json={"days": step}, timeout=1800)
            answer.raise_for_status()
            days -= step

    def truth(self, *, counterfactuals: bool = False) -> dict[str, Any]:
        """The hidden truth: for judges only."""
        query = {"counterfactuals": str(counterfactuals).lower()}
        answer = requests.get(f"{self.sandbox_url}/_sandbox/truth", params=query, timeout=1800)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def company(
    home: Path, world: World, *, ports: tuple[int, int, int] | None = None, env: dict[str, str] | None = None
) -> Iterator[Company]:
    """Start sandbox and mail catcher with everything under `home`; stop them at the end.

    `ports` (sandbox, SMTP, mail page) may be given, so that two companies one after another have equal addresses.
    """
    sandbox_port, smtp_port, mail_port = ports or (free_port(), free_port(), free_port())
    home.mkdir(parents=True, exist_ok=True)
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": smtp_port,
            "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com"}}  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REBUTTAL_", "AIRFLOW_CONN_"))}
    # Models are named by what they were trained on: companies may share them, and dbt's command too.
    kept |= {name: os.environ[name] for name in ("REBUTTAL_MODELS", "REBUTTAL_DBT") if name in os.environ}
    environment = {
        **kept,
        "REBUTTAL_HOME": str(home),
        "REBUTTAL_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
        "AIRFLOW_CONN_SMTP": json.dumps(smtp),
        **(env or {}),
    }
    python = sys.executable
    commands = [
        [python, "-m", "sandbox", "serve", "--port", str(sandbox_port), *world.options()],
        [python, "-m", "sandbox.mailbox", "--smtp-port", str(smtp_port), "--http-port", str(mail_port),
         "--dir", str(home / "mails")],
    ]  # fmt: skip
    started = []
    try:
        for number, command in enumerate(commands):
            with (home / f"server{number}.log").open("ab") as log:
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        _wait(f"http://127.0.0.1:{sandbox_port}/_sandbox/health", started[0], home / "server0.log")
        _wait(f"http://127.0.0.1:{mail_port}/api/mails", started[1], home / "server1.log")
        yield Company(world, home, sandbox_port, mail_port, environment)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"a server ended at its start:\n{log.read_text()[-2000:]}")
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{url} did not answer within {START_SECONDS:.0f} s")
