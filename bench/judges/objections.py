"""What was said."""

from __future__ import annotations

import json
from collections import Counter

from bench.judges.measure import Measures, Query, Truth, ratio

TEXT_KINDS = {"notes": "note", "calls": "call", "responses": "survey", "deals": "lost_reason"}


def objections(query: Query, truth: Truth) -> Measures:
    """Labels of texts, F1 over 16 categories and none: against what is written in them, and (`voiced`) against what the
    buyer really said, which reps note badly, wrongly or not at all and which no reader of texts can fully know."""
    ours = {(kind, source_id): set(json.loads(labels)) for kind, source_id, labels in query(
        "SELECT source_kind, source_id, labels FROM marts.text_label")}  # fmt: skip
    keyed = {(TEXT_KINDS[row["stream"]], str(row["id"])): row for row in truth["texts"]}
    heard = [key for key in keyed if key in ours]
    got = [ours[key] - {"unclear"} or {"none"} for key in heard]
    written = [{span["code"] for span in keyed[key]["says"] if not span["is_quoted"]} or {"none"} for key in heard]
    voiced = [set(keyed[key]["voiced"]) or {"none"} for key in heard]
    return {
        **_scores("objection", got, written),
        **_scores("objection_voiced", got, voiced),
        "objection_texts_heard": ratio(len(heard), len(keyed)),
    }


def _scores(name: str, got: list[set[str]], expected: list[set[str]]) -> Measures:
    hits = Counter(code for mine, theirs in zip(got, expected, strict=True) for code in mine & theirs)
    said = Counter(code for mine in got for code in mine)
    true = Counter(code for theirs in expected for code in theirs)
    scores = [2 * hits[code] / (said[code] + true[code]) for code in true]
    return {
        f"{name}_macro_f1": sum(scores) / len(scores) if scores else None,
        f"{name}_none_precision": ratio(hits["none"], said["none"]),
        f"{name}_none_recall": ratio(hits["none"], true["none"]),
    }
