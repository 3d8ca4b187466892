"""The sample a hypothesis registers: large enough for its size, from what is heard again, said with its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.effects.places import PUBLISHED, THEME, Place

from rebuttal.content.hypothesis import draft
from rebuttal.content.rules import load_rules
from rebuttal.content.sample import Traffic, needed, repeat_rate
from rebuttal.content.themes import traffic
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

RULE = load_rules(PROJECT_ROOT / "include" / "config").hypothesis
OFTEN = Traffic(1200, 360, 1200, 360, 12)


def test_the_sample_shows_the_hoped_for_size_as_often_as_promised() -> None:
    """Draws with just the sample: the interval at the rule's error lies below zero in `power` of them."""
    sample = needed(OFTEN, RULE)
    draw, exposed = np.random.default_rng(8), round(sample.repeats / 0.3)
    others = round(exposed * (1 - RULE.exposed_share) / RULE.exposed_share)
    a = draw.binomial(exposed, 0.3 * (1 - RULE.expected_size), 20_000)
    b = draw.binomial(others, 0.3, 20_000)
    error = np.sqrt(1 / a - 1 / exposed + 1 / b - 1 / others)
    seen = np.mean(np.log(a / exposed) - np.log(b / others) + 2.0537 * error < 0)  # normal quantile of 1 - 0.04 / 2
    assert RULE.power - 0.01 <= seen <= RULE.power + 0.05


@given(st.floats(0.1, 0.6), st.floats(0.5, 0.95), st.floats(0.05, 0.9))
def test_smaller_effects_and_more_certainty_need_more(size: float, power: float, share: float) -> None:
    rule = replace_rule(expected_size=size, power=power, exposed_share=share, least_sample=1)
    asked = needed(OFTEN, rule).repeats
    assert needed(OFTEN, replace_rule(expected_size=size * 0.8, power=power, exposed_share=share)).repeats > asked
    assert needed(OFTEN, replace_rule(expected_size=size, power=power + 0.04, exposed_share=share)).repeats >= asked
    assert asked >= 2.0537**2 / log(1 - size) ** 2 * 0.5  # no sample is smaller than the certainty alone asks for


def replace_rule(**values: float) -> object:
    return RULE.model_copy(update=values)


def test_a_large_size_never_needs_less_than_the_least() -> None:
    assert needed(OFTEN, replace_rule(expected_size=0.9)).repeats == RULE.least_sample


def test_a_theme_that_was_seldom_heard_leans_on_the_others() -> None:
    assert repeat_rate(OFTEN, 0.2) == pytest.approx(0.3, abs=0.01)
    assert repeat_rate(Traffic(2, 2, 1200, 360, 12), 0.2) == pytest.approx(0.36, abs=0.01)
    assert repeat_rate(Traffic(), 0.2) == 0.2
    assert needed(Traffic(), RULE).weeks is None


def test_the_brief_says_how_many_and_by_when() -> None:
    deadline = date(2026, 11, 16)
    busy = draft("Publish it", 0.3, RULE, deadline, replace(OFTEN, occasion_count=9000, repeat_count=2700))
    assert busy.minimum_sample == needed(OFTEN, RULE).repeats
    assert f"about {busy.minimum_sample} repeated voicings" in busy.success_criterion
    # 750 talks a week, a fifth of them with the piece met, three of ten repeat it: 45 of 123 a week.
    assert "at today's traffic in about 3 weeks" in busy.success_criterion
    quiet = draft("Publish it", 0.3, RULE, deadline, Traffic(60, 18, 1200, 360, 12))
    assert "measuring has 12: unless the effect is much larger" in quiet.success_criterion
    assert "expect “not enough data”" in quiet.success_criterion
    unknown = draft("Publish it", 0.3, RULE, deadline)
    assert "how long that takes is not known" in unknown.success_criterion


def test_only_talks_after_a_first_voicing_are_counted(any_settings: Settings) -> None:
    place, day = Place(), timedelta(days=1)
    for name in ("again", "never", "late", "old"):
        place.deal(name, PUBLISHED - 30 * day, "lost", PUBLISHED + 9 * day)
    for name, at, theme in (
        ("again", 1, THEME), ("again", 2, None), ("again", 3, THEME), ("again", 4, "trust/reviews"),
        ("never", 1, None), ("never", 2, None),
        ("late", 1, None), ("late", 2, THEME), ("late", 10, THEME),  # the last one after the deal was closed
        ("old", -20, THEME), ("old", 1, THEME),
    ):  # fmt: skip
        place.talk(name, PUBLISHED + at * day, theme)
    place.write(any_settings)
    query = (files("rebuttal.content") / "queries" / "theme_repeats.sql").read_text(encoding="utf-8")
    window = {"since": PUBLISHED, "until": PUBLISHED + 20 * day}
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(text(query), window).mappings()]
    # "again": three talks after the first voicing, one of them repeats it; "old": its one talk in the window does.
    assert rows == [{"theme": THEME, "occasion_count": 4, "repeat_count": 2}]
    assert traffic(rows, 12)[THEME] == Traffic(4, 2, 4, 2, 12)
    assert traffic(rows, 12)[""] == Traffic(0, 0, 4, 2, 12)
