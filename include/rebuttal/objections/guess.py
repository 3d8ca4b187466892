"""The embedding that a text would have, guessed from its n-grams, and what the kernel would say to it: in a tenth of a
millisecond where the embedding takes fifteen to thirty.

Ridge regression of the training texts' embeddings on their n-grams, of which the leading directions are kept:
W = A' (A A' + RIDGE I)^-1 V P' with A the n-grams, V the embeddings less their mean, P the directions. The kernel
itself would cost more than all else in the cheap stage: a quadratic form stands for it (`quadratic.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from rebuttal.objections.kernel import Kernel, solved, unit_features
from rebuttal.objections.quadratic import Quadratic

Array = npt.NDArray[np.float32]

RIDGE = 0.7
DIRECTIONS = 256  # of the embeddings' 384; macro-F1 on one fold with all 0.598, with 192 0.594, with 96 0.586
_WHOLE = 127.0
_AT_ONCE = 256  # rows


@dataclass(frozen=True)
class Guess:
    """Gives a text's place along `directions` (orthonormal rows, of embeddings less the kernel's centre).

    `weights` has a row an n-gram and a column a direction, in 8 bit: what `scales` has for the n-gram is its unit.
    `heard` is what the kernel says to a place, for places such as the training texts' n-grams let guess.
    """

    weights: npt.NDArray[np.int8]
    scales: Array
    directions: Array
    heard: Quadratic

    @classmethod
    def fit(cls, ngrams: csr_matrix, vectors: Array, kernel: Kernel) -> Guess:
        """Fit to the n-grams and embeddings of the texts that `kernel` was fitted to, one row a text.

        Takes memory for half a matrix of texts by texts in single precision. Raises LinAlgError.
        """
        moved = vectors - kernel.centre
        turned = np.linalg.eigh(moved.T @ moved)[1]  # in order of growing eigenvalues
        directions = np.ascontiguousarray(turned[:, ::-1][:, :DIRECTIONS].T)
        places = moved @ directions.T
        del moved
        across = csr_matrix(ngrams.T)
        found = solved(
            lambda chosen, begin: (ngrams[chosen] @ (across[:, begin:] if begin else across)).toarray(),
            np.full(len(vectors), RIDGE, dtype=np.float32),
            places,
        )
        weights = np.asarray(across @ found)
        scales = np.maximum(np.abs(weights).max(axis=1) / _WHOLE, 1e-12).astype(np.float32)
        packed = np.round(weights / scales[:, None]).astype(np.int8)
        inside = kernel.along(directions)
        signs = kernel.rows[:, kernel.centre.size :]
        features = unit_features(_places(ngrams, packed, scales), signs)
        return cls(packed, scales, directions, Quadratic.of(inside, features))

    def places(self, ngrams: csr_matrix) -> Array:
        """The guessed embeddings less the centre, as places along the directions: one row a text."""
        return _places(ngrams, self.weights, self.scales)

    def logits(self, ngrams: csr_matrix, signs: Array) -> npt.NDArray[np.float64]:
        """One row of scores per text, much like those that the kernel gives for the guessed embeddings."""
        return self.heard.logits(unit_features(self.places(ngrams), signs))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs."""
        own: dict[str, npt.NDArray[Any]] = {
            "weights": self.weights,
            "scales": self.scales,
            "directions": self.directions,
        }
        return {**{f"guess_{name}": array for name, array in own.items()}, **self.heard.arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Guess:
        """The inverse of `arrays`."""
        weights, scales, directions = (arrays[f"guess_{name}"] for name in ("weights", "scales", "directions"))
        return cls(weights, scales, directions, Quadratic.from_arrays(arrays))


def _places(ngrams: csr_matrix, weights: npt.NDArray[np.int8], scales: Array) -> Array:
    rows = np.zeros((ngrams.shape[0], weights.shape[1]), dtype=np.float32)
    for begin in range(0, len(rows), _AT_ONCE):
        part = ngrams[begin : begin + _AT_ONCE]
        used, columns = np.unique(part.indices, return_inverse=True)
        scaled = part.data * scales[part.indices]
        narrow = csr_matrix((scaled, columns, part.indptr), shape=(part.shape[0], len(used)))
        rows[begin : begin + _AT_ONCE] = narrow @ weights[used].astype(np.float32)
    return rows
