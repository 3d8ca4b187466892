"""Markdown: blocks in, text out. A text is shown as it is: no link, image, markup or HTML comes of what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rebuttal.content.brief import Block
from rebuttal.outgoing import plain_line

# Every ASCII punctuation mark may stand behind a backslash (CommonMark 0.31, section 2.4). Escaping full stops, colons
# and slashes as well keeps bare addresses and domains from becoming links.
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_READABLE = frozenset("',;?\"%")  # these mean nothing to Markdown


def document(blocks: Sequence[Block], limit: int) -> str:
    """Markdown of `blocks`, at most `limit` characters; what is too long ends at a whole line."""
    text = "\n\n".join("\n".join(_lines(block)) for block in blocks)
    if len(text) <= limit:
        return text
    return text[: text.rindex("\n", 0, limit - 1)].rstrip() + "\n…"


def escaped(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    line = plain_line(text) or "-"
    return _MARKS.sub(lambda mark: mark[1] if mark[1] in _READABLE else f"\\{mark[1]}", line)


def _lines(block: Block) -> Iterable[str]:
    if block.kind == "heading":
        return [f"### {escaped(block.text)}"]
    if block.kind == "quote":
        return [f"> {escaped(item)}  " for item in block.items]
    if block.kind == "bullets":
        return [f"- {escaped(item)}" for item in block.items]
    return [escaped(block.text)]
