"""What a check says must hold, and what it asks for, in the reader's language. English is how the gate stores it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from rebuttal.reports.people import Language

Part = Literal["what", "do"]
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*%?")


def told(language: Language, check_name: str, part: Part, stored: str) -> str:
    """The sentence of a check: what must hold, or what to do.

    `stored` is the English one; its numbers (limits that a company sets) stand in the translation as well. It is the
    answer for English, and for a check or a sentence that the language has no words for.
    """
    if language == "en":
        return stored
    words = _words(language)
    family = next((name for name in words if name[0] == "*" and check_name.endswith(name[1:])), "")
    found = words.get(check_name) or words.get(family)
    if found is None:
        return stored
    column = check_name.removesuffix(family[1:]) if family else check_name
    numbers = _NUMBER.findall(stored)
    try:
        return found[part].format(*numbers, column=column)
    except IndexError:  # the stored sentence has lost a number: an older or a newer version wrote it
        return stored


@cache
def _words(language: Language) -> Mapping[str, Mapping[Part, str]]:
    path = files("rebuttal.reports") / "strings" / f"checks_{language}.yml"
    found: Mapping[str, Mapping[Part, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
