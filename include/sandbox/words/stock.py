"""The phrase stock: lines with alternatives `[a|b]` and slots `{name}` or `{name:case}`, by taxonomy code and speaker.

Every third line of a group is held back: it is spoken only in worlds that ask for it, so that whoever tunes on the
default seeds meets words there that were never heard before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import numpy as np

LANGUAGES = ("ru", "uk", "en")
HELD_BACK_EVERY = 3

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")


@cache
def groups(lang: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """(code, speaker) -> lines. Codes are the taxonomy's, and ask, small, open, close, aside, hedge, sign.

    The speaker `denied` says that the doubt is none: "the price is fine".
    """
    found: dict[tuple[str, str], list[str]] = {}
    current: list[str] = []
    for line in _read(f"{lang}.txt"):
        if line.startswith("# "):
            code, speaker = line[2:].split()
            current = found.setdefault((code, speaker), [])
        else:
            current.append(line)
    return {key: tuple(lines) for key, lines in found.items()}


@cache
def slots(lang: str) -> dict[str, tuple[dict[str, str], ...]]:
    """Slot name -> values; a value has a form per case, `nom` at least."""
    found: dict[str, list[dict[str, str]]] = {}
    for line in (*_read(f"slots_{lang}.txt"), *_read("shared.txt")):
        name, _, value = line.partition("\t")
        # An alternative's bar stands inside brackets, a case's bar outside: only cases have "nom=".
        forms = dict(part.split("=", 1) for part in value.split("|")) if "nom=" in value else {"nom": value}
        found.setdefault(name, []).append(forms)
    return {name: tuple(values) for name, values in found.items()}


def line(rng: np.random.Generator, lang: str, code: str, speaker: str, hold_back: bool) -> str:
    """One line of the group, alternatives and slots not yet filled."""
    lines = groups(lang)[(code, speaker)]
    allowed = [text for number, text in enumerate(lines) if hold_back or number % HELD_BACK_EVERY]
    return allowed[int(rng.integers(len(allowed)))]


def fill(rng: np.random.Generator, lang: str, text: str, context: Mapping[str, str]) -> str:
    """Choose alternatives and fill slots; `context` (name, phone, city ...) wins over the stock."""
    chosen: dict[str, dict[str, str]] = {}

    def slot(match: re.Match[str]) -> str:
        name, case = match.group(1), match.group(2) or "nom"
        if name in context:
            return next((v.get(case, v["nom"]) for v in slots(lang)[name] if v["nom"] == context[name]), context[name])
        if name not in chosen:
            values = slots(lang)[name]
            chosen[name] = values[int(rng.integers(len(values)))]
        forms = chosen[name]
        return forms.get(case, forms["nom"])

    def alternative(match: re.Match[str]) -> str:
        options = match.group(1).split("|")
        return options[int(rng.integers(len(options)))]

    filled = _SLOT.sub(slot, text)
    while _ALTERNATIVES.search(filled):
        filled = _ALTERNATIVES.sub(alternative, filled)
    return _SLOT.sub(slot, filled)


def _read(name: str) -> list[str]:
    text = resources.files("sandbox.words").joinpath("stock", name).read_text(encoding="utf-8")
    # Trailing blanks matter in hedges ("but "), so only the line end is cut.
    return [row for row in text.split("\n") if row.strip()]
