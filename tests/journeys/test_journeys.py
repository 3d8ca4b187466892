"""Packed touches become paths: sorted, cut at the look-back; and those of conversions are put in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.journeys.credited import in_order, matched, numbered
from rebuttal.journeys.credits import Paths
from rebuttal.journeys.known import AT_ONCE, bucket_bits, gathered, packed, walked
from rebuttal.journeys.markov import Walks, count_walks, first_order

DAY = 86_400_000_000
LOOKBACK = 30
# Times on both sides of the look-back's edge, and some the same.
TIMES = st.one_of(st.integers(0, 60 * DAY), st.sampled_from([0, 1, DAY, 30 * DAY, 30 * DAY + 1, 31 * DAY]))
# Hashes that begin alike and end otherwise, or the other way round, below nothing and above.
PERSON = st.sampled_from([-(1 << 63), -(1 << 63) + 1, -1, 0, 1, 2, 1 << 40, (1 << 40) + 1, (1 << 63) - 1])
TOUCHES = st.lists(st.tuples(PERSON, TIMES, st.sampled_from([0, 1, 126, 127])), max_size=60)


def known(person: np.ndarray, touch: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Touches gathered some at a time, as they are read."""
    limits, orders = [np.zeros((0, (1 << bits) + 1), dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(person), AT_ONCE):
        order, found = gathered(person[begin : begin + AT_ONCE], bits)
        orders.append(order + begin)
        limits.append(found[None] + begin)
    order = np.concatenate(orders)
    return person[order], touch[order], np.concatenate(limits)


def parted(codes: np.ndarray, lengths: np.ndarray) -> list[list[int]]:
    return [part.tolist() for part in np.split(codes, np.cumsum(lengths)[:-1])] if len(lengths) else []


@given(TOUCHES, st.integers(0, 16))
def test_a_way_is_in_order_and_ends_with_its_last_touch(touches: list[tuple[int, int, int]], bits: int) -> None:
    person, at, code = np.array(touches, dtype=np.int64).reshape(-1, 3).T.copy()
    persons, codes, lengths, ended = walked(*known(person, packed(at, code), bits), LOOKBACK)
    expected = sorted({person for person, _, _ in touches})
    last = {person: max(at for of, at, _ in touches if of == person) for person in expected}
    assert persons.tolist() == expected
    assert ended.tolist() == [last[person] for person in expected]
    assert parted(codes, lengths) == [
        [code for of, at, code in sorted(touches) if of == person and at >= last[person] - LOOKBACK * DAY]
        for person in expected
    ]


def test_touches_of_one_person_that_are_gathered_apart_are_one_way() -> None:
    chance = np.random.default_rng(11)
    of = np.repeat(chance.integers(-(1 << 63), 1 << 63, 3_000, dtype=np.int64), 50)
    touch = packed(chance.permutation(len(of)) * DAY // 1_000, chance.integers(0, 128, len(of)))
    mixed = chance.permutation(len(of))
    bits = bucket_bits(len(of))
    assert bits > 0
    persons, codes, lengths, ended = walked(*known(of[mixed], touch[mixed], bits), 1_000)
    order = np.lexsort((touch, of))
    assert len(of) > 2 * AT_ONCE
    assert persons.tolist() == np.unique(of).tolist()
    assert lengths.tolist() == [50] * 3_000
    assert codes.tolist() == (touch[order] % 128).tolist()
    assert ended.tolist() == (touch[order][49::50] // 128).tolist()


def test_more_touches_than_have_a_place_are_not_gathered() -> None:
    assert len(gathered(np.zeros(AT_ONCE, dtype=np.int64), 1)[0]) == AT_ONCE
    with pytest.raises(ValueError, match="65537 touches"):
        gathered(np.zeros(AT_ONCE + 1, dtype=np.int64), 1)


@given(st.lists(PERSON, max_size=40), st.lists(PERSON, max_size=40))
def test_conversions_meet_all_touches_of_their_person(persons: list[int], whose: list[int]) -> None:
    persons.sort()
    number, at = matched(np.array(persons, dtype=np.int64), np.array(whose, dtype=np.int64))
    pairs = [(one, place) for one, person in enumerate(persons) for place, other in enumerate(whose) if person == other]
    assert list(zip(number.tolist(), at.tolist(), strict=True)) == pairs


@given(st.lists(PERSON, max_size=40))
def test_hashes_that_begin_alike_have_numbers_of_their_own(hashes: list[int]) -> None:
    which, size = numbered(np.array(hashes, dtype=np.int64))
    assert sorted(set(which.tolist())) == list(range(size))
    assert len(set(zip(hashes, which.tolist(), strict=True))) == len(set(hashes)) == size


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), max_size=30))
def test_touches_of_conversions_come_in_order(touches: list[tuple[int, int, int]]) -> None:
    touches.sort(key=lambda touch: touch[0])
    number, place, name = np.array(touches, dtype=np.int64).reshape(-1, 3).T
    order = in_order(number, place, name)
    found = touches if order is None else [touches[at] for at in order]
    assert found == sorted(touches)


