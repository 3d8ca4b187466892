"""The journal of what came from outside: writes to the vendors and moves of the world, replayed at every start.

The world itself is a function of its seed; only what others did to it must be kept. One JSON object a line, flushed to
disk before the write is applied. A half last line (the process was killed) was never answered and is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One write. `at` is the world's time (UTC, aware), `data` whatever the face needs to do it again."""

    face: str
    kind: str
    at: datetime
    data: Mapping[str, Any]


class JournalError(Exception):
    """The journal is in use, or holds a line that is not an entry. The text says what to do."""


class Journal:
    """Entries in the order they came; kept in `path`, or in memory only when it is None."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.written = 0
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise JournalError(
                    f"{path} is in use by another sandbox: stop it, or choose another --state"
                ) from error
            _cut_half_line(path)

    def replay(self) -> Iterator[Entry]:
        """The entries of earlier runs. `written` counts up with them, so that times come out as they did."""
        if self.path is None:
            return
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                raw = json.loads(line)
                entry = Entry(raw["face"], raw["kind"], datetime.fromisoformat(raw["at"]), raw["data"])
            except (ValueError, KeyError, TypeError) as error:
                raise JournalError(f"{self.path}:{number} is not a journal entry; move the file away") from error
            self.written += 1
            yield entry

    def append(self, face: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Entry:
        """Keep an entry; returns after it is on disk."""
        entry = Entry(face, kind, at, data)
        if self._file is not None:
            raw = {"face": face, "kind": kind, "at": at.isoformat(), "data": data}
            self._file.write(json.dumps(raw, separators=(",", ":")).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        self.written += 1
        return entry

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()


def _cut_half_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
