"""MODEL: a build of everything beside a refresh after one per cent of new data, restatements among it.

Seconds are those that dbt reports for its models and tests together (its start and parsing left out, and shown) and
the wall time of our own steps: finding what changed, a refresh's models and tests, promotion, publication. The same in
CPU time, which other work on the machine moves less. Of dbt's processes the start is left out: of a refresh all of the
one that compiles, where one is needed, and of a whole build as much for each of its two. Identity stands already; it
has a measure of its own. DuckDB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from bench.speed.timing import Figures, Unmeasured
from bench.speed.visits import context
from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.journeys import model
from rebuttal.journeys.configuration import load_model_config
from rebuttal.records import Report
from rebuttal.warehouse import dbt, open_warehouse

SQL = Path(__file__).parent / "sql"
TOUCHES_A_PERSON = 10
_MEGABYTE = 1024**2 if sys.platform == "darwin" else 1024  # of ru_maxrss
_BEGIN, _DAYS = "timestamptz '2024-11-01 00:00:00+00'", 700


def measure(size: int, _rounds: int, folder: Path) -> Figures:
    """`size` visits, a tenth as many persons, a hundredth as many leads. One round: a build takes minutes."""
    try:
        dbt.dbt_command()
    except ConfigError as error:
        raise Unmeasured(str(error)) from None
    company = context(folder / "home")
    with open_warehouse(company.settings) as engine:
        model.load_settled(engine, load_model_config(company.settings.config))
        _happen(engine, size // TOUCHES_A_PERSON, 0.0, 0.99)
    whole = _build(company)
    with open_warehouse(company.settings) as engine:
        _happen(engine, size // TOUCHES_A_PERSON, 0.99, 1.0)
        _restate(engine)
    refresh = _build(company)
    _check(company)
    # Compiling takes as long as a start, and a little more: the whole build rather looks too quick than too slow.
    start = refresh.pop("dbt_cpu_seconds")
    del refresh["dbt_seconds"]  # dbt itself runs no model in it
    whole["cpu_seconds"] += whole.pop("dbt_cpu_seconds") - 2 * start
    return {
        **{f"refresh_whole_{name}": value for name, value in whole.items()},
        **{f"refresh_{name}": value for name, value in refresh.items()},
        "refresh_dbt_start_cpu_seconds": start,
        "refresh_vs_whole": refresh["seconds"] / whole["seconds"],
        "refresh_cpu_vs_whole": refresh["cpu_seconds"] / whole["cpu_seconds"],
        "refresh_peak_mb": max(
            resource.getrusage(who).ru_maxrss / _MEGABYTE for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ),
    }


def _happen(engine: Engine, persons: int, begin: float, end: float) -> None:
    instants = {
        name: f"({_BEGIN} + {share * _DAYS} * interval '1 day')"
        for name, share in (("from_at", begin), ("until_at", end))
    }
    statement = (SQL / "refresh_company.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        connection.exec_driver_sql(statement.format(persons=persons, begin=begin, end=end, **instants))


def _restate(engine: Engine) -> None:
    """Beside what is new: a hundredth of the last weeks' cost and of all deals, and a few visits of long ago."""
    with engine.begin() as connection:
        for statement in (
            "update core.ad_performance set cost = cost + 1, batch_id = 'restated' where report_date >= '2026-09-20'",
            "update core.deal set amount = amount + 1, batch_id = 'restated' where hash(deal_id) % 100 = 0",
            "update core.visit set utm_source_norm = 'facebook', batch_id = 'restated'"
            " where batch_id >= 'visits-2026-09' and hash(visit_id) % 500 = 0",
        ):
            connection.execute(text(statement))


def _build(company: Context) -> Figures:
    """One turn of the model stage behind identity: seconds, and what they went to."""
    walls: list[float] = []
    running: list[float] = []  # as dbt says itself; nothing of a process that only compiles
    real = (dbt.build, dbt.compiled)

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            found = function(*arguments, **options)
            walls.append(time.perf_counter() - begun)
            if function is real[0]:
                results = company.settings.home / "dbt" / "target" / "run_results.json"
                running.append(float(json.loads(results.read_text(encoding="utf-8"))["elapsed_time"]))
            return found

        return run

    report = Report("model")
    variables = model.variables_of(load_model_config(company.settings.config), company)
    dbt.build, dbt.compiled = timed(dbt.build), timed(dbt.compiled)
    try:
        begun, own, children = time.perf_counter(), time.process_time(), _children_cpu()
        model.build_due(company, variables, report)
        wall, own, children = time.perf_counter() - begun, time.process_time() - own, _children_cpu() - children
    finally:
        dbt.build, dbt.compiled = real
    return {
        "seconds": wall - sum(walls) + sum(running),
        "cpu_seconds": own,
        "own_seconds": wall - sum(walls),
        "dbt_seconds": sum(running),
        "dbt_start_seconds": sum(walls) - sum(running),
        "dbt_cpu_seconds": children,
        "changed_persons": float(report.counts["changed_persons"]),  # a whole build counts none
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _check(company: Context) -> None:
    """The refresh found all that happened: no row of a visit is missing or stale."""
    with open_warehouse(company.settings) as engine, engine.connect() as connection:
        query = text(
            "select (select count(*) from core.visit) - count(*), count(*) - count(distinct touchpoint_id)"
            " from marts.touchpoint where kind = 'visit'"
        )
        if tuple(connection.execute(query).one()) != (0, 0):
            raise AssertionError("the touchpoints are not those of core after the refresh")
