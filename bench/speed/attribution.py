"""MODEL: all attribution models over a touch table, beside one join and group of it, and beside ChannelAttribution.

All means the seven models that go touch by touch, Markov of order 1 and 2 and Shapley by rate, by five dimensions, with
channel removal, as `rebuttal model` makes them: credit is added up, and shared out by the joint models, from arrays
that are read from the touch table, and dbt puts it into its tables. Of dbt's work its statements count, run once more
as it has compiled them: the seconds that it reports are mostly its own (a view takes it a tenth of one). Both sides
are told by the clock and in CPU time. The ledger (the credit of every single touch, with its names) is made
from the same touches, but none of these figures is made from it: it is measured beside them. ChannelAttribution gets
the same touches, has its paths made by DuckDB, and is asked for its heuristic models and Markov of order 1 and 2;
`same_models` is ours for these models only, by channel only, from the same touch table.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np

from bench.speed.timing import Figures, Unmeasured, in_turn, ratio, seconds, timed
from rebuttal.errors import ConfigError
from rebuttal.journeys.cells import Weights
from rebuttal.journeys.credited import CONVERSION_TYPES, read_conversions
from rebuttal.journeys.credits import Paths
from rebuttal.journeys.journeys import known_of, read_converted
from rebuttal.journeys.markov import markov
from rebuttal.journeys.paths import TouchPath, attribute, encoded
from rebuttal.journeys.rules import first, last, linear
from rebuttal.journeys.seen import read_seen
from rebuttal.journeys.shares import update_shares
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.dbt import PROJECT, dbt_command

SQL = Path(__file__).parent / "sql"
BEFORE = (
    "int_channel_code",
    "int_credited_conversion",
    "int_person_touch",
    "int_attribution_period",
)
AFTER = ("int_attribution_cell", "int_attribution_sum", "attribution", "channel_removal", "channel_detour")
LEDGER = ("int_touch_name", "int_conversion_touch", "attribution_credit")
MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position_based", "shapley")
WRITTEN = ("attribution_share", "attribution_part", "channel_removal", "channel_detour")
LOOKBACK_DAYS = 90
WEEK = "2026-01-05"  # counts are kept for it, and not taken here
WEIGHTS = Weights(0.4, 0.4, 7)


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` touches, ten a person; one person in ten has won."""
    database = folder / "touches.duckdb"
    with open_warehouse(_settings(database, folder)):
        pass
    with duckdb.connect(str(database)) as connection:
        connection.execute("set preserve_insertion_order = false")
        for statement in _sql("touches").format(touches=size).split(";\n"):
            connection.execute(statement)
    (conversions,) = _one(database, "select count(*) from marts_build.int_conversion")
    parts: dict[str, list[float]] = {}
    ledger: list[float] = []
    peaks: list[float] = []
    cpu: dict[str, list[float]] = {"join": [], "models": []}

    def joined() -> float:
        with duckdb.connect(str(database)) as connection:
            took = [timed(lambda: connection.execute(_sql("join_and_group"))) for _ in range(3)]
        cpu["join"].append(median(used for _, used in took))
        return median(wall for wall, _ in took)

    def modelled() -> float:
        _run_dbt(database, folder, BEFORE, peaks)
        _shares(database, folder, peaks)  # once for dbt, whose tables are thrown away again
        _run_dbt(database, folder, AFTER, peaks)
        with duckdb.connect(str(database)) as connection:
            connection.execute("; ".join(f"delete from ops.{table}" for table in WRITTEN))
        found = _statements(database, folder, BEFORE)
        found["shares"] = _shares(database, folder, peaks)
        found |= _statements(database, folder, AFTER)
        cpu["models"].append(sum(used for _, used in found.values()))
        took = {name: wall for name, (wall, _) in found.items()}
        for name, value in took.items():
            parts.setdefault(name, []).append(value)
        ledger.append(sum(_run_dbt(database, folder, LEDGER, peaks).values()))
        for model in (*MODELS, "markov", "markov_2", "shapley_rate"):
            (credits,) = _one(
                database,
                "select sum(conversions) from marts_build.attribution"
                f" where period_kind = 'all' and dimension = 'content' and model = '{model}'",
            )
            if abs(float(credits) - conversions) > 1e-6:
                raise AssertionError(f"{model} gives credit for {credits} conversions of {conversions}")
        return sum(took.values())

    ways = {
        "join": joined,
        "models": modelled,
        "paths": lambda: seconds(lambda: _paths(database)),
        "same_models": lambda: seconds(lambda: _same_models(database, folder)),  # after `models`, which makes the views
        "channel_attribution": lambda: seconds(lambda: _channel_attribution(database)),
    }
    took = in_turn(rounds, ways)
    return {
        "attribution_join_seconds": median(took["join"]),
        "attribution_models_seconds": median(took["models"]),
        "attribution_paths_seconds": median(took["paths"]),
        "attribution_channel_attribution_seconds": median(took["channel_attribution"]),
        **{f"attribution_{name}_seconds": median(found) for name, found in parts.items()},
        "attribution_ledger_seconds": median(ledger),
        "attribution_vs_join": ratio(took["models"], took["join"]),
        "attribution_join_cpu_seconds": median(cpu["join"]),
        "attribution_models_cpu_seconds": median(cpu["models"]),
        "attribution_cpu_vs_join": ratio(cpu["models"], cpu["join"]),
        "attribution_with_ledger_vs_join": ratio(
            [models + touches for models, touches in zip(took["models"], ledger, strict=True)], took["join"]
        ),
        "attribution_vs_channel_attribution": ratio(took["channel_attribution"], took["models"]),
        "attribution_same_models_vs_channel_attribution": ratio(took["channel_attribution"], took["same_models"]),
        "attribution_paths_vs_join": ratio(took["paths"], took["join"]),
        "attribution_peak_mb": max(peaks),
    }


