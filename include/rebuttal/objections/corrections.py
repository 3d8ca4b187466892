"""What people say a text means: kept in the state store, stronger than the classifier, and part of its training.

A correction belongs to a text by the md5 of its words, so copies of one text share it, and a text that is edited later
is judged anew. The latest answer holds; the journal (kind `label_correction`) keeps each of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.objections.corrections_lookup import TextKey, look_up
from rebuttal.objections.markup import readable
from rebuttal.objections.redaction import redact
from rebuttal.objections.taxonomy import LABELS, NONE
from rebuttal.objections.training import Example
from rebuttal.settings import Settings
from rebuttal.state import LabelCorrection, Sessions, open_state, record_decision

WEIGHT = 3  # a correction trains as much as so many of the shipped texts: it is about this company's own buyers
LONGEST_TRAINED = 600  # characters; of a longer text nobody knows which sentence the correction is about
NEW, CHANGED, SAME, OLDER = "new", "changed", "same", "older"
_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Correction:
    """One text's right labels: `primary` is among `labels`, `text` its redacted words (None: too long to train on)."""

    text_hash: str
    labels: tuple[str, ...]
    primary: str
    text: str | None
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True)
class Corrections:
    """All corrections that hold, by the md5 of the text."""

    by_hash: Mapping[str, Correction]

    @cached_property
    def examples(self) -> list[Example]:
        """The texts to train on beside the shipped ones, each as often as it counts.

        Copies that differ in case and punctuation only are one situation, so cross-validation never sees them on both
        sides.
        """
        found = []
        for text_hash, one in sorted(self.by_hash.items()):
            if one.text:
                words = " ".join(re.findall(r"\w+", one.text.lower())) or one.text
                situation = f"correction-{hashlib.sha256(words.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
                example = Example(f"correction-{text_hash}", "", "", one.text, one.labels, one.primary, situation)
                found += [example] * WEIGHT
        return found


@dataclass(frozen=True)
class Answer:
    """What a person says about one text, which is named by its hash, by its key, or told word for word."""

    labels: tuple[str, ...]
    primary: str
    by: str
    reason: str | None = None
    at: datetime | None = None
    text_hash: str | None = None
    key: TextKey | None = None
    text: str | None = None

    @classmethod
    def of(cls, labels: Sequence[str], by: str, *, primary: str | None = None, **where: Any) -> Answer:
        """An answer that is checked for what can be known without the stores; `primary` is the first label if None.

        Raises ConfigError: no or unknown labels, `none` beside others, a primary that is not among them, nobody named,
        a hash that is none, a time without a zone, no text named.
        """
        chosen = tuple(dict.fromkeys(label.strip() for label in labels if label.strip()))
        unknown = [label for label in chosen if label not in LABELS]
        if unknown or not chosen:
            what = f"{unknown[0]!r} is no label" if unknown else "A correction needs a label"
            raise ConfigError(what, next_step=f"Use {', '.join(LABELS)}")
        if NONE in chosen and len(chosen) > 1:
            raise ConfigError("'none' stands alone", next_step="Leave out none, or the other labels")
        first = (primary or "").strip() or chosen[0]
        if first not in chosen:
            raise ConfigError(f"The primary label {first!r} is not among the labels", next_step="Add it to the labels")
        if not by.strip():
            raise ConfigError("A correction is made by a named person", next_step="Say who says so")
        answer = cls(chosen, first, " ".join(by.split()), **where)
        if answer.text_hash is not None and not _HASH.fullmatch(answer.text_hash):
            raise ConfigError(f"{answer.text_hash!r} is no text hash", next_step="See `rebuttal objections review`")
        if answer.at is not None and answer.at.tzinfo is None:
            raise ConfigError("The time of a correction needs its zone", next_step="Write 2026-03-04T10:00:00Z")
        if answer.text_hash is None and answer.key is None and not (answer.text or "").strip():
            raise ConfigError("The correction names no text", next_step="Give its text hash, its key or its words")
        return answer


@dataclass(frozen=True)
class Outcome:
    """What became of an answer: `new`, `changed`, `same` (nothing written) or `older` than the answer that holds."""

    text_hash: str
    labels: tuple[str, ...]
    outcome: str
    is_trained_on: bool


