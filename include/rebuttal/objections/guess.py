"""The embedding that a text would have, guessed from its n-grams, and what the kernel says to it: in less than
half a millisecond where the embedding takes fifteen.

Ridge regression of the training texts' embeddings on their n-grams, of which the leading directions are kept:
W = A' (A A' + RIDGE I)^-1 V P' with A the n-grams, V the embeddings less their mean, P the directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from rebuttal.objections.kernel import Kernel, solved

Array = npt.NDArray[np.float32]

RIDGE = 0.7
DIRECTIONS = 256  # of the embeddings' 384; macro-F1 on one fold with all 0.598, with 192 0.594, with 96 0.586
_WHOLE = 127.0
# Rows, always as many: a product of matrices differs in its last digits with the number of rows.
_AT_ONCE = 32


@dataclass(frozen=True)
class Guess:
    """Gives a text's place along `directions` (orthonormal rows, of embeddings less the kernel's centre).

    `weights` has a row an n-gram and a column a direction, in 8 bit: what `scales` has for the n-gram is its unit.
    `kernel` knows its training texts by the same directions.
    """

    weights: npt.NDArray[np.int8]
    scales: Array
    directions: Array
    kernel: Kernel

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
        return cls(packed, scales, directions, kernel.along(directions))

    def places(self, ngrams: csr_matrix) -> Array:
        """The guessed embeddings less the centre, as places along the directions: one row a text."""
        used, columns = np.unique(ngrams.indices, return_inverse=True)
        narrow = csr_matrix((ngrams.data, columns, ngrams.indptr), shape=(ngrams.shape[0], len(used)))
        return np.asarray(narrow @ (self.weights[used] * self.scales[used][:, None]))

    def logits(self, ngrams: csr_matrix, signs: Array) -> npt.NDArray[np.float64]:
        """One row of scores per text, as the kernel gives them for embeddings."""
        rows = np.zeros((len(signs), self.kernel.bias.size))
        for begin in range(0, len(rows), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            empty = ((0, _AT_ONCE - len(signs[part])), (0, 0))
            scores = self.kernel.logits(np.pad(self.places(ngrams[part]), empty), np.pad(signs[part], empty))
            rows[part] = scores[: len(signs[part])]
        return rows

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs beside the kernel."""
        return {"guess_weights": self.weights, "guess_scales": self.scales, "guess_directions": self.directions}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], kernel: Kernel) -> Guess:
        """The inverse of `arrays`."""
        weights, scales, directions = (arrays[f"guess_{name}"] for name in ("weights", "scales", "directions"))
        return cls(weights, scales, directions, kernel.along(directions))
