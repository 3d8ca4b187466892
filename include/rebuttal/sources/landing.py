"""The landing port: is a pull anything new, append its rows, prove that they arrived.

The engine reads the spooled chunks itself (DuckDB) or gets them by COPY (Postgres), in the transaction that also writes
the `ops.batch` row: a load that was killed leaves nothing. Columns are only ever added to a landing table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, text

from rebuttal.errors import AccountingError
from rebuttal.settings import Settings
from rebuttal.sources.columns import joined, text_of
from rebuttal.sources.declare import Stream
from rebuttal.warehouse.checkpoint import AT_ONCE
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.tables import LANDING

META_COLUMNS = {
    "_batch_id": "TEXT",
    "_row": "BIGINT",
    "_key": "TEXT",
    "_row_hash": "TEXT",
    "_defect": "TEXT",
    "_extra": "TEXT",
}

# Chunks whose rows are compared with what is landed at once: 200,000 rows at most.
CHUNKS_AT_ONCE = 20
# What DuckDB may hold while it loads, beside a few times the largest chunk.
LOAD_BYTES = 32_000_000


def table_name(source: str, stream: str) -> str:
    """`<source>__<stream>`."""
    return f"{source}__{stream}"


class Landing(ABC):
    """One stream's landing table. Used inside `landing(...)`, which keeps other pulls of the stream out."""

    def __init__(self, engine: Engine, table: str, stream: Stream) -> None:
        self._engine, self.table, self._name = engine, table, f'{LANDING}."{table}"'
        self._columns = {**dict.fromkeys(stream.column_names, "TEXT"), **META_COLUMNS}

    def exists(self) -> bool:
        """Whether the table is there yet."""
        return bool(self._stored_columns())

    def prepare(self) -> None:
        """Create the table, or add the columns that the stream declares and the table has not."""
        if there := self._stored_columns():
            missing = {name: kind for name, kind in self._columns.items() if name not in there}
            statements = [f'ALTER TABLE {self._name} ADD COLUMN "{name}" {kind}' for name, kind in missing.items()]
        else:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in self._columns.items())
            statements = [f"CREATE TABLE {self._name} ({columns})", *self._indexes()]
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def _stored_columns(self) -> set[str]:
        with self._engine.connect() as connection:
            found = connection.execute(text(_sql("landing_columns", self.table)), {"table": self.table})
            return set(found.scalars())

    def has_news(self, chunks: Sequence[Path], account: str) -> bool:
        """Whether a row of the chunks differs from the latest landed version of its key."""
        # A few chunks at a time: what is compared at once is held in memory.
        groups = [chunks[start : start + CHUNKS_AT_ONCE] for start in range(0, len(chunks), CHUNKS_AT_ONCE)]
        return any(self._count_new(group, account) for group in groups)

    @abstractmethod
    def _count_new(self, chunks: Sequence[Path], account: str) -> int: ...

    @abstractmethod
    def load(self, connection: Connection, batch_id: str, chunks: Sequence[Path]) -> None:
        """Append the chunks' rows under `batch_id`, in the caller's transaction."""

    def confirm(self, connection: Connection, batch_id: str, row_count: int) -> None:
        """Raise AccountingError unless exactly the rows 0 to `row_count` - 1 stand under `batch_id`."""
        query = text(_sql("landed_rows", self.table))
        count, first, last, total = connection.execute(query, {"batch_id": batch_id}).one()
        if (count, first, last, total) != (row_count, 0, row_count - 1, row_count * (row_count - 1) // 2):
            raise AccountingError(
                f"{self.table}: {row_count} rows were pulled but {count} were landed, numbered {first} to {last}",
                next_step="Nothing of it was kept: run the pull again",
            )

    def _indexes(self) -> list[str]:
        return []


class DuckDBLanding(Landing):
    """Landing in the DuckDB file, which reads the chunks itself."""

    def _count_new(self, chunks: Sequence[Path], account: str) -> int:
        with self._engine.connect() as connection:
            native: Any = connection.connection.driver_connection
            query = _sql("pulled_not_latest", self.table, pulled="read_parquet($2)", account="$1")
            found = native.execute(query, [account, _paths(chunks)]).fetchone()
        return int(found[0])

    def load(self, connection: Connection, batch_id: str, chunks: Sequence[Path]) -> None:
        columns = ", ".join(f'"{name}"' for name in self._columns if name != "_batch_id")
        native: Any = connection.connection.driver_connection
        largest = max(_largest_group(chunk) for chunk in chunks)
        # A second thread would double what is held, and five row groups at once (the default) are 300 MB of wide rows.
        # What is above the limit goes to DuckDB's temporary folder; a chunk of large texts must fit whole.
        (memory,) = native.execute("SELECT current_setting('memory_limit')").fetchone()
        native.execute("SET threads = 1")
        native.execute("SET write_buffer_row_group_count = 1")
        native.execute("SET preserve_insertion_order = false")  # one thread keeps it, and need not prove it
        native.execute(f"SET memory_limit = '{LOAD_BYTES + 4 * largest} B'")
        native.execute(
            f"INSERT INTO {self._name} ({columns}, _batch_id) SELECT {columns}, $1 FROM read_parquet($2)",
            [batch_id, _paths(chunks)],
        )
        native.execute(f"SET memory_limit = '{memory}'")
        # The file is closed after this load: the commit itself folds the rows into it, instead of writing them to the
        # log first, and one thread does it for less than two would.
        native.execute(AT_ONCE)


def _largest_group(chunk: Path) -> int:
    """Bytes, unpacked, of what is read of a chunk at once."""
    metadata = pq.read_metadata(chunk)
    return max(int(metadata.row_group(number).total_byte_size) for number in range(metadata.num_row_groups))


def _paths(chunks: Sequence[Path]) -> list[str]:
    return [str(chunk) for chunk in chunks]


class PostgresLanding(Landing):
    """Landing in Postgres by COPY."""

    def _count_new(self, chunks: Sequence[Path], account: str) -> int:
        with self._engine.begin() as connection:
            connection.execute(text("CREATE TEMP TABLE pulled (_key text, _row_hash text) ON COMMIT DROP"))
            self._copy(connection, "pulled", ["_key", "_row_hash"], chunks)
            connection.execute(text("ANALYZE pulled"))
            query = text(_sql("pulled_not_latest", self.table, pulled="pulled", account=":account"))
            return int(connection.execute(query, {"account": account}).scalar_one())

    def load(self, connection: Connection, batch_id: str, chunks: Sequence[Path]) -> None:
        self._copy(connection, self._name, list(self._columns), chunks, batch_id)

    def _copy(
        self, connection: Connection, table: str, columns: list[str], chunks: Sequence[Path], batch_id: str = ""
    ) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        raw: Any = connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for chunk in chunks:
                rows = pq.read_table(chunk)
                if "_batch_id" in columns:
                    rows = rows.append_column("_batch_id", pa.repeat(batch_id, rows.num_rows))
                for batch in rows.select(columns).to_batches():
                    copy.write(copy_text(batch))

    def _indexes(self) -> list[str]:
        return [
            f'CREATE INDEX IF NOT EXISTS "{self.table}{column}" ON {self._name} ({column})'
            for column in ("_batch_id", "_key")
        ]


# Backslash first: the others are written with one.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def copy_text(rows: pa.RecordBatch) -> memoryview:
    """The rows in the text form of COPY: tabs between, NULL as \\N (PostgreSQL manual, COPY, File Formats)."""
    columns = [_escaped(column.cast(pa.string())) for column in rows.columns]
    # Two steps, for an empty line end would be taken for a value.
    return text_of(pc.binary_join_element_wise(joined(columns, "\t", "\\N"), "", "\n"))


def _escaped(column: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(column, r"[\\\t\n\r]")).as_py():
        return column
    for sign, written in _ESCAPES:
        column = pc.replace_substring(column, sign, written)
    return column


@contextmanager
def landing(engine: Engine, settings: Settings, source: str, stream: Stream) -> Iterator[Landing]:
    """The landing table of a stream, held against other pulls of the same stream."""
    table = table_name(source, stream.name)
    if is_duckdb(settings):
        yield DuckDBLanding(engine, table, stream)  # the file has one writing process
        return
    with engine.connect() as keeper:
        lock = {"name": f"landing.{table}"}
        keeper.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), lock)
        keeper.commit()
        try:
            yield PostgresLanding(engine, table, stream)
        finally:
            keeper.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), lock)
            keeper.commit()


def _sql(name: str, table: str, **parts: str) -> str:
    query = files("rebuttal.sources").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return query.format(table=table, **parts)
