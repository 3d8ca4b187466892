"""How many of DuckDB's threads work on a statement of a refresh: most are too small for more than one.

Who has asked for a statement does not wait for the threads that finish it, but looks again and again whether they have:
of 806 statements of a refresh of ten million visits 776 take as long with one thread, and a fifth less CPU time.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from rebuttal.warehouse.bounded import MANY_ROWS

_READ = re.compile(r'\b(?:from|join)\s+(?:"?\w+"?\.)??"?(\w+)"?\."?(\w+)"?(?![\w"]*\.)', re.IGNORECASE)


def fit_threads(engine: Engine) -> None:
    """From now on, for as long as `engine` lives, all threads work only on statements that read a large table.

    Large is what has half a million rows now, and a view of it. Other threads of this process may ask beside the one
    that called this: what they ask never takes threads away. Does nothing on Postgres.
    """
    if engine.dialect.name != "duckdb":
        return
    with engine.connect() as connection:
        large = _large(connection)
        every = int(connection.execute(text("SELECT current_setting('threads')")).scalar_one())
    caller, used = threading.get_ident(), every

    @event.listens_for(engine, "before_cursor_execute")
    def fit(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal used
        wanted = every if _reads(statement, large) else 1
        if wanted > used or (wanted < used and threading.get_ident() == caller):
            native: Any = connection.connection.driver_connection
            native.execute(f"SET GLOBAL threads = {wanted}")
            used = wanted


def _large(connection: Connection) -> frozenset[str]:
    """`schema.table` of the large tables, and the views that read them."""
    tables = text("SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE estimated_size >= :least")
    large = set(connection.execute(tables, {"least": MANY_ROWS}).scalars())
    views = text("SELECT schema_name || '.' || view_name, sql FROM duckdb_views() WHERE NOT internal")
    statements = {str(name): str(statement) for name, statement in connection.execute(views)}
    while found := {name for name, statement in statements.items() if name not in large and _reads(statement, large)}:
        large |= found
    return frozenset(large)


def _reads(statement: str, large: frozenset[str] | set[str]) -> bool:
    return any(f"{schema}.{name}" in large for schema, name in _READ.findall(statement))
