"""The data-quality marts: what the gate found, in the shape that the report, the page, the alerts and BI read.

Each is one SELECT over `ops` (`statements/<name>.sql`, where grain and arithmetic stand). They follow from stored rows
alone, the wall clock not among them, so they can be made again at any time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, text
from sqlalchemy.types import TypeEngine

from rebuttal.records import OUTCOMES
from rebuttal.warehouse import sql
from rebuttal.warehouse.promote import Columns, columns_in
from rebuttal.warehouse.tables import BOOL, DATE, INT, MARTS, REAL, TEXT, TIME

_metadata = MetaData()


def _mart(name: str, *columns: tuple[TypeEngine[Any], str]) -> Table:
    listed = [Column(column, kind) for kind, names in columns for column in names.split()]
    return Table(name, _metadata, *listed, schema=MARTS)


# severity: hold | alarm | quarantine | warning. trend: new | rising | steady | falling | healed | passing.
quality_check = _mart(
    "quality_check",
    (TEXT, "kind severity"),
    (BOOL, "is_failing"),
    (TEXT, "trend entity source account_id stream check_name description next_step"),
    (INT, "failed_row_count_latest row_count_latest"),
    (REAL, "failed_share_latest"),
    (INT, "failed_row_count row_count batch_count failed_batch_count held_batch_count"),
    (TEXT, "batch_id batch_status examples query"),
    (TIME, "since_at last_seen_at checked_at"),
)
quality_held = _mart(
    "quality_held",
    (TEXT, "batch_id source account_id stream entity kind"),
    (TIME, "window_from window_to"),
    (INT, "row_count"),
    (TEXT, "reason check_names description next_step"),
    (TIME, "landed_at"),
)
quality_quarantine = _mart(
    "quality_quarantine",
    (TEXT, "source account_id stream entity check_name description next_step"),
    (INT, "quarantined_row_count released_row_count batch_count"),
    (TIME, "since_at last_seen_at"),
)
quality_duplicate = _mart(
    "quality_duplicate",
    (TEXT, "source entity kind"),
    (INT, "folded_row_count undone_row_count survivor_count"),
    (TIME, "last_seen_at"),
)
quality_restated = _mart(
    "quality_restated",
    (TEXT, "source account_id stream entity batch_id"),
    (DATE, "week_start"),
    (TEXT, "currency measure"),
    (INT, "row_count"),
    (REAL, "before after"),
    (TIME, "landed_at"),
)
quality_stream = _mart(
    "quality_stream",
    (TEXT, "source account_id stream entity"),
    (INT, "batch_count landed_row_count"),
    (INT, " ".join(f"{name}_row_count" for name in OUTCOMES)),
    (INT, "unaccounted_row_count held_batch_count held_row_count waiting_row_count"),
    (TIME, "last_landed_at covered_until"),
)
QUALITY = tuple(_metadata.tables.values())
QUALITY_NAMES = tuple(sorted(str(table) for table in QUALITY))


def refresh_quality(engine: Engine) -> list[str]:
    """Make the data-quality marts equal to what `ops` says, in one transaction; returns those that were different.

    A warehouse in which nothing has ever landed gets none.
    """
    with engine.begin() as connection:
        if not connection.execute(text("select exists (select 1 from ops.batch)")).scalar_one():
            return []
        there = columns_in(connection, MARTS)
        return [str(table) for table in QUALITY if _refresh(connection, table, there.get(table.name, []))]


def _refresh(connection: Connection, table: Table, there: Columns) -> bool:
    columns = [column.name for column in table.columns]
    listed, fresh, is_new = ", ".join(columns), f"fresh_{table.name}", _prepare(connection, table, there)
    connection.execute(text(f"create temporary table {fresh} as select {listed} from {table} limit 0"))
    sql.run_file(connection, "insert_select.sql", into=fresh, columns=columns, name=table.name, outcomes=OUTCOMES)
    differs = is_new or any(
        connection.execute(
            text(f"select exists (select {listed} from {one} except select {listed} from {other})")
        ).scalar_one()
        for one, other in ((fresh, str(table)), (str(table), fresh))
    )
    if differs:
        connection.execute(text(f"delete from {table}"))
        connection.execute(text(f"insert into {table} ({listed}) select {listed} from {fresh}"))
    connection.execute(text(f"drop table {fresh}"))
    return differs


def _prepare(connection: Connection, table: Table, there: Columns) -> bool:
    """Whether the table had to be made: it was not there, or an earlier version of this code had other columns."""
    if there:
        if [name for name, _ in there] == [column.name for column in table.columns]:
            return False
        connection.execute(text(f"drop table {table}"))
    table.create(connection)
    return True
