"""The last look before a text leaves the house: no address or number of a person, no control characters.

Redaction happens where texts are heard; this is the second lock on the same door, so it is plain and strict. It is
applied to quotes (which are then left out) and to everything a task says (which is then not sent).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

from rebuttal.errors import AbortError

_EMAIL = re.compile(r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z_]\w{3,}|\bt\.me/\w+", re.IGNORECASE)
# Nine or more digits that only spaces, dots, dashes, slashes or brackets part: a phone, a card or a tax number.
_NUMBER = re.compile(r"\+?\(?\d(?:[\s\u00a0.()/-]{0,2}\d){8,}")
_WORD = re.compile(r"\w+")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?%?")
_ALIKE = 0.85


class PersonalDataError(AbortError):
    """A text that was about to leave still holds an e-mail address, a phone number or the like."""


def is_safe(text: str) -> bool:
    """Whether `text` holds no e-mail address, messenger handle, phone or card number."""
    folded = unicodedata.normalize("NFKC", text)
    return not (_EMAIL.search(folded) or _HANDLE.search(folded) or _NUMBER.search(folded))


def refuse_personal_data(texts: Iterable[str], what: str) -> None:
    """Raise PersonalDataError, without repeating the text, when one of `texts` is not safe to send."""
    for place, text in enumerate(texts, 1):
        if not is_safe(text):
            raise PersonalDataError(
                f"{what} was not sent: part {place} still holds an e-mail address or a phone number",
                next_step="Correct the redaction of the objections it quotes, then run `rebuttal answer` again",
            )


def are_alike(one: str, other: str) -> bool:
    """Whether two quotes say the same but for case, punctuation and a typo: a reader needs one of them."""
    first, second = (" ".join(_WORD.findall(text.casefold())) for text in (one, other))
    if first == second:
        return True
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    # The two quick ones are never below the exact one, so most pairs are told apart for a fraction of its work.
    return all(ratio() >= _ALIKE for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


def spreadsheet_cell(text: str) -> str:
    """`text` as a CSV cell that no spreadsheet takes for a formula: an apostrophe stands before it (OWASP, CSV
    Injection; CWE-1236). Numbers stay numbers, negative ones too; NUL is taken out, for it hides what follows.
    """
    text = text.replace("\0", "")
    seen = unicodedata.normalize("NFKC", text).lstrip()
    is_formula = text.startswith(("\t", "\r", "\n")) or seen.startswith(("=", "+", "-", "@", "|"))
    return f"'{text}" if is_formula and not _PLAIN_NUMBER.fullmatch(text) else text


def plain_line(text: str, limit: int = 1000) -> str:
    """One line of visible text: white space folded, control and direction-changing characters gone, cut at `limit`."""
    visible = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
