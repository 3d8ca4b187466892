"""Who has a task, as one line that may be kept: a display name and nothing else of the person."""

from __future__ import annotations

from collections.abc import Sequence

from rebuttal.outgoing import is_safe, plain_line

_LIMIT = 80  # characters of one name: it stands in a line of a mail


def named(shown: Sequence[str]) -> str | None:
    """The display names of those who have a task, sorted and parted by commas; '' when `shown` is empty.

    None, which is "not known", when people have it and none of them has a name that may be kept: an e-mail address or
    a phone number in place of a name is left out.
    """
    if not shown:
        return ""
    lines = {plain_line(name, _LIMIT) for name in shown if is_safe(name)}
    return ", ".join(sorted(lines - {""})) or None
