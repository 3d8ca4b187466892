"""What judges work with: the truth, a query, and measures (name -> value)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta
from typing import Any

Truth = dict[str, Any]
Measures = dict[str, float | None]
Query = Callable[[str], list[Any]]


def query_of(connection: Any) -> Query:
    """Rows of a statement, as it stands: nothing in it is a parameter."""
    return lambda sql: list(connection.exec_driver_sql(sql))


def is_asked_for(at: str, truth: Truth) -> bool:
    """Daily data is pulled up to the last day that has wholly passed where the counter stands (Moscow, UTC+3). A visit
    of its last half hour may be cut at midnight and counted with the next day.
    """
    local = datetime.fromisoformat(at) + timedelta(hours=3, minutes=30)
    return local.date() < datetime.fromisoformat(truth["now"]).date()


def last_part(key: str) -> str:
    """The last part of a natural key is the vendor's own id."""
    return key.rsplit("\x1f", 1)[-1]


def ratio(part: float, whole: float) -> float | None:
    """None where there is nothing to measure."""
    return part / whole if whole else None


def pairs(values: Iterable[Hashable]) -> int:
    """How many pairs of equal values there are."""
    return sum(count * (count - 1) // 2 for count in Counter(values).values())


def struck(truth: Truth, *streams: str) -> set[str]:
    """Ids, as shown and as they were, of the bad rows of these streams: what becomes of them is judged by `rows`."""
    rows = [row for row in truth.get("bad_rows", ()) if row["stream"] in streams]
    return {id_ for row in rows for id_ in (row["id"], row["true_id"])}


def has_table(query: Query, schema: str, name: str) -> bool:
    """Whether the warehouse has this table."""
    where = f"table_schema = '{schema}' AND table_name = '{name}'"
    return bool(query(f"SELECT 1 FROM information_schema.tables WHERE {where}"))
