"""Reading with people's corrections: what a person said of a text stands, and its evidence is found in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rebuttal.objections.corrections import Correction, Corrections
from rebuttal.objections.hearing import LONGEST_HEARD, Finding
from rebuttal.objections.markup import readable
from rebuttal.objections.model import Model
from rebuttal.objections.reading import Reading
from rebuttal.objections.speech import REP, Passage, passages
from rebuttal.objections.taxonomy import LABELS, NONE

_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]*")


def obeyed(
    model: Model, texts: Sequence[tuple[str, str, str]], readings: Sequence[Reading], corrections: Corrections
) -> list[tuple[Reading, bool]]:
    """The readings of (stored text, kind, md5 of the text), with what people said in their place; True beside those.

    A person is sure (confidence 1). The evidence of a label is what the classifier found for it; else the sentences it
    found for something else; else the sentence where the label is likeliest.
    """
    found = []
    for (stored, kind, text_hash), reading in zip(texts, readings, strict=True):
        correction = corrections.by_hash.get(text_hash)
        if correction is None:
            found.append((reading, False))
        else:
            found.append((_corrected(model, stored, kind, reading, correction), True))
    return found


def _corrected(model: Model, stored: str, kind: str, reading: Reading, correction: Correction) -> Reading:
    labels = (correction.primary, *(label for label in correction.labels if label != correction.primary))
    findings: list[Finding] = []
    for label in labels:
        if label == NONE:
            continue
        own = [one for one in reading.findings if one.label == label]
        misheard = [one for one in reading.findings if one.label not in labels]
        carriers = own or misheard or _likeliest(model, stored, kind, label)
        findings += [replace(one, label=label, confidence=1.0) for one in carriers]
    return replace(
        reading,
        labels=labels,
        primary=correction.primary,
        confidence=1.0,
        is_abstaining=False,
        findings=tuple(dict.fromkeys(findings)),
    )


def _likeliest(model: Model, stored: str, kind: str, label: str) -> list[Finding]:
    """The sentence of the text where the model holds `label` likeliest; none of a text without a word."""
    page = readable(stored[:LONGEST_HEARD])
    heard = passages(page.text, kind) or [Passage(0, len(page.text), REP)]
    spans = []
    for passage in heard:
        for match in _SENTENCE.finditer(page.text, passage.start, passage.end):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            if start < match.end():
                spans.append((start, match.end(), passage.role))
    if not spans:
        return []
    rows = model.probabilities([page.text[start:end] for start, end, _ in spans])
    start, end, role = spans[int(rows[:, LABELS.index(label)].argmax())]
    first, last = page.stored_span(start, end)
    return [Finding(label, 1.0, first, last, page.text[start:end], role)]
