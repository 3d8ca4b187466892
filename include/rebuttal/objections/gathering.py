"""From sentences to objections: one per deal (or person) and sub-reason, however often it was told. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from rebuttal.objections.speech import BUYER, REP
from rebuttal.objections.taxonomy import Taxonomy

BASE_CURRENCY = "EUR"
_WON = "won"
# Who said what a text means: the classifier, a person, or the company's list of lost reasons.
MODEL, PERSON, VOCABULARY = "model", "person", "vocabulary"


@dataclass(frozen=True)
class Voice:
    """One sentence with its category and theme. `quote` is redacted, offsets are in the stored text."""

    category: str
    theme: str
    confidence: float
    start: int
    end: int
    quote: str
    role: str


@dataclass(frozen=True)
class Verdict:
    """What the model said of one text: the columns of `text_label` that depend on the words alone."""

    labels: tuple[str, ...]
    primary: str
    confidence: float
    status: str
    language: str
    voices: tuple[Voice, ...] = ()
    decided_by: str = MODEL
    model: str = ""  # who said it, where that is not the model of the whole run


@dataclass(frozen=True)
class Text:
    """Where and when a text was said, about which deal or person. `key`: source_kind, source, account_id, source_id."""

    key: tuple[str, str, str, str]
    occurred_at: datetime | None
    deal_id: str | None
    contact_id: str | None
    person_id: str | None
    text_hash: str
    form_id: str | None = None


@dataclass
class Gathered:
    """Rows for the three marts, by column name."""

    text_labels: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    objections: list[dict[str, Any]] = field(default_factory=list)


def gather(
    heard: Sequence[tuple[Text, Verdict]], deals: Mapping[str, Mapping[str, Any]], taxonomy: Taxonomy, model: str
) -> Gathered:
    """The rows of all three marts from texts and verdicts; `deals` by deal id as `sql/deals.sql` gives them."""
    gathered = Gathered()
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    persons: dict[tuple[str, str], str | None] = {}
    for text, verdict in heard:
        deal = deals.get(text.deal_id or "", {})
        person = text.person_id or deal.get("person_id")
        gathered.text_labels.append(_text_label(text, verdict, person, model))
        subject = subject_of(text, person)
        if verdict.voices and persons.get(subject) is None:
            persons[subject] = person
        for voice in verdict.voices:
            groups[(*subject, voice.category, voice.theme)].append(_evidence(text, verdict, voice))
    for (kind, subject_id, category, theme), rows in groups.items():
        objection_id = _identifier(kind, subject_id, category, theme)
        for row in rows:
            row["objection_id"] = objection_id
            row["evidence_id"] = _identifier(objection_id, *(row[name] for name in _TEXT_KEY), row["quote_start"])
        gathered.evidence += rows
        gathered.objections.append(
            {
                "objection_id": objection_id,
                "subject_kind": kind,
                "subject_id": subject_id,
                "deal_id": subject_id if kind == "deal" else None,
                "person_id": persons[kind, subject_id],
                "category": category,
                "family": taxonomy.categories[category].family,
                "theme": theme,
                **_told(rows),
                **_at_stake(deals.get(subject_id, {}) if kind == "deal" else {}),
                "currency": BASE_CURRENCY,
                "partner_id": None,
                "model": model,
            }
        )
    return gathered


_TEXT_KEY = ("source_kind", "source", "account_id", "source_id")


def _text_label(text: Text, verdict: Verdict, person: str | None, model: str) -> dict[str, Any]:
    return {
        **dict(zip(_TEXT_KEY, text.key, strict=True)),
        "occurred_at": text.occurred_at,
        "deal_id": text.deal_id,
        "contact_id": text.contact_id,
        "person_id": person,
        "language": verdict.language,
        "labels": json.dumps(list(verdict.labels)),
        "primary_label": verdict.primary,
        "confidence": verdict.confidence,
        "status": verdict.status,
        "decided_by": verdict.decided_by,
        "model": verdict.model or model,
        "text_hash": text.text_hash,
    }


def subject_of(text: Text, person: str | None) -> tuple[str, str]:
    """Whose objection a text tells: ("deal", id), or ("person", id) where no deal is known."""
    if text.deal_id:
        return "deal", text.deal_id
    # Somebody we cannot tell from others is still somebody: nothing that was said is dropped.
    return "person", person or f"anonymous-{_identifier(*text.key[1:3], text.key[3].removesuffix('#reason'))}"


def _evidence(text: Text, verdict: Verdict, voice: Voice) -> dict[str, Any]:
    return {
        **dict(zip(_TEXT_KEY, text.key, strict=True)),
        "source_link": source_link(text),
        "occurred_at": text.occurred_at,
        "quote": voice.quote,
        "quote_start": voice.start,
        "quote_end": voice.end,
        "language": verdict.language,
        "confidence": voice.confidence,
        "source_role": voice.role,
    }


def _told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """When and how it was told; the quote is the buyer's before a rep's, the surest, the earliest."""

    def rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
        told_at = row["occurred_at"].timestamp() if row["occurred_at"] else 0.0
        where = (*(row[name] for name in _TEXT_KEY), row["quote_start"])
        return (row["source_role"] != BUYER, -row["confidence"], told_at, where)

    best = min(rows, key=rank)
    times = [row["occurred_at"] for row in rows if row["occurred_at"]]
    return {
        "first_voiced_at": min(times, default=None),
        "last_voiced_at": max(times, default=None),
        "week_start": _monday(min(times).date()) if times else None,
        "evidence_count": len(rows),
        "quote": best["quote"],
        "language": best["language"],
        "confidence": max(row["confidence"] for row in rows),
        "source_role": BUYER if any(row["source_role"] == BUYER for row in rows) else REP,
    }


def _at_stake(deal: Mapping[str, Any]) -> dict[str, Any]:
    amount = deal.get("amount_base")
    at_risk = None if amount is None else float(amount)
    outcome = deal.get("outcome")
    return {
        "money_at_risk_base": 0.0 if outcome == _WON else at_risk,
        "outcome": outcome,
        **{name: deal.get(name) for name in ("stage", "channel", "product", "segment")},
    }


_LINKS = {
    ("hubspot", "note"): "https://app.hubspot.com/contacts/{account}/record/0-46/{id}",
    ("hubspot", "call"): "https://app.hubspot.com/contacts/{account}/record/0-48/{id}",
    ("hubspot", "lost_reason"): "https://app.hubspot.com/contacts/{account}/record/0-3/{id}",
    ("typeform", "survey"): "https://admin.typeform.com/form/{form}/results#responses",
}


def source_link(text: Text) -> str | None:
    """The address where a person with access sees the text in its own tool; None for a tool we have no pattern for."""
    kind, source, account, identifier = text.key
    pattern = _LINKS.get((source, kind))
    return pattern.format(account=account, id=identifier, form=text.form_id or "") if pattern else None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _identifier(*parts: Any) -> str:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