def rows(walks: Walks) -> dict[tuple[int, int, int], tuple[float, float]]:
    keys = zip(walks.group.tolist(), walks.state.tolist(), walks.next.tolist(), strict=True)
    found = dict(zip(keys, zip(walks.times.tolist(), walks.value.tolist(), strict=True), strict=True))
    assert len(found) == len(walks.group)
    return {key: counts for key, counts in found.items() if counts != (0.0, 0.0)}


def test_steps_are_counted_once_for_both_orders_and_across_parts() -> None:
    chance = np.random.default_rng(5)
    lengths = np.append(
        chance.integers(1, 9, 30_000), 70_000
    )  # more touches than are counted at once, and one long way
    codes, count = chance.integers(0, 4, lengths.sum()).astype(np.uint8), len(lengths)
    won = chance.integers(0, 2, count).astype(np.float64)
    starts = np.append(0, np.cumsum(lengths))
    paths = Paths(("a", "b", "c", "d"), codes, starts, won, won * 7, 1 - won)
    group = chance.integers(0, 3, count)
    assert len(list(paths.parts())) > 2
    alone = rows(count_walks(paths, 1, group))
    second = count_walks(paths, 2, group)
    assert rows(first_order(second)) == alone
    with_none_before = (second.state >= 0) & (second.state // 4 == 4)
    assert second.times[with_none_before].sum() == count
    steps = sum(times for (_, state, step), (times, _) in alone.items() if state >= 0 and step >= 0)
    assert steps == (lengths - 1).sum()
    expected = np.zeros((4, 4))
    inside = np.ones(len(codes) - 1, dtype=bool)
    inside[starts[1:-1] - 1] = False
    np.add.at(expected, (codes[:-1][inside], codes[1:][inside]), 1)
    for state in range(4):
        for step in range(4):
            assert sum(alone.get((of, state, step), (0.0, 0.0))[0] for of in range(3)) == expected[state, step]


def test_many_channels_of_which_few_are_used_are_counted_alike() -> None:
    chance = np.random.default_rng(7)
    lengths = chance.integers(1, 6, 50)
    codes = chance.integers(0, 3, lengths.sum())
    won, gone = chance.integers(0, 3, 50) + 0.5, chance.integers(0, 2, 50).astype(np.float64)
    starts, group = np.append(0, np.cumsum(lengths)), chance.integers(0, 2, 50)
    few, many = (
        count_walks(Paths(tuple(map(str, range(size))), codes, starts, won, won * 3, gone), 1, group)
        for size in (3, 1_100)  # too many for a place for each possible step
    )
    assert rows(few) == rows(many)
    assert sum(times for times, _ in rows(few).values()) == (lengths * (won + gone)).sum() + (won + gone).sum()
