"""Writing database files anew, so that nothing that was deleted is left on their free pages."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
from sqlalchemy.engine import make_url

from rebuttal.errors import LockedError
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.database_file import new_beside, quoted, sync


def rewrite_duckdb(path: Path) -> None:
    """Copy what the file holds into a new one and put that in its place by one rename.

    A crash leaves the old one whole. Raises LockedError when another process has the file open.
    """
    new = new_beside(path)
    with closing(duckdb.connect()) as connection:
        try:
            connection.execute(f"ATTACH '{quoted(path)}' AS old_file")
        except duckdb.IOException:
            raise LockedError(
                f"{path.name} is open in another process", next_step="Close it, then run the erasure again"
            ) from None
        connection.execute(f"ATTACH '{quoted(new)}' AS new_file")
        connection.execute("COPY FROM DATABASE old_file TO new_file")
        connection.execute("CHECKPOINT new_file")
        connection.execute("DETACH new_file")
        sync(new)
        failpoint("erase.before_rename")
        os.replace(new, path)  # while the old file is still held: nobody writes into it meanwhile
        sync(path.parent)


def rewrite_sqlite(url: str) -> None:
    """Rewrite the state store without its free pages, and empty its write-ahead log."""
    path = make_url(url).database
    if path and Path(path).exists():
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