def _run_dbt(database: Path, folder: Path, models: tuple[str, ...], peaks: list[float]) -> dict[str, float]:
    """Seconds by model, as dbt tells them; the peak of its process goes to `peaks`."""
    try:
        command = [str(dbt_command()), "--quiet", "--log-path", str(folder), "run", "--full-refresh"]
    except ConfigError as error:
        raise Unmeasured(str(error)) from None
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
    hidden = ("PYTHON", "VIRTUAL_ENV")  # of this environment: dbt has its own
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    found = {"REBUTTAL_DBT_TARGET": "duckdb", "REBUTTAL_DBT_PATH": str(database), "DO_NOT_TRACK": "1"}
    with (folder / "dbt.out").open("w+", encoding="utf-8") as told:
        process = subprocess.Popen([*command, "--select", *models], env=kept | found, stdout=told, stderr=told)
        watcher = threading.Thread(target=_watch, args=(process, peaks))
        watcher.start()
        code = process.wait()
        watcher.join()
        told.seek(0)
        if code:
            raise RuntimeError(f"dbt failed:\n{told.read()[-2000:]}")
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    if len(results) != len(models):
        raise AssertionError(f"dbt ran {len(results)} models of {len(models)}")
    return {str(result["unique_id"]).rpartition(".")[2]: float(result["execution_time"]) for result in results}


