"""The models are written once: what dbt compiles from them is read by the dialects of other engines, too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from rebuttal.settings import Settings
from rebuttal.warehouse import dbt, open_warehouse

DIALECTS = ("snowflake", "bigquery", "databricks", "clickhouse", "duckdb", "postgres")
MODELS = sorted(path.stem for path in dbt.PROJECT.glob("models/*/*.sql"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Model -> what dbt makes of it for a first build. Quotes of names are the adapter's and left out."""
    home = tmp_path_factory.mktemp("compiled")
    settings = Settings(home, home, "", f"duckdb:///{home / 'warehouse.duckdb'}", "sqlite://")
    with open_warehouse(settings):
        pass
    options = ["--project-dir", str(dbt.PROJECT), "--profiles-dir", str(dbt.PROJECT), "--target-path", str(home)]
    done = subprocess.run(
        [str(dbt.dbt_command()), "--log-path", str(home), "compile", *options],
        env=dbt.environment_of(settings), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    folder = home / "compiled" / "rebuttal" / "models"
    return {path.stem: path.read_text(encoding="utf-8").replace('"', "") for path in folder.glob("*/*.sql")}


def test_every_model_is_compiled(compiled: dict[str, str]) -> None:
    assert len(MODELS) > 25
    assert sorted(compiled) == MODELS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_other_engines_read_every_model(compiled: dict[str, str], dialect: str) -> None:
    refused = {}
    for name, statement in compiled.items():
        try:
            parsed = sqlglot.parse_one(statement, read=dialect)
        except sqlglot.errors.ParseError as error:
            refused[name] = str(error)
        else:
            assert isinstance(parsed, exp.Query), name
            assert not list(parsed.find_all(exp.Command)), name
    assert refused == {}


def test_no_model_speaks_a_dialect_itself() -> None:
    """Whatever an engine needs stands in macros/dialect.sql: no model asks for the engine."""
    spoken = [
        str(path.relative_to(dbt.PROJECT))
        for path in dbt.PROJECT.rglob("*.sql")
        if any(word in path.read_text(encoding="utf-8") for word in ("target.type", "adapter.dispatch", "adapter.type"))
    ]
    assert spoken == [str(Path("macros") / "dialect.sql")]
