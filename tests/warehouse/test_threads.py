"""A refresh on DuckDB gives all its threads to statements that read a large table, and one to all others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.bounded import MANY_ROWS
from rebuttal.warehouse.threads import fit_threads

USED = "current_setting('threads')"


def used(engine: Engine, reading: str = "") -> int:
    """How many threads a statement gets that reads so."""
    with engine.connect() as connection:
        return int(connection.execute(text(f"select {USED} as used {reading}")).scalars().first() or 0)


def fill(engine: Engine, threads: int) -> None:
    with engine.begin() as connection:
        for name, rows in (("large", MANY_ROWS), ("small", 1000)):
            connection.execute(text(f"create table marts_build.{name} as select range as row from range({rows})"))
            connection.execute(text(f"create view marts_build.of_{name} as select * from marts_build.{name}"))
        connection.execute(text("create view marts_build.of_view as select * from marts_build.of_large"))
        connection.execute(text(f"set global threads = {threads}"))


@pytest.mark.parametrize(
    ("reading", "threads"),
    [
        ("", 1),
        ("from marts_build.small", 1),
        ('from "marts_build"."large"', 3),
        ("from marts_build.small join marts_build.large using (row)", 3),
        ("FROM warehouse.marts_build.large", 3),
        ("from marts_build.of_large", 3),
        ("from marts_build.of_view", 3),
        ("from marts_build.of_small", 1),
        ("from (select 1 as large) as marts_build where marts_build.large = 1", 1),
    ],
)
def test_all_threads_are_for_what_reads_a_large_table(settings: Settings, reading: str, threads: int) -> None:
    with open_warehouse(settings) as engine:
        fill(engine, 3)
        fit_threads(engine)
        assert [used(engine, reading), used(engine), used(engine, reading)] == [threads, 1, threads]


def test_writing_into_a_large_table_is_one_threads_work(settings: Settings) -> None:
    with open_warehouse(settings) as engine:
        fill(engine, 3)
        fit_threads(engine)
        with engine.begin() as connection:
            connection.execute(text(f"insert into marts_build.large select {USED} from marts_build.small limit 1"))
        with engine.connect() as connection:
            assert (
                connection.execute(text("select row from marts_build.large order by rowid desc limit 1")).scalar() == 1
            )


def test_who_asks_beside_takes_no_threads_away(settings: Settings) -> None:
    with open_warehouse(settings) as engine, ThreadPoolExecutor(1) as beside:
        fill(engine, 3)
        fit_threads(engine)
        assert used(engine, "from marts_build.large") == 3
        assert beside.submit(used, engine).result() == 3
        assert used(engine) == 1
        assert beside.submit(used, engine, "from marts_build.large").result() == 3


def test_the_next_who_opens_the_warehouse_has_all_threads(settings: Settings) -> None:
    with open_warehouse(settings) as engine:
        own = used(engine)
        fit_threads(engine)
        assert used(engine) == 1
    with open_warehouse(settings) as engine:
        assert used(engine) == own


def test_a_server_has_its_own_ways(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine:
        fit_threads(engine)
        with engine.connect() as connection:
            assert connection.execute(text("select count(*) from core.visit")).scalar_one() == 0
