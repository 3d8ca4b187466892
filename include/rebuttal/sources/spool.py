"""The spool: a folder per pull, with pages as they came and rows as Parquet files, until their batch is landed.

It holds personal data for as long as a pull takes: only its owner may read it, and what a killed pull left behind is
removed by the next pull of any stream.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rebuttal.sources.columns import Rows
from rebuttal.sources.declare import Stream
from rebuttal.sources.identify import Identifier
from rebuttal.state.failpoint import failpoint

CHUNK_ROWS = 10_000
CHUNK_BYTES = 8_000_000


@contextmanager
def spool_folder(spool: Path) -> Iterator[Path]:
    """A new private folder, removed at the end; folders of processes that are gone are removed first."""
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_leftovers(spool)
    folder = Path(tempfile.mkdtemp(prefix=f"pull-{os.getpid()}-", dir=spool))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(spool: Path) -> int:
    """Remove the folders of pulls whose process is gone; how many there were."""
    left = [folder for folder in spool.glob("pull-*") if not _is_alive(folder.name.split("-")[1])]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


@dataclass
class Piece:
    """The rows of one or more whole slices: what becomes a batch."""

    chunks: list[Path] = field(default_factory=list)
    row_count: int = 0
    content_hash: str = ""


class RowSpool:
    """Collects rows slice by slice. Memory is bounded by a chunk; a slice that fails is taken back as a whole.

    `_row` counts the rows of a piece from 0, in the order in which they came. A full chunk gets its keys and hashes and
    is written in a thread, while the rows after it are made; at most one is on its way.
    """

    def __init__(self, stream: Stream, folder: Path) -> None:
        self._folder, self._number = folder, 0
        self._identifier = Identifier(stream)
        names = [*stream.column_names, "_key", "_row_hash", "_defect", "_extra"]
        self.schema = pa.schema([*((name, pa.string()) for name in names), ("_row", pa.int64())])
        self._kept = Piece()
        self._digest = hashlib.sha256()
        self._writer: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self._start_slice()

    def _start_slice(self) -> None:
        self._groups: list[Rows] = []
        self._waiting = self._size = 0
        self._chunks: list[Path] = []
        self._count = 0
        self._slice_digest = self._digest.copy()

    @property
    def row_count(self) -> int:
        """Rows of whole slices."""
        return self._kept.row_count

    def add(self, rows: Rows) -> None:
        """Take rows of the slice that is being read."""
        self._groups.append(rows)
        self._waiting += len(rows)
        self._size += rows.size
        if self._waiting >= CHUNK_ROWS or self._size >= CHUNK_BYTES:
            self._writer = self._writer or ThreadPoolExecutor(1, thread_name_prefix="spool")
            self._wait()
            self._writing = self._writer.submit(self._write, *self._next_chunk())

    def keep_slice(self) -> None:
        """The slice is whole."""
        self._end_writing()
        if self._groups:
            self._write(*self._next_chunk())
        self._kept.chunks += self._chunks
        self._kept.row_count += self._count
        self._digest = self._slice_digest
        self._start_slice()

    def drop_slice(self) -> None:
        """The slice failed: forget its rows."""
        self._end_writing()
        for chunk in self._chunks:
            chunk.unlink(missing_ok=True)
        self._start_slice()

    def take(self) -> Piece:
        """Hand over what was kept, and begin anew."""
        piece = Piece(self._kept.chunks, self._kept.row_count, self._digest.hexdigest())
        self._kept, self._digest = Piece(), hashlib.sha256()
        self._start_slice()
        # The load that follows is what needs most memory.
        self._identifier.close()
        pa.default_memory_pool().release_unused()
        return piece

    def _next_chunk(self) -> tuple[list[Rows], int, Path]:
        """What waits, the number of its first row, and its file."""
        self._number += 1
        groups, first = self._groups, self._kept.row_count + self._count
        self._chunks.append(self._folder / f"rows-{self._number:06d}.parquet")
        self._count += self._waiting
        self._groups, self._waiting, self._size = [], 0, 0
        return groups, first, self._chunks[-1]

    def _write(self, groups: list[Rows], first: int, path: Path) -> None:
        table, lines = self._identifier.table(groups, self.schema, first)
        for line in lines:
            self._slice_digest.update(line)
        # Read back once, and soon: nothing is spent on what makes files small or searchable.
        pq.write_table(table, path, compression="lz4", use_dictionary=False, write_statistics=False)
        del table, lines
        pa.default_memory_pool().release_unused()
        failpoint("pull.after_file")

    def _wait(self) -> None:
        """Wait for the chunk on its way; raises what writing it raised."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _end_writing(self) -> None:
        if self._writer is not None:
            try:
                self._wait()
            finally:
                self._writer.shutdown()
                self._writer = None
