"""Publishing: only where something differs, whole or not at all, and readers never see a mixture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from sqlalchemy import text

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.model_tables import mart_checksum, model_build
from rebuttal.warehouse.promote import promote
from rebuttal.warehouse.publish import fingerprint_of, publish, publish_open, publish_previous
from rebuttal.warehouse.published_file import copying


def context_for(settings: Settings) -> Context:
    def resolve(connection_id: str) -> Connection:
        raise AssertionError(connection_id)

    return Context(settings, Clock.until(date(2026, 1, 21)), resolve, b"a key of sixteen")


def build(settings: Settings, version: int, rows: int = 3) -> list[str]:
    """A build of two marts that carry the same version in all rows, promoted."""
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            for name in ("left_mart", "right_mart", "int_scratch"):
                connection.execute(text(f"DROP TABLE IF EXISTS marts_build.{name}"))
                connection.execute(text(f"CREATE TABLE marts_build.{name} (row_id bigint, version bigint)"))
                for row in range(rows):
                    connection.execute(text(f"INSERT INTO marts_build.{name} VALUES ({row}, {version})"))
        return promote(engine)


def versions(settings: Settings) -> set[tuple[int, int]]:
    """The distinct versions that a reader sees in both marts, read in one transaction."""
    with open_published(settings) as engine, engine.connect() as connection:
        connection = (
            connection.execution_options(isolation_level="REPEATABLE READ") if _is_server(settings) else connection
        )
        left = connection.execute(text("SELECT DISTINCT version FROM marts.left_mart")).scalars().all()
        right = connection.execute(text("SELECT DISTINCT version FROM marts.right_mart")).scalars().all()
    return {(a, b) for a in left for b in right}


def _is_server(settings: Settings) -> bool:
    return settings.warehouse_url.startswith("postgresql")


def test_only_what_differs_is_promoted_and_published(any_settings: Settings) -> None:
    context = context_for(any_settings)
    assert build(any_settings, 1) == ["left_mart", "right_mart"]
    assert publish(context).changed
    assert build(any_settings, 1) == []
    report = publish(context)
    assert not report.changed
    assert report.counts["published"] == 0
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE marts_build.left_mart SET version = 2 WHERE row_id = 1"))
    with open_warehouse(any_settings) as engine:
        assert promote(engine) == ["left_mart"]
    assert publish(context).changed
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), max(version) FROM ops.publication")).one() == (2, 2)
    assert versions(any_settings) == {(1, 1), (2, 1)}


def test_what_a_refresh_made_is_promoted_and_published_from_there(any_settings: Settings) -> None:
    """Of changed persons only, and only where they differ: the rows of the build itself are not looked at again."""
    context, units = context_for(any_settings), {"left_mart": "row_id::text", "right_mart": "row_id::text"}
    build(any_settings, 1)
    with open_warehouse(any_settings) as engine:
        promote(engine, units)
        with engine.begin() as connection:
            connection.execute(model_build.insert().values(fingerprint="built"))
            connection.execute(mart_checksum.delete())
            for mart in ("left_mart", "right_mart"):
                sums = {"name": f"marts.{mart}", "unit": "coalesce(row_id::text, '')", "row_count": 3, "checksum": 0}
                connection.execute(mart_checksum.insert().values(sums))
    publish(context)
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO ops.changed_person VALUES ('0'), ('1'), ('7')"))
            connection.execute(text("UPDATE marts_build.left_mart SET version = 9"))
            made = "CREATE TEMPORARY TABLE made_left_mart AS SELECT * FROM marts_build.left_mart LIMIT 0"
            connection.execute(text(made))
            connection.execute(text("INSERT INTO made_left_mart VALUES (0, 1), (1, 2), (7, 2)"))
        assert promote(engine, units, only_changed=True) == ["left_mart"]
        assert publish_open(any_settings, engine).changed
    expected = [(0, 1), (1, 2), (2, 1), (7, 2)]
    rows = "SELECT * FROM {}.left_mart ORDER BY row_id"
    with open_published(any_settings) as engine, engine.connect() as connection:
        assert connection.execute(text(rows.format("marts"))).all() == expected
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        assert connection.execute(text(rows.format("marts"))).all() == expected
        assert connection.execute(text(rows.format("marts_previous"))).all() == [(1, 1)]
    assert publish_previous(context).counts["marts"] == 1
    with open_published(any_settings) as engine, engine.connect() as connection:
        assert connection.execute(text(rows.format("marts"))).all() == [(0, 1), (1, 1), (2, 1)]


@pytest.mark.parametrize("is_of_last", [True, False])
def test_the_next_file_may_begin_as_a_copy_made_ahead(settings: Settings, is_of_last: bool) -> None:
    """Of the last version it is taken; of a file that somebody else put there it is not. Nothing of it is left."""
    context, path = context_for(settings), settings.published_path
    build(settings, 1)
    publish(context)
    build(settings, 2)
    if not is_of_last:
        with duckdb.connect(str(path)) as foreign:
            foreign.execute("UPDATE ops.publication SET fingerprint = 'foreign'")
            foreign.execute("CREATE TABLE marts.foreign_mart (row_id bigint)")
    with open_warehouse(settings) as engine, copying(settings) as copied:
        assert copied is not None
        assert copied.result().read_bytes() == path.read_bytes()
        assert publish_open(settings, engine, copied).changed
    assert versions(settings) == {(2, 2)}
    with open_published(settings) as engine, engine.connect() as connection:
        listed = text("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'")
        names = set(connection.execute(listed).scalars())
    assert names >= {"left_mart", "right_mart"}
    assert "foreign_mart" not in names
    before = path.read_bytes()
    with open_warehouse(settings) as engine, copying(settings) as copied:
        assert not publish_open(settings, engine, copied).changed
    assert path.read_bytes() == before
    assert not list(path.parent.glob(f"{path.name}.new*"))


def test_a_copy_that_could_not_be_made_stops_the_publication(settings: Settings) -> None:
    context, path = context_for(settings), settings.published_path
    build(settings, 1)
    publish(context)
    build(settings, 2)
    before = path.read_bytes()
    path.with_name(f"{path.name}.new").mkdir()
    with pytest.raises(OSError, match="directory"), open_warehouse(settings) as engine, copying(settings) as copied:
        publish_open(settings, engine, copied)
    path.with_name(f"{path.name}.new").rmdir()
    assert path.read_bytes() == before
    assert publish(context).changed
    assert versions(settings) == {(2, 2)}


def test_a_mart_of_another_stage_is_published_too(any_settings: Settings) -> None:
    build(any_settings, 1)
    publish(context_for(any_settings))
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE marts.objection (quote text)"))
        connection.execute(text("INSERT INTO marts.objection VALUES ('дорого; ''очень''')"))
    assert build(any_settings, 1) == [], "promoting leaves it alone"
    assert publish(context_for(any_settings)).changed
    with open_published(any_settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT quote FROM marts.objection")).scalar_one() == "дорого; 'очень'"


def test_a_changed_column_replaces_the_mart(any_settings: Settings) -> None:
    build(any_settings, 1)
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE marts_build.left_mart ADD COLUMN note text"))
    with open_warehouse(any_settings) as engine:
        assert promote(engine) == ["left_mart"]
        with engine.connect() as connection:
            assert connection.execute(text("SELECT note FROM marts.left_mart LIMIT 1")).scalar_one() is None


def test_texts_and_landed_rows_are_not_published(settings: Settings) -> None:
    build(settings, 1)
    publish(context_for(settings))
    with open_published(settings) as engine, engine.connect() as connection:
        found = connection.execute(text("SELECT table_schema || '.' || table_name FROM information_schema.tables"))
        names = set(found.scalars())
    assert {"marts.left_mart", "core.pipeline_stage", "ops.batch", "ops.publication"} <= names
    assert not names & {"core.conversation", "core.contact", "core.person_identifier", "ops.quarantine"}
    assert not [name for name in names if name.startswith(("landing.", "marts_build."))]


def test_days_of_cost_follow_one_by_one(settings: Settings) -> None:
    """A day restated, a day gone, a day come, and the others as they were."""
    query = "SELECT report_date, ad_id, cost FROM core.ad_performance ORDER BY ALL"
    columns = (
        "INSERT INTO core.ad_performance (source, account_id, report_date, ad_id, cost, batch_id, row_number, row_hash)"
    )
    changes = (
        f"{columns} SELECT 'google_ads', 'a', DATE '2026-01-01' + (n // 2)::int, 'x' || n % 2, n, 'b', n, 'h' || n"
        " FROM range(20) AS numbers (n)",
        "UPDATE core.ad_performance SET cost = cost + 1 WHERE report_date = '2026-01-03' AND ad_id = 'x1'",
        "DELETE FROM core.ad_performance WHERE report_date = '2026-01-05'",
        f"{columns} VALUES ('google_ads', 'a', '2026-02-01', 'x1', 5, 'c', 1, 'h')",
        "ALTER TABLE core.ad_performance ADD COLUMN IF NOT EXISTS told_later text",
    )
    seen = []
    for change in changes:
        with open_warehouse(settings) as engine, engine.begin() as connection:
            connection.execute(text(change))
            expected = connection.execute(text(query)).all()
        publish(context_for(settings))
        with open_published(settings) as engine, engine.connect() as connection:
            assert connection.execute(text(query)).all() == expected, change
        seen.append(len(expected))
    assert seen == [20, 20, 18, 19, 19]


def test_a_cut_or_missing_copy_is_made_again(settings: Settings) -> None:
    context = context_for(settings)
    build(settings, 7)
    publish(context)
    settings.published_path.write_bytes(settings.published_path.read_bytes()[:5000])
    settings.published_path.with_name("published.duckdb.new").write_bytes(b"left by a kill")
    assert publish(context).changed
    assert versions(settings) == {(7, 7)}
    settings.published_path.unlink()
    assert publish(context).changed
    assert sorted(path.name for path in settings.home.glob("published*")) == ["published.duckdb"]


def test_nothing_published_is_an_error(settings: Settings) -> None:
    with pytest.raises(StoreError, match="Nothing has been published"), open_published(settings):
        pass


# A process of its own, as readers are: it looks at both marts all the time and prints what it saw, a line a look.
READER = """
import sys
from pathlib import Path
from sqlalchemy import text
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published
home, url = Path(sys.argv[1]), sys.argv[2]
settings = Settings(home, home, "", url, "")
sides = " UNION ".join(f"SELECT '{side}' || version FROM marts.{side}_mart" for side in ("left", "right"))
while True:
    with open_published(settings) as engine, engine.connect() as connection:
        print(*sorted(connection.execute(text(sides)).scalars()), flush=True)
