"""A checkpoint beside other work: what is committed is in the file, and whoever writes is not disturbed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.checkpoint import checkpoint_beside


@pytest.fixture
def log(settings: Settings) -> Path:
    return settings.home / "warehouse.duckdb.wal"


def test_the_log_is_folded_in_while_others_read(settings: Settings, log: Path) -> None:
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE marts.many AS SELECT range AS n FROM range(50_000)"))
        assert log.stat().st_size > 100_000
        with checkpoint_beside(engine), engine.connect() as connection:
            assert connection.execute(text("SELECT sum(n) FROM marts.many")).scalar_one() == 50_000 * 49_999 // 2
        assert not log.exists() or log.stat().st_size < 1000


def test_who_writes_is_not_disturbed(settings: Settings, log: Path) -> None:
    with open_warehouse(settings) as engine:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("CREATE TABLE marts.one AS SELECT 1 AS n"))
            with checkpoint_beside(engine):
                connection.execute(text("INSERT INTO marts.one VALUES (2)"))
        assert log.stat().st_size > 0, "it is left to the closing"
    assert not log.exists()
    with open_warehouse(settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM marts.one")).scalar_one() == 2


def test_a_server_has_its_own(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, checkpoint_beside(engine), engine.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
