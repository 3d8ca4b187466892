"""The kernel's scores as a quadratic form: the nearest one where texts lie, and the same text always the same."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures

from rebuttal.objections.kernel import SHARPNESS, WIDTH, Kernel
from rebuttal.objections.quadratic import Quadratic

LABELS_COUNT = 4


def kernel_of(chance: np.random.Generator, count: int, features: int) -> Kernel:
    """A kernel with any rows and weights."""
    rows = chance.normal(scale=0.5, size=(count, features)).astype(np.float32)
    weights = chance.normal(size=(count, LABELS_COUNT)).astype(np.float32)
    bias = chance.normal(size=LABELS_COUNT).astype(np.float32)
    return Kernel(np.zeros(features, np.float32), rows, weights, bias, np.zeros((LABELS_COUNT, features), np.float32))


def kernel_scores(kernel: Kernel, features: np.ndarray) -> np.ndarray:
    apart = ((features[:, None, :] - kernel.rows[None, :, :]) ** 2).sum(axis=2)
    return (np.exp(-WIDTH * apart) @ kernel.weights + kernel.bias) / SHARPNESS


def test_no_polynomial_of_degree_two_comes_nearer_where_features_are_normal() -> None:
    chance = np.random.default_rng(3)
    kernel = kernel_of(chance, 40, 3)
    spread = chance.normal(size=(3, 3)) * 0.25
    features = (chance.normal(size=(60_000, 3)) @ spread + [0.3, -0.2, 0.1]).astype(np.float32)
    form = Quadratic.of(kernel, features)
    # Beside the factor exp(-WIDTH |x|^2), which the form has exactly.
    factor = np.exp(-WIDTH * (features**2).sum(axis=1, keepdims=True))
    smooth = (kernel_scores(kernel, features) * SHARPNESS - kernel.bias) / factor
    powers = PolynomialFeatures(2).fit_transform(features)
    judge = LinearRegression(fit_intercept=False).fit(powers, smooth).predict(powers)
    ours = (form.logits(features) * SHARPNESS - kernel.bias) / factor
    missed, least = np.square(ours - smooth).mean(), np.square(judge - smooth).mean()
    assert missed < 1.1 * least
    assert least < 0.1 * smooth.var()


def test_a_row_has_the_same_scores_whatever_stands_beside_it() -> None:
    chance = np.random.default_rng(5)
    kernel = kernel_of(chance, 300, 70)
    features = chance.normal(scale=0.15, size=(101, 70)).astype(np.float32)
    form = Quadratic.of(kernel, features)
    together = form.logits(features)
    alone = [form.logits(features[row : row + 1])[0].tolist() for row in range(101)]
    assert together.tolist() == alone
    assert form.logits(features[::-1])[::-1].tolist() == together.tolist()
    assert form.logits(features[:0]).shape == (0, LABELS_COUNT)


def test_what_is_read_from_arrays_says_the_same() -> None:
    chance = np.random.default_rng(6)
    features = chance.normal(scale=0.3, size=(50, 20)).astype(np.float32)
    form = Quadratic.of(kernel_of(chance, 80, 20), features)
    assert Quadratic.from_arrays(form.arrays()).logits(features).tolist() == form.logits(features).tolist()
