"""docker-compose.yml brought up for real under a name, ports and secrets of its own; taken down whole at the end."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from compose.make_secrets import make
from launch.airflow_api import ACTIVE, AirflowApi
from launch.turn import PULLS

ROOT = Path(__file__).parents[2]
STAGES = ("admit", "model", "listen", "answer", "prove", "tell")
PORTS = ("AIRFLOW_PORT", "BI_PORT", "SANDBOX_PORT", "MAIL_PORT", "RECEIVER_PORT")
HEALTHY_SECONDS, TURN_SECONDS, QUIET_SECONDS, PAUSE = 900.0, 2400.0, 20.0, 5.0
_STARTED = time.monotonic()


def why_not() -> str | None:
    """Why no stack can be brought up here; None when one can."""
    if os.environ.get("REBUTTAL_COMPOSE_TEST") != "1":
        return "it takes a Docker engine and many minutes: `make compose-test` asks for it"
    if shutil.which("docker") is None:
        return "there is no docker command on this machine"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode:
            return f"`{' '.join(command)}` failed: {(asked.stderr or asked.stdout).strip().splitlines()[-1]}"
    return None


def say(line: str) -> None:
    """A line of progress with the seconds since the start: the whole takes many minutes (pytest needs -s)."""
    sys.stdout.write(f"{time.monotonic() - _STARTED:6.0f} s  {line}\n")
    sys.stdout.flush()


class Stack:
    """A running set of services. Methods raise RuntimeError with the end of the output when docker refuses."""

    def __init__(self, folder: Path, world: Mapping[str, str]) -> None:
        self._secrets = folder / "secrets"
        make(self._secrets)
        self.env = {
            **os.environ,
            **dict.fromkeys(PORTS, "0"),
            **world,
            "COMPOSE_PROJECT_NAME": f"rebuttal-test-{secrets.token_hex(3)}",
            "COMPOSE_PROFILES": "demo",
            "SECRETS_FOLDER": str(self._secrets),
            # A killed worker's task is to be tried again within the patience of a test.
            "TASK_HEARTBEAT_TIMEOUT": "60",
            "TASK_QUEUED_TIMEOUT": "120",
        }

    def compose(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """`docker compose ARGUMENTS`, to its end; what it wrote on standard output."""
        done = subprocess.run(
            ["docker", "compose", *arguments], cwd=ROOT, env=self.env, input=given, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"docker compose {' '.join(arguments)}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
        return done.stdout

    def up(self) -> None:
        """Build, start, and wait until every service is healthy."""
        self.compose("build")
        say("images built")
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", str(int(HEALTHY_SECONDS)))
        say(f"healthy: {', '.join(self.wait_healthy())}")

    def down(self) -> None:
        """Stop everything and remove its volumes."""
        self.compose("down", "--volumes", "--timeout", "10", check=False)

    def states(self) -> dict[str, str]:
        """Service -> healthy, starting, unhealthy, exited (0) ..."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        return {
            row["Service"]: row["Health"]
            or (f"exited ({row['ExitCode']})" if row["State"] == "exited" else row["State"])
            for row in rows
        }

    def wait_healthy(self) -> dict[str, str]:
        """Wait until all run and are healthy, and what runs once has ended well."""

        def is_well() -> bool:
            states = self.states()
            return bool(states) and all(state in ("healthy", "exited (0)") for state in states.values())

        until(is_well, HEALTHY_SECONDS, lambda: f"not healthy: {self.states()}")
        return self.states()

    def kill(self, service: str) -> None:
        """SIGKILL, as a machine that loses its power does it; then start it again, and wait until it is well.

        Docker's own commands, since compose would first run what the service once waited for.
        """
        began = time.monotonic()
        container = self.compose("ps", "--all", "--quiet", service).strip()
        for command in (["kill", "--signal", "KILL"], ["start"]):
            subprocess.run(["docker", *command, container], env=self.env, capture_output=True, check=True)
            time.sleep(PAUSE)
        until(
            lambda: self.states().get(service) == "healthy",
            HEALTHY_SECONDS,
            lambda: f"{service} is {self.states().get(service)} after it was killed",
        )
        say(f"{service} killed, and well {time.monotonic() - began:.0f} s later")

    def address(self, service: str, port: int) -> str:
        """Where this machine reaches a service. Another after each start."""
        return f"http://{self.compose('port', service, str(port)).strip()}"

    def api(self) -> AirflowApi:
        """Airflow's REST API, logged in."""
        word = json.loads((self._secrets / "airflow_passwords").read_text(encoding="utf-8"))["admin"]
        api = AirflowApi(self.address("api-server", 8080), "admin", word)
        until(api.is_healthy, HEALTHY_SECONDS, lambda: "Airflow does not call itself healthy")
        api.log_in()
        until(
            lambda: {*STAGES, *(f"pull__{source}" for source in PULLS)} <= api.dag_ids(),
            HEALTHY_SECONDS,
            lambda: f"DAGs are missing; import errors: {api.import_errors()}",
        )
        return api

    def trigger_pulls(self) -> datetime:
        """Trigger every pull; returns since when runs are to be watched."""
        began = datetime.now(UTC) - timedelta(seconds=2)
        api = self.api()
        for source in PULLS:
            api.trigger(f"pull__{source}")
        return began

    def wait_quiet(self, since: datetime) -> dict[str, str]:
        """Wait until nothing runs; the last state of each DAG that ran."""
        api = self.api()
        quiet = [time.monotonic()]

        def is_quiet() -> bool:
            if any(run["state"] in ACTIVE for run in api.runs_since(since)):
                quiet[0] = time.monotonic()
            return time.monotonic() - quiet[0] > QUIET_SECONDS

        until(is_quiet, TURN_SECONDS, lambda: f"still running: {[r['dag_id'] for r in api.runs_since(since)]}")
        return {run["dag_id"]: run["state"] for run in api.runs_since(since)}

    def turn(self, again: Sequence[str] = ("tell",)) -> dict[str, str]:
        """Every pull and what follows from it, then the stages `again`, one after another. DAG -> its last state."""
        since = self.trigger_pulls()
        self.wait_quiet(since)
        for stage in again:
            self.api().trigger(stage)
            self.wait_quiet(since)
        states = self.wait_quiet(since)
        say(f"turned: {dict(Counter(states.values()))}")
        return states

    def rebuttal(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """A `rebuttal` command in the worker."""
        changed = [f"{name}={value}" for name, value in (env or {}).items()]
        return self.compose("exec", "-T", "worker", "with-secrets", "env", *changed, "rebuttal", *arguments)

    def python(self, program: str, env: Mapping[str, str] | None = None) -> Any:
        """Run a program in the worker; it prints JSON."""
        changed = [f"{name}={value}" for name, value in (env or {}).items()]
        said = self.compose("exec", "-T", "worker", "with-secrets", "env", *changed, "python", "-", given=program)
        return json.loads(said.splitlines()[-1])

    def sql(self, database: str, query: str) -> list[list[str]]:
        """Ask the server as its superuser; rows of text."""
        said = self.compose(
            "exec", "-T", "postgres", "psql", "-XAt", "-F", "\t", "-U", "postgres", "-d", database, "-c", query
        )
        return [line.split("\t") for line in said.splitlines()]

    def mails(self) -> Counter[str]:
        """How often each mail came, by its Message-ID."""
        found = requests.get(f"{self.address('mailbox', 8826)}/api/mails", timeout=30).json()
        return Counter(str(mail["message_id"]) for mail in found)


def until(is_so: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    """Wait until it is so. Raises RuntimeError with what is `told` when it is not after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except requests.RequestException:
            pass  # it is being started
        if time.monotonic() > deadline:
            raise RuntimeError(f"After {seconds:.0f} s: {told()}")
        time.sleep(PAUSE)
