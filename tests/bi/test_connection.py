"""Connections to the marts: read-only, in UTC, and an empty table for what nobody has written yet."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.bi.conftest import BIN, MISSING, ROOT

# Superset's environment has other drivers than ours, so it is asked there.
ASK = """
import json, sys
from pathlib import Path
from bi.declarations import load_marts
from bi.marts_connection import open_duckdb, open_postgres

kind, where = sys.argv[1:]
connection = open_duckdb(Path(where), load_marts()) if kind == "duckdb" else open_postgres(where, load_marts())
def ask(query):
    cursor = connection.cursor()
    try:
        cursor.execute(query)
        return [[str(value) for value in row] for row in cursor.fetchall()]
    except Exception as error:
        if kind == "postgres":
            connection.rollback()
        return f"{type(error).__name__}: {error}"
print(json.dumps([ask(query) for query in json.load(sys.stdin)]))
"""
QUERIES = [
    "SELECT count(*), max(leads) FROM kpi_weekly",
    "SELECT count(*) FROM objection",
    "SELECT TIMESTAMPTZ '2026-01-01 00:00:00+02'",
    "UPDATE marts.kpi_weekly SET leads = 0",
    "CREATE TABLE marts.own (a int)",
]


def ask(kind: str, where: str) -> list[object]:
    if not BIN.exists():
        pytest.skip(MISSING)
    done = subprocess.run(
        [str(BIN / "python"), "-c", ASK, kind, where],
        input=json.dumps(QUERIES),
        env={"PYTHONPATH": str(ROOT / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[object] = json.loads(done.stdout)
    return answers


def right(answers: list[object]) -> bool:
    counted, empty, instant, changed, made = answers
    assert counted == [["1", "7"]]
    assert empty == [["0"]]
    assert "2025-12-31 22:00:00" in str(instant)
    assert "read-only" in str(changed)
    assert "read-only" in str(made)
    return True


def test_duckdb(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.kpi_weekly AS SELECT 7::BIGINT AS leads")
    assert right(ask("duckdb", str(path)))
    counted, empty, *_ = ask("duckdb", str(tmp_path / "none.duckdb"))
    assert counted == [["0", "None"]]
    assert empty == [["0"]]


def test_postgres(postgres_url: Callable[[], str]) -> None:
    url = postgres_url()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.kpi_weekly AS SELECT 7::BIGINT AS leads")
    assert right(ask("postgres", url.replace("+psycopg", "+psycopg2")))
