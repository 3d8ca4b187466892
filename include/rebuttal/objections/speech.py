"""Who speaks where: turns of a call, quoted mails in a note. Only what the buyer says, or a rep reports, is heard."""

from __future__ import annotations

import re
from dataclasses import dataclass

BUYER, REP = "buyer", "rep"

_REP_WORDS = (
    "менеджер|менеджерка|продавец|продавець|консультант|консультантка|оператор|операторка|администратор|"
    "адміністратор|адміністраторка|специалист|спеціаліст|куратор|manager|rep|sales rep|sales|agent|operator|"
    "consultant|advisor|account manager|support"
)
_BUYER_WORDS = (
    "клиент|клиентка|клієнт|клієнтка|покупатель|покупательница|покупець|покупчиня|заказчик|заказчица|замовник|"
    "замовниця|абонент|собеседник|гость|гість|buyer|client|customer|prospect|lead|caller|guest|owner"
)
_STAMP = r"(?:[\[(]?\d{1,2}:\d{2}(?::\d{2})?[\])]?[ \t]{0,3})?"
# A known role may open a turn anywhere; a mere name only at the beginning of a line.
_KNOWN = re.compile(
    rf"(?:(?<=[\s.!?…\"»”])|(?<![\s\S])){_STAMP}(?:(?P<rep>{_REP_WORDS})|(?P<buyer>{_BUYER_WORDS}))"
    r"(?:[ \t]\([^()\n]{1,40}\)|[ \t][^\W\d_]{1,20})?[ \t]?(?::|[ \t][—–][ \t])",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"^[ \t]{{0,4}}{_STAMP}(?P<name>[^\W\d_][^\W_]{{0,20}}(?:[ \t][^\W\d_]{{1,20}})?)[ \t]?:[ \t]", re.M
)
_QUOTED_LINE = re.compile(r"^[ \t]{0,4}>.*$", re.MULTILINE)
_MAIL_BELOW = re.compile(
    r"^[ \t]{0,4}(?:-{2,}\s?(?:original message|исходное сообщение|переслан\w+ сообщение|вихідне повідомлення|"
    r"forwarded message)\b.*|on\b[^\n]{5,200}\bwrote:|[^\n]{5,200}\b(?:пишет|написал\(?а?\)?|написала|пише|написав):)"
    r"[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_HEADER = re.compile(
    r"^[ \t]{0,4}(?:from|to|cc|sent|date|subject|от|кому|от кого|тема|дата|отправлено|від|надіслано)[ \t]?:.*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Passage:
    """Readable characters `start` to `end` that are heard, and whose words they are."""

    start: int
    end: int
    role: str


def passages(text: str, kind: str) -> list[Passage]:
    """What of `text` is heard. `kind` is call, note, survey or lost_reason.

    In a transcript only the buyer's turns are heard. In a note a quoted mail below the answer is our own and is not
    heard; a note that is nothing but a quoted mail is the buyer's. Surveys are the buyer's words, lost reasons the
    rep's.
    """
    if kind in ("call", "note"):
        turns = _turns(text, fewest=1 if kind == "call" else 2)
        return _without_quoted_mail(text) if turns is None else turns
    return _whole(text, BUYER if kind == "survey" else REP)


def _whole(text: str, role: str) -> list[Passage]:
    return [Passage(0, len(text), role)] if text.strip() else []


def _turns(text: str, fewest: int) -> list[Passage] | None:
    """The buyer's turns, or None when the text is no transcript: fewer turns than that, or nobody known speaks."""
    known = [m for m in _KNOWN.finditer(text) if _opens(text, m.start())]
    marks = [(m.start(), m.end(), REP if m["rep"] else BUYER, "") for m in known]
    known_starts = {start for start, *_ in marks}
    named = [(m.start(), m.end(), "", m["name"].lower()) for m in _NAMED.finditer(text)]
    named = [mark for mark in named if not any(mark[0] <= start < mark[1] for start in known_starts)]
    roles = {role for _, _, role, _ in marks}
    if not roles or len(marks) + len(named) < fewest:
        return None
    # Whoever is only named is the other side of the one we know; with both sides known a name is no speaker.
    other = {frozenset({REP}): BUYER, frozenset({BUYER}): REP}.get(frozenset(roles))
    if other is not None and len({name for *_, name in named}) == 1:
        marks += [(start, end, other, name) for start, end, _, name in named]
    marks.sort()
    ends = [start for start, *_ in marks[1:]] + [len(text)]
    return [
        Passage(mark[1], stop, BUYER)
        for mark, stop in zip(marks, ends, strict=True)
        if mark[2] == BUYER and text[mark[1] : stop].strip()
    ]


def _opens(text: str, start: int) -> bool:
    """Whether a role stands where a turn may open: no small word inside a sentence ("scathing about support: ...")."""
    before = text[:start].rstrip(" \t")
    return not before or before[-1] in '.!?…"»”\n\r' or not text[start].islower()


def _without_quoted_mail(text: str) -> list[Passage]:
    below = _MAIL_BELOW.search(text)
    own_end = below.start() if below else len(text)
    if below and not text[:own_end].strip():
        own = _cut_out(text, [(0, below.end())], len(text))
        return [Passage(start, end, BUYER) for start, end in own]
    quoted = [m.span() for m in _QUOTED_LINE.finditer(text, 0, own_end)]
    headers = [m.span() for m in _MAIL_HEADER.finditer(text, 0, own_end)]
    own = _cut_out(text, quoted + headers, own_end)
    if not own and quoted:
        return [Passage(start, end, BUYER) for start, end in _cut_out(text, headers, own_end)]
    return [Passage(start, end, BUYER if headers else REP) for start, end in own]


def _cut_out(text: str, holes: list[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    position = 0
    for start, stop in [*sorted(holes), (end, end)]:
        if start > position and text[position:start].strip():
            kept.append((position, start))
        position = max(position, stop)
    return kept
