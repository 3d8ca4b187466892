"""What the records may hide widens the interval towards a larger effect, and never makes one of none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.effects.estimate import Estimate, Finding, Group
from rebuttal.effects.hidden import UNSEEN, Hidden, hidden
from rebuttal.effects.verdict import Criterion, judge

BEFORE = datetime(2026, 8, 3, tzinfo=UTC)
PLACE = {"kind": "note", "source": "hubspot", "account_id": "1"}


@given(
    st.floats(0.01, 3), st.floats(1.0, 4), st.floats(0.01, 0.95), st.integers(1, 5000), st.integers(1, 5000),
    st.floats(0, 0.5), st.floats(0, 0.9), st.floats(0, 0.6),
)  # fmt: skip
def test_the_hull_holds_the_interval_and_confirms_nothing_of_its_own(
    low: float, wider: float, rate: float, treated: int, other: int, false_rate: float, share: float, unseen: float
) -> None:
    high = low * wider
    found = Hidden(false_rate, share, unseen).hull(low, high, rate, treated, other)
    assert 0 <= found[0] <= low
    assert found[1] >= high
    assert (found[1] < 1) == (high < 1)


def test_what_three_faults_hide_is_within_the_hull() -> None:
    """True rates 0.30 and 0.09; wrong notes on top, non-doubters and unseen readers among those compared with."""
    false_rate, share, treated, other = 0.04, 0.2, 500, 1000
    mixed = UNSEEN / (1 - UNSEEN) * treated / other
    exposed = 0.09 + false_rate
    unexposed = (1 - share) * (0.30 * (1 - mixed) + 0.09 * mixed) + false_rate
    seen = exposed / unexposed
    assert seen == pytest.approx(0.55, abs=0.05)  # half of it seems left, though 70 % are gone
    low, high = Hidden(false_rate, share).hull(seen, seen, unexposed, treated, other)
    assert low == pytest.approx(0.3, abs=0.01)
    assert high == seen
    assert Hidden(0.0, 0.0, 0.0).hull(seen, seen, unexposed, treated, other) == (seen, seen)


def test_a_finding_tells_the_hull() -> None:
    sides = Group(300, 500, 65), Group(700, 1000, 250)
    plain = Finding("objection_rate", "exposed_vs_not", *sides, Estimate(-0.65, 0.12))
    wide = Finding("objection_rate", "exposed_vs_not", *sides, Estimate(-0.65, 0.12), hidden=Hidden(0.04, 0.2))
    told, hull = plain.interval(), wide.interval()
    assert told is not None
    assert hull is not None
    assert hull[0] < told[0] < told[1] == hull[1] < 0
    assert Finding("objection_rate", "exposed_vs_not", *sides, None, "nobody").interval() is None


def test_what_reps_blame_wrongly_makes_no_piece_harmful_early() -> None:
    """Doubters are sent the text, those they are compared with are half non-doubters: it only seems worse."""
    early = Criterion("decrease", 0.25, 100, (BEFORE + timedelta(weeks=12)).date())
    sides = Group(600, 1000, 250), Group(900, 1500, 280)
    plain = Finding("objection_rate", "exposed_vs_not", *sides, Estimate(0.29, 0.06))
    assert judge(early, plain, BEFORE.date()).word == "rejected"
    blamed = Finding("objection_rate", "exposed_vs_not", *sides, Estimate(0.29, 0.06), hidden=Hidden(0.04, 0.3))
    assert judge(early, blamed, BEFORE.date()).word == "not_enough_data"


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
    usual = {f"t/{n}": (0.2, 0.25) for n in range(5)}
    said, voiced = talks({"price/too_high": (0.2 + 0.1, 0.25), **usual})
    found = hidden(said, voiced, "price/too_high", BEFORE)
    assert found.false_rate == pytest.approx(0.1 * 0.8, abs=0.025)  # of all talks, four fifths of them by reps
    assert found.false_share == pytest.approx(0.08 / (0.3 * 0.8 + 0.25 * 0.2), abs=0.08)
    assert hidden(said, voiced, "t/2", BEFORE).false_rate < 0.03


def test_what_was_noted_after_publication_or_too_seldom_tells_nothing() -> None:
    said, voiced = talks({"price/too_high": (0.4, 0.1), **{f"t/{n}": (0.2, 0.25) for n in range(5)}})
    assert hidden(said, voiced, "price/too_high", BEFORE).false_rate > 0.1
    assert hidden(said, voiced, "price/too_high", BEFORE - timedelta(days=2)) == Hidden()
    assert hidden(said, voiced, "t/unheard", BEFORE) == Hidden()
    few = voiced[voiced["theme"].isin(["price/too_high", "t/1"])]
    assert hidden(said, few, "price/too_high", BEFORE) == Hidden()
