"""The embedding guessed from n-grams: the regression is the one it says, and is heard nearly as the kernel would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.linear_model import Ridge

from rebuttal.objections.embedding import DIMENSIONS, Matrix
from rebuttal.objections.guess import DIRECTIONS, RIDGE, Guess
from rebuttal.objections.kernel import Kernel
from rebuttal.objections.model import DENSE_SIGN_WEIGHT, Model, train
from rebuttal.objections.model import _read as read_model
from rebuttal.objections.model import _write as write_model
from rebuttal.objections.taxonomy import LABELS
from rebuttal.objections.training import Example, load_examples, training_vectors
from rebuttal.objections.wording import prepared, signs


def fitted(count: int) -> tuple[csr_matrix, Matrix, Guess, Kernel]:
    """N-grams and unit vectors of which they tell something, the guess and the kernel for them."""
    chance = np.random.default_rng(7)
    ngrams = csr_matrix(random_array((count, 300), density=0.1, rng=chance, dtype=np.float32))
    vectors = ngrams @ chance.normal(size=(300, DIMENSIONS)) + chance.normal(size=(count, DIMENSIONS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    stance = chance.integers(0, 2, (count, 3)).astype(np.float32) * 0.15
    shares = np.eye(4, dtype=np.float32)[chance.integers(0, 4, count)]
    kernel = Kernel.fit(vectors, stance, shares, chance.uniform(0.5, 2, count))
    return ngrams, vectors, Guess.fit(ngrams, vectors, kernel), kernel


@pytest.mark.parametrize("count", [500, 1001, 2002])
def test_the_guess_is_a_ridge_regression_along_the_leading_directions(count: int) -> None:
    ngrams, vectors, guess, _ = fitted(count)
    moved = vectors - vectors.mean(axis=0)
    leading = np.linalg.svd(moved, full_matrices=False)[2][:DIRECTIONS]
    judge = Ridge(alpha=RIDGE, fit_intercept=False).fit(ngrams, moved)
    expected = judge.predict(ngrams[:9]) @ leading.T @ leading
    assert np.allclose(guess.places(ngrams[:9]) @ guess.directions, expected, atol=0.003)


def test_a_guess_says_nearly_what_the_kernel_says_to_the_vector_at_that_place() -> None:
    ngrams, _, guess, kernel = fitted(600)
    stance = np.tile(np.array([[0.15, 0, 0.15]], dtype=np.float32), (600, 1))
    vectors = (guess.places(ngrams) @ guess.directions + kernel.centre).astype(np.float32)
    heard, exact = guess.logits(ngrams, stance), kernel.logits(vectors, stance)
    assert np.abs(exact - exact.mean(axis=0)).max() > 1  # it tells texts apart
    assert np.sqrt(np.square(heard - exact).mean()) < 0.25 * exact.std(axis=0).mean()
    again = Guess.from_arrays(guess.arrays())
    assert again.logits(ngrams, stance).tolist() == heard.tolist()
    assert again.logits(ngrams[5:6], stance[5:6]).tolist() == heard[5:6].tolist()
    assert guess.logits(ngrams[:0], stance[:0]).shape == (0, 4)


class Unasked:
    """The embeddings of the training texts are shipped: nothing is embedded."""

    name = "e5"

    def vectors(self, texts: Sequence[str]) -> Matrix:
        raise AssertionError(f"asked for {len(texts)} embeddings")


@pytest.fixture(scope="module")
def held_out() -> tuple[Model, list[Example]]:
    """A model of the shipped English texts but a fifth of their situations, and the texts of that fifth."""
    examples = [one for one in load_examples() if one.language == "en"]
    situations = sorted({one.situation for one in examples})[::5]
    away = [one for one in examples if one.situation in set(situations)]
    return train([one for one in examples if one.situation not in set(situations)], Unasked()), away


def test_what_is_guessed_of_unseen_texts_resembles_their_embeddings(held_out: tuple[Model, list[Example]]) -> None:
    model, away = held_out
    assert model.guess is not None
    assert model.dense is not None
    texts = [prepared(one.text) for one in away]
    true = training_vectors(texts, Unasked()) - model.dense.centre
    guessed = model.guess.places(model.ngrams.transform(texts)) @ model.guess.directions
    lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(guessed, axis=1)
    assert float(np.mean((true * guessed).sum(axis=1) / lengths)) > 0.6


def test_to_unseen_texts_the_kernel_would_say_nearly_the_same(held_out: tuple[Model, list[Example]]) -> None:
    model, away = held_out
    assert model.guess is not None
    assert model.dense is not None
    texts = [prepared(one.text) for one in away]
    ngrams, stance = model.ngrams.transform(texts), DENSE_SIGN_WEIGHT * signs(texts)
    said = model.guess.logits(ngrams, stance)
    exact = model.dense.along(model.guess.directions).logits(model.guess.places(ngrams), stance)
    assert np.sqrt(np.square(said - exact).mean()) < 0.12 * exact.std(axis=0).mean()
    assert (said.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.94


def test_the_cheap_stage_is_oftener_right_with_the_guess(held_out: tuple[Model, list[Example]]) -> None:
    model, away = held_out
    texts, truth = [one.text for one in away], np.array([LABELS.index(one.primary) for one in away])
    with_guess = (model.quick(texts).argmax(axis=1) == truth).mean()
    without = (replace(model, guess=None).quick(texts).argmax(axis=1) == truth).mean()
    assert with_guess > without + 0.01


def test_a_model_from_its_file_guesses_the_same(tmp_path: Path, held_out: tuple[Model, list[Example]]) -> None:
    model, away = held_out
    texts = [one.text for one in away[:50]]
    write_model(tmp_path / "ngram+e5-some.npz", model)
    again = read_model(tmp_path / "ngram+e5-some.npz", model.name, model.embedder)
    assert again.guess is not None
    assert again.quick(texts).tolist() == model.quick(texts).tolist()
