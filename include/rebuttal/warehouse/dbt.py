"""The dbt runner: `dbt build` for all models and their tests, in dbt's own environment and process.

The warehouse comes to dbt in environment variables, never on the command line. What dbt writes beside the warehouse
(manifest, compiled SQL, log) stays under `$REBUTTAL_HOME/dbt`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from rebuttal.errors import AbortError, ConfigError, LockedError
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse.bounded import MODEL_BYTES, at_most
from rebuttal.warehouse.engine import duckdb_path, is_duckdb

PROJECT = Path(__file__).resolve().parents[2] / "dbt"
TIMEOUT_SECONDS = 3600
_FORGOTTEN = re.compile(r"forget_changed\('([^']+)'\)")
ALL = "*"  # the unit of a model of which a refresh keeps only what it makes
# The process asks for it itself, before it is dbt (PR_SET_PDEATHSIG): asked for between fork and exec, every page that
# we hold would be one of two processes, and each that is written again costs a fault.
_DIES_WITH_PARENT = [
    *(sys.executable, "-I", "-S", "-c"),
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); os.execv(sys.argv[1], sys.argv[1:])",
]
_PASSED = {"success", "pass", "skipped", "warn", "no-op"}


def build(
    settings: Settings,
    variables: Mapping[str, Any],
    *,
    unit_tests: bool = False,
    select: str | None = None,
    exclude: str | None = None,
    full_refresh: bool = True,
) -> dict[str, int]:
    """Build models into `marts_build` and test them; nothing of `marts` is touched.

    `variables` are dbt vars (see dbt_project.yml), `select` and `exclude` node selections as dbt takes them. Without
    `full_refresh` incremental models are made again for `ops.changed_person` only, and their tests look at these rows.
    The caller must have closed the warehouse: on DuckDB dbt is the one writer meanwhile. Returns the numbers of
    `models` and `tests`. Raises ConfigError when dbt is not installed, LockedError when another process holds the
    warehouse, AbortError that names what failed and where the log is.
    """
    options = [
        *([] if unit_tests else ["--exclude-resource-type", "unit_test"]),
        *(["--select", select] if select else []),
        *(["--exclude", exclude] if exclude else []),
        *(["--full-refresh"] if full_refresh else []),
    ]
    results = _run(settings, "build", variables, options)
    # A build in two steps leaves the results of both.
    shutil.copyfile(results, results.with_name("selected_results.json" if select else "main_results.json"))
    kinds = [str(result["unique_id"]).split(".", 1)[0] for result in _read_results(results)]
    return {"models": kinds.count("model"), "tests": kinds.count("test") + kinds.count("unit_test")}


def compiled(settings: Settings, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes of dbt's manifest with the SQL that an incremental build would run; nothing is built.

    The models must have been built before, if only with no row. On DuckDB the file must be open nowhere else. Raises
    as `build` does.
    """
    _run(settings, "compile", variables, ["--exclude", "resource_type:unit_test"])
    nodes: dict[str, Any] = _manifest(settings)["nodes"]
    return nodes


