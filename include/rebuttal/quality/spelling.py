"""Slips of the fingers in tags: suggested as an alias, never applied, and never between near-twins.

`brand_us_q1` and `brand_us_q2` differ by one letter and are two campaigns. So values that differ in digits, or in a
short word (a country, a quarter, a language), are never taken for one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"[\s_\-.|+/]+")
_SHORT = 3


def suggestion(value: str, registered: Iterable[str]) -> str | None:
    """The one registered value that `value` may be a slip of; None when there is none or more than one."""
    close = sorted({candidate for candidate in registered if is_slip(value, candidate)})
    return close[0] if len(close) == 1 else None


def is_slip(value: str, candidate: str) -> bool:
    """Whether `value` (folded) is `candidate` (folded) with other separators, or with one slip in a word of letters."""
    if value == candidate:
        return False
    typed, meant = _WORDS.split(value), _WORDS.split(candidate)
    if "".join(typed) == "".join(meant):
        return True
    if len(typed) == len(meant):
        return all(one == other or _is_word_slip(one, other) for one, other in zip(typed, meant, strict=True))
    # A separator was lost or added, and nothing else is allowed to differ than one slip in letters.
    return _is_word_slip("".join(typed), "".join(meant)) and _digits(value) == _digits(candidate)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _is_word_slip(typed: str, meant: str) -> bool:
    if min(len(typed), len(meant)) <= _SHORT or _digits(typed) or _digits(meant):
        return False
    return _distance(typed, meant, limit=1 if len(meant) < 8 else 2) is not None


def _distance(one: str, other: str, limit: int) -> int | None:
    """Letters added, lost, replaced, or swapped with their neighbour; None when there are more than `limit`."""
    if abs(len(one) - len(other)) > limit:
        return None
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1] if previous[-1] <= limit else None
