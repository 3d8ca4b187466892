"""MODEL: a build of everything beside a refresh after one per cent of new data, as it comes and with more restated.

`refresh_`: a week of visits, leads, deals and cost comes, and what sources tell again with it: visits of three days and
cost of 28 (those of the newest days; the look-back of our sources), and a tenth of the last weeks' deals moves.
`refresh_restated_`: beside that a hundredth of all deals is restated, of every month, so that credit of every month
moves, and a few visits of weeks ago. Both begin with the same build, in a copy of its own.

Seconds are those that dbt reports for its models and tests together (its start and parsing left out, and shown) and
the wall time of our own steps: finding what changed, a refresh's models and tests, promotion, publication. The same in
CPU time, which other work on the machine moves less. Of dbt's processes the start is left out: of a refresh all of the
one that compiles, where one is needed, and of a whole build as much for each of its two. Identity stands already; it
has a measure of its own. DuckDB.
"""

from __future__ import annotations

import json
import resource
import shutil
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
from rebuttal.warehouse.bounded import bound

SQL = Path(__file__).parent / "sql"
TOUCHES_A_PERSON = 10
_MEGABYTE = 1024**2 if sys.platform == "darwin" else 1024  # of ru_maxrss
_BEGIN, _DAYS = "timestamptz '2024-11-01 00:00:00+00'", 700  # until 2026-10-02; the last hundredth: 7 days
# Every cost of its look-back is another, and one visit in 20: more than sources do.
USUAL = (
    "update core.ad_performance set cost = cost + 1, batch_id = 'restated' where report_date >= '2026-09-04'",
    "update core.deal set is_won = not is_won, stage_id = case when is_won then 'lost' else 'won' end,"
    " batch_id = 'restated' where created_at >= '2026-09-04' and hash(deal_id) % 10 = 0",
    "update core.visit set duration_seconds = duration_seconds + 60, batch_id = 'restated'"
    " where started_at >= '2026-09-22' and started_at < '2026-09-25' and hash(visit_id) % 20 = 0",
)
MORE = (
    "update core.deal set amount = amount + 1, batch_id = 'restated' where hash(deal_id) % 100 = 0",
    "update core.visit set utm_source_norm = 'facebook', batch_id = 'restated'"
    " where batch_id >= 'visits-2026-09' and hash(visit_id) % 500 = 0",
)


def measure(size: int, _rounds: int, folder: Path) -> Figures:
    """`size` visits, a tenth as many persons, a hundredth as many leads. One round: a build takes minutes."""
    try:
        dbt.dbt_command()
    except ConfigError as error:
        raise Unmeasured(str(error)) from None
    company = context(folder / "home")
    with open_warehouse(company.settings) as engine:
        model.load_settled(engine, load_model_config(company.settings.config))
        happen(engine, size // TOUCHES_A_PERSON, 0.0, 0.99)
    whole = build(company)
    shutil.copytree(folder / "home", folder / "copy")
    refreshes = {"refresh": _refresh(company, size, USUAL)}
    shutil.rmtree(folder / "home")
    (folder / "copy").rename(folder / "home")
    refreshes["refresh_restated"] = _refresh(company, size, USUAL + MORE)
    # Compiling takes as long as a start, and a little more: the whole build rather looks too quick than too slow.
    start = max(refresh.pop("dbt_cpu_seconds") for refresh in refreshes.values())
    whole["cpu_seconds"] += whole.pop("dbt_cpu_seconds") - 2 * start
    return {
        **{f"refresh_whole_{name}": value for name, value in whole.items()},
        **{f"{kind}_{name}": value for kind, refresh in refreshes.items() for name, value in refresh.items()},
        **{f"{kind}_vs_whole": refresh["seconds"] / whole["seconds"] for kind, refresh in refreshes.items()},
        **{
            f"{kind}_cpu_vs_whole": refresh["cpu_seconds"] / whole["cpu_seconds"] for kind, refresh in refreshes.items()
        },
        "refresh_dbt_start_cpu_seconds": start,
        "refresh_peak_mb": max(
            resource.getrusage(who).ru_maxrss / _MEGABYTE for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ),
    }


def happen(engine: Engine, persons: int, begin: float, end: float) -> None:
    """Admit what happened between two shares of the two years, and let identity know its devices."""
    instants = {
        name: f"({_BEGIN} + {share * _DAYS} * interval '1 day')"
        for name, share in (("from_at", begin), ("until_at", end))
    }
    bound(engine)  # what is measured is the memory of a build
    statement = (SQL / "refresh_company.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        connection.exec_driver_sql(statement.format(persons=persons, begin=begin, end=end, **instants))


def _refresh(company: Context, size: int, restated: tuple[str, ...]) -> Figures:
    with open_warehouse(company.settings) as engine:
        happen(engine, size // TOUCHES_A_PERSON, 0.99, 1.0)
        restate(engine, restated)
    refresh = build(company)
    _check(company)
    del refresh["dbt_seconds"]  # dbt itself runs no model in it
    return refresh


def restate(engine: Engine, statements: tuple[str, ...]) -> None:
    """What sources tell again beside what is new: `USUAL`, and `MORE`."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def build(company: Context) -> Figures:
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
