"""Which tags are slips of the fingers, and which are near-twins that must never be taken for one another."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rebuttal.quality.spelling import is_short_slip, is_slip, refusal, suggestion

SLIPS = [
    ("gogle", "google"),
    ("goolge", "google"),
    ("googgle", "google"),
    ("yandx", "yandex"),
    ("brand-us_q1", "brand_us_q1"),
    ("brandus_q1", "brand_us_q1"),
    ("brnad_us_q1", "brand_us_q1"),
    ("generic_trainig_ua", "generic_training_ua"),
    ("newsleter", "newsletter"),
    ("instgram", "instagram"),
]
TWINS = [
    ("brand_us_q1", "brand_us_q2"),
    ("brand_us_q1", "brand_uk_q1"),
    ("brand_ua", "brand_ru"),
    ("black_friday_2024", "black_friday_2025"),
    ("black_friday_2024", "black_friday_24"),
    ("sale1", "sale2"),
    ("sale", "sale2"),
    ("brand", "brand_us"),
    ("generic_training_ua", "generic_equipment_ua"),
    ("cpc", "cpm"),
    ("google", "google"),
    ("rmk_visitors", "rmk_buyers"),
]


@pytest.mark.parametrize(("typed", "meant"), SLIPS)
def test_slips(typed: str, meant: str) -> None:
    assert is_slip(typed, meant)


@pytest.mark.parametrize(("typed", "other"), TWINS)
def test_near_twins_are_two_things(typed: str, other: str) -> None:
    assert not is_slip(typed, other)
    assert not is_slip(other, typed)


def test_two_candidates_that_are_both_close_give_no_suggestion() -> None:
    assert suggestion("banners", ["banner_s", "banners2"]) == "banner_s"
    assert suggestion("spring_sle", ["spring_sale", "spring_sole"]) is None
    assert suggestion("trainng", ["training", "google"]) == "training"


MORE_TWINS = [
    ("branduk", "brand_ua"),  # a lost separator hides no other country
    ("brand_usa", "brand_us_a"),
    ("sale_1_1", "sale_11"),
    ("resale", "presale"),
    ("external_list", "internal_list"),
    ("slovakia_sale", "slovenia_sale"),
    ("tuesday_letter", "thursday_letter"),
    ("baner_one_campain", "banner_one_campaign"),
    ("", "google"),
]


@pytest.mark.parametrize(("typed", "other"), MORE_TWINS)
def test_what_looks_alike_and_is_not_the_same(typed: str, other: str) -> None:
    assert not is_slip(typed, other)
    assert not is_slip(other, typed)


def test_a_refusal_says_why_and_only_of_what_looks_alike() -> None:
    assert refusal("brand_us_q3", "brand_us_q1") == "their numbers differ"
    assert refusal("brand_uk", "brand_ua") == "a short word (a country, a language) differs"
    assert refusal("slovakia", "slovenia") == "slovakia and slovenia are two names"
    assert refusal("newsletter", "google") is None
    assert refusal("gogle", "google") is None


WORDS = st.lists(
    st.one_of(
        st.sampled_from(["brand", "us", "uk", "ua", "training", "equipment", "sale"]), st.integers(0, 2030).map(str)
    ),
    min_size=1,
    max_size=4,
).map("_".join)
LETTERS = st.text("abcdeABйк_-. 12", min_size=0, max_size=12)


@given(WORDS | LETTERS, WORDS | LETTERS)
def test_it_is_mutual_and_nothing_is_a_slip_of_itself(one: str, other: str) -> None:
    assert is_slip(one, other) == is_slip(other, one)
    assert not is_slip(one, one)
    assert not (is_slip(one, other) and refusal(one, other))


@given(WORDS | LETTERS, WORDS | LETTERS)
def test_other_numbers_are_another_thing(one: str, other: str) -> None:
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        assert not is_slip(one, other)


@given(WORDS, st.integers(0, 3), st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=3), st.sampled_from("_-."))
def test_another_short_word_is_another_thing(value: str, place: int, word: str, joint: str) -> None:
    """Countries, languages and quarters are short: exchanging one for another short word is never a slip."""
    words = value.split("_")
    short = [number for number, one in enumerate(words) if len(one) <= 3 and one.isalpha()]
    assume(short)
    chosen = short[place % len(short)]
    assume(words[chosen] != word)
    assert not is_slip(value, joint.join([*words[:chosen], word, *words[chosen + 1 :]]))


@given(st.lists(WORDS, max_size=6), WORDS)
def test_a_suggestion_is_registered_and_the_only_one_that_is_close(registered: list[str], typed: str) -> None:
    found = suggestion(typed, registered)
    close = {one for one in registered if is_slip(typed, one)}
    assert found == (next(iter(close)) if len(close) == 1 else None)


SHORT = {"cppc": True, "pcc": True, "cc": False, "cp": False, "cpm": False, "ppc": False, "cpcm": False, "cpc": False}


@pytest.mark.parametrize(("typed", "is_meant"), SHORT.items())
def test_short_media_slip_by_a_doubled_or_swapped_letter_only(typed: str, is_meant: bool) -> None:
    assert is_short_slip(typed, "cpc") is is_meant
    assert suggestion(typed, ["cpc", "email"], is_code_free=True) == ("cpc" if is_meant else None)
    assert suggestion(typed, ["cpc", "email"]) is None
