"""The landing port: is a pull anything new, load its rows with dlt, prove that they arrived.

dlt gets Arrow tables and a working folder that lives for one load, so that nothing depends on its state: a load that
was killed leaves rows whose batch is not in `ops.batch`. Readers skip them; the stream's next pull removes them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import make_url

from rebuttal.errors import AccountingError
from rebuttal.settings import Settings
from rebuttal.sources.declare import Stream
from rebuttal.sources.spool import read_chunk
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.tables import LANDING

# dlt reads these when it is imported: no telemetry, and no look into Airflow's variables (it would import Airflow).
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")

META_COLUMNS = {
    "_batch_id": "text",
    "_row": "bigint",
    "_key": "text",
    "_row_hash": "text",
    "_defect": "text",
    "_extra": "text",
}
log = logging.getLogger(__name__)


def table_name(source: str, stream: str) -> str:
    """`<source>__<stream>`."""
    return f"{source}__{stream}"


class Landing(ABC):
    """One stream's landing table. Used inside `landing(...)`, which keeps other pulls of the stream out."""

    def __init__(self, engine: Engine, settings: Settings, table: str, stream: Stream) -> None:
        self._engine, self._settings, self.table, self._stream = engine, settings, table, stream

    def exists(self) -> bool:
        """Whether the table is there yet."""
        return inspect(self._engine).has_table(self.table, schema=LANDING)

    def sweep(self) -> int:
        """Remove rows that no batch accounts for; how many there were."""
        if not self.exists():
            return 0
        removed = 0
        with self._engine.begin() as connection:
            for (batch_id,) in connection.execute(text(_sql("orphan_batches", self.table))).all():
                gone = connection.execute(
                    text(f'DELETE FROM {LANDING}."{self.table}" WHERE _batch_id = :id'), {"id": batch_id}
                )
                removed += max(gone.rowcount, 0)
                log.info("%s: removed the rows of unfinished batch %s", self.table, batch_id)
        return removed

    @abstractmethod
    def count_new(self, chunks: list[Path], account: str) -> int:
        """How many rows of the chunks differ from the latest landed version of their key."""

    def load(self, batch_id: str, chunks: list[Path]) -> None:
        """Append the chunks' rows under `batch_id`, `_row` counting from 0."""
        import dlt

        schema: Any = dlt.Schema(LANDING)
        columns: Any = {
            **{name: {"data_type": "text"} for name in self._stream.column_names},
            **{name: {"data_type": kind} for name, kind in META_COLUMNS.items()},
        }
        with tempfile.TemporaryDirectory(dir=self._settings.spool, prefix=f"pull-{os.getpid()}-dlt-") as folder:
            pipeline = dlt.pipeline(
                pipeline_name=self.table,
                pipelines_dir=folder,
                destination=self._destination(),
                dataset_name=LANDING,
            )
            pipeline.config.restore_from_destination = False
            resource = dlt.resource(
                self._items(batch_id, chunks, Path(folder)),
                name=self.table,
                columns=columns,
                write_disposition="append",
            )
            pipeline.run(resource, table_name=self.table, schema=schema, loader_file_format=self._file_format)
        self._after_load()

    def confirm(self, connection: Connection, batch_id: str, row_count: int) -> None:
        """Raise AccountingError unless exactly `row_count` rows stand under `batch_id`."""
        query = text(f'SELECT count(*), count(DISTINCT _row) FROM {LANDING}."{self.table}" WHERE _batch_id = :id')
        landed, distinct = connection.execute(query, {"id": batch_id}).one()
        if (landed, distinct) != (row_count, row_count):
            raise AccountingError(
                f"{self.table}: {row_count} rows were pulled but {landed} ({distinct} different) were landed",
                next_step="Run the pull again: it removes them and starts anew",
            )

    _file_format: Any

    def _items(self, batch_id: str, chunks: list[Path], _folder: Path) -> Iterator[Any]:
        """What dlt is given to load."""
        return _tables(batch_id, chunks)

    @abstractmethod
    def _destination(self) -> Any: ...

    @abstractmethod
    def _after_load(self) -> None: ...


