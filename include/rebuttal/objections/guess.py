"""The embedding that a text would have, guessed from its n-grams, and what the kernel says to it: in a fifth of a
millisecond where the embedding takes fifteen.

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
DIRECTIONS = 128  # of the embeddings' 384: the rest can hardly be guessed
_AT_ONCE = 256  # rows: a text's nearness to each training text takes 60 kB


@dataclass(frozen=True)
class Guess:
    """`weights` (n-grams by directions) give a text's place along `directions` (orthonormal rows, of embeddings less
    the kernel's centre). `kernel` knows its training texts by the same directions."""

    weights: Array
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
        ridges = np.full(len(vectors), RIDGE, dtype=np.float32)
        found = solved(
            lambda chosen, begin: (ngrams[chosen] @ ngrams[begin:].T).toarray(), ridges, moved @ directions.T
        )
        weights = np.asarray(ngrams.T @ found).astype(np.float16).astype(np.float32)
        return cls(weights, directions, kernel.along(directions))

    def logits(self, ngrams: csr_matrix, signs: Array) -> npt.NDArray[np.float64]:
        """One row of scores per text, as the kernel gives them for embeddings."""
        places = np.asarray(ngrams @ self.weights)
        parts = [
            self.kernel.logits(places[begin : begin + _AT_ONCE], signs[begin : begin + _AT_ONCE])
            for begin in range(0, len(places), _AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, self.kernel.bias.size)), *parts])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs beside the kernel."""
        return {"guess_weights": self.weights.astype(np.float16), "guess_directions": self.directions}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], kernel: Kernel) -> Guess:
        """The inverse of `arrays`."""
        directions = arrays["guess_directions"]
        return cls(arrays["guess_weights"].astype(np.float32), directions, kernel.along(directions))
