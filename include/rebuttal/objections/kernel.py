"""What texts of like meaning say: kernel ridge regression over the embeddings, which hears what no plane separates.

score(x) = bias + sum_i a_i exp(-width |x - x_i|^2), a = (K + diag(ridge / weight))^-1 (Y - bias): Saunders, Gammerman
and Vovk, "Ridge regression learning algorithm in dual variables" (1998), with a weight for each training text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import spftrf, spftrs

Array = npt.NDArray[np.float32]

WIDTH, RIDGE = 0.5, 0.2  # found by grouped cross-validation over the training texts
_AT_ONCE = 64  # rows
SHARPNESS = 0.12  # scores over this are logits: regression on 0 and 1 keeps them close together


@dataclass(frozen=True)
class Kernel:
    """A fitted regression: `centre` is taken off the embeddings, `rows` are the training texts' features.

    `typical` has for each label the direction in which its training texts lie, a unit vector.
    """

    centre: Array
    rows: Array
    weights: Array
    bias: Array
    typical: Array

    @classmethod
    def fit(cls, vectors: Array, signs: Array, shares: Array, weights: npt.NDArray[np.float64]) -> Kernel:
        """Fit to unit vectors and signs of stance (one row a text), label shares (summing to 1) and texts' weights.

        Takes memory for half a matrix of texts by texts in single precision. Raises LinAlgError.
        """
        centre = vectors.mean(axis=0)
        rows = unit_features(vectors - centre, signs).astype(np.float16).astype(np.float32)
        bias = shares.mean(axis=0)
        lengths = _lengths(rows)
        ridges = (RIDGE * weights.mean() / weights).astype(np.float32)
        found = solved(
            lambda chosen, begin: _nearness(rows[chosen], rows[begin:], lengths[begin:]), ridges, shares - bias
        )
        typical = (shares * weights[:, None].astype(np.float32)).T @ vectors
        typical /= np.maximum(np.linalg.norm(typical, axis=1, keepdims=True), 1e-6)
        return cls(centre, rows, found, bias, typical)

    @cached_property
    def lengths(self) -> Array:
        """Squared lengths of the rows."""
        return _lengths(self.rows)

    def logits(self, vectors: Array, signs: Array) -> npt.NDArray[np.float64]:
        """One row of scores per text, of the scale of a logistic regression's."""
        features = unit_features(vectors - self.centre, signs)
        scores = np.empty((len(features), self.bias.size), dtype=np.float64)
        for begin in range(0, len(features), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            scores[part] = _nearness(features[part], self.rows, self.lengths) @ self.weights + self.bias
        return scores / SHARPNESS

    def along(self, directions: Array) -> Kernel:
        """The same regression for vectors that lie in these directions (orthonormal rows) from the centre, given by
        their places along them: the scores are the same, and cost in proportion to the directions."""
        inside = self.rows[:, : self.centre.size] @ directions.T
        rows = np.hstack([inside, self.rows[:, self.centre.size :]])
        # How far a training text lies outside is the same for every such vector.
        outside = np.maximum(self.lengths - _lengths(rows), 0)
        weights = self.weights * np.exp(-WIDTH * outside)[:, None]
        return Kernel(np.zeros(len(directions), np.float32), rows, weights, self.bias, self.typical @ directions.T)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs."""
        return {
            "kernel_centre": self.centre,
            "kernel_rows": self.rows.astype(np.float16),
            "kernel_weights": self.weights,
            "kernel_bias": self.bias,
            "kernel_typical": self.typical,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Kernel:
        """The inverse of `arrays`."""
        names = ("centre", "rows", "weights", "bias", "typical")
        centre, rows, weights, bias, typical = (arrays[f"kernel_{name}"] for name in names)
        return cls(centre, rows.astype(np.float32), weights, bias, typical)


def unit_features(moved: Array, signs: Array) -> Array:
    """What the kernel compares: vectors less the centre, made as long as one, beside signs of stance."""
    lengths = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
    return np.hstack([moved / lengths, signs]).astype(np.float32)


def solved(near: Callable[[slice, int], Array], ridges: Array, right: Array) -> Array:
    """x of (K + diag(ridges)) x = right. K is symmetric, positive; `near` gives rows of a slice from a column on.

    Half of K is kept, in LAPACK's rectangular full packed format: the left columns below their diagonal, and in the
    corner that they leave free the rest, transposed (Gustavson et al. 2010). Raises LinAlgError.
    """
    _give_back()
    count = len(ridges)
    left, gap = (count + 1) // 2, (count + 1) % 2
    packed = np.empty((left, count + gap), dtype=np.float32)  # a row of it is a column of LAPACK's
    for begin in range(0, left, _AT_ONCE):
        chosen = slice(begin, min(begin + _AT_ONCE, left))
        packed[chosen, gap:] = near(chosen, 0)
    diagonal = np.arange(left)
    packed[diagonal, diagonal + gap] += ridges[:left]
    for begin in range(left, count, _AT_ONCE):
        rows = near(slice(begin, min(begin + _AT_ONCE, count)), begin)
        for at, one in enumerate(rows, begin - left):
            one[at - begin + left] += ridges[left + at]
            packed[at + 1 - gap :, at] = one[at - begin + left :]
    factor, failed = spftrf(count, packed.ravel(), transr="N", uplo="L", overwrite_a=True)
    if failed:
        raise LinAlgError(f"the nearness of {count} training texts has no Cholesky factor: {failed}")
    columns = np.array(right, dtype=np.float32, order="F")
    found, _ = spftrs(count, factor, columns, transr="N", uplo="L", overwrite_b=True)
    return np.asarray(found, dtype=np.float32)


def _give_back() -> None:
    """Let the system have what this process freed in small pieces: tens of megabytes, where the C library can."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _lengths(rows: Array) -> Array:
    return np.asarray((rows * rows).sum(axis=1))


def _nearness(left: Array, right: Array, lengths: Array) -> Array:
    """exp(-WIDTH |x - y|^2) for each pair, in place: the matrix is the largest thing in memory. `lengths`: of right."""
    near: Array = left @ right.T
    near *= 2 * WIDTH
    near -= WIDTH * _lengths(left)[:, None]
    near -= WIDTH * lengths[None, :]
    np.minimum(near, 0, out=near)
    np.exp(near, out=near)
    return near