"""


@pytest.fixture
def reader(any_settings: Settings) -> Iterator[subprocess.Popen[str]]:
    build(any_settings, 0, rows=50)
    publish(context_for(any_settings))
    command = [sys.executable, "-c", READER, str(any_settings.home), any_settings.warehouse_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_readers_never_see_a_mixture(any_settings: Settings, reader: subprocess.Popen[str]) -> None:
    assert reader.stdout is not None
    seen = [reader.stdout.readline()]
    for version in range(1, 8):
        build(any_settings, version, rows=50)
        publish(context_for(any_settings))
        # Looks that began before the publication may still stand in the pipe; read on until this version shows.
        while seen[-1] and seen[-1] != f"left{version} right{version}\n":
            seen.append(reader.stdout.readline())
    assert seen[-1], "the reader failed, see its error above"
    assert set(seen) == {f"left{version} right{version}\n" for version in range(8)}


def test_a_fingerprint_ignores_the_order_of_rows_and_sees_every_change(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:

        def fingerprint(rows: str) -> str:
            connection.execute(text("DROP TABLE IF EXISTS marts.f"))
            connection.execute(text("CREATE TABLE marts.f (a text, b text)"))
            connection.execute(text(f"INSERT INTO marts.f VALUES {rows}"))
            return fingerprint_of(connection, ["marts.f"])

        base = fingerprint("('x', 'y'), ('z', NULL)")
        assert fingerprint("('z', NULL), ('x', 'y')") == base
        others = ["('x', 'y'), ('z', '')", "('x', 'y')", "('y', 'x'), ('z', NULL)", "('xy', ''), ('z', NULL)"]
        assert len({base, *map(fingerprint, others)}) == 5


def test_the_published_file_is_a_database_of_its_own(settings: Settings) -> None:
    build(settings, 3)
    publish(context_for(settings))
    with open_warehouse(settings), duckdb.connect(str(settings.published_path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM marts.left_mart").fetchone() == (3,)
