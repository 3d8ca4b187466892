"""One Airflow for all DAG tests: a metadata database in a temporary folder, migrated once per session."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Airflow reads its settings at import, so they must stand before any test module imports it.
_home = tempfile.TemporaryDirectory(prefix="rebuttal-airflow-")
os.environ.update(
    AIRFLOW_HOME=_home.name,
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_home.name}/airflow.db",
)


@pytest.fixture(scope="session")
def airflow_database() -> Iterator[Path]:
    """The migrated metadata database."""
    airflow = Path(sys.executable).with_name("airflow")
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True)
    yield Path(_home.name)
    _home.cleanup()


@pytest.fixture(scope="session")
def dags(airflow_database: Path) -> dict[str, object]:
    """All DAGs by id; fails when a file cannot be read."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)
