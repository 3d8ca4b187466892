"""Slips of the fingers in tags: suggested as an alias, never applied, and never between near-twins.

`brand_us_q1` and `brand_us_q2` differ by one letter and are two campaigns. So a value is cut into words and numbers,
and two values are never taken for one another when their numbers differ (years, quarters, sizes), when a short word
differs (a country, a language), or when the words that differ are both names of their own (Iran and Iraq).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

_PARTS = re.compile(r"\d+|[^\W\d_]+|[^\w\s.\-|+/]+")
_SHORT = 3
# Long words stand two slips; short ones that are two slips apart are usually two words (June and July).
_LONG = 8
# Names that lie within one or two letters of each other and mean something else.
_NAMES = frozenset(
    {"austria", "australia", "iran", "iraq", "slovakia", "slovenia", "niger", "nigeria", "guinea", "guyana"}
    | {"dominica", "dominicana", "mauritania", "mauritius", "tuesday", "thursday"}
)


def suggestion(value: str, registered: Iterable[str], *, is_code_free: bool = False) -> str | None:
    """The one registered value that `value` may be a slip of; None when there is none or more than one.

    `is_code_free`: the values are words of a closed list, none of them a country or a language, so short ones slip too.
    """
    close = sorted(
        {
            candidate
            for candidate in registered
            if is_slip(value, candidate) or (is_code_free and is_short_slip(value, candidate))
        }
    )
    return close[0] if len(close) == 1 else None


@lru_cache(maxsize=65_536)
def is_slip(value: str, candidate: str) -> bool:
    """Whether `value` (folded) is `candidate` (folded) with other separators, or with one slip in one long word.

    The relation is symmetric.
    """
    return value != candidate and _difference(value, candidate) == ""


@lru_cache(maxsize=65_536)
def is_short_slip(value: str, candidate: str) -> bool:
    """Whether two short words have the same letters, but for one that is doubled or swapped with its neighbour.

    For values that are no codes of countries or languages, such as media: `cppc` and `pcc` are `cpc`; `cpm` is not.
    """
    if not (value.isalpha() and candidate.isalpha() and 1 < len(value) <= _SHORT + 1 and 1 < len(candidate) <= _SHORT):
        return False
    if len(value) == len(candidate):
        return value != candidate and sorted(value) == sorted(candidate) and _distance(value, candidate, 1) is not None
    # A letter too many is a slip; of a letter that is lost nobody can tell which one it was (`cp`: cpc, cpm, cpa).
    return len(value) > len(candidate) and set(value) == set(candidate) and _distance(value, candidate, 1) is not None


def refusal(value: str, candidate: str) -> str | None:
    """Why `value` is not taken for `candidate` though they look alike; None when they do not, or when it is a slip."""
    if value == candidate or is_slip(value, candidate):
        return None
    is_near = _distance(value, candidate, limit=2 if min(len(value), len(candidate)) > 2 * _SHORT else 1) is not None
    return _difference(value, candidate) if is_near else None


def _difference(value: str, candidate: str) -> str:
    """Why the two are not the same name with a slip; empty when nothing speaks against it."""
    typed, meant = _PARTS.findall(value), _PARTS.findall(candidate)
    if not typed or not meant:
        return "one of them has no letters or numbers"
    if [part for part in typed if part.isdigit()] != [part for part in meant if part.isdigit()]:
        return "their numbers differ"
    if "".join(typed) == "".join(meant):
        return _joined_otherwise(typed, meant)
    if len(typed) != len(meant):
        return "they have other words"
    differing = [pair for pair in zip(typed, meant, strict=True) if pair[0] != pair[1]]
    if len(differing) > 1:
        return "more than one word differs"
    return _word_difference(*differing[0])


def _joined_otherwise(typed: list[str], meant: list[str]) -> str:
    """The same letters with words joined or cut: `brandus` is `brand_us`, but `us_a` need not be `usa`."""
    if len(typed) == len(meant) and typed == meant:
        return ""
    start = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(typed, meant, strict=False))))
    end = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(typed[:start:-1], meant[:start:-1], strict=False))))
    region = typed[start : len(typed) - end] + meant[start : len(meant) - end]
    return "" if max(map(len, region)) > _SHORT + 1 else "a short word (a country, a language) differs"


def _word_difference(one: str, other: str) -> str:
    if min(len(one), len(other)) <= _SHORT:
        return "a short word (a country, a language) differs"
    if one in _NAMES and other in _NAMES:
        return f"{one} and {other} are two names"
    # Fingers rarely slip at the first letter, and a prefix makes another word (resale, presale).
    if one[0] != other[0] and one[:2] != other[1::-1]:
        return "they begin otherwise"
    limit = 2 if min(len(one), len(other)) >= _LONG else 1
    return "" if _distance(one, other, limit) is not None else "too many letters differ"


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
