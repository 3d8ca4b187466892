"""All that is known of each person: touches that come in any order, as numbers, become one path for each person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from rebuttal.journeys.credits import Codes, Places

CHANNEL_BITS = 7  # of a packed touch: microseconds since 1970 x 128 + the channel's code
_DAY_MICROS = 86_400_000_000
# Touches: enough for few steps, few enough for the processor's cache and to use the same memory again.
AT_ONCE = 1 << 16


def packed(micros: Places, code: Codes) -> Places:
    """Touches as one number each, whose order is a path's order."""
    found = micros << CHANNEL_BITS
    found |= code
    return found


def keyed(person: Places, begin: int, count: int) -> Places:
    """One number for each touch, its person's first bits and its place, from `begin` on, among `count` at most.

    To sort these takes a tenth of the time of sorting places by person; persons that begin alike are told apart
    afterwards.
    """
    bits = _place_bits(count)
    key = person >> bits
    key <<= bits
    key |= np.arange(begin, begin + len(person))
    return key


def by_person(person: Places) -> Places:
    """The order of touches by person, those of one as they came."""
    key = keyed(person, 0, len(person))
    key.sort()
    key &= (1 << _place_bits(len(person))) - 1
    whose = person.take(key)
    if (whose[1:] < whose[:-1]).any():
        key = key[np.argsort(whose, kind="stable")]
    return key


def walked(person: Places, touch: Places, key: Places, lookback_days: int) -> tuple[Places, Codes, Places, Places]:
    """Paths of persons from touches in any order: hashes of the `person`, packed `touch`es and, of those meant, `key`s.

    Keys are as `keyed` gives them for as many touches as there are; they are sorted in place.

    Returns the n persons, in order; the channel codes of their touches within the look-back before the last one, in
    order; how many they are by person (n); and when each path ended (n, microseconds since 1970 UTC).
    """
    empty = np.zeros(0, dtype=np.int64)
    found: list[tuple[Places, Codes, Places, Places]] = [(empty, empty.astype(np.uint8), empty, empty)]
    for whose, touches, starts in _by_person(person, touch, key):
        found.append((whose, *_walked(touches, starts, lookback_days)))
    whose, codes, near, ended = (np.concatenate(column) for column in zip(*found, strict=True))
    return whose, codes, near, ended


def _place_bits(count: int) -> int:
    return max(count - 1, 1).bit_length()


def _by_person(person: Places, touch: Places, key: Places) -> Iterator[tuple[Places, Places, Places]]:
    """Some persons at a time: who they are, their touches, and where those of each begin and end."""
    bits = _place_bits(len(person))
    key.sort()
    limits = np.arange(0, len(key), AT_ONCE)
    limits = np.searchsorted(key, key[limits] >> bits << bits)  # nobody is cut in two
    for first, after in pairwise(np.unique(np.append(limits, len(key))).tolist()):
        places = key[first:after] & (1 << bits) - 1
        whose, touches = person.take(places), touch.take(places)
        if (whose[1:] < whose[:-1]).any():
            order = np.argsort(whose, kind="stable")
            whose, touches = whose[order], touches[order]
        begin = np.append(0, np.flatnonzero(whose[1:] != whose[:-1]) + 1)
        yield whose[begin], touches, np.append(begin, len(whose))


def _walked(touches: Places, starts: Places, lookback_days: int) -> tuple[Codes, Places, Places]:
    touches, lengths = _sorted(touches, starts), np.diff(starts)
    ended = touches[starts[1:] - 1] >> CHANNEL_BITS
    oldest = ended - lookback_days * _DAY_MICROS << CHANNEL_BITS
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
