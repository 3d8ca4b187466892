"""Copies found, per kind, and true rows folded."""

from __future__ import annotations

from collections import Counter, defaultdict

from bench.judges.measure import Measures, Query, Truth, last_part, ratio, struck

# Where each stream's own ids stand as they were landed.
LANDED = {
    "hits": "SELECT DISTINCT watch_id FROM landing.yandex_metrica__hits",
    "visits": "SELECT DISTINCT visit_id FROM landing.yandex_metrica__visits",
    "responses": "SELECT DISTINCT response_id FROM landing.typeform__responses",
}
STREAM_ENTITY = {"hits": "hit", "visits": "visit", "responses": "survey_response"}
# Our kind of a fold -> the true kinds that it is meant for.
FOLDS = {"same_key": ("resent",), "same_event": ("double", "refired"), "resubmitted": ("resubmitted",)}
Row = tuple[str, str]  # entity, id


def duplicates(query: Query, truth: Truth) -> Measures:
    """Recall per kind of copy, and precision per kind of fold (a wrong fold is a true row lost).

    Which of two twins survives is our rule's choice; the truth only says that they are one event. Copies in rows that
    were not asked for yet (the account-local day that is not over) are not judged, nor twins of which one is a bad row.
    """
    landed = {stream: {row[0] for row in query(sql)} for stream, sql in LANDED.items()}
    bad = struck(truth, *LANDED)
    copies = [
        row for row in truth["copies"]
        if (ids := {row["id"], row["original_id"]}) <= landed[row["stream"]] and not ids & bad
    ]  # fmt: skip
    folds = [
        (kind, (entity, last_part(key)), (entity, last_part(survivor)))
        for kind, entity, key, survivor in query(
            "SELECT kind, entity, natural_key, survivor_key FROM ops.duplicate WHERE undone_by_batch_id IS NULL"
        )
        if entity in STREAM_ENTITY.values() and last_part(key) not in bad
    ]
    again = Counter(row for _, row, survivor in folds if row == survivor)
    folded = {row for _, row, survivor in folds if row != survivor}
    group: dict[Row, Row] = {}
    sent_again: Counter[Row] = Counter()
    members: dict[Row, set[Row]] = defaultdict(set)
    for copy in copies:
        one, original = _rows(copy)
        if one == original:
            sent_again[one] += 1
        else:
            root = group.setdefault(original, original)
            group[one] = root
            members[root] |= {one, original}
    total = Counter(copy["kind"] for copy in copies)
    caught = Counter({"resent": sum(min(count, again[row]) for row, count in sent_again.items())})
    for copy in copies:
        one, original = _rows(copy)
        if one != original:
            together = members[group[one]]
            gone = sum(member in folded for member in together)
            caught[copy["kind"]] += gone >= len(together) - 1 or one in folded
    right, wrong = Counter[str](), Counter[str]()
    for kind, row, survivor in folds:
        if row != survivor:
            (right if group.get(row, row) == group.get(survivor, survivor) else wrong)[kind] += 1
    for row, count in again.items():
        right["same_key"] += min(count, sent_again[row])
        wrong["same_key"] += max(0, count - sent_again[row])
    return {
        **{f"duplicate_recall_{kind}": ratio(caught[kind], total[kind]) for kinds in FOLDS.values() for kind in kinds},
        **{f"duplicate_precision_{kind}": ratio(right[kind], right[kind] + wrong[kind]) for kind in FOLDS},
        "duplicate_precision": ratio(right.total(), right.total() + wrong.total()),
        "true_rows_folded_lower_is_better": float(wrong.total()),
    }


def merged_records(query: Query, truth: Truth) -> Measures:
    """Records that the CRM merged, as one person of ours: of those that were landed."""
    person = dict(
        query("SELECT identifier, person_id FROM core.person_identifier WHERE identifier_kind = 'contact_id'")
    )  # fmt: skip
    pairs = [row["ids"] for row in truth["injected"] if row["kind"] == "merged"] if "injected" in truth else []
    known = [(one, other) for one, other in pairs if one in person or other in person]
    return {
        "duplicate_recall_vendor_merged": ratio(
            sum(person.get(one, one) == person.get(other, other) or one not in person for one, other in known),
            len(known),
        )
    }


def _rows(copy: dict[str, str]) -> tuple[Row, Row]:
    entity = STREAM_ENTITY[copy["stream"]]
    return (entity, copy["id"]), (entity, copy["original_id"])
