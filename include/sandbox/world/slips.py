"""How tags come to differ by a letter: slips of the fingers, and campaigns that are called nearly alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.world.links import LINKS, OLD_LINK, tags_of

_KNOWN_VALUES = {
    value for link in (*LINKS, OLD_LINK) for value in (*tags_of(link, "").values(), *link.contents)
}  # fmt: skip
_BETWEEN = re.compile(r"[_\-]+")
_COUNTRIES = ("pl", "kz", "de", "bg")


@dataclass(frozen=True, slots=True)
class Slip:
    """A tag that was typed wrongly. kind says what the slip hit: `separator`; `number` (the digits are others); `code`
    (a word of two letters, such as a country); `short` (three letters, or a word with the same digits as it should
    have: it may still be a name of its own); `letters`. Of two lengths, typed and meant, the shorter counts."""

    field: str
    typed: str
    meant: str
    kind: str


def misspelt(value: str, draw: int) -> str:
    """The value with one slip of the fingers; never another value that the company uses."""
    place = 1 + draw % max(1, len(value) - 2)
    slips = (
        value[:place] + value[place + 1 :],
        value[:place] + value[place] + value[place:],
        value[: place - 1] + value[place] + value[place - 1] + value[place + 1 :],
        value.replace("_", "-", 1),
    )
    for index in range(4):
        slip = slips[(draw // 7 + index) % 4]
        if slip != value and slip not in _KNOWN_VALUES:
            return slip
    return value + "x"


def relative(campaign: str, draw: int) -> str:
    """The campaign's name for another quarter or country, else for a year; never one that the company registered."""
    *head, last = campaign.split("_")
    if re.fullmatch(r"q\d", last):
        return "_".join((*head, ("q3", "q4")[draw % 2]))
    if len(last) == 2:
        return "_".join((*head, _COUNTRIES[draw % len(_COUNTRIES)]))
    return f"{campaign}_{2025 + draw % 3}"


def slip_of(typed: dict[str, str], meant: dict[str, str]) -> Slip | None:
    """Where the tags as typed differ from the tags as meant; None where they do not."""
    for field, right in meant.items():
        wrong = typed.get(field, "")
        if wrong and wrong != right:
            return Slip(field, wrong, right, _kind(wrong, right))
    return None


def _kind(typed: str, meant: str) -> str:
    wrong, right = _BETWEEN.split(typed), _BETWEEN.split(meant)
    if "".join(wrong) == "".join(right):
        return "separator"
    if _digits(typed) != _digits(meant):
        return "number"
    if len(wrong) != len(right):
        return "letters"
    hit = [word for pair in zip(wrong, right, strict=True) if pair[0] != pair[1] for word in pair]
    shortest = min(len(word) for word in hit)
    if shortest <= 2:
        return "code"
    return "short" if shortest == 3 or any(map(_digits, hit)) else "letters"


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())
