"""Are two warehouses equal? A fingerprint per table, whatever the engine and the order of rows."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, create_engine, text

# Wall-clock columns, and those that count runs: they tell when something happened, not what.
VOLATILE = {"landed_at", "published_at", "sequence", "version", "_dlt_load_id", "_dlt_id"}
# Identity's numbers are each engine's own hashes; what they lead to, core.person_identifier, is compared.
NUMBERED = ("node_id", "island_id", "_node")

# Which processes were taken over from; and hashes of what was published, which go by the last digit of every sum of
# doubles. What was published is compared itself.
UNCOMPARED = ("ops.fence", "ops.publication", "ops.published_table")

_COLUMNS = """
    select c.table_schema, c.table_name, c.column_name from information_schema.columns c
    join information_schema.tables t using (table_catalog, table_schema, table_name)
    where t.table_type = 'BASE TABLE' and c.table_catalog = current_database()
"""


def fingerprints(url: str, schemas: tuple[str, ...] = ("core", "marts")) -> dict[str, tuple[int, str]]:
    """`schema.table` -> (row count, hash of its sorted rows) for the tables of a warehouse at a SQLAlchemy URL."""
    options: dict[str, Any] = {"connect_args": {"read_only": True}} if url.startswith("duckdb") else {}
    engine = create_engine(url, **options)
    found = {}
    try:
        with engine.connect() as connection:
            for (schema, table), names in _columns(connection).items():
                if schema not in schemas or f"{schema}.{table}" in UNCOMPARED:
                    continue
                kept = [name for name in names if name not in VOLATILE and not name.endswith(NUMBERED)]
                listed = ", ".join(f'"{name}"' for name in kept)
                rows = connection.execute(text(f'SELECT {listed or "1"} FROM "{schema}"."{table}"'))
                found[f"{schema}.{table}"] = _fingerprint(rows)
    finally:
        engine.dispose()
    return found


def _columns(connection: Connection) -> dict[tuple[str, str], list[str]]:
    """Schema and table -> its columns, all sorted; asked at once, for one by one takes longer than their rows."""
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(text(_COLUMNS)):
        found.setdefault((schema, table), []).append(column)
    return {name: sorted(found[name]) for name in sorted(found)}


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """A line per table that is not equal."""
    return [f"{name}: {one.get(name)} != {other.get(name)}" for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)]  # fmt: skip


def _fingerprint(rows: Any) -> tuple[int, str]:
    lines = sorted("\x1f".join(_plain(value) for value in row) for row in rows)
    return len(lines), hashlib.sha256("\x1e".join(lines).encode()).hexdigest()[:16]


def _plain(value: Any) -> str:
    """The same text for the same value on every engine; sums of doubles may differ in the last digits."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float | Decimal):
        return f"{float(value):.10g}"
    return str(value)
