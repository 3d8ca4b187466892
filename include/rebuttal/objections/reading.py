"""What one text says: labels, the sentences that carry them, how sure we are, and whether we would rather not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebuttal.objections.language import language_of
from rebuttal.objections.markup import Readable, readable
from rebuttal.objections.model import Model, Probabilities
from rebuttal.objections.sentences import units
from rebuttal.objections.speech import passages
from rebuttal.objections.taxonomy import LABELS, NONE

CLASSIFIED, UNCLEAR = "classified", "unclear"

LONGEST_HEARD = 100_000  # characters of one text that are listened to; the rest is counted as unheard
# Below this probability of the best label the model abstains.
ABSTAIN = 0.4
# A piece of a longer unit is judged by itself, and to this share by the unit it stands in.
CONTEXT = 0.4
# A further label needs this probability, and this share of the best one's.
SECOND, SECOND_SHARE = 0.22, 0.45
# A sentence of a longer piece carries the piece's label with at least this probability; the best one always does.
CARRIES = 0.4
_AUTHORITY = "authority"


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
class Reading:
    """What a text says. `labels` hold `none` alone, or categories; `primary` is always the best one.

    `is_abstaining`: the confidence is below the threshold. `unheard` counts characters beyond the limit.
    """

    labels: tuple[str, ...]
    primary: str
    confidence: float
    is_abstaining: bool
    language: str
    findings: tuple[Finding, ...]
    unheard: int

    @property
    def status(self) -> str:
        """`classified`, `none` or `unclear`."""
        if self.is_abstaining:
            return UNCLEAR
        return NONE if self.primary == NONE else CLASSIFIED


def read_texts(model: Model, texts: Sequence[tuple[str, str]]) -> list[Reading]:
    """Read (stored text, kind) pairs, in one pass of the model over all. kind: call, note, survey, lost_reason."""
    prepared = [_Pending.of(stored, kind) for stored, kind in texts]
    asked: dict[str, int] = {}
    for pending in prepared:
        for text in pending.asked():
            asked.setdefault(text, len(asked))
    rows = model.probabilities(list(asked))
    return [pending.reading(rows, asked) for pending in prepared]


# What a drop-down offers to who will not say why: counted as unclear, never as an objection or as none.
SAYS_NOTHING = frozenset({"other", "n/a", "unknown", "другое", "прочее", "иное", "неизвестно", "інше", "невідомо"})

Span = tuple[int, int]


@dataclass(frozen=True)
class _Piece:
    """Sentences that are judged together, the unit around them, whose words they are. Offsets in the readable text."""

    sentences: tuple[Span, ...]
    unit: Span
    role: str

    @property
    def span(self) -> Span:
        return self.sentences[0][0], self.sentences[-1][1]


@dataclass(frozen=True)
class _Pending:
    """A text cut into what the model is asked."""

    page: Readable
    pieces: tuple[_Piece, ...]
    unheard: int

    @classmethod
    def of(cls, stored: str, kind: str) -> _Pending:
        page = readable(stored[:LONGEST_HEARD])
        pieces = tuple(
            _Piece(piece, (unit.start, unit.end), passage.role)
            for passage in passages(page.text, kind)
            for unit in units(page.text, passage.start, passage.end)
            for piece in unit.pieces(page.text)
        )
        return cls(page, pieces, max(0, len(stored) - LONGEST_HEARD))

    def asked(self) -> list[str]:
        spans = [span for piece in self.pieces for span in (piece.unit, piece.span, *piece.sentences)]
        return [self.page.text[start:end] for start, end in dict.fromkeys(spans)]

    def reading(self, rows: Probabilities, asked: dict[str, int]) -> Reading:
        def row_of(span: Span) -> Probabilities:
            row: Probabilities = rows[asked[self.page.text[span[0] : span[1]]]]
            return row

        if self.page.text.strip(" .-").casefold() in SAYS_NOTHING:
            return Reading((NONE,), NONE, 0.0, True, "unknown", (), self.unheard)
        language = language_of("\n".join(self.page.text[slice(*one.span)] for one in self.pieces) or self.page.text)
        findings: list[Finding] = []
        best: dict[str, float] = {}
        unsure: list[tuple[float, str]] = []
        calm: list[float] = []
        for piece in self.pieces:
            row = row_of(piece.span)
            if piece.span != piece.unit:
                row = CONTEXT * row_of(piece.unit) + (1 - CONTEXT) * row
            labels, top = labels_of(row), float(row.max())
            if top < ABSTAIN:
                unsure.append((top, labels[0]))
            if labels == [NONE]:
                calm.append(top)
                continue
            for label in labels:
                share = float(row[LABELS.index(label)])
                scores = [float(row_of(span)[LABELS.index(label)]) for span in piece.sentences]
                findings += self._carriers(piece, label, share, scores)
                if top >= ABSTAIN:
                    best[label] = max(best.get(label, 0.0), share)
        if best:
            primary = _primary(best, findings)
            order = sorted(best, key=lambda label: (label != primary, _first(findings, label)))
            kept = tuple(one for one in findings if one.label in best)
            return Reading(tuple(order), primary, best[primary], False, language, kept, self.unheard)
        if unsure:
            # The likeliest objection of those that are not sure; `none` only where no piece suggests anything else.
            top, label = max(unsure, key=lambda one: (one[1] != NONE, one))
            kept = tuple(one for one in findings if one.label == label)
            return Reading((label,), label, top, True, language, kept, self.unheard)
        if not any(character.isalnum() for character in self.page.text):
            return Reading((NONE,), NONE, 0.0, True, language, (), self.unheard)
        # Nobody but us said anything: surely no objection.
        return Reading((NONE,), NONE, min(calm, default=1.0), False, language, (), self.unheard)

    def _carriers(self, piece: _Piece, label: str, share: float, scores: list[float]) -> list[Finding]:
        strongest = int(np.argmax(scores))
        out = []
        for index, ((start, end), score) in enumerate(zip(piece.sentences, scores, strict=True)):
            if index == strongest or score >= CARRIES:
                first, last = self.page.stored_span(start, end)
                out.append(Finding(label, round(share, 4), first, last, self.page.text[start:end], piece.role))
        return out


def labels_of(row: Probabilities) -> list[str]:
    """The best label, and further categories that are likely enough; `none` stands alone."""
    order = np.argsort(-row, kind="stable")
    best = LABELS[order[0]]
    if best == NONE:
        return [NONE]
    top = row[order[0]]
    further = [
        LABELS[index]
        for index in order[1:4]
        if LABELS[index] != NONE and row[index] >= SECOND and row[index] >= SECOND_SHARE * top
    ]
    return [best, *further]


def _primary(best: dict[str, float], findings: Sequence[Finding]) -> str:
    """The most certain label; a veto ("my husband says it is too expensive") gives way to its reason."""
    reasons = {label: share for label, share in best.items() if label != _AUTHORITY} or best
    return max(reasons, key=lambda label: (round(reasons[label], 1), -_first(findings, label), reasons[label]))


def _first(findings: Sequence[Finding], label: str) -> int:
    return min(finding.start for finding in findings if finding.label == label)
