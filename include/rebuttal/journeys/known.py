"""All that is known of each person: touches that come in any order, as numbers, become one path for each person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from rebuttal.journeys.credits import Codes, Places

CHANNEL_BITS = 7  # of a packed touch: microseconds since 1970 x 128 + the channel's code
DAY_MICROS = 86_400_000_000
_PLACE_BITS = 16
AT_ONCE = 1 << _PLACE_BITS  # touches are gathered: few enough for the processor's cache
_BUCKET = 1 << 17  # touches, about; of few steps, and few enough for the cache and to use the same memory again


def packed(micros: Places, code: Codes) -> Places:
    """Touches as one number each, whose order is a path's order."""
    found = micros << CHANNEL_BITS
    found |= code
    return found


def bucket_bits(count: int) -> int:
    """How many of the first bits of a person's hash tell buckets of so many touches apart."""
    return min((count // _BUCKET).bit_length(), _PLACE_BITS)


def gathered(person: Places, bits: int) -> tuple[Places, Places]:
    """An order of at most AT_ONCE touches by bucket, those of one person as they came; and where each bucket begins.

    2^bits buckets, in order, and where the last one ends. Whoever wants all of a bucket then finds it in few places.
    Raises ValueError for more touches.
    """
    if len(person) > AT_ONCE:
        raise ValueError(f"{len(person)} touches at once, more than {AT_ONCE}")
    key = ((person >> 64 - _PLACE_BITS) + (1 << _PLACE_BITS - 1)).astype(np.uint32)
    key <<= np.uint32(_PLACE_BITS)
    key |= np.arange(len(key), dtype=np.uint32)
    key.sort()
    begins = np.searchsorted(key, (np.arange(1 << bits) << 32 - bits).astype(np.uint32))
    key &= np.uint32(AT_ONCE - 1)
    return key.astype(np.int64), np.append(begins, len(key))


def by_person(person: Places) -> tuple[Places, Places]:
    """The order of touches by person, those of one as they came; and the persons in this order.

    What is sorted are single numbers, the first bits of the person and the place of the touch: that takes a tenth of
    the time of sorting places by person. Persons that begin alike are told apart afterwards.
    """
    bits = max(len(person) - 1, 1).bit_length()
    order = person >> bits
    order <<= bits
    order |= np.arange(len(person))
    order.sort()
    order &= (1 << bits) - 1
    whose = person.take(order)
    if (whose[1:] < whose[:-1]).any():
        again = np.argsort(whose, kind="stable")
        order, whose = order.take(again), whose.take(again)
    return order, whose


def walked(person: Places, touch: Places, limits: Places, lookback_days: int) -> tuple[Places, Codes, Places, Places]:
    """Paths of persons from touches in any order: hashes of the `person`, packed `touch`es, gathered some at a time.

    `limits` (times x buckets + 1): between which places the touches of each bucket lie, of each time.

    Returns the n persons, in order; the channel codes of their touches within the look-back before the last one, in
    order; how many they are by person (n); and when each path ended (n, microseconds since 1970 UTC).
    """
    empty = np.zeros(0, dtype=np.int64)
    found: list[tuple[Places, Codes, Places, Places]] = [(empty, empty.astype(np.uint8), empty, empty)]
    for whose, touches, starts in _by_person(person, touch, limits):
        found.append((whose, *_walked(touches, starts, lookback_days)))
    whose, codes, near, ended = (np.concatenate(column) for column in zip(*found, strict=True))
    return whose, codes, near, ended


def _by_person(person: Places, touch: Places, limits: Places) -> Iterator[tuple[Places, Places, Places]]:
    """A bucket at a time: who they are, their touches, and where those of each begin and end."""
    for begins, ends in pairwise(limits.T.tolist()):
        parts = [slice(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]
        if parts:
            order, whose = by_person(np.concatenate([person[part] for part in parts]))
            touches = np.concatenate([touch[part] for part in parts]).take(order)
            begin = np.append(0, np.flatnonzero(whose[1:] != whose[:-1]) + 1)
            yield whose[begin], touches, np.append(begin, len(whose))


def _walked(touches: Places, starts: Places, lookback_days: int) -> tuple[Codes, Places, Places]:
    touches, lengths = _sorted(touches, starts), np.diff(starts)
    ended = touches[starts[1:] - 1] >> CHANNEL_BITS
    oldest = ended - lookback_days * DAY_MICROS << CHANNEL_BITS
    if (touches[starts[:-1]] < oldest).any():
        is_near = touches >= np.repeat(oldest, lengths)
        touches, lengths = touches[is_near], np.add.reduceat(is_near, starts[:-1], dtype=np.int64)
    return (touches & (1 << CHANNEL_BITS) - 1).astype(np.uint8), lengths, ended


def _sorted(touches: Places, starts: Places) -> Places:
    """Sort each path in place, where any is out of order: paths of one length are the rows of a matrix."""
    is_back = touches[1:] < touches[:-1]
    is_back[starts[1:-1] - 1] = False
    if not is_back.any():
        return touches
    lengths = np.diff(starts)
    for length in np.flatnonzero(np.bincount(lengths)[2:]) + 2:
        places = starts[:-1][lengths == length, None] + np.arange(length)
        touches[places] = np.sort(touches[places], axis=1)
    return touches
