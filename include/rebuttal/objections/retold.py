"""Training texts that tell the same, in two languages or in one: cross-validation must not have them on both sides.

Two texts count as one told twice where each is the other's nearest and both are much nearer to each other than to their
other neighbours: Artetxe and Schwenk, "Margin-based parallel corpus mining with multilingual sentence embeddings"
(2019). This finds what is worded alike; a free retelling has to be given its situation by whoever writes it.
`training/alike.csv` says which situations are held out together. Their names stay as they are, for themes go by them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement

import numpy as np

from rebuttal.objections.embedding import Matrix
from rebuttal.objections.training import FOLDER, Example

_ALIKE = FOLDER / "alike.csv"
_NEIGHBOURS = 4
# By so much nearer (cosine) to each other than to their neighbours. In two languages most pairs above are retellings;
# in one, texts of one label are alike anyway, and only nearly the same words are meant.
MARGIN, MARGIN_WITHIN = 0.1, 0.2


def group_of(situation: str) -> str:
    """What a situation is held out with: the same name for those that tell the same."""
    return _groups().get(situation, situation)


@cache
def _groups() -> Mapping[str, str]:
    with _ALIKE.open(encoding="utf-8", newline="") as file:
        return {row["situation"]: row["group"] for row in csv.DictReader(file)}


def told_apart(examples: Sequence[Example], vectors: Matrix) -> list[tuple[Example, Example]]:
    """The pairs that tell the same and are not held out together; `vectors` has a unit vector for each example."""
    languages = np.array([one.language for one in examples])
    rows = np.array(vectors)
    for language in set(languages):
        chosen = languages == language
        rows[chosen] -= rows[chosen].mean(axis=0)  # what a language has in common says nothing of a text
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    found = []
    for one, other in combinations_with_replacement(sorted(set(languages)), 2):
        left, right = np.flatnonzero(languages == one), np.flatnonzero(languages == other)
        for first, second in _told_twice(rows[left], rows[right], is_within=one == other):
            pair = examples[left[first]], examples[right[second]]
            if group_of(pair[0].situation) != group_of(pair[1].situation):
                found.append(pair)
    return found


def _told_twice(left: Matrix, right: Matrix, is_within: bool) -> list[tuple[int, int]]:
    near = left @ right.T
    if is_within:
        np.fill_diagonal(near, -1.0)
    of_left, of_right = _neighbourhood(near), _neighbourhood(near.T)
    near -= (of_left[:, None] + of_right[None, :]) / 2
    best, back = near.argmax(axis=1), near.argmax(axis=0)
    least = MARGIN_WITHIN if is_within else MARGIN
    return [
        (row, int(column))
        for row, column in enumerate(best)
        if back[column] == row and near[row, column] >= least and not (is_within and column < row)
    ]


def _neighbourhood(near: Matrix) -> Matrix:
    """Of each row the mean of its nearest."""
    count = min(_NEIGHBOURS, near.shape[1])
    return np.asarray(np.partition(near, -count, axis=1)[:, -count:].mean(axis=1))
