"""What a refresh runs is compiled beside the open warehouse, and is what dbt makes of the warehouse itself."""

from __future__ import annotations

import re

import duckdb
import pytest
from tests.journeys.refresh_cases import CHANGES, run_sql

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.errors import AbortError
from rebuttal.journeys import model
from rebuttal.journeys.configuration import load_model_config
from rebuttal.warehouse import dbt, open_warehouse
from rebuttal.warehouse.compiled import compile_models, models_of
from rebuttal.warehouse.engine import duckdb_path, is_duckdb
from rebuttal.warehouse.shape import shape

ASKED = re.compile(r"\]: On ([^:]+): (?!BEGIN|COMMIT|ROLLBACK|Close)")


def test_it_is_what_dbt_makes_of_the_warehouse_itself(built: Context) -> None:
    settings = built.settings
    variables = model.variables_of(load_model_config(settings.config), built)
    log = settings.home / "dbt" / "logs" / "dbt.log"
    log.unlink()
    with open_warehouse(settings) as engine:
        beside = compile_models(settings, engine, variables, "", model.AFTER_SHARES)
    asked = ASKED.findall(log.read_text(encoding="utf-8"))
    assert asked, "dbt asks which tables there are"
    assert [name for name in asked if name.startswith(("model.", "test."))] == [], "what is in them it does not ask"
    assert beside == models_of(dbt.compiled(settings, variables), model.AFTER_SHARES)
    assert any("ops.changed_person" in one.statement.replace('"', "") for one in beside), "a refresh, no whole build"


def test_the_shape_has_all_tables_and_no_row_and_leaves_nothing(built: Context) -> None:
    settings = built.settings
    tables = (
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        " WHERE table_catalog = current_database()"
    )
    with open_warehouse(settings) as engine:
        if not is_duckdb(settings):
            with shape(settings, engine) as like_it:
                assert like_it == settings, "a server has room for two"
            return
        left = settings.home / "dbt" / "shape" / duckdb_path(settings).name
        left.parent.mkdir()
        for path in (left, left.with_name(f"{left.name}.wal")):
            path.write_text("of a run that was killed", encoding="utf-8")
        with shape(settings, engine) as like_it:
            assert duckdb_path(like_it) == left
            with duckdb.connect(str(left)) as other:
                found = set(other.execute(tables).fetchall())
                rows = other.execute("SELECT sum(estimated_size) FROM duckdb_tables()").fetchone()
        with engine.connect() as connection:
            assert {tuple(row) for row in connection.exec_driver_sql(tables).all()} == found
        assert not left.parent.exists()
        with pytest.raises(AbortError), shape(settings, engine):
            raise AbortError("dbt failed", next_step="")
    assert ("marts_build", "touchpoint", "BASE TABLE") in found
    assert rows == (0,)
    assert not left.parent.exists()


def test_a_refresh_compiles_beside_its_own_changes(built: Context) -> None:
    kept = built.settings.home / "dbt" / "refresh.json"
    kept.unlink(missing_ok=True)
    run_sql(built.settings, *CHANGES["late visit"](1))
    assert journeys.run(built).counts["changed_persons"] == 1
    assert kept.is_file()
    assert journeys.run(built).changed is False