def _run(settings: Settings, task: str, variables: Mapping[str, Any], options: list[str]) -> Path:
    """Run dbt in a process of its own; returns the file with its results."""
    home = (settings.home / "dbt").absolute()
    (home / "target").mkdir(parents=True, exist_ok=True)
    results = home / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    command = [
        str(dbt_command().absolute()),
        "--no-use-colors",
        "--log-path",
        str(home / "logs"),
        task,
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(home / "target"),
        "--vars",
        json.dumps(dict(variables), sort_keys=True),
        *options,
    ]
    environment, folder = environment_of(settings), None
    if is_duckdb(settings):
        # What dbt has parsed is right for a file of this name only: it is named from its folder, wherever it lies.
        path = duckdb_path(settings).absolute()
        environment["REBUTTAL_DBT_PATH"], folder = path.name, path.parent
    # Standard input is closed and the child dies with us: a killed loop leaves no dbt behind that holds the warehouse.
    finished = subprocess.run(
        _DIES_WITH_PARENT + command if sys.platform == "linux" else command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if finished.returncode != 0:
        raise _failure(_read_results(results), finished.stdout, home / "logs" / "dbt.log")
    return results


def units(settings: Settings) -> dict[str, str]:
    """Model -> the SQL expression by which it is made again, of the models that the last build made by person.

    It stands once, in the model itself: in its pre-hook, `forget_changed('person_id')`, or in its `meta`.
    """
    nodes = _manifest(settings)["nodes"].values()
    return {str(node["alias"]): unit for node in nodes if (unit := unit_of(node)) not in ("", ALL)}


def unit_of(node: Mapping[str, Any]) -> str:
    """The SQL expression by which a node of the manifest is made again.

    '' where it is made whole, or only grows; ALL where it is emptied before.
    """
    if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental":
        if told := node["config"].get("meta", {}).get("unit"):
            return " ".join(str(told).split())
        for hook in node["config"]["pre-hook"]:
            if "forget_all()" in hook["sql"]:
                return ALL
            named = _FORGOTTEN.search(hook["sql"])
            if named:
                return named.group(1)
    return ""


def _manifest(settings: Settings) -> dict[str, Any]:
    path = settings.home / "dbt" / "target" / "manifest.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def dbt_command() -> Path:
    """The dbt executable: $REBUTTAL_DBT or the project's own environment. Raises ConfigError when there is none."""
    path = Path(os.environ.get("REBUTTAL_DBT") or PROJECT_ROOT / ".venv-dbt" / "bin" / "dbt")
    if not path.is_file():
        raise ConfigError(f"dbt is not at {path}", next_step="Run `make setup`, or set REBUTTAL_DBT to the executable")
    return path


def environment_of(settings: Settings) -> dict[str, str]:
    """The process environment with the warehouse in it, without the connections and keys that dbt has no use for."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "REBUTTAL_", "DBT_", "PYTHON", "VIRTUAL_ENV"))
    }
    environment |= {"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    if is_duckdb(settings):
        return environment | {
            "REBUTTAL_DBT_TARGET": "duckdb",
            "REBUTTAL_DBT_PATH": str(duckdb_path(settings)),
            "REBUTTAL_DBT_MEMORY": f"{at_most(MODEL_BYTES)} B",
        }
    url = make_url(settings.warehouse_url)
    host = url.host or url.query.get("host") or "localhost"
    return environment | {
        "REBUTTAL_DBT_TARGET": "postgres",
        "REBUTTAL_DBT_HOST": host if isinstance(host, str) else host[0],
        "REBUTTAL_DBT_PORT": str(url.port or url.query.get("port") or 5432),
        "REBUTTAL_DBT_USER": url.username or "",
        "DBT_ENV_SECRET_REBUTTAL_PASSWORD": url.password or "",
        "REBUTTAL_DBT_DATABASE": url.database or "",
    }


def _read_results(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return results


def _failure(results: list[dict[str, Any]], output: str, log: Path) -> Exception:
    if "could not set lock" in output.lower():
        return LockedError(
            "Another process took the warehouse while dbt was starting",
            next_step="Wait for the other command or DAG run to end, then run this again",
        )
    failed = [result for result in results if result["status"] not in _PASSED]
    if not failed:
        said = " ".join(output.rpartition("Encountered an error:")[2].split()) or "no output"
        return AbortError(f"dbt could not start: {said[:300]}", next_step=f"Read {log}")
    names = [".".join(str(result["unique_id"]).split(".")[2:3]) for result in failed]
    kind = str(failed[0]["unique_id"]).split(".", 1)[0]
    message = " ".join(str(failed[0].get("message") or failed[0]["status"]).split())
    more = f" and {len(names) - 1} more ({', '.join(names[1:5])})" if len(names) > 1 else ""
    return AbortError(
        f"dbt {kind} {names[0]} failed: {message[:300]}{more}; the marts stay as they were", next_step=f"Read {log}"
    )
