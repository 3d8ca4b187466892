"""Exposed against comparable deals: reads and sendings that lay before, nothing that lay after."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text
from tests.effects.places import DEADLINE, PUBLISHED, THEME, URL, Place, context, effect_of, estimates_of, rows_of

from rebuttal import effects
from rebuttal.effects.compare import compare
from rebuttal.effects.exposure import address_of
from rebuttal.effects.occasions import again, heard, material
from rebuttal.effects.stage import looks, measure, midnight
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

LINK = f'<p>Sent: <a href="{URL}">this</a></p>'


def world(ratio: float, deals: int = 600, seed: int = 3) -> Place:
    """Deals over twelve weeks. Half of the customers doubt and voice it; a third of those who voiced it meet the text
    and voice it again at `ratio` of the usual rate. Only doubters read."""
    draw, place = random.Random(seed), Place()
    for n in range(deals):
        name, start = f"d{n}", PUBLISHED + timedelta(days=80 * n / deals, minutes=n)
        place.deal(name, start, "won" if n % 3 else "lost", start + timedelta(days=30))
        doubts, is_exposed = n % 2 == 0, False
        for turn in range(5):
            at = start + timedelta(days=1 + 2 * turn)
            is_voiced = doubts and draw.random() < (0.4 * ratio if is_exposed else 0.4 if turn else 0.9)
            place.talk(name, at, THEME if is_voiced else None)
            if is_voiced and not is_exposed and draw.random() < 0.33:
                is_exposed = True
                if n % 4:
                    place.read(name, at + timedelta(hours=3), f"{URL}/?utm_source=mail#top")
                else:
                    place.talk(name, at + timedelta(hours=3), body=LINK)
    return place


def test_readers_who_voice_it_less_confirm_the_content(any_settings: Settings) -> None:
    world(0.35).write(any_settings)
    report = effects.run(context(any_settings, DEADLINE))
    found = effect_of(any_settings)
    assert (found["verdict"], found["is_final"]) == ("confirmed", True)
    assert found["reason"].endswith("associated with having read or been sent it")
    assert found["interval_low"] < -0.65 < found["interval_high"] < -0.3
    assert 20 <= found["sample_size"] < found["baseline_sample_size"]
    assert report.counts["published_tasks"] == 1
    told = estimates_of(any_settings)
    assert set(told) == {
        ("objection_rate", "exposed_vs_not"),
        ("objection_rate", "before_after"),
        ("win_rate", "exposed_vs_not"),
    }
    assert [key for key, row in told.items() if row["is_deciding"]] == [("objection_rate", "exposed_vs_not")]
    assert not effects.run(context(any_settings, DEADLINE + timedelta(days=40))).changed


def test_readers_doubt_more_than_others_and_that_is_no_effect(settings: Settings) -> None:
    """Only doubters read: against everybody, a text without effect would seem to double the objections."""
    place = world(1.0)
    place.write(settings)
    effects.run(context(settings, DEADLINE))
    found = effect_of(settings)
    assert found["verdict"] != "confirmed"
    assert found["interval_low"] < 0 < found["interval_high"]
    assert found["baseline"] == pytest.approx(0.4, abs=0.05)  # what doubters say again, not what they say at first
    voiced = {row["source_id"] for row in place.evidence}
    everybody = [row["conversation_id"] in voiced for row in place.conversations if row["body"] != LINK]
    assert found["observed"] > 1.2 * sum(everybody) / len(everybody)


def test_what_a_look_sees_is_what_was_there_on_that_day(settings: Settings) -> None:
    """A look computed at the end of the year is the look that was computed on its day."""
    world(0.7).write(settings)
    day = date(2026, 9, 14)
    with open_warehouse(settings) as engine:
        on_its_day = measure(engine, day)
        with engine.connect() as connection:
            late = material(connection, [URL], midnight(DEADLINE))
        rows = again(heard(late, THEME, URL), PUBLISHED, midnight(day), is_once_enough=False)
        later = compare(rows, "objection_rate", has_unseen=True).effect
    (early,) = [row for row in on_its_day[1] if row["is_deciding"]]
    assert later is not None
    assert early["effect"] == pytest.approx(later)
    assert early["evaluated_until"] == day


def test_exposure_counts_from_its_moment_only() -> None:
    known = pd.DataFrame(
        {
            "occurred_at": [PUBLISHED + timedelta(days=day) for day in (1, 2, 3)],
            "exposed_at": [PUBLISHED + timedelta(days=2)] * 3,
            "is_voiced": [True, True, False],
            "earlier_count": [0, 1, 2],
            "own_count": [0, 0, 0],
        }
    )
    rows = again(known, PUBLISHED, PUBLISHED + timedelta(days=9), is_once_enough=True)
    assert rows["is_exposed"].tolist() == [False, True]  # the second talk was at the very moment, the third after it
    assert rows["is_event"].tolist() == [True, False]


def test_a_read_after_the_end_changes_nothing(settings: Settings) -> None:
    place = world(1.0, deals=240)
    place.write(settings)
    with open_warehouse(settings) as engine:
        before = measure(engine, DEADLINE)
    for row in place.deals:
        place.read(str(row["deal_id"]), row["closed_at"] + timedelta(days=1))
    place.write(settings)
    with open_warehouse(settings) as engine:
        assert measure(engine, DEADLINE) == before


@pytest.mark.parametrize(
    ("body", "is_sent"),
    [
        (LINK, True),
        ("look here: https://www.brand.example/blog/answer?x=1", True),
        ("brand.example/blog/answer.", True),
        ("https://brand.example/blog/answer-two", False),
        ("https://brand.example/blog/answer/more", False),
        ("https://notbrand.example/blog/answer", False),
        ("the answer", False),
    ],
)
def test_a_sending_is_the_whole_address(settings: Settings, body: str, is_sent: bool) -> None:
    place = Place()
    place.deal("d", PUBLISHED)
    place.talk("d", PUBLISHED + timedelta(days=1), body=body)
    place.write(settings)
    with open_warehouse(settings) as engine, engine.connect() as connection:
        known = material(connection, [URL], midnight(DEADLINE))
    assert known.exposures["how"].tolist() == (["sent"] if is_sent else [])


def test_reads_are_page_views_of_people_we_know(settings: Settings) -> None:
    place = Place()
    at = PUBLISHED + timedelta(days=1)
    for name in ("reader", "goal", "stranger", "elsewhere"):
        place.deal(name, PUBLISHED)
    place.read("reader", at, "HTTPS://www.Brand.example/Blog/Answer/?utm_source=x#part")
    place.read("goal", at, is_page_view=False)
    place.read("elsewhere", at, f"{URL}-two")
    place.read("stranger", at)
    place.identifiers = [row for row in place.identifiers if row["person_id"] != "p-stranger"]
    place.write(settings)
    with open_warehouse(settings) as engine, engine.connect() as connection:
        known = material(connection, [URL], midnight(DEADLINE))
    assert known.exposures["person_id"].tolist() == ["p-reader"]
    assert known.exposures["exposed_at"].tolist() == [pd.Timestamp(at)]


def test_addresses_are_host_and_path() -> None:
    assert address_of(" https://www.Brand.example:443/Blog/X/?a=1#b") == "brand.example/blog/x"
    assert address_of("no address") == ""


def test_what_differs_between_the_sides_is_adjusted_for() -> None:
    """Exposed deals are mostly in a segment that objects twice as much: the plain ratio is far off, ours is not."""
    draw = np.random.default_rng(5)
    n = 4000
    loud = draw.random(n) < 0.5
    exposed = draw.random(n) < np.where(loud, 0.6, 0.2)
    event = draw.random(n) < np.where(loud, 0.4, 0.2) * np.where(exposed, 0.7, 1.0)
    names = pd.Series(np.arange(n)).astype(str)
    rows = pd.DataFrame({"deal_id": names, "person_id": names, "is_exposed": exposed, "is_event": event})
    rows = rows.assign(turn="1", earlier="1", segment=np.where(loud, "a", "b"), period="0", owner_id="o", channel="c")
    found = compare(rows, "objection_rate")
    assert found.estimate is not None
    assert found.estimate.effect == pytest.approx(-0.3, abs=0.06)
    rates = rows.groupby("is_exposed")["is_event"].mean()
    assert rates[True] / rates[False] > 0.8


def test_talks_of_one_person_are_not_many_people() -> None:
    """The same rows ten times, as ten talks of each person: no more is known, the error stays."""
    draw = np.random.default_rng(6)
    names = pd.Series(np.arange(300)).astype(str)
    rows = pd.DataFrame({"deal_id": names, "person_id": names, "is_exposed": np.arange(300) % 2 == 0})
    rows = rows.assign(is_event=draw.random(300) < 0.4, turn="1", earlier="1", segment="s", period="0", owner_id="o")
    rows["channel"] = "c"
    once = compare(rows, "objection_rate").estimate
    often = compare(pd.concat([rows] * 10, ignore_index=True), "objection_rate").estimate
    assert once is not None
    assert often is not None
    assert often.log_ratio == pytest.approx(once.log_ratio)
    assert often.standard_error == pytest.approx(once.standard_error, rel=0.05)


def test_a_side_without_events_gives_a_wide_interval_and_no_crash() -> None:
    names = pd.Series(np.arange(100)).astype(str)
    rows = pd.DataFrame({"deal_id": names, "person_id": names, "is_exposed": np.arange(100) < 50})
    rows["is_event"] = np.arange(100) >= 80
    found = compare(rows, "objection_rate").estimate
    assert found is not None
    low, high = found.interval()
    assert -1 < low < found.effect < high < 0


def test_looks_are_weekly_and_end_with_the_deadline() -> None:
    days = looks(PUBLISHED, date(2026, 8, 19), date(2026, 12, 1))
    assert days == [date(2026, 8, 10), date(2026, 8, 17), date(2026, 8, 19)]
    assert looks(PUBLISHED, DEADLINE, date(2026, 8, 9)) == []


def test_a_clear_effect_ends_early_and_stays(settings: Settings) -> None:
    world(0.15, deals=1600).write(settings)
    effects.run(context(settings, DEADLINE - timedelta(days=21)))
    found = effect_of(settings)
    assert (found["verdict"], found["is_final"]) == ("confirmed", True)
    assert found["evaluated_until"] < DEADLINE - timedelta(days=21)
    assert "at every look" in found["reason"]
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM core.hit"))
    assert not effects.run(context(settings, DEADLINE)).changed
    assert rows_of(settings, "SELECT count(*) AS n FROM marts.decision WHERE kind = 'verdict'") == [{"n": 1}]
