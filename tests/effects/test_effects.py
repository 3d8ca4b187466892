"""Before and after, for pieces whose readers cannot be seen: against other objections, judged at the deadline."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.effects.places import DEADLINE, PUBLISHED, THEME, Place, context, effect_of, estimates_of, rows_of, task

from rebuttal import effects
from rebuttal.effects.control import before_after
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published, open_warehouse

Rates = dict[str, tuple[float, float]]  # theme -> share of deals that voice it, before and after
STEADY: Rates = {
    f"{name}/general": (rate, rate)
    for name, rate in (("trust", 0.25), ("terms", 0.2), ("timing", 0.3), ("service", 0.2))
}


def world(settings: Settings, rates: Rates, deals_a_day: int = 6, published: dict[str, datetime] | None = None) -> None:
    """Deals for 84 days before and 105 after publication; each voices themes after two days by the given rates."""
    draw, place = random.Random(7), Place()
    for offset in range(-84, 105):
        for n in range(deals_a_day):
            created = PUBLISHED + timedelta(days=offset, minutes=n)
            name = f"{offset}-{n}"
            place.deal(name, created)
            for theme, (before, after) in rates.items():
                if draw.random() < (after if offset >= 0 else before):
                    category, sub = theme.split("/")
                    row = {"objection_id": f"{name}-{theme}", "deal_id": name, "category": category, "theme": sub}
                    place.objections.append({**row, "first_voiced_at": created + timedelta(days=2)})
    place.tasks = [task(theme, at) for theme, at in (published or {THEME: PUBLISHED}).items()]
    place.write(settings)


def test_content_that_helps_is_confirmed_at_its_deadline(
    any_settings: Settings, request: pytest.FixtureRequest
) -> None:
    if any_settings.warehouse_url.startswith("postgresql"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    world(any_settings, {THEME: (0.30, 0.12), **STEADY})
    report = effects.run(context(any_settings, DEADLINE))
    found = effect_of(any_settings)
    assert (found["verdict"], found["is_final"], found["evaluated_until"]) == ("confirmed", True, DEADLINE)
    assert found["reason"].endswith("associated with the publication")
    assert found["interval_low"] < found["effect"] < found["interval_high"] < 0
    assert found["effect"] == pytest.approx(-0.6, abs=0.2)
    assert found["baseline"] == pytest.approx(0.30, abs=0.05)
    assert found["baseline_sample_size"] == 6 * 70 + 1  # one had its last hour exactly at the publication
    assert found["sample_size"] == 6 * 91
    assert (report.counts["confirmed"], report.counts["new_verdicts"], report.changed) == (1, 1, True)
    assert [key for key, row in estimates_of(any_settings).items() if row["is_deciding"]] == [
        ("objection_rate", "before_after")
    ]

    again = effects.run(context(any_settings, DEADLINE))
    assert (again.changed, again.counts["new_verdicts"]) == (False, 0)
    decisions = rows_of(any_settings, "SELECT decision FROM marts.decision WHERE kind = 'verdict'")
    assert decisions == [{"decision": "confirmed"}]


def test_a_verdict_does_not_change_after_its_deadline(settings: Settings) -> None:
    world(settings, {THEME: (0.30, 0.12), **STEADY})
    effects.run(context(settings, DEADLINE))
    before = effect_of(settings)
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM marts.objection WHERE category <> 'price'"))
    assert not effects.run(context(settings, DEADLINE + timedelta(days=30))).changed
    assert effect_of(settings) == before


def test_before_and_after_confirms_nothing_before_the_deadline_however_clear(settings: Settings) -> None:
    world(settings, {THEME: (0.50, 0.01), **STEADY})
    report = effects.run(context(settings, DEADLINE - timedelta(days=1)))
    found = effect_of(settings)
    assert (found["verdict"], found["reason"], found["is_final"]) == (
        "not_enough_data",
        "no deal is exposed",
        False,
    )
    assert estimates_of(settings)["objection_rate", "before_after"]["interval_high"] < 0
    assert rows_of(settings, "SELECT * FROM marts.decision WHERE kind = 'verdict'") == []
    assert report.counts["published_tasks"] == 1


def test_what_all_objections_do_is_no_effect_of_the_content(settings: Settings) -> None:
    """Everybody complains less after the season; a plain before/after would call it a success."""
    rates = {theme: (before, after / 2) for theme, (before, after) in {THEME: (0.30, 0.30), **STEADY}.items()}
    world(settings, rates)
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert found["observed"] < found["baseline"] * 0.7
    assert found["verdict"] != "confirmed"
    assert found["interval_low"] < 0 < found["interval_high"]


def test_where_themes_wander_by_themselves_nothing_is_confirmed(settings: Settings) -> None:
    """The theme halves, but other themes halve and double for no reason: it may be one of them."""
    rates: Rates = {"trust/a": (0.1, 0.2), "terms/b": (0.2, 0.1), "timing/c": (0.3, 0.14), "service/d": (0.1, 0.18)}
    world(settings, {THEME: (0.30, 0.15), **rates})
    effects.run(context(settings, DEADLINE))
    assert effect_of(settings)["verdict"] == "not_enough_data"


def test_content_that_makes_it_worse_is_rejected_in_words(settings: Settings) -> None:
    world(settings, {THEME: (0.10, 0.45), **STEADY})
    effects.run(context(settings, DEADLINE))
    assert effect_of(settings)["verdict"] == "rejected"
    assert effect_of(settings)["reason"].endswith("it went the other way")


def test_too_few_deals_are_not_enough_data_for_good(settings: Settings) -> None:
    world(settings, {THEME: (0.9, 0.1), **STEADY}, deals_a_day=1)
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM marts.deal WHERE deal_id NOT LIKE '%0-%'"))
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert (found["verdict"], found["is_final"]) == ("not_enough_data", True)
    assert found["reason"] == "voiced too rarely to compare: 6 times among 7 deals"


def test_a_theme_with_its_own_piece_is_no_control(settings: Settings) -> None:
    """Two of five themes got a piece and halved: against each other they would show nothing."""
    rates = {THEME: (0.30, 0.13), **STEADY, "trust/general": (0.3, 0.13)}
    world(settings, rates, published={THEME: PUBLISHED, "trust/general": PUBLISHED + timedelta(days=3)})
    effects.run(context(settings, DEADLINE))
    assert effect_of(settings)["verdict"] == "confirmed"


def test_a_deal_counts_only_when_it_had_its_time(settings: Settings) -> None:
    """What is voiced after the horizon, or by deals whose horizon crosses the publication, is not counted."""
    world(settings, {THEME: (0.3, 0.3), **STEADY})
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE marts.objection SET first_voiced_at = first_voiced_at + INTERVAL '14 days'"))
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert (found["baseline"], found["observed"], found["effect"]) == (0.0, 0.0, None)
    assert (found["baseline_sample_size"], found["sample_size"]) == (6 * 70 + 1, 6 * 91)
    assert found["verdict"] == "not_enough_data"


def test_without_published_tasks_there_is_an_empty_table_and_no_problem(settings: Settings) -> None:
    world(settings, {THEME: (0.3, 0.3)}, published={THEME: None})  # type: ignore[dict-item]
    report = effects.run(context(settings, DEADLINE))
    assert (report.problems, report.counts) == ([], {"published_tasks": 0})
    with open_published(settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM marts.effect")).scalar_one() == 0


def test_before_anything_ran_it_says_so(settings: Settings) -> None:
    report = effects.run(context(settings, DEADLINE))
    assert report.problems == []
    assert report.counts == {"published_tasks": 0}
    assert report.changed is False


def _counts(before: dict[str, int], after: dict[str, int]) -> dict[bool, dict[str, int]]:
    return {False: {"": 200, **before}, True: {"": 200, **after}}


def test_equal_controls_leave_the_ratio_of_the_books() -> None:
    """Worked by hand: 60 of 200 become 30 of 200, three controls stay at 50: Katz for the theme, their mean is 0."""
    steady = {"a/a": 50, "b/b": 50, "c/c": 50}
    found = before_after(_counts({THEME: 60, **steady}, {THEME: 30, **steady}), THEME, {THEME})
    assert found.estimate is not None
    assert found.estimate.effect == pytest.approx(-0.5)
    own, control = 1 / 30 - 1 / 200 + 1 / 60 - 1 / 200, 2 * (1 / 50 - 1 / 200)
    assert found.estimate.standard_error == pytest.approx((own + control / 3) ** 0.5)
    assert found.estimate.freedom == 2


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({THEME: 3, "a/a": 50}, "1 other themes to compare with, 3 are needed"),
        ({"a/a": 50, "b/b": 50, "c/c": 50}, "the theme was never voiced"),
    ],
)
def test_what_cannot_be_compared_has_no_estimate(after: dict[str, Any], why: str) -> None:
    before = {"a/a": 50, "b/b": 50, "c/c": 50}
    found = before_after(_counts(before, after), THEME, {THEME})
    assert (found.estimate, found.why_none) == (None, why)
