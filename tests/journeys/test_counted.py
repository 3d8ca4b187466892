"""Counts of journeys, moved by what changed: those of a count of everything, and the tables they follow from."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from tests.journeys.counted_cases import kept, of_last_build, said
from tests.journeys.refresh_cases import CHANGES, run_sql

from rebuttal import journeys
from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.journeys.counted import Counted, Counts, count, kept_counts
from rebuttal.journeys.credits import Paths
from rebuttal.journeys.shares import update_shares
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.model_tables import journey_count

NAMES = tuple(f"channel_{code:02}" for code in range(70))  # more than fit one word of bits
# A person: the group its journey counts in, its path, and whether it ended in a sale and in which value.
Person = tuple[int, list[int], bool, int]
persons: st.SearchStrategy[Person] = st.tuples(
    st.integers(0, 3),
    st.lists(st.sampled_from([0, 1, 2, 61, 62, 69]), min_size=1, max_size=5),
    st.booleans(),
    st.integers(-900, 10**12),
)
# Each person as it was and as it is; None: it was not there, or is no more.
changes = st.lists(st.tuples(st.none() | persons, st.none() | persons), max_size=12)


def counted(people: list[Person | None]) -> Counted:
    there = [one for one in people if one is not None]
    lengths = [len(path) for _, path, _, _ in there]
    sold = np.array([is_sale for *_, is_sale, _ in there], dtype=np.float64)
    paths = Paths(
        NAMES,
        np.array([code for _, path, _, _ in there for code in path], dtype=np.uint8),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        sold,
        sold * np.array([value for *_, value in there], dtype=np.float64),
        1.0 - sold,
    )
    return count(paths, np.array([group for group, *_ in there], dtype=np.int64) + 24_000)


@given(changes)
def test_moved_counts_are_those_of_a_count_of_all(people: list[tuple[Person | None, Person | None]]) -> None:
    stays: list[Person | None] = [(0, [0, 62], True, 5), (1, [2], False, 0)]
    before, after = ([pair[side] for pair in people] for side in (0, 1))
    kept, gone, came, whole = (
        Counts(counted(some), counted(some), len(some)) for some in (stays + before, before, after, stays + after)
    )
    moved = kept.moved(gone, came)
    assert said(moved.converted) == said(whole.converted)
    assert said(moved.known) == said(whole.known)
    assert moved.converted.journey_count == whole.converted.journey_count >= 2
    assert moved.agree(int(whole.converted.journey_count), len(stays) + len(after))
    assert not moved.agree(int(whole.converted.journey_count) + 1, len(stays) + len(after))
    assert not moved.agree(int(whole.converted.journey_count), len(stays) + len(after) + 1)


def test_sums_that_are_not_exact_do_not_agree() -> None:
    rich = counted([(0, [0], True, 2**53), (0, [1], True, 1)])
    assert not Counts(rich, counted([]), 0).agree(2, 0)


def spoil(built: Context, name: str, by: int) -> None:
    """Put another number into what is kept: `by` more of everything in the array `name`."""
    with open_warehouse(built.settings) as engine, engine.begin() as connection:
        packed = connection.execute(select(journey_count.c.counts)).scalar_one()
        arrays = dict(np.load(io.BytesIO(zlib.decompress(packed))))
        arrays[name] = arrays[name] + by
        written = io.BytesIO()
        np.savez(written, allow_pickle=False, **arrays)
        connection.execute(update(journey_count).values(counts=zlib.compress(written.getvalue())))


VALUES = "0_4"  # of the steps of converted journeys


@pytest.mark.parametrize(
    ("name", "by", "is_trusted"),
    [(VALUES, 1_000_000, True), ("touch_count", 1, False), ("0_7", 1, False), (VALUES, 2**53, False)],
)
def test_a_refresh_counts_what_changed_and_all_where_counts_do_not_agree(
    built: Context, name: str, by: int, is_trusted: bool
) -> None:
    run_sql(built.settings, *CHANGES["late visit"](1))
    spoil(built, name, by)
    assert journeys.run(built).counts["changed_persons"] > 0
    found = kept(built)
    made_of = of_last_build(built)
    with open_warehouse(built.settings) as engine:
        written = update_shares(engine, made_of.lookback_days, made_of.week)["written"]
    assert is_trusted or written == 0
    whole = kept(built)
    # What nobody can see is wrong stays as it was kept: so it is seen that the others were not counted again.
    assert (said(found.converted) != said(whole.converted)) is is_trusted
    assert said(found.known) == said(whole.known)


def test_a_new_week_begins_with_a_count_of_all(built: Context) -> None:
    """Also of what nobody can see is wrong."""
    whole = said(kept(built).converted)
    spoil(built, VALUES, 1_000_000)
    assert said(kept(built).converted) != whole
    next_week = replace(built, clock=Clock.until(built.clock.now().date() + timedelta(days=6)))
    assert of_last_build(next_week) != of_last_build(built)
    run_sql(built.settings, *CHANGES["cost restated"](1))
    journeys.run(next_week)
    assert said(kept(next_week).converted) == whole


@pytest.mark.parametrize("other", [{"lookback_days": 89}, {"names": ("zeppelin",)}, {"week": "2026-01-12"}])
def test_counts_of_something_else_are_not_taken(built: Context, other: dict[str, Any]) -> None:
    made_of = of_last_build(built)
    with open_warehouse(built.settings) as engine, engine.connect() as connection:
        assert kept_counts(connection, made_of) is not None
        assert kept_counts(connection, replace(made_of, **other)) is None
