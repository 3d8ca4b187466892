"""A text's row from its parts' rows, by paper and pencil."""

from __future__ import annotations

import numpy as np
import pytest

from rebuttal.objections.asking import DENIAL_ODDS, KEPT, TAIL_WEIGHT, WHOLE_SAY, Asked, heard_within
from rebuttal.objections.taxonomy import LABELS, NONE

PRICE, NOTHING = LABELS.index("price"), LABELS.index(NONE)


def sure_of(label: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.eye(len(LABELS))[label]


def test_a_sentence_is_heard_within_its_message_and_one_that_stands_alone_is_not() -> None:
    rows, wide = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.9, 0.1]])
    within, alone = heard_within(rows, wide, np.array([0, -1]))
    assert within[0] / within[1] == pytest.approx(9**WHOLE_SAY)  # its own row says nothing either way
    assert within.sum() == pytest.approx(1)
    assert alone.tolist() == [0.5, 0.5]
    assert heard_within(rows, np.zeros((0, 2)), np.array([-1, -1])).tolist() == rows.tolist()


@pytest.mark.parametrize(("share", "is_kept"), [(KEPT + 0.01, True), (KEPT - 0.01, False)])
def test_a_message_talks_no_sure_sentence_down_to_nothing(share: float, is_kept: bool) -> None:
    row = share * sure_of(PRICE) + (1 - share) * sure_of(NOTHING)
    calm = 0.05 * sure_of(PRICE) + 0.95 * sure_of(NOTHING)
    [heard] = heard_within(row[None], calm[None], np.array([0]))
    assert (LABELS[heard.argmax()] == "price") == is_kept
    [nothing] = heard_within(calm[None], row[None], np.array([0]))
    assert nothing[PRICE] > calm[PRICE], "what is taken for nothing is still heard within its message"


def test_what_follows_a_but_counts_for_more_than_the_whole() -> None:
    asked = Asked.of(["Nice place, but too much money"], np.ones(1))
    [text, tail] = asked.parts()
    assert (text, tail) == ("nice place, but too much money", "too much money")
    [row] = asked.rows({text: sure_of(NOTHING), tail: sure_of(PRICE)})
    assert (row[PRICE], row[NOTHING]) == (pytest.approx(TAIL_WEIGHT), pytest.approx(1 - TAIL_WEIGHT))


def test_a_denied_worry_and_a_calm_place_make_none_likelier() -> None:
    even = (sure_of(PRICE) + sure_of(NOTHING)) / 2
    asked = Asked.of(["Too much money", "Too much money", "It is not expensive"], np.array([1.0, 4.0, 1.0]))
    rows = asked.rows(dict.fromkeys(asked.parts(), even))
    assert (rows[:, NOTHING] / rows[:, PRICE]).tolist() == pytest.approx([1, 4, DENIAL_ODDS])


def test_only_the_chosen_ones_are_asked_again_and_never_an_empty_text() -> None:
    asked = Asked.of(["one thing", "", "other, but later please"], np.ones(3))
    assert asked.parts(np.array([False, True, True])) == ["other, but later please", "later please"]
    assert "" in asked.parts()
