"""The SQLAlchemy dialect `duckdb+buffered://`: DuckDB whose results outlive their cursor.

Great Expectations reads results after it has let go of the connection; DuckDB drops unread rows then. So every result
is read in full as soon as it exists. What the gate asks for is small: counts, never rows.
"""

from __future__ import annotations

import duckdb_sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy


class BufferedContext(duckdb_sqlalchemy.DuckDBExecutionContext):
    """Reads all rows right after execution."""

    def post_exec(self) -> None:
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor is not None and self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall(), alternate_description=self.cursor.description
            )


class BufferedDuckDB(duckdb_sqlalchemy.Dialect):
    """The maintained DuckDB dialect with buffered results."""

    execution_ctx_cls = BufferedContext
    driver = "buffered"
    supports_statement_cache = True


registry.register("duckdb.buffered", __name__, "BufferedDuckDB")
