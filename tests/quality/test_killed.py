"""Killed anywhere, run again: equal to a run that nobody disturbed; and nothing half done is ever to be seen."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from landed import NOW, context, land, read, row
from sqlalchemy import select
from tests import apart
from tests.conftest import settings_in
from tests.faults.long_form import SECOND_ENGINE

from rebuttal import quality
from rebuttal.quality import admit
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account, recount
from rebuttal.warehouse.tables import metadata

FAILPOINTS = [
    str(node.args[0].value)
    for node in ast.walk(ast.parse(Path(admit.__file__).read_text()))
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Name)
    and node.func.id == "failpoint"
    and isinstance(node.args[0], ast.Constant)
]
RUN = """
import sys
from datetime import datetime
from pathlib import Path
from rebuttal import quality
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.settings import Settings
home, config, warehouse, state, now = sys.argv[1:]
settings = Settings(Path(home), Path(config), "", warehouse, state)
quality.run(Context(settings, Clock(datetime.fromisoformat(now)), lambda name: None, b"test-identity-key"))
"""


def test_afterwards_another_process_may_have_the_warehouse(settings: Settings) -> None:
    """DuckDB has one writing process: dbt comes next, and no connection of ours (or of the checks) may linger."""
    land_all(settings)
    quality.run(context(settings))
    path = settings.home / "warehouse.duckdb"
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('select count(*) from core.deal').fetchone())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "(5,)", done.stderr


def test_afterwards_no_connection_to_the_server_is_left(settings: Settings, postgres_url: Callable[[], str]) -> None:
    server = replace(settings, warehouse_url=postgres_url())
    land_all(server)
    quality.run(context(server))
    ours = "datname = current_database() and pid <> pg_backend_pid()"
    assert read(server, f"select query from pg_stat_activity where {ours}") == []


def test_the_failpoints_are_named() -> None:
    assert sorted(FAILPOINTS) == sorted(
        ["admit.after_stage", "admit.after_check", "admit.before_commit", "admit.after_commit"]
    )


def everything(settings: Settings) -> dict[str, list[Any]]:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return {
            str(table): sorted(str(tuple(found)) for found in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in ("publication", "fence")  # they say at what o'clock, and that somebody was killed
        }


def land_all(settings: Settings) -> None:
    deals = [row("hubspot.deals", deal_id=str(number)) for number in range(5)]
    land(settings, "hubspot.deals", [*deals, row("hubspot.deals", deal_id="9", currency="?")])
    at = [row("yandex_metrica.hits", watch_id=str(n), date_time=f"2026-11-01 13:00:0{n}") for n in range(4)]
    land(settings, "yandex_metrica.hits", at[1:])
    land(settings, "yandex_metrica.hits", at[:2])
    land(settings, "hubspot.deals", [row("hubspot.deals", deal_id="1", updated_at="2026-11-05T00:00:00Z")])


def run_killed(settings: Settings, failpoint: str) -> int:
    places = (settings.home, settings.config, settings.warehouse_url, settings.state_url, NOW.isoformat())
    return apart.run(RUN, *places, env={**os.environ, "FAILPOINT": failpoint}).returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, list[Any]]]:
    """undisturbed(url): all that a run nobody disturbed makes in the empty warehouse `url`; once for each engine."""
    made: dict[str, dict[str, list[Any]]] = {}

    def of(url: str) -> dict[str, list[Any]]:
        engine = url.partition(":")[0]
        if engine not in made:
            calm = replace(settings_in(tmp_path_factory.mktemp("calm")), warehouse_url=url)
            land_all(calm)
            quality.run(context(calm))
            made[engine] = everything(calm)
        return made[engine]

    return of


@SECOND_ENGINE
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_and_run_again_equals_undisturbed(
    any_settings: Settings,
    failpoint: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    undisturbed: Callable[[str], dict[str, list[Any]]],
) -> None:
    on_server = any_settings.warehouse_url.startswith("postgresql")
    url = request.getfixturevalue("postgres_url")() if on_server else f"duckdb:///{tmp_path / 'undisturbed.duckdb'}"
    expected = undisturbed(url)
    land_all(any_settings)

    # The third batch folds rows that the second one admitted.
    assert run_killed(any_settings, f"{failpoint}:kill@3") == -signal.SIGKILL

    with open_warehouse(any_settings) as engine:
        assert recount(engine) == []  # what is admitted is whole, what is not has no outcome
        admitted = [one["status"] for one in account(engine)]
    assert admitted == ["admitted"] * (3 if failpoint == "admit.after_commit" else 2) + ["landed"] * (
        1 if failpoint == "admit.after_commit" else 2
    )
    quality.run(context(any_settings))
    assert everything(any_settings) == expected
    assert read(any_settings, "select * from information_schema.tables where table_schema = 'gate'") == []
    assert len(read(any_settings, "select * from core.deal")) == 5
