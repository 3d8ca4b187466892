"""What one text says: labels, the sentences that carry them, how sure we are, and whether we would rather not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebuttal.objections.asking import Probabilities
from rebuttal.objections.hearing import Finding, Heard, Piece
from rebuttal.objections.language import language_of
from rebuttal.objections.model import Model
from rebuttal.objections.taxonomy import LABELS, NONE

CLASSIFIED, UNCLEAR = "classified", "unclear"

# Below this probability of the best label the model abstains.
ABSTAIN = 0.4
# A further label needs this probability, and this share of the best one's.
SECOND, SECOND_SHARE = 0.22, 0.45
# A text of so many pieces is one message, and each of them is heard within it.
ONE_MESSAGE = 5
# In a longer one most sentences voice nothing: `none` is so many times likelier than among the training texts. Found by
# grouped cross-validation over the training notes.
CALM_ODDS = 8.0
# Who says why a deal was lost seldom voices nothing. Found in the same way over the training texts.
LOST_ODDS = 0.4
# A sentence of a piece carries the piece's label with at least this probability; the best one always does.
CARRIES = 0.4
_AUTHORITY = "authority"
Question = tuple[str, float, tuple[str, ...]]  # words, how much likelier `none` is there, the message around
Judged = tuple[Piece, Probabilities]


@dataclass(frozen=True)
class Reading:
    """What a text says. `labels` hold `none` alone, or categories; `primary` is always the best one.

    `is_abstaining`: the confidence is below the threshold. `unheard` counts characters beyond the limit. `model` names
    who read it.
    """

    labels: tuple[str, ...]
    primary: str
    confidence: float
    is_abstaining: bool
    language: str
    findings: tuple[Finding, ...]
    unheard: int
    model: str = ""

    @property
    def status(self) -> str:
        """`classified`, `none` or `unclear`."""
        if self.is_abstaining:
            return UNCLEAR
        return NONE if self.primary == NONE else CLASSIFIED


# What a drop-down offers to who will not say why: counted as unclear, never as an objection or as none.
SAYS_NOTHING = frozenset({"other", "n/a", "unknown", "другое", "прочее", "иное", "неизвестно", "інше", "невідомо"})


def read_texts(model: Model, texts: Sequence[tuple[str, str]]) -> list[Reading]:
    """Read (stored text, kind) pairs, in one pass of the model over all. kind: call, note, survey, lost_reason."""
    heard = [Heard.of(stored, kind) for stored, kind in texts]
    asked: dict[Question, int] = {}
    questions = [_questions(one) for one in heard]
    for question in (question for several in questions for question in several):
        asked.setdefault(question, len(asked))
    rows = model.probabilities(
        [words for words, _, _ in asked], [calm for _, calm, _ in asked], [around for _, _, around in asked]
    )
    judged = [
        [(piece, rows[asked[question]]) for piece, question in zip(one.pieces, several, strict=True)]
        for one, several in zip(heard, questions, strict=True)
    ]
    pairs = list(zip(heard, judged, strict=True))
    sentences = list(dict.fromkeys(words for one, several in pairs for words in _to_compare(one, several)))
    own = dict(zip(sentences, model.quick(sentences), strict=True))
    return [_reading(model.name, one, several, own) for one, several in pairs]


def _questions(heard: Heard) -> list[Question]:
    """What the model is asked of each piece: its words, how much likelier `none` is there, and what it stands in."""
    said = [heard.said(piece) for piece in heard.pieces]
    if len(said) > ONE_MESSAGE:
        return [(words, CALM_ODDS, ()) for words in said]
    around = tuple(said) if len(said) > 1 else ()
    if heard.kind in ("survey", "lost_reason"):
        around = (" ".join(said),) if around else ()  # one thought in one breath; a note or a call tells one by one
    odds = LOST_ODDS if heard.kind == "lost_reason" else 1.0
    return [(words, odds, around) for words in said]


def _to_compare(heard: Heard, judged: Sequence[Judged]) -> list[str]:
    """The sentences among which those that carry a label may have to be told, by the cheap stage."""
    voicing = [(piece, labels) for piece, row in judged if (labels := labels_of(row)) != [NONE]]
    is_several = len(heard.pieces) > 1 and sum(len(labels) for _, labels in voicing) > 1
    return [
        heard.words(span) for piece, _ in voicing if len(piece.sentences) > 1 or is_several for span in piece.sentences
    ]


def _reading(model: str, heard: Heard, judged: Sequence[Judged], own: Mapping[str, Probabilities]) -> Reading:
    if says_nothing(heard):
        return Reading((NONE,), NONE, 0.0, True, "unknown", (), heard.unheard, model)
    findings: list[Finding] = []
    best: dict[str, float] = {}
    unsure: list[tuple[float, str]] = []
    calm: list[float] = []
    for piece, row in judged:
        labels, top = labels_of(row), float(row.max())
        if top < ABSTAIN:
            unsure.append((top, labels[0]))
        if labels == [NONE]:
            calm.append(top)
            continue
        for label in labels:
            share = float(row[LABELS.index(label)])
            findings += [
                heard.finding(piece, span, label, share) for span in _carriers(own, heard, piece, LABELS.index(label))
            ]
            if top >= ABSTAIN:
                best[label] = max(best.get(label, 0.0), share)
    language = spoken(heard)
    if best:
        primary = primary_of(best, findings)
        order = sorted(best, key=lambda label: (label != primary, _first(findings, label)))
        kept = _own_words(own, heard, [one for one in findings if one.label in best])
        return Reading(tuple(order), primary, best[primary], False, language, kept, heard.unheard, model)
    if unsure:
        # The likeliest objection of those that are not sure; `none` only where no piece suggests anything else.
        top, label = max(unsure, key=lambda one: (one[1] != NONE, one))
        kept = tuple(one for one in findings if one.label == label)
        return Reading((label,), label, top, True, language, kept, heard.unheard, model)
    if not any(character.isalnum() for character in heard.page.text):
        return Reading((NONE,), NONE, 0.0, True, language, (), heard.unheard, model)
    # Nobody but us said anything: surely no objection.
    return Reading((NONE,), NONE, min(calm, default=1.0), False, language, (), heard.unheard, model)


def _own_words(own: Mapping[str, Probabilities], heard: Heard, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of a short message, whose sentences were judged within it, those that carry a label by their own words.

    As in `_carriers`: by the cheap stage, and the best one always does.
    """
    if not 1 < len(heard.pieces) <= ONE_MESSAGE or len(findings) < 2:
        return tuple(findings)
    scores = [own[one.sentence][LABELS.index(one.label)] for one in findings]
    best: dict[str, float] = {}
    for one, score in zip(findings, scores, strict=True):
        best[one.label] = max(best.get(one.label, 0.0), score)
    return tuple(one for one, score in zip(findings, scores, strict=True) if score >= min(CARRIES, best[one.label]))


