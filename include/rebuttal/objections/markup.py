"""Notes come as HTML: what a person would read, and where each character stands in the stored text."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]{0,15})(?=[\s/>])[^<>]{0,2000}>|<!--.{0,2000}?-->", re.S)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,12}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_BREAKS = frozenset(
    re.findall(r"\w+", "br p div li tr ul ol h1 h2 h3 h4 h5 h6 blockquote table section article pre hr")
)
_UNREAD = ("script", "style", "head", "title", "template")
_MARK = re.compile(r"<(?=[a-zA-Z/!])|&(?=[a-zA-Z#])")


@dataclass(frozen=True)
class Readable:
    """Readable text; character i of it is `stored[starts[i]:ends[i]]` (no lists when it is the stored text itself)."""

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def stored_span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the stored text of readable characters `start` (inclusive) to `end` (exclusive, > start)."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def readable(stored: str) -> Readable:
    """Tags out (line-breaking ones become a newline), entities decoded, script and style unread. Linear time.

    Text without markup is returned as it is; a lone `<` or `&` is text.
    """
    if not _MARK.search(stored):
        return Readable(stored)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(text: str, start: int, end: int) -> None:
        for character in text:
            characters.append(character)
            starts.append(start)
            ends.append(end)

    position, size = 0, len(stored)
    while position < size:
        mark = _MARK.search(stored, position)
        plain_end = mark.start() if mark else size
        characters.extend(stored[position:plain_end])
        starts.extend(range(position, plain_end))
        ends.extend(range(position + 1, plain_end + 1))
        position = plain_end
        if mark is None:
            break
        found = (_TAG if stored[position] == "<" else _ENTITY).match(stored, position)
        if found is None:
            put(stored[position], position, position + 1)
            position += 1
            continue
        after = found.end()
        if stored[position] == "&":
            put(html.unescape(found[0]).replace("\xa0", " "), position, after)
        elif (name := (found["name"] or "").lower()) in _BREAKS:
            put("\n", position, after)
        elif name in _UNREAD and not found["close"]:
            after = _close_of(stored, name, after)
        position = after
    return Readable("".join(characters), starts, ends)


def _close_of(stored: str, name: str, position: int) -> int:
    """Where the element that opened before `position` ends: what is unclosed is unread to the end."""
    closing = re.compile(rf"</{name}\s{{0,10}}>", re.IGNORECASE).search(stored, position)
    return closing.end() if closing else len(stored)
