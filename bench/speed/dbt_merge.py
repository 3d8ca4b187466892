"""What dbt takes for the same delta: one incremental model, delete+insert, in a project of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.speed.timing import Unmeasured

ROOT = Path(__file__).resolve().parent.parent.parent
_FILES = {
    "dbt_project.yml": "name: beside\nconfig-version: 2\nversion: '1.0'\nprofile: beside\nmodel-paths: [models]\n"
    "macro-paths: [macros]\nflags: {send_anonymous_usage_stats: false}\n",
    "macros/schema.sql": "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}",
}


def merge_with_dbt(home: Path, database: Path, select: str, key: str) -> float:
    """Seconds that dbt reports for the model `core.visit`, its start left out, commit included.

    Raises Unmeasured where dbt is not set up.
    """
    dbt = ROOT / ".venv-dbt" / "bin" / "dbt"
    if not dbt.exists():
        raise Unmeasured("dbt is not set up: make setup")
    config = f"materialized='incremental', incremental_strategy='delete+insert', unique_key='{key}', schema='core'"
    files = _FILES | {
        "models/visit.sql": "{{ config(" + config + ") }}\n" + select,
        "profiles.yml": f"beside: {{target: it, outputs: {{it: {{type: duckdb, path: '{database}', threads: 1}}}}}}",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(dbt), "run", "--project-dir", str(home), "--profiles-dir", str(home)],
        env={**os.environ, "DO_NOT_TRACK": "1"}, cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"dbt failed: {done.stdout[-600:]}")
    results = json.loads((home / "target" / "run_results.json").read_text(encoding="utf-8"))
    return float(results["results"][0]["execution_time"])