class DuckDBLanding(Landing):
    """Landing in the DuckDB file, through the connection that already holds it."""

    _file_format = "parquet"

    def count_new(self, chunks: list[Path], account: str) -> int:
        with self._native() as native:
            native.execute("CREATE TEMP TABLE pulled (_key VARCHAR, _row_hash VARCHAR)")
            try:
                for chunk in chunks:
                    native.register("chunk", read_chunk(chunk).select(["_key", "_row_hash"]))
                    native.execute("INSERT INTO pulled FROM chunk")
                    native.unregister("chunk")
                found = native.execute(_sql("pulled_not_latest", self.table, account="$1"), [account]).fetchone()
            finally:
                native.execute("DROP TABLE pulled")
        return int(found[0])

    def _destination(self) -> Any:
        import dlt

        # dlt does not close a connection that it was given.
        self._raw = self._engine.raw_connection()
        native: Any = self._raw.driver_connection
        # Small groups of rows are not worth sharing out: a second thread doubles the work and the memory.
        native.execute("SET threads = 1")
        return dlt.destinations.duckdb(native.duplicate(), naming_convention="direct")

    def _after_load(self) -> None:
        native: Any = self._raw.driver_connection
        native.execute("RESET threads")
        self._raw.close()

    @contextmanager
    def _native(self) -> Iterator[Any]:
        raw = self._engine.raw_connection()
        wrapper: Any = raw.driver_connection
        native = wrapper.duplicate()
        try:
            yield native
        finally:
            native.close()
            raw.close()

    def _items(self, batch_id: str, chunks: list[Path], folder: Path) -> Iterator[Any]:
        """One file in the form that is loaded: dlt passes it on as it is, where it would write tables anew."""
        import dlt

        path, count = folder / "rows.parquet", 0
        order = [*self._stream.column_names, *META_COLUMNS]  # in another order dlt would write them anew
        with contextlib.ExitStack() as stack:
            writer = None
            for table in _tables(batch_id, chunks):
                table = table.select(order)
                if writer is None:
                    options: Any = {"compression": "lz4", "use_dictionary": ["_batch_id"], "write_statistics": False}
                    writer = stack.enter_context(pq.ParquetWriter(path, table.schema, **options))
                writer.write_table(table)
                count += table.num_rows
        yield dlt.mark.with_file_import(str(path), "parquet", items_count=count, hints={})


class PostgresLanding(Landing):
    """Landing in Postgres by COPY."""

    _file_format = "csv"

    def count_new(self, chunks: list[Path], account: str) -> int:
        with self._engine.begin() as connection:
            connection.execute(text("CREATE TEMP TABLE pulled (_key text, _row_hash text) ON COMMIT DROP"))
            raw: Any = connection.connection.driver_connection
            with raw.cursor() as cursor, cursor.copy("COPY pulled FROM STDIN") as copy:
                for chunk in chunks:
                    table = read_chunk(chunk).select(["_key", "_row_hash"])
                    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                        copy.write_row(row)
            query = text(_sql("pulled_not_latest", self.table, account=":account"))
            return int(connection.execute(query, {"account": account}).scalar_one())

    def _destination(self) -> Any:
        import dlt

        url = make_url(self._settings.warehouse_url)
        # dlt wants a host and a password even where libpq finds its own (socket folder, pgpass, peer).
        url = url.set(drivername="postgresql", host=url.host or "localhost", password=url.password or "none")
        return dlt.destinations.postgres(url.render_as_string(hide_password=False), naming_convention="direct")

    def _after_load(self) -> None:
        with self._engine.begin() as connection:
            for column in ("_batch_id", "_key"):
                connection.execute(
                    text(f'CREATE INDEX IF NOT EXISTS "{self.table}{column}" ON {LANDING}."{self.table}" ({column})')
                )


@contextmanager
def landing(engine: Engine, settings: Settings, source: str, stream: Stream) -> Iterator[Landing]:
    """The landing table of a stream, held against other pulls of the same stream."""
    table = table_name(source, stream.name)
    if is_duckdb(settings):
        yield DuckDBLanding(engine, settings, table, stream)  # the file has one writing process
        return
    with engine.connect() as keeper:
        lock = {"name": f"landing.{table}"}
        keeper.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), lock)
        keeper.commit()
        try:
            yield PostgresLanding(engine, settings, table, stream)
        finally:
            keeper.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), lock)
            keeper.commit()


def _tables(batch_id: str, chunks: list[Path]) -> Iterator[pa.Table]:
    start = 0
    for chunk in chunks:
        table = read_chunk(chunk)
        ordinals = pa.array(range(start, start + table.num_rows), pa.int64())
        table = table.append_column("_batch_id", pa.repeat(batch_id, table.num_rows)).append_column("_row", ordinals)
        yield table
        start += table.num_rows


def _sql(name: str, table: str, **parts: str) -> str:
    query = files("rebuttal.sources").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return query.format(table=table, **parts)
