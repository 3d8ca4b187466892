"""The dbt runner: its unit tests pass on both engines; what fails is named, and no secret with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from rebuttal.errors import AbortError, ConfigError, LockedError
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import dbt, open_warehouse

VARIABLES = {"running_week_start": "2026-01-19"}


def test_models_and_their_unit_tests_on_an_empty_warehouse(any_settings: Settings) -> None:
    before = sorted(dbt.PROJECT.rglob("*"))
    with open_warehouse(any_settings):
        pass
    built = dbt.build(any_settings, VARIABLES, unit_tests=True)
    declared = sum(path.read_text().count("\n    model: ") for path in dbt.PROJECT.rglob("*.yml"))
    assert declared >= 5
    without = sum(path.read_text().count("\n  - name: ") for path in dbt.PROJECT.glob("models/*/*.yml"))
    assert without > declared
    assert built["models"] == len(list(dbt.PROJECT.glob("models/*/*.sql")))
    assert built["tests"] > declared + 50
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        schemas = (
            connection.execute(text("SELECT DISTINCT table_schema FROM information_schema.tables")).scalars().all()
        )
        assert {"marts_build", "core", "ops"} <= set(schemas)
        assert not [name for name in schemas if name.startswith("marts_build_")]
    assert (any_settings.home / "dbt" / "target" / "manifest.json").is_file()
    assert sorted(dbt.PROJECT.rglob("*")) == before, "nothing is written into the project"


def test_without_dbt_it_says_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBUTTAL_DBT", "/nowhere/dbt")
    with pytest.raises(ConfigError, match=r"dbt is not at /nowhere/dbt.*make setup"):
        dbt.build(settings, VARIABLES)


def test_a_locked_warehouse_is_a_reason_to_retry(settings: Settings, tmp_path: Path) -> None:
    with open_warehouse(settings):
        pass
    # DuckDB's lock counts between processes, and dbt is another one.
    with duckdb.connect(str(settings.home / "warehouse.duckdb")), pytest.raises(LockedError, match="Another process"):
        dbt.build(settings, VARIABLES)


BUILDING = """
import sys
from pathlib import Path
from rebuttal.settings import Settings
from rebuttal.warehouse import dbt
home = Path(sys.argv[1])
dbt.build(Settings(home, home, "http://x", f"duckdb:///{home}/warehouse.duckdb", "sqlite://"), {})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_dbt_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A killed loop leaves no dbt behind that holds the warehouse."""
    told, endless = tmp_path / "pid", tmp_path / "endless"
    endless.write_text(f"#!/bin/sh\necho $$ > {told}.new\nmv {told}.new {told}\nexec sleep 60\n")
    endless.chmod(0o755)
    environment = os.environ | {"REBUTTAL_DBT": str(endless)}
    starter = subprocess.Popen([sys.executable, "-c", BUILDING, str(tmp_path)], env=environment)
    try:
        _wait_for(told.exists)
        state = Path(f"/proc/{told.read_text().strip()}/stat")
        assert state.exists(), "it runs"
        starter.kill()
        starter.wait(10)
        # Whoever takes over its children may be slow to bury them: a dead one holds nothing.
        _wait_for(lambda: not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z")
    finally:
        starter.kill()
        starter.wait(10)


def _wait_for(is_so: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


def test_a_server_that_is_not_there_is_named_without_its_password(settings: Settings) -> None:
    url = "postgresql+psycopg://someone:very-secret@127.0.0.1:9/none"
    assert make_url(url).password == "very-secret"
    with pytest.raises(AbortError) as caught:
        dbt.build(replace(settings, warehouse_url=url), VARIABLES)
    log = settings.home / "dbt" / "logs" / "dbt.log"
    assert str(log) in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert "very-secret" not in log.read_text(encoding="utf-8")


def test_the_project_is_where_the_package_says() -> None:
    assert dbt.PROJECT == PROJECT_ROOT / "include" / "dbt"
    assert "send_anonymous_usage_stats: false" in (dbt.PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
