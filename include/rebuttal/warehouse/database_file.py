"""A DuckDB file that takes another's place as a whole: written beside it, and on disk before it gets its name."""

from __future__ import annotations

import os
from pathlib import Path


def new_beside(path: Path) -> Path:
    """The path of the file that will replace `path`; what a killed run may have left there is removed."""
    new = path.with_name(f"{path.name}.new")
    for left in (new, new.with_name(f"{new.name}.wal")):
        left.unlink(missing_ok=True)
    return new


def quoted(path: Path) -> str:
    """The path as it stands between the quotes of an SQL text."""
    return str(path).replace("'", "''")


def sync(path: Path) -> None:
    """Return when a file, or a folder's list of names, is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
