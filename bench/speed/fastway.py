"""Webhook received -> task in the tracker, through a real Airflow: the sandbox loses deals one after the other, its
HubSpot sends webhooks to the receiver in Airflow's API server, and its Jira is watched for the task.

A company of twelve weeks; only the DAG `inbox` is switched on. Before each deal all themes are set free, so that the
one that is heard gets a task. A deal without a task within half a minute (its doubt was not recognised, or is of a kind
that no page answers) is counted apart and has no time.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import statistics
import sys
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from launch.airflow_api import ACTIVE, AirflowApi
from launch.environment import hooks_address, password, variables
from launch.preflight import PORTS, port
from launch.processes import Processes, StoppedError

from bench.speed.timing import Figures, Unmeasured
from sandbox.lose_deal import lose, tasks

ROOT = Path(__file__).resolve().parents[2]
UNTIL = "2026-11-21"
TASK_WITHIN_S, START_S, LOOK_EVERY_S = 30.0, 400.0, 0.05
# What bounds tasks by a team's strength, opened: each deal is to make its own.
OPENED = {"minimum_subjects": 1, "max_open": 1000, "new_per_week": 1000}


def measure(size: int, _rounds: int, folder: Path) -> Figures:
    """`size` lost deals, or as many as the company has open ones; seconds, by hop."""
    os.environ["BI"] = "0"
    for variable, number in zip((one[0] for one in PORTS.values()), free_ports(len(PORTS)), strict=True):
        os.environ[variable] = str(number)
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["REBUTTAL_CONFIG"] = str(opened_config(folder / "config"))
    env = variables(home) | {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}
    with running(home, folder / "sandbox", env) as (api, url):
        lost, found = deals(size, home, api, url)
        return told(found, lost, size)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return found


def opened_config(folder: Path) -> Path:
    """The configuration as shipped, without the bounds of `OPENED`."""
    shutil.copytree(ROOT / "include" / "config", folder, dirs_exist_ok=True)
    path = folder / "content.yml"
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, value in OPENED.items():
        lines = [f"  {name}: {value}" if line.startswith(f"  {name}:") else line for line in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@contextmanager
def running(home: Path, state: Path, env: dict[str, str]) -> Iterator[tuple[AirflowApi, str]]:
    """The sandbox with a company that has been pulled and listened to, and Airflow with the DAG `inbox` on."""
    processes = Processes(home / "logs")
    python = sys.executable
    url = env["REBUTTAL_SANDBOX_URL"]
    options = ["--seed", "7", "--weeks", "12", "--until", UNTIL, "--state", str(state), "--webhooks", hooks_address()]
    try:
        serve = [python, "-m", "sandbox", "serve", "--port", str(port("sandbox")), *options]
        processes.start("sandbox", serve, env)
        _until(lambda: "ready" in (home / "logs" / "sandbox.log").read_text(encoding="utf-8"), processes)
        if not (home / "published.duckdb").exists():
            for stage in ("pull", "admit", "model", "listen", "answer"):
                processes.run(stage, [python, "-m", "rebuttal", stage], env)
        processes.run("airflow-migrate", ["airflow", "db", "migrate"], env)
        for part in ("api-server", "scheduler", "dag-processor", "triggerer"):
            processes.start(f"airflow-{part}", ["airflow", part], env)
        api = AirflowApi(f"http://127.0.0.1:{port('airflow')}", "admin", password(home))
        _until(api.is_healthy, processes)
        api.log_in()
        api.ensure_pool("warehouse", 1, "DuckDB allows one writing process at a time")
        _until(lambda: "inbox" in api.dag_ids(), processes)
        api.switch_on("inbox")
        yield api, url
    except StoppedError as error:
        raise Unmeasured(str(error)) from error
    finally:
        processes.stop()


def deals(count: int, home: Path, api: AirflowApi, url: str) -> tuple[int, list[dict[str, float]]]:
    """Lose `count` deals: how many could be lost, and the hops of each that became a task, in seconds."""
    found: list[dict[str, float]] = []
    for number in range(count):
        set_free(home)
        known = tasks(url)
        deal_id = lose_one(url)
        if deal_id is None:
            print(f"{number} of {count}: no deal is open any more", flush=True, file=sys.stderr)
            return number, found
        seen_at = _task_after(url, known)
        _rest(api)
        received_at = _received_at(home, deal_id)
        if seen_at is None or received_at is None:
            print(f"{number + 1}: no task", flush=True, file=sys.stderr)
            continue
        hops = {"webhook_to_task": seen_at - received_at, **_hops(api, received_at, seen_at)}
        print(f"{number + 1}: {hops}", flush=True, file=sys.stderr)
        found.append(hops)
    return count, found


def lose_one(url: str) -> str | None:
    """Lose any open deal of the sandbox: its id, None when it says that none is open."""
    try:
        return str(lose(url, {})["deal_id"])
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.BAD_REQUEST or "no deal is open" not in error.read().decode():
            raise
        return None


def told(found: list[dict[str, float]], lost: int, asked: int) -> Figures:
    """Medians and 95th percentiles, over what could be lost of what was asked for."""
    if len(found) < 2:
        raise Unmeasured(f"only {len(found)} of {lost} lost deals became a task")
    figures: Figures = {
        "fastway_asked": float(asked),
        "fastway_deals": float(lost),
        "fastway_tasks": float(len(found)),
    }
    for hop in found[0]:
        values = sorted(one[hop] for one in found if hop in one)
        figures[f"fastway_{hop}_p50_s"] = round(statistics.median(values), 3)
        figures[f"fastway_{hop}_p95_s"] = round(statistics.quantiles(values, n=20, method="inclusive")[-1], 3)
    return figures


def set_free(home: Path) -> None:
    """No theme has an open task: as if all had been proposed, and let go, long ago."""
    with sqlite3.connect(home / "state.sqlite", timeout=30) as state:
        state.execute("update content_task set status = 'expired' where status not in ('expired')")


def _task_after(url: str, known: dict[str, str]) -> float | None:
    limit = time.monotonic() + TASK_WITHIN_S
    while time.monotonic() < limit:
        if set(tasks(url)) - set(known):
            return time.time()
        time.sleep(LOOK_EVERY_S)
    return None


def _rest(api: AirflowApi) -> None:
    """Wait until the run is over, what follows from its own doing included: each deal goes the whole way."""
    limit, quiet = time.monotonic() + 4 * TASK_WITHIN_S, 0
    while quiet < 3 and time.monotonic() < limit:
        time.sleep(1.0)
        quiet = 0 if any(run["state"] in ACTIVE for run in api.last_runs("inbox", 3)) else quiet + 1


def _received_at(home: Path, deal_id: str) -> float | None:
    with sqlite3.connect(home / "state.sqlite", timeout=30) as state:
        query = "select max(received_at) from inbox_event where source = 'hubspot' and object_id = ?"
        text = state.execute(query, (deal_id,)).fetchone()[0]
    return None if text is None else _seconds(str(text))


def _hops(api: AirflowApi, received_at: float, seen_at: float) -> dict[str, float]:
    """Of the run that was at work when the task appeared: when it was asked for, and when its task began."""
    for run in api.last_runs("inbox", 5):
        task = api.task_instances("inbox", str(run["dag_run_id"]))[0]
        begun = _seconds(str(task["start_date"])) if task["start_date"] else None
        if begun is None or begun > seen_at:
            continue
        queued = _seconds(str(run["queued_at"]))
        return {"webhook_to_run": queued - received_at, "run_to_start": begun - queued, "work": seen_at - begun}
    return {}


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else datetime.fromisoformat(f"{text}+00:00")).timestamp()


def _until(is_so: Any, processes: Processes) -> None:
    limit = time.monotonic() + START_S
    while not is_so():
        processes.check()
        if time.monotonic() > limit:
            raise StoppedError(f"not ready after {START_S:.0f} s; see {processes.logs}")
        time.sleep(1.0)
