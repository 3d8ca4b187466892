"""No two training texts that tell the same stand in two situations: cross-validation would know what it is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebuttal.objections.retold import told_apart
from rebuttal.objections.training import Example, shipped_vectors, text_key
from rebuttal.objections.training_notes import training_examples
from rebuttal.objections.wording import prepared


def test_of_the_shipped_texts_only_the_one_put_apart_here_is_told_twice() -> None:
    """A translation with a situation of its own is found beside its original, and nothing else is."""
    moved = "told-uk-229"
    examples = [replace(one, situation="apart") if one.id == moved else one for one in training_examples()]
    shipped = shipped_vectors()
    vectors = np.array([shipped[text_key(prepared(one.text))] for one in examples])
    found = [(one.id, other.id) for one, other in told_apart(examples, vectors)]
    assert ("told-ru-229", moved) in found
    assert [pair for pair in found if moved not in pair] == [], (
        "give what tells the same one situation, or one group in alike.csv"
    )


def test_nearest_in_another_language_and_far_from_all_else_is_told_twice() -> None:
    chance = np.random.default_rng(3)
    meant = chance.normal(size=(30, 384))
    in_en, in_uk = (meant + 0.3 * chance.normal(size=meant.shape) + 4 * chance.normal(size=384) for _ in range(2))
    vectors = np.vstack([in_en, in_uk]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = [
        Example(f"{language}-{number}", language, "", "", ("none",), "none", f"s{number}" if number < 27 else language)
        for language in ("en", "uk")
        for number in range(30)
    ]
    found = {(one.id, other.id) for one, other in told_apart(examples, vectors)}
    assert found == {(f"en-{number}", f"uk-{number}") for number in (27, 28, 29)}


def test_nearly_the_same_words_of_one_language_are_told_twice() -> None:
    chance = np.random.default_rng(4)
    vectors = chance.normal(size=(30, 384)).astype(np.float32)
    vectors[7] = vectors[3] + 0.1 * vectors[5]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = [Example(f"en-{number}", "en", "", "", ("none",), "none", f"s{number}") for number in range(30)]
    assert [(one.id, other.id) for one, other in told_apart(examples, vectors)] == [("en-3", "en-7")]
