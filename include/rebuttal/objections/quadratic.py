"""What a kernel regression says, as a polynomial of degree two: a tenth of its cost, for where texts are known to lie.

exp(-WIDTH |x - c|^2) is exp(-WIDTH |x|^2) times e^t, up to a factor of c, with t = 2 WIDTH c'x. Where x is spread as a
normal distribution with mean m and covariance C, t is so with mean 2 WIDTH c'm and variance v = 4 WIDTH^2 c'Cc, and of
all polynomials of degree two the nearest to e^t, in mean square, is the beginning of its Hermite series,
e^(E t + v/2) (1 - v/2 + (t - E t) + (t - E t)^2 / 2). Summed over the kernel's rows that is a quadratic form for each
label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rebuttal.objections.kernel import SHARPNESS, WIDTH, Kernel

Array = npt.NDArray[np.float32]

_AT_ONCE = 32  # rows, always as many
# A product of matrices differs in its last digits with the number of rows, and with a row's place among them.
_ROUND = 8
_NAMES = ("mean", "constant", "slopes", "curves", "bias")


@dataclass(frozen=True)
class Quadratic:
    """Scores by label: bias + exp(-WIDTH |x|^2) (constant + y slopes + y' curves y), with y = x - mean.

    `mean` has a number a feature, `constant` and `bias` one a label; `slopes` are features by labels, `curves` are
    labels by features by features.
    """

    mean: Array
    constant: Array
    slopes: Array
    curves: Array
    bias: Array

    @classmethod
    def of(cls, kernel: Kernel, features: Array) -> Quadratic:
        """The kernel's scores for features that are spread like these rows (of `unit_features`)."""
        rows, mean = kernel.rows, features.mean(axis=0)
        moved = features - mean
        varied = (2 * WIDTH) ** 2 * np.einsum("ij,ij->i", rows @ (moved.T @ moved / len(moved)), rows)
        raised = np.exp(2 * WIDTH * (rows @ mean) + varied / 2 - WIDTH * kernel.lengths)
        weights = kernel.weights * raised[:, None]
        slopes = 2 * WIDTH * (rows.T @ weights)
        bent = np.stack([(rows * one[:, None]).T @ rows for one in weights.T]) * (2 * WIDTH) ** 2 / 2
        # Kept in half precision: what is read from a file is what was fitted.
        curves: Array = bent.astype(np.float16).astype(np.float32)
        return cls(mean, (weights * (1 - varied / 2)[:, None]).sum(axis=0), slopes, curves, kernel.bias)

    def logits(self, features: Array) -> npt.NDArray[np.float64]:
        """One row of scores per row of features, the same whatever rows stand beside it."""
        scores = np.zeros((len(features), self.bias.size))
        for begin in range(0, len(features), _AT_ONCE):
            part = features[begin : begin + _AT_ONCE]
            rows = np.pad(part.astype(np.float64), ((0, _AT_ONCE - len(part)), (0, 0)))
            scores[begin : begin + _AT_ONCE] = self._scores(rows)[: len(part)]
        return np.round(scores / SHARPNESS, _ROUND)

    def _scores(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        moved = rows - self.mean
        bent = np.einsum("nli,ni->nl", (moved @ self._beside).reshape(len(rows), *self.curves.shape[:2]), moved)
        near = np.exp(-WIDTH * (rows * rows).sum(axis=1, keepdims=True))
        return np.asarray(self.bias + near * (self.constant + moved @ self.slopes.astype(np.float64) + bent))

    @cached_property
    def _beside(self) -> npt.NDArray[np.float64]:
        """The labels' curves side by side: one product for all of them."""
        return np.hstack(list(self.curves.astype(np.float64)))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` needs."""
        arrays = {f"quadratic_{name}": getattr(self, name) for name in _NAMES}
        return arrays | {"quadratic_curves": self.curves.astype(np.float16)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Quadratic:
        """The inverse of `arrays`."""
        return cls(*(arrays[f"quadratic_{name}"].astype(np.float32) for name in _NAMES))
