"""What of a text is heard, and in which pieces the model is asked: sentences that make sense alone, each once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rebuttal.objections.markup import Readable, readable
from rebuttal.objections.sentences import units
from rebuttal.objections.speech import passages

LONGEST_HEARD = 100_000  # characters of one text that are listened to; the rest is counted as unheard

Span = tuple[int, int]

# How a text of a file's channel is listened to; others are the buyer's own words.
_KINDS = {"deal_note": "note", "note": "note", "call": "call", "call_transcript": "call", "lost_reason": "lost_reason"}

# What a rep puts before a buyer's words ("She wrote: «...»"), up to four words: it is not what was said.
_LEAD_IN = re.compile(r"(?:[^\W\d_][\w'’.-]*[ ]){0,3}[^\W\d_][\w'’.-]*[ ]?:\s{0,2}[«“\"„](?=.{8})", re.DOTALL)
_QUOTES = '«»“”„"'


def kind_of(channel: str | None) -> str:
    """call, note, lost_reason or survey, for the channel of a labelled text."""
    return _KINDS.get(channel or "", "survey")


@dataclass(frozen=True)
class Piece:
    """Sentences that are judged together, and whose words they are. Offsets in the readable text."""

    sentences: tuple[Span, ...]
    role: str

    @property
    def span(self) -> Span:
        """From the first sentence's begin to the last one's end."""
        return self.sentences[0][0], self.sentences[-1][1]


@dataclass(frozen=True)
class Finding:
    """One sentence that carries an objection. Offsets in code points of the stored text; `sentence` is it as read."""

    label: str
    confidence: float
    start: int
    end: int
    sentence: str
    role: str


@dataclass(frozen=True)
class Heard:
    """A text cut into what the model is asked. `unheard` counts characters beyond the limit."""

    kind: str
    page: Readable
    pieces: tuple[Piece, ...]
    unheard: int

    @classmethod
    def of(cls, stored: str, kind: str) -> Heard:
        """Cut a stored text. kind: call, note, survey, lost_reason."""
        page = readable(stored[:LONGEST_HEARD])
        pieces = tuple(
            Piece(piece, passage.role)
            for passage in passages(page.text, kind)
            for unit in units(page.text, passage.start, passage.end)
            for piece in unit.pieces(page.text)
        )
        return cls(kind, page, pieces, max(0, len(stored) - LONGEST_HEARD))

    def words(self, span: Span) -> str:
        """The readable words of a span."""
        return self.page.text[span[0] : span[1]]

    def said(self, piece: Piece) -> str:
        """What the model is asked of a piece: its words, or the buyer's own where a rep quotes them."""
        words = self.words(piece.span)
        lead_in = _LEAD_IN.match(words)
        return words[lead_in.end() :].rstrip(" " + _QUOTES) if lead_in else words

    def finding(self, piece: Piece, sentence: Span, label: str, confidence: float) -> Finding:
        """That `sentence` of `piece` carries `label`, with its place in the stored text."""
        first, last = self.page.stored_span(*sentence)
        return Finding(label, round(confidence, 4), first, last, self.words(sentence), piece.role)
