"""Verdicts under criteria fixed beforehand: right on worlds whose truth is known, never early, told once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, insert, text

from rebuttal import effects
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.effects.estimate import Side, estimate
from rebuttal.effects.verdict import Criterion, judge
from rebuttal.settings import Settings
from rebuttal.warehouse import mart, open_published, open_warehouse
from rebuttal.warehouse.tables import TEXT, TIME

PUBLISHED = datetime(2026, 8, 3, 10, tzinfo=UTC)
DEADLINE = date(2026, 11, 16)
_METADATA = MetaData()
DEAL = Table("deal", _METADATA, Column("deal_id", TEXT), Column("created_at", TIME), schema="marts")
OBJECTION = Table(
    "objection",
    _METADATA,
    *(Column(name, TEXT) for name in ("deal_id", "category", "theme")),
    Column("first_voiced_at", TIME),
    schema="marts",
)
Rates = dict[str, tuple[float, float]]  # theme -> share of deals that voice it, before and after


def context(settings: Settings, day: date) -> Context:
    def resolve(connection_id: str) -> Connection:
        raise AssertionError(f"proving needs no connection, but asked for {connection_id}")

    return Context(settings, Clock(datetime.combine(day, datetime.min.time(), UTC)), resolve, b"0123456789abcdef")


def world(settings: Settings, rates: Rates, deals_a_day: int = 6, published: dict[str, datetime] | None = None) -> None:
    """Deals for 84 days before and 105 after publication; each voices themes after two days by the given rates."""
    draw = random.Random(7)
    deals, objections = [], []
    for offset in range(-84, 105):
        for n in range(deals_a_day):
            created = PUBLISHED + timedelta(days=offset, minutes=n)
            deal_id = f"{offset}-{n}"
            deals.append({"deal_id": deal_id, "created_at": created})
            for theme, (before, after) in rates.items():
                if draw.random() < (after if offset >= 0 else before):
                    category, name = theme.split("/")
                    voiced = created + timedelta(days=2)
                    objections.append(
                        {"deal_id": deal_id, "category": category, "theme": name, "first_voiced_at": voiced}
                    )
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            _METADATA.drop_all(connection)
            _METADATA.create_all(connection)
            connection.execute(insert(DEAL), deals)
            connection.execute(insert(OBJECTION), objections)
        tasks = [task(theme, at) for theme, at in (published or {"price/too_high": PUBLISHED}).items()]
        mart.mirror_rows(engine, mart.content_task, tasks)


def task(theme: str, published_at: datetime | None) -> dict[str, Any]:
    words = ("change", "reason", "success_criterion")
    return {
        "task_id": f"task-{theme}",
        "theme": theme,
        "category": theme.split("/")[0],
        "title": theme,
        "score": 1.0,
        "score_parts": "{}",
        "subject_count": 9,
        "money_at_risk_base": 1.0,
        "currency": "EUR",
        "status": "published",
        **dict.fromkeys(("tracker_status", "task_key", "task_url", "published_url", "closed_at")),
        "published_at": published_at,
        "created_at": PUBLISHED - timedelta(days=10),
        **{f"hypothesis_{word}": "x" for word in words},
        "hypothesis_metric": "objection_rate",
        "hypothesis_direction": "decrease",
        "hypothesis_expected_size": 0.25,
        "hypothesis_minimum_sample": 40,
        "hypothesis_baseline_days": 84,
        "hypothesis_horizon_days": 14,
        "hypothesis_deadline": DEADLINE,
    }


def effect_of(settings: Settings, theme: str = "price/too_high") -> dict[str, Any]:
    with open_published(settings) as engine, engine.connect() as connection:
        query = text("SELECT * FROM marts.effect WHERE theme = :theme")
        return dict(connection.execute(query, {"theme": theme}).mappings().one())


def verdicts(settings: Settings) -> list[str]:
    with open_published(settings) as engine, engine.connect() as connection:
        return list(connection.execute(text("SELECT decision FROM marts.decision WHERE kind = 'verdict'")).scalars())


def test_content_that_helps_is_confirmed_at_its_deadline(
    any_settings: Settings, request: pytest.FixtureRequest
) -> None:
    if any_settings.warehouse_url.startswith("postgresql"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    world(any_settings, {"price/too_high": (0.30, 0.15), "trust/reviews": (0.25, 0.25), "terms/general": (0.2, 0.2)})
    report = effects.run(context(any_settings, DEADLINE))
    found = effect_of(any_settings)
    assert (found["verdict"], found["is_final"], found["evaluated_until"]) == ("confirmed", True, DEADLINE)
    assert found["interval_low"] < found["effect"] < found["interval_high"] < 0
    assert found["effect"] == pytest.approx(-0.5, abs=0.2)
    assert found["baseline"] == pytest.approx(0.30, abs=0.05)
    assert found["baseline_sample_size"] == 6 * 70 + 1  # one had its last hour exactly at the publication
    assert found["sample_size"] == 6 * 91
    assert (report.counts["confirmed"], report.counts["new_verdicts"], report.changed) == (1, 1, True)

    again = effects.run(context(any_settings, DEADLINE))
    assert (again.changed, again.counts["new_verdicts"]) == (False, 0)
    assert verdicts(any_settings) == ["confirmed"]


def test_a_verdict_does_not_change_after_its_deadline(settings: Settings) -> None:
    world(settings, {"price/too_high": (0.30, 0.15), "trust/reviews": (0.25, 0.25)})
    effects.run(context(settings, DEADLINE))
    before = effect_of(settings)
    assert not effects.run(context(settings, DEADLINE + timedelta(days=30))).changed
    assert effect_of(settings) == before


def test_nothing_is_confirmed_before_the_deadline_however_clear(settings: Settings) -> None:
    world(settings, {"price/too_high": (0.50, 0.01), "trust/reviews": (0.25, 0.25)})
    report = effects.run(context(settings, DEADLINE - timedelta(days=1)))
    found = effect_of(settings)
    assert (found["verdict"], found["reason"], found["is_final"]) == ("not_enough_data", "judged on 2026-11-16", False)
    assert found["interval_high"] < 0
    assert (verdicts(settings), report.counts["published_tasks"]) == ([], 1)


def test_what_all_objections_do_is_no_effect_of_the_content(settings: Settings) -> None:
    """Everybody complains less after the season; a plain before/after would call it a success."""
    world(settings, {"price/too_high": (0.30, 0.15), "trust/reviews": (0.30, 0.15), "terms/general": (0.2, 0.1)})
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert found["observed"] < found["baseline"] * 0.7
    assert found["verdict"] == "rejected"


def test_content_that_makes_it_worse_is_rejected_in_words(settings: Settings) -> None:
    world(settings, {"price/too_high": (0.10, 0.35), "trust/reviews": (0.25, 0.25)})
    effects.run(context(settings, DEADLINE))
    assert effect_of(settings)["verdict"] == "rejected"
    assert effect_of(settings)["reason"].endswith("it went the other way")


def test_too_few_deals_are_not_enough_data_for_good(settings: Settings) -> None:
    world(settings, {"price/too_high": (0.9, 0.1), "trust/reviews": (0.25, 0.25)}, deals_a_day=1)
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM marts.deal WHERE deal_id NOT LIKE '%0-%'"))
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert (found["verdict"], found["is_final"]) == ("not_enough_data", True)
    assert found["reason"] == "7 deals before publication, 40 were needed"
    assert verdicts(settings) == ["not_enough_data"]


def test_a_theme_with_its_own_piece_is_no_control(settings: Settings) -> None:
    rates = {"price/too_high": (0.30, 0.15), "trust/reviews": (0.30, 0.15), "terms/general": (0.2, 0.2)}
    world(settings, rates, published={"price/too_high": PUBLISHED, "trust/reviews": PUBLISHED + timedelta(days=3)})
    effects.run(context(settings, DEADLINE))
    assert effect_of(settings)["control_baseline"] == pytest.approx(0.2, abs=0.05)
    assert effect_of(settings)["verdict"] == "confirmed"


def test_a_deal_counts_only_when_it_had_its_time(settings: Settings) -> None:
    """What is voiced after the horizon, or by deals whose horizon crosses the publication, is not counted."""
    world(settings, {"price/too_high": (0.3, 0.3), "trust/reviews": (0.2, 0.2)})
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE marts.objection SET first_voiced_at = first_voiced_at + INTERVAL '14 days'"))
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert (found["baseline"], found["observed"], found["effect"]) == (0.0, 0.0, None)
    assert (found["baseline_sample_size"], found["sample_size"]) == (6 * 70 + 1, 6 * 91)
    assert found["reason"] == "the theme or the control was never voiced"


def test_without_published_tasks_there_is_an_empty_table_and_no_problem(settings: Settings) -> None:
    world(settings, {"price/too_high": (0.3, 0.3)}, published={"price/too_high": None})  # type: ignore[dict-item]
    report = effects.run(context(settings, DEADLINE))
    assert (report.problems, report.counts) == ([], {"published_tasks": 0})
    with open_published(settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM marts.effect")).scalar_one() == 0


def test_before_anything_ran_it_says_so(settings: Settings) -> None:
    report = effects.run(context(settings, DEADLINE))
    assert report.problems == []
    assert report.counts == {"published_tasks": 0}
    assert report.changed is False


def test_the_interval_is_the_one_in_the_books() -> None:
    """Worked by hand: rates 30/200 after, 60/200 before; control 50/200 and 50/200, so the control changes nothing."""
    found = estimate(Side(200, 60, 50), Side(200, 30, 50))
    assert found is not None
    assert found.effect == pytest.approx(-0.5)
    spread = (1 / 30 - 1 / 200 + 1 / 60 - 1 / 200 + 2 * (1 / 50 - 1 / 200)) ** 0.5 * 1.959964
    assert found.low == pytest.approx(0.5 * 2.718281828**-spread - 1, rel=1e-6)
    assert found.high == pytest.approx(0.5 * 2.718281828**spread - 1, rel=1e-6)


@pytest.mark.parametrize(
    "sides", [(Side(0, 0, 0), Side(9, 1, 1)), (Side(9, 0, 3), Side(9, 0, 3)), (Side(9, 1, 0), Side(9, 1, 0))]
)
def test_what_cannot_be_compared_has_no_estimate(sides: tuple[Side, Side]) -> None:
    assert estimate(*sides) is None


def test_a_zero_count_gives_a_wide_interval_and_no_crash() -> None:
    found = estimate(Side(100, 20, 30), Side(100, 0, 30))
    assert found is not None
    assert -1 < found.low < found.effect < found.high < 0


def test_of_contents_without_effect_few_are_confirmed_and_intervals_cover_the_truth() -> None:
    """2,000 worlds in which nothing changes: the rule must not confirm more than chance allows."""
    draw = random.Random(11)
    criterion = Criterion("decrease", 40, DEADLINE)
    side: Callable[[], Side] = lambda: Side(  # noqa: E731
        300, sum(draw.random() < 0.15 for _ in range(300)), sum(draw.random() < 0.4 for _ in range(300))
    )
    confirmed = covered = 0
    for _ in range(2000):
        before, after = side(), side()
        found = estimate(before, after)
        assert found is not None
        confirmed += judge(criterion, before, after, found, DEADLINE).word == "confirmed"
        covered += found.low <= 0 <= found.high
    assert confirmed / 2000 <= 0.04
    assert 0.93 <= covered / 2000 <= 0.97
