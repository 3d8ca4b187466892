"""Rows: no good one kept out or lost, no bad one let in, every one accounted for."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass

from bench.judges.duplicates import LANDED
from bench.judges.measure import Measures, Query, Truth, is_asked_for, last_part, ratio, struck


@dataclass(frozen=True)
class Place:
    """Where the rows of a stream of the truth are: in landing, and in core (its condition, if it shares a table)."""

    landing: str
    landed_id: str
    core: str
    core_id: str
    condition: str = "true"


_AD = ("concat(date, '/', ad_id)", "core.ad_performance", "concat(cast(report_date as text), '/', ad_id)")
PLACES = {
    "deals": Place("hubspot__deals", "deal_id", "core.deal", "deal_id"),
    "contacts": Place("hubspot__contacts", "contact_id", "core.contact", "contact_id"),
    "notes": Place("hubspot__notes", "conversation_id", "core.conversation", "conversation_id", "kind = 'note'"),
    "calls": Place("hubspot__calls", "conversation_id", "core.conversation", "conversation_id", "kind = 'call'"),
    "visits": Place("yandex_metrica__visits", "visit_id", "core.visit", "visit_id"),
    "hits": Place("yandex_metrica__hits", "watch_id", "core.hit", "hit_id"),
    "responses": Place("typeform__responses", "response_id", "core.survey_response", "response_id"),
    "google-ads": Place("google_ads__ad_performance", *_AD, "source = 'google_ads'"),
    "yandex-direct": Place("yandex_direct__ad_performance", *_AD, "source = 'yandex_direct'"),
}


# Of rows that are odd but true: where core keeps the new word as `unknown:<word>`, or the check that warns of them.
WORDS = {
    "new_direction": "direction",
    "new_lifecycle": "lifecycle_stage",
    "new_segment": "segment",
    "new_source": "traffic_source",
}
WARNINGS = {"won_yet_open": "won_is_closed", "endless_visit": "duration_sane", "nobodys_visit": "client_known"}


def losses(query: Query, truth: Truth) -> Measures:
    """True visits that are neither in core nor bad rows. 0 is what is promised."""
    known = {row[0] for row in query("SELECT visit_id FROM core.visit")}
    landed = {row[0] for row in query(LANDED["visits"])}
    true = {str(row["visit_id"]) for row in truth["visits"]} - struck(truth, "visits")
    due = {str(row["visit_id"]) for row in truth["visits"] if is_asked_for(row["at"], truth)}
    return {"visits_lost_lower_is_better": float(len(((due | landed) & true) - known))}


def bad_rows(query: Query, truth: Truth) -> Measures:
    """Per kind of bad row, the share that ended where it should: in quarantine and nowhere else, or admitted."""
    bad = [row for row in truth.get("bad_rows", ()) if row["stream"] in PLACES]
    landed, core = defaultdict[str, Counter[str]](Counter), dict[str, set[str]]()
    for stream in {row["stream"] for row in bad}:
        place = PLACES[stream]
        landed[stream] = Counter(id_ for (id_,) in query(f"SELECT {place.landed_id} FROM landing.{place.landing}"))
        core[stream] = {id_ for (id_,) in query(f"SELECT {place.core_id} FROM {place.core} WHERE {place.condition}")}
    quarantined = _quarantined(query)
    right, total = Counter[str](), Counter[str]()
    admitted = 0
    for row in bad:
        stream, id_ = row["stream"], row["id"]
        if not landed[stream][id_]:
            continue
        total[row["kind"]] += 1
        if row["end"] == "quarantined":
            admitted += id_ in core[stream]
            right[row["kind"]] += id_ in quarantined[stream] and id_ not in core[stream]
        else:
            right[row["kind"]] += id_ in core[stream] and _is_told(query, row)
    wanted = {(row["stream"], row["id"]) for row in bad if row["end"] == "quarantined"}
    good = sum(
        count for stream, ids in quarantined.items() for id_, count in ids.items() if (stream, id_) not in wanted
    )  # fmt: skip
    measures: Measures = {f"bad_row_{kind}_ended_right": ratio(right[kind], count) for kind, count in total.items()}
    return measures | {
        "bad_rows_admitted_lower_is_better": float(admitted) if total else None,
        "good_rows_quarantined_lower_is_better": float(good),
    }


def _is_told(query: Query, row: dict[str, str]) -> bool:
    """Whether an admitted oddity can be seen: as an unknown word, or by the check that warns of such rows."""
    place, kind = PLACES[row["stream"]], row["kind"]
    if kind in WORDS:
        where = f"{place.core_id} = '{row['id']}' AND {place.condition}"
        return query(f"SELECT {WORDS[kind]} FROM {place.core} WHERE {where}") == [(f"unknown:{row['value']}",)]
    if kind in WARNINGS:
        where = f"check_name = '{WARNINGS[kind]}' AND severity = 'warning'"
        return bool(query(f"SELECT 1 FROM ops.check_result WHERE {where} AND failed_count > 0"))
    return True


def _quarantined(query: Query) -> dict[str, Counter[str]]:
    """Stream of the truth -> id as it was landed -> how many rows of it are in quarantine."""
    stream_of = {place.landing: name for name, place in PLACES.items()}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for source, stream, key, raw in query(
        "SELECT source, stream, natural_key, raw FROM ops.quarantine WHERE status = 'quarantined'"
    ):
        name = stream_of.get(f"{source}__{stream}", f"{source}.{stream}")
        fields = json.loads(raw)
        if "ad_id" in fields:
            id_ = f"{fields.get('date')}/{fields['ad_id']}"
        else:
            # Too large a row is kept as its head: then its key tells.
            id_ = str(fields.get(PLACES[name].landed_id if name in PLACES else "", "")) or last_part(key or "")
        found[name][id_] += 1
    return found


def accounting(query: Query, truth: Truth) -> Measures:
    """Whether every landed row is accounted for, counted anew from what is stored and compared with the truth."""
    outcomes = "new + changed + unchanged + deduplicated + quarantined + suppressed"
    sums = query(f"SELECT count(*) FROM ops.batch_outcome WHERE landed <> {outcomes}")[0][0]
    recorded = dict(query("SELECT batch_id, landed FROM ops.batch_outcome"))
    kept_out = dict(query("SELECT batch_id, quarantined FROM ops.batch_outcome"))
    wrong = int(sums)
    for batch, source, stream in query("SELECT batch_id, source, stream FROM ops.batch WHERE status = 'admitted'"):
        stored = query(f"SELECT count(*) FROM landing.{source}__{stream} WHERE _batch_id = '{batch}'")[0][0]
        inside = query(
            f"SELECT count(*) FROM ops.quarantine WHERE batch_id = '{batch}' AND status = 'quarantined'"
        )[0][0]  # fmt: skip
        wrong += recorded.get(batch) != stored or kept_out.get(batch) != inside
    held = query("SELECT count(*) FROM ops.batch WHERE status <> 'admitted'")[0][0]
    measures: Measures = {
        "batches_not_adding_up_lower_is_better": float(wrong),
        "batches_held_lower_is_better": float(held),
    }
    resent = Counter((row["stream"], row["id"]) for row in truth["copies"] if row["kind"] == "resent")
    shown_twice = Counter((row["stream"], row["id"]) for row in truth.get("bad_rows", ()))
    for stream in ("visits", "hits", "responses"):
        place = PLACES[stream]
        landed = Counter(id_ for (id_,) in query(f"SELECT {place.landed_id} FROM landing.{place.landing}"))
        sent = sum(1 + resent[stream, id_] + max(0, shown_twice[stream, id_] - 1) for id_ in landed)
        measures[f"rows_landed_vs_sent_{stream}"] = ratio(landed.total(), sent)
    return measures
