"""Which tags are slips of the fingers, and which are near-twins that must never be taken for one another."""

from __future__ import annotations

import pytest

from rebuttal.quality.spelling import is_slip, suggestion

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
