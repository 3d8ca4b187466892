"""Superset as part of a run: its environment's variables, bringing it up to include/bi, and the server.

`python -m launch.bi` does that alone, without a run: it provisions and then serves until it is stopped;
`python -m launch.bi provision` only provisions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from launch.preflight import ROOT, port

BIN = ROOT / ".venv-bi" / "bin"


def variables(home: Path) -> dict[str, str]:
    """What Superset needs beside the environment of the other programs."""
    return {
        **os.environ,
        "REBUTTAL_HOME": str(home),
        "PYTHONPATH": str(ROOT / "include"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "SUPERSET_CONFIG_PATH": str(ROOT / "include" / "bi" / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "OMP_NUM_THREADS": "1",
    }


def provision_command() -> list[str]:
    """Make or upgrade Superset's database, then write what include/bi declares; a second time changes nothing."""
    # It takes half a minute of a core the first time, and the loop turns meanwhile.
    return ["nice", str(BIN / "python"), "-m", "bi.provision"]


def serve_command() -> list[str]:
    """Superset behind gunicorn, for this machine only. One process: each is 0.3 GB and imports for seconds."""
    return [
        str(BIN / "gunicorn"),
        *("--bind", f"127.0.0.1:{port('bi')}"),
        *("--workers", "1", "--worker-class", "gthread", "--threads", "8"),
        *("--timeout", "120", "--graceful-timeout", "5"),
        "superset.app:create_app()",
    ]


def address() -> str:
    """Where the dashboards are."""
    return f"http://127.0.0.1:{port('bi')}"


def passwords(home: Path) -> dict[str, str]:
    """The passwords that the accounts began with, by name; empty before the first provisioning."""
    path = home / "superset" / "passwords.json"
    if not path.exists():
        return {}
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Provision, and unless told otherwise serve."""
    home = Path(os.environ.get("REBUTTAL_HOME") or ROOT / ".rebuttal").expanduser().resolve()
    if not (BIN / "gunicorn").exists():
        print("Superset's environment is missing: run `make bi`, or leave it out with `make run BI=0`", file=sys.stderr)
        return 1
    env = variables(home)
    done = subprocess.run(provision_command(), env=env, check=False).returncode
    if done or sys.argv[1:] == ["provision"]:
        return done
    print(
        f"Dashboards: {address()}  (admin; its password stands in {home / 'superset' / 'passwords.json'})", flush=True
    )
    sys.stdout.flush()
    return os.execve(str(BIN / "gunicorn"), serve_command(), env)


if __name__ == "__main__":
    sys.exit(main())
