"""Which rows are copies of one event: windows that start at the earliest row and never chain."""

from __future__ import annotations

from collections.abc import Iterable


def fold(rows: Iterable[tuple[str, int, str]], window: int) -> dict[str, str]:
    """Copies and the rows they are copies of.

    `rows` are (group, time, key) in any order, keys unique; `window` is in the unit of the times. In each group the
    earliest row (the smallest key among equals) survives, and every row at most `window` after it is its copy; the
    next row after that survives again. So a long series of quick repeats is thinned, not glued into one, and the
    result depends on the set of rows only, never on the order in which they came.
    """
    copies: dict[str, str] = {}
    group: str | None = None
    survivor, until = "", 0
    for name, at, key in sorted(rows):
        if name != group or at > until:
            group, survivor, until = name, key, at + window
        else:
            copies[key] = survivor
    return copies
