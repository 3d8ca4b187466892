"""The key and the hash of rows: in Python for few, in DuckDB for many, which works on beside the interpreter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib.resources import files

import duckdb
import pyarrow as pa

from rebuttal.sources.columns import Rows, text_of
from rebuttal.sources.declare import Stream

# Below so many rows a database is not worth being made.
MANY_ROWS = 5_000


class Identifier:
    """Identifies the rows of one stream. Both ways give the same."""

    def __init__(self, stream: Stream) -> None:
        self._names, self._key, self._places = stream.column_names, stream.key, stream.key_places

    def table(self, groups: Sequence[Rows], schema: pa.Schema, first: int) -> tuple[pa.Table, Iterable[memoryview]]:
        """The rows of all groups with key, hash and number (from `first` on), and their fingerprints in order."""
        if sum(map(len, groups)) < MANY_ROWS:
            groups = [rows.identified(self._places) for rows in groups]
            return self._joined(groups, schema, first), [rows.fingerprint() for rows in groups]
        return self.many(groups, schema, first)

    def many(self, groups: Sequence[Rows], schema: pa.Schema, first: int) -> tuple[pa.Table, Iterable[memoryview]]:
        """The same, by DuckDB."""
        self._database.register("rows", self._joined(groups, schema, first))
        found = self._database.execute(self._query).to_arrow_table()
        self._database.unregister("rows")
        lines = found.column(len(schema)).chunks
        return found.select(schema.names).cast(schema), map(text_of, lines)

    def close(self) -> None:
        """Let the database go, if there is one."""
        if (database := self.__dict__.pop("_database", None)) is not None:
            database.close()

    @staticmethod
    def _joined(groups: Iterable[Rows], schema: pa.Schema, first: int) -> pa.Table:
        batches = []
        for rows in groups:
            batches.append(rows.to_arrow(schema, first))
            first += len(rows)
        return pa.Table.from_batches(batches, schema)

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(":memory:", config={"threads": 1})

    @cached_property
    def _query(self) -> str:
        names = [f'"{name}"' for name in self._names]
        key = [f'"{name}"' for name in self._key]
        text = (files("rebuttal.sources") / "sql" / "identified.sql").read_text(encoding="utf-8")
        return text.format(
            columns=", ".join(names),
            values=", ".join(f"coalesce({name}, chr(0))" for name in names),
            key_parts=", ".join(f"coalesce({name}, '')" for name in key),
            key=", ".join(key),
            separators=len(key),
        )