def _carriers(own: Mapping[str, Probabilities], heard: Heard, piece: Piece, label: int) -> list[tuple[int, int]]:
    """Which sentences of a piece carry a label: by the cheap stage, for the piece as a whole was judged already."""
    if len(piece.sentences) == 1:
        return list(piece.sentences)
    scores = [own[heard.words(span)][label] for span in piece.sentences]
    return [span for span, score in zip(piece.sentences, scores, strict=True) if score >= min(CARRIES, max(scores))]


def says_nothing(heard: Heard) -> bool:
    """Whether the text is a drop-down's "other"."""
    return heard.page.text.strip(" .-").casefold() in SAYS_NOTHING


def spoken(heard: Heard) -> str:
    """The language of what is heard; of the whole text where nothing is."""
    return language_of("\n".join(heard.words(piece.span) for piece in heard.pieces) or heard.page.text)


def labels_of(row: Probabilities) -> list[str]:
    """The best label, and further categories that are likely enough; `none` stands alone."""
    order = (-row).argsort(kind="stable")
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


def primary_of(best: dict[str, float], findings: Sequence[Finding]) -> str:
    """The most certain label; a veto ("my husband says it is too expensive") gives way to its reason."""
    reasons = {label: share for label, share in best.items() if label != _AUTHORITY} or best
    return max(reasons, key=lambda label: (round(reasons[label], 1), -_first(findings, label), reasons[label]))


def _first(findings: Sequence[Finding], label: str) -> int:
    return min(finding.start for finding in findings if finding.label == label)
