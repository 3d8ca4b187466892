"""Web addresses that people leave on a task, as text or as links."""

from __future__ import annotations

import re

_URL = re.compile(r"https?://[^\s<>\"'\\]+")
_PAIRED = {")": "(", "]": "["}


def addresses_in(text: str) -> list[str]:
    """Every http(s) address in plain or Markdown text, in reading order, without what only ends the sentence."""
    return [_trimmed(url) for url in _URL.findall(text)]


def is_web_address(url: str) -> bool:
    """Whether the whole of `url` is one http(s) address."""
    return _URL.fullmatch(url) is not None


def _trimmed(url: str) -> str:
    """Markdown writes `[here](https://...)`: a bracket that the address did not open is not its own."""
    for closing, opening in _PAIRED.items():
        depth = 0
        for place, character in enumerate(url):
            depth += (character == opening) - (character == closing)
            if depth < 0:
                url = url[:place]
                break
    return url.rstrip(".,;:!?*_")
