"""An optional language model in the local one's place: with consent, redacted, within a cost cap, and never needed.

What it reads is the same `Reading`; `Reading.model` says who read it. Whatever goes wrong with a text, the local model
reads it instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from rebuttal.connections import Resolver
from rebuttal.hosts import ReachTransport
from rebuttal.objections.hearing import Finding, Heard
from rebuttal.objections.llm_protocol import Answer, Endpoint, Refused, instructions, prompt_version
from rebuttal.objections.model import Model
from rebuttal.objections.reading import ABSTAIN, Reading, primary_of, read_texts, says_nothing, spoken
from rebuttal.objections.redaction import redact
from rebuttal.objections.rules import LlmRules
from rebuttal.objections.taxonomy import NONE, Taxonomy

_GIVES_UP = 3  # refusals one after the other: then the endpoint is down and the run goes on without it


@dataclass
class LlmReader:
    """Reads texts with the endpoint, as far as the cap allows and the endpoint answers.

    `told` counts texts by what became of them: answered, capped, too_long, unheard (nothing to ask), given_up, or the
    reason of the refusal.
    """

    name: str
    endpoint: Endpoint
    rules: LlmRules
    told: Counter[str] = field(default_factory=Counter)
    _sent: int = 0
    _sent_characters: int = 0
    _refusals: int = 0

    def read(self, texts: Sequence[tuple[str, str]]) -> list[Reading | None]:
        """Read (stored text, kind) pairs, in their order; None where the local model has to."""
        return [self._one(Heard.of(*text)) for text in texts]

    def _one(self, heard: Heard) -> Reading | None:
        asked = [(piece.role, redact(heard.words(span))) for piece in heard.pieces for span in piece.sentences]
        size = sum(len(text) for _, text in asked)
        if (outcome := self._unsent(heard, size)) is not None:
            self.told[outcome] += 1
            return None
        self._sent += 1
        self._sent_characters += size
        try:
            answer = self.endpoint.ask(asked)
        except Refused as refused:
            self._refusals += 1
            self.told[refused.reason] += 1
            return None
        self._refusals = 0
        self.told["answered"] += 1
        return reading_of(answer, heard, self.name)

    def _unsent(self, heard: Heard, size: int) -> str | None:
        """Why a text is not sent, or None."""
        if not heard.pieces or says_nothing(heard):
            return "unheard"
        if self._refusals >= _GIVES_UP:
            return "given_up"
        if size > self.rules.longest_text:
            return "too_long"
        if self._sent >= self.rules.most_texts or self._sent_characters + size > self.rules.most_characters:
            return "capped"
        return None


def reading_of(answer: Answer, heard: Heard, name: str) -> Reading:
    """The answer in the same form as the local model's: places in the stored text, `unclear` below the threshold."""
    places = [(piece, span) for piece in heard.pieces for span in piece.sentences]
    findings: list[Finding] = []
    best: dict[str, float] = {}
    for one in sorted(answer.objections, key=lambda one: (one.n, one.label)):
        piece, span = places[one.n]
        findings.append(heard.finding(piece, span, one.label, one.confidence))
        best[one.label] = max(best.get(one.label, 0.0), one.confidence)
    if not best:
        is_unsure = answer.confidence < ABSTAIN
        return Reading((NONE,), NONE, answer.confidence, is_unsure, spoken(heard), (), heard.unheard, name)
    primary = primary_of(best, findings)
    labels = (primary, *(label for label in best if label != primary))
    is_unsure = best[primary] < ABSTAIN
    return Reading(labels, primary, best[primary], is_unsure, spoken(heard), tuple(findings), heard.unheard, name)


@contextmanager
def llm_reader(rules: LlmRules, taxonomy: Taxonomy, resolve: Resolver) -> Iterator[LlmReader | None]:
    """The reader of `rules`; None when it is off. Raises CredentialsError when its connection has no key."""
    if not rules.is_on:
        yield None
        return
    key = resolve(rules.connection).secret() if rules.connection else ""
    with httpx.Client(timeout=rules.timeout_seconds, transport=ReachTransport(rules.endpoint)) as client:
        endpoint = Endpoint(client, rules.endpoint, rules.model, instructions(taxonomy), key)
        yield LlmReader(f"llm:{rules.model}:prompt-{prompt_version(taxonomy)}", endpoint, rules)


def read_by(reader: LlmReader | None, local: Model, texts: Sequence[tuple[str, str]]) -> list[Reading]:
    """Read texts with `reader`, and with the local model what it leaves (everything without one)."""
    answers: list[Reading | None] = reader.read(texts) if reader else [None] * len(texts)
    left = [text for text, answer in zip(texts, answers, strict=True) if answer is None]
    local_readings = iter(read_texts(local, left))
    return [next(local_readings) if answer is None else answer for answer in answers]
