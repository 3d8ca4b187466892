"""What all journeys add up to: their steps and sets of channels, apart by group. A refresh counts only changed persons:
what these journeys were is taken from what was kept, what they are is added. All numbers are whole, so the sum is the
one that counting everything gives. Each running week begins with a count of everything, so that nothing wrong stays.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, insert, select

from rebuttal.journeys.credits import Paths, Places, Vector, added
from rebuttal.journeys.markov import GONE, Walks, count_walks, first_order
from rebuttal.journeys.shapley import WORD, ChannelSets, grouped_sets
from rebuttal.warehouse.model_tables import journey_count

_FORMAT = 1  # of what is kept
_WHOLE = float(1 << 53)  # up to here sums of floats are exact


@dataclass(frozen=True)
class Counted:
    """Steps (order 1, order 2) and sets of some journeys, apart by group; the group of each set."""

    steps: tuple[Walks, Walks]
    sets: ChannelSets
    of_sets: Places

    @property
    def journey_count(self) -> float:
        """How many journeys were counted."""
        return float(self.sets.conversions.sum() + self.sets.nulls.sum())


@dataclass(frozen=True)
class MadeOf:
    """Of what counts are: the channels in the order of their codes, the look-back, the running week (its Monday)."""

    names: tuple[str, ...]
    lookback_days: int
    week: str

    def __str__(self) -> str:
        return "\x1f".join([str(_FORMAT), self.week, str(self.lookback_days), *self.names])


@dataclass(frozen=True)
class Counts:
    """Journeys that led to a conversion, those of known persons, and of how many touches the latter were made."""

    converted: Counted
    known: Counted
    touch_count: int

    def moved(self, before: Counts, after: Counts) -> Counts:
        """These counts when the journeys of `before` have become those of `after`."""
        return Counts(
            _moved(self.converted, before.converted, after.converted),
            _moved(self.known, before.known, after.known),
            self.touch_count - before.touch_count + after.touch_count,
        )

    def agree(self, conversion_count: int, touch_count: int) -> bool:
        """Whether they are those of so many conversions and touches, and every number in them is exact."""
        sums = (self.converted.steps[1].value, self.converted.sets.values)
        return (
            self.converted.journey_count == conversion_count
            and self.touch_count == touch_count
            and all(float(np.abs(one).sum()) < _WHOLE for one in sums)
            and all(bool((one.steps[1].times >= 0).all()) for one in (self.converted, self.known))
        )


def count(paths: Paths, group: Places) -> Counted:
    """`group` (n numbers from 0 on): where each path counts."""
    offset = int(group.min()) if len(group) else 0
    sets, of_sets = grouped_sets(paths, group - offset)
    second = count_walks(paths, 2, group - offset)
    return _counted(replace(second, group=second.group + offset), sets, of_sets + offset)


def kept_counts(connection: Connection, made_of: MadeOf) -> Counts | None:
    """What `keep_counts` was given last, if it was made of the same; None otherwise."""
    kept = connection.execute(select(journey_count)).first()
    if kept is None or kept.made_of != str(made_of):
        return None
    size = len(made_of.names)
    with np.load(io.BytesIO(zlib.decompress(kept.counts)), allow_pickle=False) as arrays:
        parts = [_unpacked(size, [arrays[f"{part}_{place}"] for place in range(10)]) for part in (0, 1)]
        return Counts(parts[0], parts[1], int(arrays["touch_count"]))


def keep_counts(connection: Connection, made_of: MadeOf, counts: Counts) -> None:
    """Keep the counts of the build as it stands, in place of others."""
    written = io.BytesIO()
    parts = [_packed(part) for part in (counts.converted, counts.known)]
    named = {f"{part}_{place}": array for part, arrays in enumerate(parts) for place, array in enumerate(arrays)}
    np.savez(written, allow_pickle=False, touch_count=np.array(counts.touch_count), **named)
    connection.execute(delete(journey_count))
    values = {"made_of": str(made_of), "counts": zlib.compress(written.getvalue(), 1)}
    connection.execute(insert(journey_count).values(values))


def _packed(counted: Counted) -> list[npt.NDArray[Any]]:
    steps, sets = counted.steps[1], counted.sets
    return [
        *(steps.group, steps.state, steps.next, steps.times, steps.value),
        *(counted.of_sets, sets.members, sets.conversions, sets.values, sets.nulls),
    ]


def _unpacked(size: int, arrays: list[npt.NDArray[Any]]) -> Counted:
    group, state, step, times, value, of_sets, *sets = arrays
    return _counted(Walks(size, 2, group, state, step, times, value), ChannelSets(*sets), of_sets)


def _counted(second: Walks, sets: ChannelSets, of_sets: Places) -> Counted:
    return Counted((first_order(second), second), sets, of_sets)


def _moved(kept: Counted, before: Counted, after: Counted) -> Counted:
    parts = (kept, before, after)
    sets, of_sets = _sets([part.sets for part in parts], [part.of_sets for part in parts])
    return _counted(_walks([part.steps[1] for part in parts]), sets, of_sets)


def _signed(columns: Sequence[Vector]) -> Vector:
    kept, before, after = columns
    return np.concatenate([kept, -before, after])


def _walks(parts: Sequence[Walks]) -> Walks:
    size = parts[0].size
    group, state, step = (np.concatenate([getattr(one, name) for one in parts]) for name in ("group", "state", "next"))
    states, steps = size * (size + 1) + 1, size + 2
    keys, which = np.unique((group * states + state + 1) * steps + step - GONE, return_inverse=True)
    times, value = (
        added(which, _signed([getattr(one, name) for one in parts]), len(keys)) for name in ("times", "value")
    )
    left = np.flatnonzero(times)
    keys = keys[left]
    return Walks(
        size, 2, keys // (states * steps), keys // steps % states - 1, keys % steps + GONE, times[left], value[left]
    )


def _sets(parts: Sequence[ChannelSets], groups: Sequence[Places]) -> tuple[ChannelSets, Places]:
    """In the order of a count of all: by group, then by the channels as bits."""
    members, group = np.concatenate([one.members for one in parts]), np.concatenate(list(groups))
    size = members.shape[1]
    by_word = [code for low in reversed(range(0, size, WORD)) for code in range(low, min(low + WORD, size))]
    order = np.lexsort((*members.T[by_word], group))
    members, group = members[order], group[order]
    is_new = np.append(True, (group[1:] != group[:-1]) | (members[1:] != members[:-1]).any(axis=1))[: len(group)]
    which = np.cumsum(is_new) - 1
    sums = [
        added(which, _signed([getattr(one, name) for one in parts])[order], int(is_new.sum()))
        for name in ("conversions", "values", "nulls")
    ]
    left = np.flatnonzero(sums[0] + sums[2])
    return ChannelSets(members[is_new][left], *(one[left] for one in sums)), group[is_new][left]
