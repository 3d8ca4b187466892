"""Batch checks of a vendor's fields: which one changed its type."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text

from rebuttal.quality.checks import Check
from rebuttal.warehouse import batches
from rebuttal.warehouse.staging import Staged
from rebuttal.warehouse.tables import check_result

# A field of which this share of the values cannot be read has another type now, when it was read before.
RETYPED_SHARE, RETYPED_ROWS = 0.2, 20
_EARLIER = 5


def fields_keep_type(connection: Connection, staged: Staged, bad_rows: int) -> Check:
    """Which fields suddenly hold values that are not of their type. Costs nothing when no row is bad."""
    retyped: list[tuple[str, int]] = []
    if bad_rows >= RETYPED_ROWS:
        usual = _usual_share(connection, staged)
        retyped = [
            (field, rows)
            for field, rows in _unreadable(connection, staged)
            if rows >= RETYPED_ROWS and rows >= RETYPED_SHARE * staged.row_count and rows > 2 * usual * staged.row_count
        ]
    return Check(
        "fields_keep_type",
        "hold",
        "No field that used to be readable holds values of another type",
        "Look at the raw rows: when the vendor changed the field's type, change the staging file, then release it",
        staged.row_count,
        max((rows for _, rows in retyped), default=0),
        tuple(f"{field}: {rows} of {staged.row_count} rows" for field, rows in retyped)[:3],
    )


def _unreadable(connection: Connection, staged: Staged) -> list[tuple[str, int]]:
    """Field and number of rows whose value is not of its type, the most frequent first."""
    query = text(
        "select split_part(told, '=', 1) as field, count(*) as rows from ("
        f"select unnest(string_to_array(_unreadable, '; ')) as told from {staged.table} where _unreadable is not null"
        ") as one where told like '%=%' group by split_part(told, '=', 1) order by rows desc, field"
    )
    schema, name = staged.batch.landing.split(".")
    fields = {column["name"] for column in inspect(connection).get_columns(name, schema=schema)}
    # A value may hold what looks like the next field: only fields that there are count.
    return [(str(field), int(rows)) for field, rows in connection.execute(query) if field in fields]


def _usual_share(connection: Connection, staged: Staged) -> float:
    """The share of rows with unreadable values in the last admitted batches of the stream; 0 when there are none."""
    usual = [one.batch_id for one in batches.earlier(connection, staged.batch, _EARLIER)]
    earlier = connection.execute(
        select(check_result.c.row_count, check_result.c.failed_count).where(
            check_result.c.check_name == "values_readable", check_result.c.batch_id.in_(usual)
        )
    ).all()
    rows = sum(int(found.row_count) for found in earlier)
    return sum(int(found.failed_count) for found in earlier) / rows if rows else 0.0
