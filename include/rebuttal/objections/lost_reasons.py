"""A CRM's list of lost reasons: what each value means is configured; what has no meaning is shown, not guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rebuttal.configuration import LostReasons, folded, read_lost_reasons
from rebuttal.errors import ConfigError
from rebuttal.objections.gathering import VOCABULARY, Verdict, Voice
from rebuttal.objections.language import language_of
from rebuttal.objections.reading import CLASSIFIED, UNCLEAR
from rebuttal.objections.redaction import redact
from rebuttal.objections.speech import REP
from rebuttal.objections.taxonomy import GENERAL, LABELS, NONE

MAPPED, UNMAPPED, READ = "mapped", "unmapped", "read"
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Written:
    """A lost reason as it stands in deals of one account."""

    source: str
    account_id: str
    value: str
    text_hash: str
    deal_count: int


@dataclass(frozen=True)
class Judged:
    """What the written reasons mean. `rows` are those of `marts.lost_reason`."""

    verdicts: Mapping[tuple[str, str], Verdict]  # (source, text_hash)
    rows: Sequence[dict[str, Any]]

    @cached_property
    def unmapped(self) -> list[dict[str, Any]]:
        """The values that somebody has to give a meaning, the most frequent first."""
        found = [row for row in self.rows if row["status"] == UNMAPPED]
        return sorted(found, key=lambda row: (-row["deal_count"], row["source"], row["value"]))


def load_lost_reasons(config: Path) -> LostReasons:
    """`<config>/lost_reasons.yml` with meanings that exist. Raises ConfigError naming the value that means nothing."""
    reasons = read_lost_reasons(config)
    for source, field in reasons.sources.items():
        for value, meaning in field.values.items():
            if meaning not in (*LABELS, UNCLEAR):
                raise ConfigError(
                    f"{config / 'lost_reasons.yml'}: {source} {value!r} means {meaning!r}, which is no label",
                    next_step=f"Use one of {', '.join((*LABELS, UNCLEAR))}",
                )
    return reasons


def judge(written: Sequence[Written], reasons: LostReasons) -> Judged:
    """The verdicts of the values that have a meaning, and of a list's values that have none (unclear). Pure."""
    verdicts: dict[tuple[str, str], Verdict] = {}
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in written:
        meaning = reasons.meaning(one.source, one.value)
        shown = redact(" ".join(one.value.replace("\0", " ").split()))[:_LONGEST_SHOWN]
        if meaning is not None:
            status = MAPPED
            verdicts[one.source, one.text_hash] = _verdict(one.value, meaning)
        elif one.source in reasons.lists:
            status = UNMAPPED
            verdicts[one.source, one.text_hash] = _verdict(one.value, UNCLEAR)
        elif one.deal_count >= reasons.repeated:
            status = UNMAPPED  # the classifier reads it, as it reads all free text; a person should still look
        else:
            status = READ
        if status != READ:  # what people write once is no vocabulary
            row = rows.setdefault(
                (one.source, one.account_id, folded(shown)),
                {
                    "source": one.source, "account_id": one.account_id, "value": shown, "meaning": meaning,
                    "status": status, "deal_count": 0,
                },
            )  # fmt: skip
            row["deal_count"] += one.deal_count
    return Judged(verdicts, list(rows.values()))


def _verdict(value: str, meaning: str) -> Verdict:
    language = language_of(value)
    if meaning == UNCLEAR:
        return Verdict((NONE,), NONE, 0.0, UNCLEAR, language, (), VOCABULARY)
    if meaning == NONE:
        return Verdict((NONE,), NONE, 1.0, NONE, language, (), VOCABULARY)
    quote = redact(" ".join(value.replace("\0", " ").split()))
    voice = Voice(meaning, GENERAL, 1.0, 0, len(value), quote, REP)
    return Verdict((meaning,), meaning, 1.0, CLASSIFIED, language, (voice,), VOCABULARY)
