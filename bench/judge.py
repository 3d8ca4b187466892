"""Judges: our stored numbers beside the world's hidden truth, as measures (name -> value). They read, never change.

Higher is better unless a name says otherwise. A measure that has nothing to measure is None, never 0 or 1.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

Truth = dict[str, Any]
Measures = dict[str, float | None]
Query = Callable[[str], list[Any]]

# Where each stream's own ids stand as they were landed.
LANDED = {
    "hits": "SELECT DISTINCT watch_id FROM landing.yandex_metrica__hits",
    "visits": "SELECT DISTINCT visit_id FROM landing.yandex_metrica__visits",
    "responses": "SELECT DISTINCT response_id FROM landing.typeform__responses",
}
STREAM_ENTITY = {"hits": "hit", "visits": "visit", "responses": "survey_response"}
TEXT_KINDS = {"notes": "note", "calls": "call", "responses": "survey", "deals": "lost_reason"}
MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position_based")


def judge(connection: Connection, truth: Truth) -> Measures:
    """All measures of one world."""

    def query(sql: str) -> list[Any]:
        return list(connection.execute(text(sql)))

    measures: Measures = {}
    for part in (duplicates, losses, identity, objections, money, attribution):
        measures.update(part(query, truth))
    return measures


def duplicates(query: Query, truth: Truth) -> Measures:
    """Copies caught per kind, and folds that were no copies (each is a true row lost).

    Which of two twins survives is our rule's choice; the truth only says that they are one event. Copies in rows that
    were not asked for yet (the account-local day that is not over) are not judged.
    """
    landed = {stream: {row[0] for row in query(sql)} for stream, sql in LANDED.items()}
    copies = [row for row in truth["copies"] if {row["id"], row["original_id"]} <= landed[row["stream"]]]
    folds = [(entity, _id(key), _id(survivor)) for entity, key, survivor in query(
        "SELECT entity, natural_key, survivor_key FROM ops.duplicate")]  # fmt: skip
    again = Counter((entity, key) for entity, key, survivor in folds if key == survivor)
    folded = {(entity, key) for entity, key, survivor in folds if key != survivor}
    group: dict[tuple[str, str], str] = {}
    total: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    sent_again: Counter[tuple[str, str]] = Counter()
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for copy in copies:
        entity, one, original = STREAM_ENTITY[copy["stream"]], copy["id"], copy["original_id"]
        total[copy["kind"]] += 1
        if one == original:
            sent_again[entity, one] += 1
        else:
            root = group.setdefault((entity, original), original)
            group[entity, one] = root
            members[entity, root] |= {one, original}
    for key, count in sent_again.items():
        caught["resent"] += min(count, again[key])
    for copy in copies:
        entity, one, original = STREAM_ENTITY[copy["stream"]], copy["id"], copy["original_id"]
        if one != original:
            together = members[entity, group[entity, one]]
            gone = sum((entity, member) in folded for member in together)
            caught[copy["kind"]] += gone >= len(together) - 1 or (entity, one) in folded
    wrong = sum(group.get((entity, key), key) != group.get((entity, survivor), survivor)
                for entity, key, survivor in folds if key != survivor)  # fmt: skip
    wrong += sum(max(0, count - sent_again[key]) for key, count in again.items())
    measures = {f"duplicate_recall_{kind}": _ratio(caught[kind], count) for kind, count in sorted(total.items())}
    measures["duplicate_precision"] = _ratio(sum(caught.values()), sum(caught.values()) + wrong)
    measures["true_rows_folded_lower_is_better"] = float(wrong)
    return measures


def losses(query: Query, truth: Truth) -> Measures:
    """True visits that are neither in core nor in quarantine. 0 is what is promised."""
    known = {row[0] for row in query("SELECT visit_id FROM core.visit")}
    quarantined = query("SELECT count(*) FROM ops.quarantine WHERE status = 'quarantined'")[0][0]
    landed = {row[0] for row in query(LANDED["visits"])}
    due = {str(row["visit_id"]) for row in truth["visits"] if _is_asked_for(row["at"], truth)}
    lost = ((due | landed) & {str(row["visit_id"]) for row in truth["visits"]}) - known
    return {
        "visits_lost_lower_is_better": float(len(lost)),
        "rows_quarantined_lower_is_better": float(quarantined),
    }


def identity(query: Query, truth: Truth) -> Measures:
    """Pairwise precision and recall over contacts and client ids; `knowable` counts only pairs that evidence joins."""
    ours = {(kind, value): person for kind, value, person in query(
        "SELECT identifier_kind, identifier, person_id FROM core.person_identifier "
        "WHERE identifier_kind IN ('contact_id', 'client_id')")}  # fmt: skip
    person_of: dict[tuple[str, str], str] = {}
    linked_of: dict[tuple[str, str], tuple[str, int]] = {}
    for row in truth["persons"]:
        for kind, values in (("contact_id", row["contacts"]), ("client_id", row["client_ids"])):
            for value in values:
                person_of[kind, str(value)] = row["person"]
        for number, linked in enumerate(row["linked"]):
            for node in linked:
                kind, _, value = node.partition(":")
                linked_of[{"contact": "contact_id"}.get(kind, kind), value] = (row["person"], number)
    nodes = [node for node in ours if node in person_of]
    predicted = _pairs(ours[node] for node in nodes)
    both = _pairs((ours[node], person_of[node]) for node in nodes)
    both_linked = _pairs((ours[node], linked_of.get(node, node)) for node in nodes)
    return {
        "identity_precision": _ratio(both, predicted),
        "identity_recall_all": _ratio(both, _pairs(person_of[node] for node in nodes)),
        "identity_recall_knowable": _ratio(both_linked, _pairs(linked_of.get(node, node) for node in nodes)),
    }


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
        "objection_texts_heard": _ratio(len(heard), len(keyed)),
    }


def _scores(name: str, got: list[set[str]], expected: list[set[str]]) -> Measures:
    hits = Counter(code for mine, theirs in zip(got, expected, strict=True) for code in mine & theirs)
    said = Counter(code for mine in got for code in mine)
    true = Counter(code for theirs in expected for code in theirs)
    scores = [2 * hits[code] / (said[code] + true[code]) for code in true]
    return {
        f"{name}_macro_f1": sum(scores) / len(scores) if scores else None,
        f"{name}_none_precision": _ratio(hits["none"], said["none"]),
        f"{name}_none_recall": _ratio(hits["none"], true["none"]),
    }


def money(query: Query, truth: Truth) -> Measures:
    """Our sums over the true ones; 1 is right."""
    measures: Measures = {}
    spent = {source.replace("_", "-"): float(cost) for source, cost in query(
        "SELECT source, sum(cost) FROM core.ad_performance GROUP BY source")}  # fmt: skip
    paid: Counter[str] = Counter()
    for row in truth["spend"]:
        if row["date"] < truth["now"][:10]:
            paid[row["platform"]] += row["cost_micros"]
    for platform, micros in paid.items():
        measures[f"spend_{platform}_ratio"] = _ratio(spent.get(platform, 0.0), micros / 1_000_000)
    # Revenue net of refunds, as the CRM keeps it, in each deal's own currency: exchange rates are not judged here.
    rates = {currency: float(rate) for currency, rate in truth["eur_per_unit"].items()}
    begun = truth["from"][:10]
    won = query(
        "SELECT currency, sum(amount) FROM marts.deal "
        f"WHERE outcome = 'won' AND closed_at >= '{begun}' GROUP BY currency"
    )
    ours = sum(float(amount) * rates[currency] for currency, amount in won)
    true = sum(float(amount) * rates[currency] for currency, amount in truth["money"]["revenue"].items())
    true -= sum(float(amount) * rates[currency] for currency, amount in truth["money"]["refunds"].items())
    measures["revenue_ratio"] = _ratio(ours, true)
    return measures


def attribution(query: Query, truth: Truth) -> Measures:
    """How far each model's shares of leads are from what channels truly added (total variation distance, 0 to 1)."""
    added = {name: (row["incremental"] or {}).get("leads", 0) for name, row in truth["channels"].items()}
    added["offline"] = added.pop("word_of_mouth", 0)
    true = {name: max(0, leads) for name, leads in added.items()}
    measures: Measures = {}
    for model in MODELS:
        ours = {channel: float(credit) for channel, credit in query(
            "SELECT channel, sum(credit) FROM marts.attribution_credit "
            f"WHERE conversion_type = 'lead' AND model = '{model}' GROUP BY channel")}  # fmt: skip
        measures[f"attribution_{model}_distance_lower_is_better"] = _distance(ours, true)
    return measures


def _is_asked_for(at: str, truth: Truth) -> bool:
    """Daily data is pulled up to the last day that has wholly passed where the counter stands (Moscow, UTC+3). A visit
    of its last half hour may be cut at midnight and counted with the next day.
    """
    local = datetime.fromisoformat(at) + timedelta(hours=3, minutes=30)
    return local.date() < datetime.fromisoformat(truth["now"]).date()


def _id(key: str) -> str:
    """The last part of a natural key is the vendor's own id."""
    return key.rsplit("\x1f", 1)[-1]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _pairs(values: Iterable[Hashable]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(values).values())


def _distance(ours: dict[str, float], true: dict[str, float]) -> float | None:
    ours = {name: value for name, value in ours.items() if name != "unknown"}
    mine, theirs = sum(ours.values()), sum(true.values())
    if not mine or not theirs:
        return None
    names = ours.keys() | true.keys()
    return sum(abs(ours.get(name, 0) / mine - true.get(name, 0) / theirs) for name in names) / 2