def _statements(database: Path, folder: Path, models: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of each model's statement, as dbt compiled it, in the model's own place."""
    found = {}
    with duckdb.connect(str(database)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for model in models:
            (path,) = (folder / "target" / "run").rglob(f"{model}.sql")
            statement = path.read_text(encoding="utf-8").replace(f'"{model}__dbt_tmp"', f'"{model}"')
            asked = "select table_type from information_schema.tables where table_schema = 'marts_build'"
            (kind,) = _one_of(connection, f"{asked} and table_name = '{model}'")
            connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} marts_build.{model}")
            found[model] = timed(partial(connection.execute, statement))
    return found


def _watch(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    peak = 0.0
    while process.poll() is None:
        try:
            lines = status.read_text(encoding="utf-8").splitlines()
        except OSError:
            break
        peak = max([peak, *(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.05)
    peaks.append(peak)


def _shares(database: Path, folder: Path, peaks: list[float]) -> tuple[float, float]:
    """Seconds and CPU seconds of credit and joint models in a process of their own, whose peak goes to `peaks`."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        took, peak = pool.submit(_update, database, folder).result()
    peaks.append(peak)
    return took


def _update(database: Path, folder: Path) -> tuple[tuple[float, float], float]:
    with open_warehouse(_settings(database, folder)) as engine:
        counts: dict[str, int] = {}
        took = timed(lambda: counts.update(update_shares(engine, LOOKBACK_DAYS, WEEK, WEIGHTS)))
    if not counts["shares"]:
        raise AssertionError("no shares")
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _settings(database: Path, folder: Path) -> Settings:
    return Settings(folder, folder, "http://x", f"duckdb:///{database}", "sqlite://")


def _read_paths(database: Path) -> list[tuple[str, float, float, float]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(_sql("paths")).fetchall()


def _paths(database: Path) -> None:
    rows = _read_paths(database)
    paths = encoded(
        [TouchPath(tuple(path.split(" > ")), float(won), float(value), float(gone)) for path, won, gone, value in rows]
    )
    for model in (*MODELS, "markov", "markov_2", "shapley_rate"):
        attribute(paths, model)


def _same_models(database: Path, folder: Path) -> None:
    """What ChannelAttribution is asked for: first, last and linear touch, Markov of order 1 and 2, by channel."""
    with open_warehouse(_settings(database, folder)) as engine, engine.connect() as connection:
        conversions = read_conversions(connection)
        seen = read_seen(engine, conversions, with_names=False)
        led = read_converted(connection, conversions, seen.own, LOOKBACK_DAYS).paths
    journeys = known_of(led.names, seen, conversions, LOOKBACK_DAYS)
    known = journeys.paths
    nowhere = journeys.kinds >> CONVERSION_TYPES.index("won") & 1 == 0
    nulls = known.nulls * nowhere
    paths = Paths(
        led.names,
        np.concatenate([led.codes, known.codes[np.repeat(nowhere, known.lengths)]]),
        np.concatenate([led.starts, led.starts[-1] + np.cumsum(known.lengths[nowhere])]),
        *(
            np.concatenate([mine, theirs[nowhere]])
            for mine, theirs in ((led.conversions, known.conversions), (led.values, known.values), (led.nulls, nulls))
        ),
    )
    for credit in (first(paths), last(paths), linear(paths), *(markov(paths, order) for order in (1, 2))):
        if abs(credit.conversions.sum() - led.conversions.sum()) > 1e-3:
            raise AssertionError(f"credit for {credit.conversions.sum()} conversions of {led.conversions.sum()}")


def _channel_attribution(database: Path) -> None:
    try:
        import ChannelAttribution
    except ImportError as error:
        raise Unmeasured(f"ChannelAttribution is not installed: {error}") from None
    with duckdb.connect(str(database), read_only=True) as connection:
        frame = connection.execute(_sql("paths")).df()
    ChannelAttribution.heuristic_models(frame, "path", "conversions", var_value="value", flg_pro=False)
    for order in (1, 2):
        ChannelAttribution.markov_model(
            frame, "path", "conversions", var_value="value", var_null="nulls",
            order=order, max_step=1000, ncore=os.cpu_count() or 1, seed=1, verbose=False, flg_pro=False,
        )  # fmt: skip


def _one(database: Path, query: str) -> tuple[Any, ...]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return _one_of(connection, query)


def _one_of(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = connection.execute(query).fetchall()
    return tuple(row)


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
