"""The environment of a run: one folder for everything, Airflow embedded (SQLite metadata, LocalExecutor)."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launch.preflight import ROOT, port, wants_bi

BIN = ROOT / ".venv" / "bin"


def world(home: Path) -> dict[str, str]:
    """The sandbox's world of this folder: chosen at the first run and kept, so that a later run goes on from there."""
    path = home / "world.json"
    if not path.exists():
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        chosen = {
            "seed": os.environ.get("SEED") or "7",
            "weeks": os.environ.get("WEEKS") or "12",
            "until": os.environ.get("UNTIL") or yesterday,
            "scale": os.environ.get("SCALE") or "1.0",
        }
        path.write_text(json.dumps(chosen), encoding="utf-8")
    loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def password(home: Path) -> str:
    """The password of Airflow's user `admin`, made at the first run."""
    path = home / "airflow" / "passwords.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({"admin": secrets.token_urlsafe(9)}), encoding="utf-8")
    return str(json.loads(path.read_text(encoding="utf-8"))["admin"])


def hooks_address() -> str:
    """Where vendors bring their webhooks: the receiver in Airflow's API server."""
    return f"http://127.0.0.1:{port('airflow')}/hooks"


def variables(home: Path) -> dict[str, str]:
    """The variables of every program of the run."""
    airflow = home / "airflow"
    password(home)
    smtp = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": port("smtp"),
        "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com"},
    }
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "include"), str(ROOT / "plugins")]),
        "PYTHONUNBUFFERED": "1",
        "REBUTTAL_HOME": str(home),
        "REBUTTAL_SANDBOX_URL": f"http://127.0.0.1:{port('sandbox')}",
        "REBUTTAL_HOOKS_URL": hooks_address(),
        "AIRFLOW_CONN_SMTP": os.environ.get("AIRFLOW_CONN_SMTP") or json.dumps(smtp),
        **({"REBUTTAL_BI_URL": f"http://127.0.0.1:{port('bi')}/dashboard/list/"} if wants_bi() else {}),
        "AIRFLOW_HOME": str(airflow),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port('airflow')}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port("airflow")),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port('airflow')}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": _secret(airflow / "secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(airflow / "jwt_secret"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(port("worker_logs")),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(port("trigger_logs")),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # Webhooks become tasks in seconds: the scheduler looks often. It costs some per cent of a core.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # Numeric libraries that spin on every core slow each other down when two tasks run beside the scheduler.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or "1",
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS") or "1",
        "GX_ANALYTICS_ENABLED": "False",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
    }


def _secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")
