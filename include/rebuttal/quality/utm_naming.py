"""The company's rules for the values of its tags (`naming` in `utm.yml`), and which of them a value breaks."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from rebuttal.configuration import Section

# What an address, a spreadsheet or a page would take for something else than a part of the value.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\u00a0\u2028\u2029&=?#%<>\"'`\\^|]")


class FieldRule(Section):
    """How the values of one tag are written. What is left out is not checked."""

    allowed: list[str] = Field(default_factory=list)
    case: Literal["lower", "any"] = "any"
    separators: str = Field(default="_-.+", max_length=10)
    max_length: int = Field(default=100, ge=1, le=500)

    def broken_by(self, value: str) -> str | None:
        """The first rule that `value` breaks, in words; None when it keeps them all."""
        if not value.strip():
            return "is empty"
        if len(value) > self.max_length:
            return f"has {len(value)} characters, {self.max_length} are allowed"
        if self.allowed and value not in self.allowed:
            return f"is none of {', '.join(self.allowed)}"
        if self.case == "lower" and value != value.lower():
            return f"is not lower case ({value.lower()!r})"
        strange = next((sign for sign in value if not sign.isalnum() and sign not in self.separators), None)
        if strange is not None:
            signs = " ".join(self.separators) or "none"
            return f"has {strange!r}; letters and digits are joined by {signs}"
        return None


class Naming(Section):
    """The rules, per tag; a tag without a rule is free."""

    utm_source: FieldRule | None = None
    utm_medium: FieldRule | None = None
    utm_campaign: FieldRule | None = None
    utm_content: FieldRule | None = None
    utm_term: FieldRule | None = None

    def broken_by(self, field: str, value: str) -> str | None:
        """The first rule that a value of the tag `field` breaks, in words that begin with the tag; None when none."""
        rule: FieldRule | None = getattr(self, field)
        fault = rule.broken_by(value) if rule else None
        return f"{field} {value!r} {fault}" if fault else None


def unsafe(field: str, value: str) -> str | None:
    """Whether a value has signs that no tag should have, whatever the company's rules say; in words, or None."""
    found = _UNSAFE.search(value)
    return f"{field} {value!r} has {found.group()!r}, which does not belong in a tag" if found else None
