"""Slips of the keyboard are undone by known words, and nothing else is touched."""

from __future__ import annotations

import pytest

from rebuttal.objections.model import Model
from rebuttal.objections.spelling import Spelling

TEXTS = ["слишком дорого для нас", "дорого, дорого и далеко", "too expensive for a small salon", "expensive, it is"]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("слшиком дорого", "слишком дорого"),  # two letters swapped
        ("слишшком", "слишком"),  # one doubled
        ("дороо, далеко", "дорого, далеко"),  # one left out
        ("too expesnive", "too expensive"),
        ("xpensive", "expensive"),
    ],
)
def test_what_slips_do_is_undone(slip: str, meant: str) -> None:
    assert Spelling.of(TEXTS).mended(slip) == meant


@pytest.mark.parametrize(
    "text",
    [
        "дороги",  # another ending is another word
        "далек",
        "слшк",  # too far from anything
        "frsalon 0",  # two letters more, and a number
        "smll",  # a letter is put in only for a word that stands twice
        "an",
        "д'орого",
    ],
)
def test_what_may_be_meant_is_left_alone(text: str) -> None:
    assert Spelling.of(TEXTS).mended(text) == text


def test_known_words_stay_and_the_oftener_one_is_meant() -> None:
    spelling = Spelling({"слон": 5, "солн": 1, "лосн": 2})
    assert spelling.mended("солн слон") == "солн слон"
    assert spelling.mended("лсон") == "слон", "one swap from either, and this one is said oftener"
    assert Spelling({"банка": 2, "бнака": 7}).mended("бнакка ббанка") == "бнака банка"


def test_it_is_kept_as_arrays() -> None:
    spelling = Spelling.of(TEXTS)
    assert Spelling.from_arrays(spelling.arrays()) == spelling


def test_a_slip_changes_nothing_of_what_is_heard(model: Model) -> None:
    plain, slipped = model.probabilities(["Это слишком дорого для нас", "Это слшиком доорого для нас"])
    assert plain.tolist() == slipped.tolist()
