"""Unseen readers make an effect look smaller; allowing for them never makes one of none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.effects.estimate import Estimate, Finding, Group
from rebuttal.effects.unseen import UNSEEN, cleared, middle, reach


@given(st.floats(0.01, 3), st.floats(1.0, 4), st.integers(1, 5000), st.integers(1, 5000))
def test_what_is_unseen_confirms_and_rejects_nothing_of_its_own(
    low: float, wider: float, treated: int, other: int
) -> None:
    high = low * wider
    ends = reach(low, high, treated, other)
    assert 0 <= ends[0] <= middle(low, treated, other) <= middle(high, treated, other) <= ends[1]
    assert (ends[0] > 1, ends[1] < 1) == (low > 1, high < 1)


@pytest.mark.parametrize("ratio", [0.2, 0.6, 1.0, 1.5])
def test_a_share_of_unseen_readers_is_taken_out_exactly(ratio: float) -> None:
    """1,000 met the piece and a fifth of them were not seen: 800 exposed, 200 among 1,000 who seem not to be."""
    usual, share = 0.3, 0.2
    mixed = (200 * usual * ratio + 800 * usual) / 1000
    seen = usual * ratio / mixed
    assert cleared(seen, share, treated=800, other=1000) == pytest.approx(ratio)
    assert abs(seen - 1) <= abs(ratio - 1)


def test_a_finding_tells_the_whole_range() -> None:
    sides, estimate = (Group(300, 500, 65), Group(700, 1000, 250)), Estimate(-0.65, 0.12)
    plain = Finding("objection_rate", "exposed_vs_not", *sides, estimate)
    wide = Finding("objection_rate", "exposed_vs_not", *sides, estimate, has_unseen=True)
    told, allowed = plain.interval(), wide.interval()
    assert told is not None
    assert allowed is not None
    assert allowed[0] < told[0] < allowed[1] < told[1] < 0
    assert plain.effect == estimate.effect
    assert wide.effect == pytest.approx(cleared(1 + estimate.effect, sum(UNSEEN) / 2, 500, 1000) - 1)
    nothing = Finding("objection_rate", "exposed_vs_not", *sides, None, "nobody", has_unseen=True)
    assert (nothing.interval(), nothing.effect) == (None, None)


def test_where_nearly_all_seem_to_have_met_it_the_ends_stay_finite() -> None:
    low, high = reach(0.5, 3.0, treated=5000, other=3)
    assert 0 < low < 0.5
    assert 3.0 < high < 100
