"""Writing much in little memory, on DuckDB. Postgres bounds each of its queries by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

# Below so many rows both threads are worth more than the memory.
MANY_ROWS = 500_000
_LEAST_BYTES = 1_000_000_000
# What is let go to the temporary folder under the limit; scratch tables grow with the batch, and a limit that they do
# not fit under would make each of them go there and back.
_BYTES_A_ROW = 100
# The model stage looks at all rows, and what does not fit goes to the temporary folder; a third of it and more comes on
# top, for arrays and what the engine does not count.
MODEL_BYTES = 2_700_000_000
# A refresh that makes few persons again reads most columns once: what it keeps of them costs more than it saves.
REFRESH_BYTES = 700_000_000
# Blocks that are let go and taken again thousands of times.
_KEPT_BYTES = 2_000_000_000
_NAMES = ("threads", "write_buffer_row_group_count", "memory_limit")


def bound(engine: Engine, most: int = _LEAST_BYTES) -> None:
    """From now on, for as long as `engine` lives, DuckDB keeps at most so many bytes of what it read and wrote.

    Left alone it takes four fifths of the machine: of ten million rows it keeps 2.8 GB, and is no quicker for it.
    """
    if engine.dialect.name == "duckdb":
        with engine.connect() as connection:
            native: Any = connection.connection.driver_connection
            _set(native, {"memory_limit": f"{at_most(most)} B"})


def keep_blocks(engine: Engine) -> None:
    """From now on, for as long as `engine` lives, DuckDB keeps blocks that it has let go and takes them again.

    Up to 2 GB, which nothing else gets meanwhile. Each page that is asked for anew costs kernel time: a refresh of ten
    million visits asks for 710,000 instead of 800,000.
    """
    if engine.dialect.name == "duckdb":
        with engine.connect() as connection:
            native: Any = connection.connection.driver_connection
            _set(native, {"block_allocator_memory": f"{at_most(_KEPT_BYTES)} B"})


def at_most(most: int) -> int:
    """So many bytes, or four fifths of the machine's memory where that is less: DuckDB's own limit."""
    return min(most, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 4 // 5)


@contextmanager
def bounded(connection: Connection, row_count: int) -> Iterator[None]:
    """While it lasts, what is written waits as one block of rows for one thread, not five for each of all.

    Does nothing for fewer than `MANY_ROWS` rows, nor on Postgres. What the settings were stands again afterwards, also
    when the statement failed: a cursor of its own sets them, outside of the caller's transaction.
    """
    if connection.dialect.name != "duckdb" or row_count < MANY_ROWS:
        yield
        return
    native: Any = connection.connection.driver_connection
    cursor = native.cursor()
    cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in _NAMES))
    before = dict(zip(_NAMES, cursor.fetchone(), strict=True))
    limit = max(_LEAST_BYTES, row_count * _BYTES_A_ROW)
    _set(cursor, {"threads": 1, "write_buffer_row_group_count": 1, "memory_limit": f"{limit} B"})
    # Told with one digit, the rest cut off: given back as told, it would shrink each time.
    number, unit = str(before["memory_limit"]).split()
    before["memory_limit"] = f"{float(number) + 0.05} {unit}"
    try:
        yield
    finally:
        _set(cursor, before)
        cursor.close()


def _set(cursor: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        cursor.execute(f"SET GLOBAL {name} = '{value}'")