def load_corrections(settings: Settings) -> Corrections:
    """The corrections that hold."""
    with open_state(settings) as sessions, sessions() as session:
        rows = session.scalars(select(LabelCorrection)).all()
    return Corrections({row.text_hash: _correction(row) for row in rows})


def correct(context: Context, answers: Sequence[Answer]) -> list[Outcome | ConfigError]:
    """Keep what people say, in one transaction; the next `listen` trains with it and obeys it.

    Per answer its outcome, or the ConfigError that says why it is refused (a text that nobody has heard); the others
    are kept. The same answer again changes nothing.
    """
    heard = look_up(context, [one.text_hash for one in answers], [one.key for one in answers])
    outcomes: list[Outcome | ConfigError] = []
    with open_state(context.settings) as sessions, sessions.begin() as session:
        for answer in answers:
            text_hash, stored = answer.text_hash or heard.hashes.get(answer.key), answer.text
            if text_hash is not None:
                stored = heard.bodies.get(text_hash)
            elif answer.key is None and stored is not None:
                text_hash = text_hash_of(stored)
            if text_hash is None or stored is None:
                named = answer.text_hash or " ".join(answer.key or ())
                outcomes.append(
                    ConfigError(f"No text {named} has been heard", next_step="Run `rebuttal listen`, or check the key")
                )
                continue
            said = heard.said.get(text_hash, {})
            outcomes.append(_keep(session, answer, text_hash, stored, said, answer.at or context.clock.now()))
    return outcomes


def forget(sessions: Sessions, text_hashes: Sequence[str]) -> int:
    """Delete the corrections of these texts (a person asked to be forgotten); returns how many there were."""
    with sessions.begin() as session:
        rows = session.scalars(select(LabelCorrection).where(LabelCorrection.text_hash.in_(text_hashes))).all()
        for row in rows:
            session.delete(row)
    return len(rows)


def _keep(
    session: Session, answer: Answer, text_hash: str, stored: str, said: Mapping[str, Any], at: datetime
) -> Outcome:
    text = _trained_on(stored)
    row = session.get(LabelCorrection, text_hash)
    if row is None:
        row, outcome = LabelCorrection(text_hash=text_hash, revision=0), NEW
    elif (tuple(row.labels), row.primary_label) == (answer.labels, answer.primary):
        return Outcome(text_hash, answer.labels, SAME, row.text is not None)
    elif at < row.corrected_at:
        return Outcome(text_hash, tuple(row.labels), OLDER, row.text is not None)
    else:
        outcome = CHANGED
    before = {"labels": list(row.labels), "by": row.corrected_by} if outcome == CHANGED else None
    row.labels, row.primary_label, row.text = list(answer.labels), answer.primary, text
    row.source_kind, row.source, row.account_id, row.source_id = answer.key or (None, None, None, None)
    row.revision += 1
    row.corrected_by, row.corrected_at = answer.by, at
    row.reason = redact(" ".join(answer.reason.split())) if answer.reason and answer.reason.strip() else None
    session.add(row)
    again = "" if row.revision == 1 else f" (answer {row.revision})"
    record_decision(
        session,
        kind="label_correction",
        subject=f"text {text_hash}",
        decision=", ".join((answer.primary, *(label for label in answer.labels if label != answer.primary))) + again,
        evidence={"reason": row.reason, "model_said": dict(said) or None, "people_said_before": before},
        decided_by=answer.by,
        decided_at=at,
    )
    return Outcome(text_hash, answer.labels, outcome, text is not None)


def _trained_on(stored: str) -> str | None:
    words = " ".join(redact(readable(stored).text).replace("\0", " ").split())
    return words if 0 < len(words) <= LONGEST_TRAINED else None


def text_hash_of(text: str) -> str:
    """The md5 by which a text is known, as the warehouse computes it."""
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _correction(row: LabelCorrection) -> Correction:
    return Correction(
        row.text_hash, tuple(row.labels), row.primary_label, row.text, row.corrected_by, row.corrected_at, row.reason
    )
