"""What must be in place before the loop can turn, checked one by one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from rebuttal.content.rules import load_rules
from rebuttal.context import Context
from rebuttal.errors import RebuttalError
from rebuttal.hosts import Reach
from rebuttal.planning.plan import load_plan
from rebuttal.settings import PROJECT_ROOT
from rebuttal.warehouse import open_warehouse

CONNECTIONS = (
    "google_ads",
    "yandex_direct",
    "yandex_metrica",
    "ga4",
    "hubspot",
    "typeform",
    "yclients",
    "smtp",
)
NEEDED_BYTES = 2 * 1024**3


def examine(context: Context) -> list[dict[str, Any]]:
    """One finding a check: `what`, `ok`, `message` (what was found, and when wrong what to do). Never shows secrets."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", _python),
        ("disk", lambda: _disk(context.settings.home)),
        ("warehouse", lambda: _warehouse(context)),
        ("dbt", _dbt),
        ("plan", lambda: _plan(context.settings.config)),
        *((f"connection {name}", lambda name=name: _connection(context, name)) for name in CONNECTIONS),
        ("connection of the tracker", lambda: _tracker(context)),
    ]
    findings = []
    for what, check in checks:
        try:
            findings.append({"what": what, "ok": True, "message": check()})
        except RebuttalError as error:
            findings.append({"what": what, "ok": False, "message": str(error)})
    return findings


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor} at {sys.executable}"


def _disk(home: Path) -> str:
    free = shutil.disk_usage(home).free
    if free < NEEDED_BYTES:
        raise RebuttalError(f"{free / 1024**3:.1f} GB free at {home}", next_step="Free at least 2 GB")
    return f"{free / 1024**3:.0f} GB free at {home}"


def _warehouse(context: Context) -> str:
    with open_warehouse(context.settings, wait=5) as engine:
        return f"{engine.dialect.name} opens"


def _dbt() -> str:
    path = Path(os.environ.get("REBUTTAL_DBT") or PROJECT_ROOT / ".venv-dbt" / "bin" / "dbt")
    if not path.exists():
        raise RebuttalError(f"No dbt at {path}", next_step="Run `make setup`, or set REBUTTAL_DBT")
    return str(path)


def _plan(config: Path) -> str:
    plan = load_plan(config)
    return f"{len(plan.budgets)} budget lines, {len(plan.goals)} goals" if plan else "no plan.yml: nothing is planned"


def _tracker(context: Context) -> str:
    rule = load_rules(context.settings.config).tracker
    return f"{rule.kind}: {_connection(context, rule.connection)}"


def _connection(context: Context, name: str) -> str:
    connection = context.resolve(name)
    if name == "smtp":
        return f"{connection.host}:{connection.port}"
    connection.secret()
    try:
        with Reach([connection.host]) as session:
            session.get(connection.host, timeout=5)
    except requests.RequestException as error:
        raise RebuttalError(
            f"{connection.host} does not answer ({type(error).__name__})",
            next_step=f"Check AIRFLOW_CONN_{name.upper()}, or start the sandbox with `rebuttal sandbox serve`",
        ) from None
    return f"{connection.host} answers"
