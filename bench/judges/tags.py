"""Tags: what we say of each visit's tags beside what truly happened to them, as far as it can be known.

A mismatch is judged only where what arrived tells it: tags lost together with the click id look like a direct visit, a
slip in the name of a campaign that nobody registered is just an unregistered name. `possible` says what may be said.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from bench.judges.measure import Measures, Query, Truth, ratio, struck

DETERMINISTIC = (
    "missing_on_paid_click",
    "case_variant",
    "swapped_fields",
    "contradicts_click_id",
    "contradicts_referrer",
    "unregistered",
    "ai_assistant",
)
FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
ASSISTANTS = frozenset({
    "chatgpt.com", "www.perplexity.ai", "gemini.google.com", "copilot.microsoft.com", "claude.ai",
})  # fmt: skip
_ASSISTANT_SOURCES = ("chatgpt.com", "perplexity")
_SUGGESTED = re.compile(r"(utm_\w+)=([^,;]+)")
# Slips that touch what tells near-twins apart: no suggestion may be made, however likely it looks.
_FORBIDDEN = ("number", "code")
Row = dict[str, Any]


def possible(row: Row) -> frozenset[str]:
    """The statuses that are right for a visit of the truth; more than one where what arrived allows both."""
    arrived, fault = row["arrived"], row["tag_fault"]
    from_assistant = urlsplit(row["referrer"]).hostname in ASSISTANTS
    if not arrived:
        if row["click_id_arrived"]:
            return frozenset({"missing_on_paid_click"})
        return frozenset({"ai_assistant" if from_assistant else "untagged"})
    if arrived.get("utm_source") in _ASSISTANT_SOURCES:
        return frozenset({"ai_assistant"})
    if fault == "contradicts_click":
        # Without the click id, only a referrer of another family (or an unregistered name) may give it away.
        is_known = row["click_id_arrived"]
        return frozenset({"contradicts_click_id"} if is_known else {"ok", "contradicts_referrer", "unregistered"})
    if fault == "contradicts_referrer":
        # A page that belongs to nobody we know contradicts nothing.
        return frozenset({"contradicts_referrer" if row["referrer"].startswith("https://t.me/") else "ok"})
    if fault in ("unregistered", "relative"):
        return frozenset({"unregistered"})
    if fault in ("case", "misspelt", "swapped") and not row["is_registered"]:
        return frozenset({"unregistered", "swapped_fields"} if fault == "swapped" else {"unregistered"})
    if fault == "misspelt":
        kind = row["slip"]["kind"]
        if kind in _FORBIDDEN:
            return frozenset({"unregistered"})
        return frozenset({"spelling_variant", "unregistered"} if kind == "short" else {"spelling_variant"})
    return frozenset({{"case": "case_variant", "swapped": "swapped_fields"}.get(fault, "ok")})


def tags(query: Query, truth: Truth) -> Measures:
    """Precision and recall per kind, the suggestions, and what was changed that should not be."""
    columns = ", ".join((*FIELDS, *(f"{field}_norm" for field in FIELDS)))
    found = query(f"SELECT visit_id, utm_status, utm_detail, {columns} FROM core.visit")
    true, bad = {str(row["visit_id"]): row for row in truth["visits"]}, struck(truth, "visits")
    visits = [(true[visit[0]], visit) for visit in found if visit[0] in true and visit[0] not in bad]
    return _kinds(visits) | _suggestions(visits) | _changes(visits)


def disagreements(query: Query, truth: Truth) -> list[tuple[str, str, str, Row, Any]]:
    """(truth's fault, what may be said, what we say, the true visit, ours) where they differ: for a person to look."""
    columns = ", ".join((*FIELDS, *(f"{field}_norm" for field in FIELDS)))
    true, bad = {str(row["visit_id"]): row for row in truth["visits"]}, struck(truth, "visits")
    return [
        (row["tag_fault"], "|".join(sorted(possible(row))), visit[1], row, visit)
        for visit in query(f"SELECT visit_id, utm_status, utm_detail, {columns} FROM core.visit")
        if visit[0] not in bad and (row := true.get(visit[0])) is not None and visit[1] not in possible(row)
    ]


def _kinds(visits: list[tuple[Row, Any]]) -> Measures:
    due, hit, said, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    flagged = 0
    for row, visit in visits:
        status, may_be = visit[1], possible(row)
        said[status] += 1
        right[status] += status in may_be
        flagged += may_be <= {"ok", "untagged"} and status not in may_be
        if len(may_be) == 1:
            (wanted,) = may_be
            due[wanted] += 1
            hit[wanted] += status == wanted
    measures: Measures = {"tags_good_visits_flagged_lower_is_better": float(flagged)}
    for kind in DETERMINISTIC:
        measures[f"tags_{kind}_recall"] = ratio(hit[kind], due[kind])
        measures[f"tags_{kind}_precision"] = ratio(right[kind], said[kind])
    return measures


def _suggestions(visits: list[tuple[Row, Any]]) -> Measures:
    """Suggested values against what the tags should be; and what would come of it if a person accepted them all."""
    due = found = made = right = forbidden = 0
    aliases: dict[tuple[str, str], str] = {}
    for row, visit in visits:
        is_due = possible(row) == {"spelling_variant"}
        due += is_due
        if visit[1] != "spelling_variant":
            continue
        told = {field: value.strip() for field, value in _SUGGESTED.findall(visit[2] or "")}
        is_right = bool(told) and all(row["tags"].get(field) == value for field, value in told.items())
        made += 1
        right += is_right
        found += is_right and is_due
        forbidden += row["slip"] is None or row["slip"]["kind"] in _FORBIDDEN
        raw = dict(zip(FIELDS, visit[3:8], strict=True))
        aliases |= {
            (field, _folded(raw[field])): value
            for field, value in told.items()
            if raw.get(field) and _folded(raw[field]) != _folded(value)
        }
    merged_wrongly = sum(
        any(
            (meant := aliases.get((field, _folded(value or "")))) is not None and row["tags"].get(field) != meant
            for field, value in zip(FIELDS, visit[3:8], strict=True)
        )
        for row, visit in visits
    )
    return {
        "suggestion_recall": ratio(found, due),
        "suggestion_precision": ratio(right, made),
        "suggestions_between_near_twins_lower_is_better": float(forbidden),
        "wrong_merges_if_all_accepted_lower_is_better": float(merged_wrongly),
    }


def _changes(visits: list[tuple[Row, Any]]) -> Measures:
    """Visits whose meaning we changed to something else than it should be, and raw values that are not what came."""
    wrong = raw_changed = 0
    for row, visit in visits:
        raw, norm = visit[3:8], visit[8:13]
        raw_changed += any((row["arrived"].get(field) or None) != came for field, came in zip(FIELDS, raw, strict=True))
        wrong += any(
            came != means and row["tags"].get(field) != means
            for field, came, means in zip(FIELDS, raw, norm, strict=True)
        )
    return {
        "wrong_merges_applied_lower_is_better": float(wrong),
        "raw_tags_changed_lower_is_better": float(raw_changed),
    }


def _folded(value: str) -> str:
    return " ".join(value.split()).casefold()
