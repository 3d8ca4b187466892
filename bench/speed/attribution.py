"""MODEL: six attribution models over a touch table beside one join and group of the same touches.

Twice: the dbt models as `rebuttal model` runs them (the seconds that dbt reports for each, so neither its start nor its
parsing), and the path table of `rebuttal attribute`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from statistics import median

import duckdb

from bench.speed.timing import Figures, Unmeasured, in_turn, ratio, seconds
from rebuttal.errors import ConfigError
from rebuttal.journeys.paths import TouchPath, attribute
from rebuttal.warehouse.dbt import PROJECT, dbt_command

SQL = Path(__file__).parent / "sql"
DBT_MODELS = ("int_conversion_touch", "attribution_credit", "attribution")
MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position_based")


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` touches, half of them on the way to a conversion."""
    database = folder / "touches.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(_sql("touches").format(touches=size))
    (conversions,) = _one(database, "select count(*) from marts_build.int_conversion")

    def joined() -> float:
        with duckdb.connect(str(database)) as connection:
            return median(seconds(lambda: connection.execute(_sql("join_and_group"))) for _ in range(3))

    def modelled() -> float:
        took = _run_dbt(database, folder)
        (credits,) = _one(database, "select sum(credit) from marts_build.attribution_credit")
        if abs(float(credits) - conversions * len(MODELS)) > 0.01:
            raise AssertionError(f"credits add up to {credits}, not to {conversions} for each of {len(MODELS)} models")
        return took

    took = in_turn(rounds, {"join": joined, "models": modelled, "paths": lambda: seconds(lambda: _paths(database))})
    return {
        "attribution_join_seconds": median(took["join"]),
        "attribution_models_seconds": median(took["models"]),
        "attribution_paths_seconds": median(took["paths"]),
        "attribution_vs_join": ratio(took["models"], took["join"]),
        "attribution_paths_vs_join": ratio(took["paths"], took["join"]),
    }


def _run_dbt(database: Path, folder: Path) -> float:
    try:
        command = [str(dbt_command()), "--quiet", "--log-path", str(folder), "run"]
    except ConfigError as error:
        raise Unmeasured(str(error)) from None
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
    hidden = ("PYTHON", "VIRTUAL_ENV")  # of this environment: dbt has its own
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    found = {"REBUTTAL_DBT_TARGET": "duckdb", "REBUTTAL_DBT_PATH": str(database), "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [*command, "--select", *DBT_MODELS], env=kept | found, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"dbt failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    told = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    if len(told) != len(DBT_MODELS):
        raise AssertionError(f"dbt ran {len(told)} models of {len(DBT_MODELS)}")
    return sum(float(result["execution_time"]) for result in told)


def _paths(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(_sql("paths")).fetchall()
    paths = [TouchPath(tuple(path.split(" > ")), float(count), 0.0, 0.0) for path, count in rows]
    for model in MODELS:
        attribute(paths, model)


def _one(database: Path, query: str) -> tuple[float, ...]:
    with duckdb.connect(str(database), read_only=True) as connection:
        (row,) = connection.execute(query).fetchall()
    return tuple(row)


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
