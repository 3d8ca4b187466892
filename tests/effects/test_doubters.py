"""Whose doubt it is: notes that blame an objection on customers who never voiced it make no piece harmful."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from tests.effects.places import DEADLINE, PUBLISHED, THEME, URL, Place

from rebuttal.effects.compare import compare
from rebuttal.effects.doubters import WRONG_AT_MOST, is_once_enough, wrong_share
from rebuttal.effects.occasions import again, heard, material
from rebuttal.effects.stage import midnight
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

BEFORE = datetime(2026, 8, 3, tzinfo=UTC)
PLACE = {"kind": "note", "source": "hubspot", "account_id": "1"}
USUAL = {f"t/{n}": (0.2, 0.25) for n in range(5)}


def talks(rates: dict[str, tuple[float, float]], count: int = 4000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Talks, every fifth in the buyer's own words; `rates` by theme: of being written by a rep, said by the buyer."""
    draw = np.random.default_rng(3)
    names = [f"n{n}" for n in range(count)]
    said = pd.DataFrame({"conversation_id": names, "occurred_at": BEFORE - timedelta(days=1)}).assign(**PLACE)
    roles = np.where(np.arange(count) % 5 == 0, "buyer", "rep")
    rows = []
    for theme, (written, own) in rates.items():
        hit = draw.random(count) < np.where(roles == "buyer", own, written)
        rows.append(pd.DataFrame({"conversation_id": np.array(names)[hit], "source_role": roles[hit], "theme": theme}))
    return said, pd.concat(rows).assign(**PLACE)


def test_wrong_notes_are_the_surplus_over_what_buyers_say() -> None:
    said, voiced = talks({"price/too_high": (0.2 + 0.1, 0.25), **USUAL})
    wrong = 0.1 * 0.8 / (0.3 * 0.8 + 0.25 * 0.2)  # of all voicings, four fifths of the talks being reps' notes
    assert wrong_share(said, voiced, "price/too_high", BEFORE) == pytest.approx(wrong, abs=0.08)
    assert not is_once_enough(said, voiced, "price/too_high", BEFORE)
    usual = wrong_share(said, voiced, "t/2", BEFORE)
    assert usual is not None
    assert usual <= WRONG_AT_MOST
    assert is_once_enough(said, voiced, "t/2", BEFORE)


def test_what_was_noted_after_publication_or_too_seldom_tells_nothing() -> None:
    said, voiced = talks({"price/too_high": (0.2, 0.25), **USUAL})
    assert is_once_enough(said, voiced, "price/too_high", BEFORE)
    for theme, before in (("price/too_high", BEFORE - timedelta(days=2)), ("t/unheard", BEFORE)):
        assert wrong_share(said, voiced, theme, before) is None
        assert not is_once_enough(said, voiced, theme, before)
    few = voiced[voiced["theme"].isin(["price/too_high", "t/1"])]
    assert wrong_share(said, few, "price/too_high", BEFORE) is None


def test_only_who_surely_doubts_is_compared(settings: Settings) -> None:
    """A text without effect. Half of the price notes are a rep's guess, about customers without the doubt."""
    draw, place = random.Random(8), Place()
    for n in range(900):
        name, start = f"d{n}", PUBLISHED + timedelta(days=70 * n / 900, minutes=n)
        place.deal(name, start, "won", start + timedelta(days=30))
        is_doubter = n % 2 == 0
        own = draw.random() < 0.5
        place.talk(name, start + timedelta(days=1), THEME, role="buyer" if is_doubter and own else "rep")
        if is_doubter and draw.random() < 0.5:
            place.read(name, start + timedelta(days=1, hours=2))
        for turn in range(3):
            is_voiced = draw.random() < (0.4 if is_doubter else 0.05)
            place.talk(name, start + timedelta(days=2 + turn), THEME if is_voiced else None, role="rep")
    place.write(settings)
    with open_warehouse(settings) as engine, engine.connect() as connection:
        voices = heard(material(connection, [URL], midnight(DEADLINE)), THEME, URL)
    found = {
        once: compare(again(voices, PUBLISHED, midnight(DEADLINE), once), "objection_rate") for once in (True, False)
    }
    trusting, careful = (found[once].interval() for once in (True, False))
    assert trusting is not None
    assert careful is not None
    assert trusting[0] > 0.3  # it would be told to make the objection more frequent
    assert careful[0] < 0 < careful[1]
    assert careful[1] - careful[0] < 0.8
