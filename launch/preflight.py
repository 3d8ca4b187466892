"""Can this machine do it? Asked before anything is installed or started; the standard library only.

`python3 -m launch.preflight [setup|run]` prints a line per obstacle, each with what to do, and exits 1 if there is one.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED_GB = 6
VERSIONS = ((3, 11), (3, 12), (3, 13))

# name -> (variable, default, what it is)
PORTS: dict[str, tuple[str, int, str]] = {
    "airflow": ("AIRFLOW_PORT", 8080, "Airflow's page"),
    "sandbox": ("SANDBOX_PORT", 8799, "the sandbox"),
    "smtp": ("SMTP_PORT", 8825, "the mail catcher's SMTP"),
    "mail": ("MAIL_PORT", 8826, "the mail catcher's page"),
    "bi": ("BI_PORT", 8088, "the dashboards' page"),
    "worker_logs": ("WORKER_LOG_PORT", 8793, "Airflow's worker logs"),
    "trigger_logs": ("TRIGGER_LOG_PORT", 8794, "Airflow's trigger logs"),
}


def wants_bi() -> bool:
    """Whether the dashboards belong to this run: `make run BI=0` leaves them out."""
    return os.environ.get("BI", "1") != "0"


def port(name: str) -> int:
    """The port chosen for `name`: its variable, or its default. Exits with a line when the value is no port."""
    variable, default, _ = PORTS[name]
    text = os.environ.get(variable, "") or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        sys.exit(f"{variable}={text} is not a port; use a number from 1 to 65535")
    return int(text)


def obstacles(goal: str) -> list[str]:
    """What stands in the way of `goal` ("setup" or "run"), one line each."""
    found = []
    if sys.version_info[:2] not in VERSIONS:
        found.append(
            f"python3 is {sys.version_info.major}.{sys.version_info.minor}; Rebuttal needs 3.11, 3.12 or 3.13: "
            "install one and run `make PYTHON=python3.12 ...`"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        found.append("python3 has no venv module: install it (Debian, Ubuntu: `apt install python3-venv`)")
    home = Path(os.environ.get("REBUTTAL_HOME") or ROOT)
    while not home.exists():
        home = home.parent
    for place in {ROOT, home}:
        free = shutil.disk_usage(place).free / 1024**3
        if free < NEEDED_GB:
            found.append(f"Only {free:.1f} GB free at {place}; {NEEDED_GB} GB are needed: free some space")
    if goal == "run":
        found += [
            f"Port {port(name)} ({what}) is taken: stop what listens there, or run `make run {variable}=NUMBER`"
            for name, (variable, _, what) in PORTS.items()
            if (name != "bi" or wants_bi()) and _is_taken(port(name))
        ]
    return found


def _is_taken(number: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    lines = obstacles(sys.argv[1] if len(sys.argv) > 1 else "setup")
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(1 if lines else 0)
