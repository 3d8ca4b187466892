"""Journeys: the published touches of people whom nothing hid, beside what truly touched them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bench.judges import marts
from bench.judges.identity import linked
from bench.judges.marts import Touchpoint
from bench.judges.measure import Measures, Query, Truth, is_asked_for, ratio

# The world's word -> ours.
OURS = {"word_of_mouth": "offline"}
REASONS = (
    *("split", "glued", "missing", "midnight", "time", "tags_lost", "tags_wrong", "channel", "self_reported", "added"),
)
# Faults after which what arrived no longer tells the channel, or tells another one.
LOST = ("missing", "stripped", "contradicts_click")
Step = tuple[datetime, str]


def journeys(query: Query, truth: Truth) -> Measures:
    """The share of fully observed people whose published sequence (time, channel) equals the true one; of the others,
    the share by the first reason that applies. `visits_equal` leaves out touches that people told us of themselves;
    `told_equal` is of the people all of whose visits arrived with something that tells the channel.
    """
    total, equal, visits_equal, lead_total, lead_equal = 0, 0, 0, 0, 0
    told_total, told_equal = 0, 0
    visits = {str(row["visit_id"]): row for row in truth["visits"]}
    why: Counter[str] = Counter()
    for row, _, reason in compared(query, truth):
        total += 1
        equal += not reason
        visits_equal += not reason or reason == "self_reported"
        lead_total += bool(row["lead_at"])
        lead_equal += bool(row["lead_at"]) and not reason
        why[reason] += bool(reason)
        is_told = all(tells_channel(visits[one["visits"][0]]) for one in row["journey"])
        told_total += is_told
        told_equal += is_told and not reason
    measures: Measures = {
        "journeys_observed_people": float(total),
        "journeys_equal": ratio(equal, total),
        "journeys_visits_equal": ratio(visits_equal, total),
        "journeys_equal_of_leads": ratio(lead_equal, lead_total),
        "journeys_told_equal": ratio(told_equal, told_total),
    }
    return measures | {f"journeys_differ_by_{name}_lower_is_better": ratio(why[name], total) for name in REASONS}


def compared(query: Query, truth: Truth) -> Iterator[tuple[dict[str, Any], list[Touchpoint], str]]:
    """Each fully observed person, what we publish of them, and why it differs (empty: it does not)."""
    ours_of, group_of = marts.people(query), linked(truth)
    published: dict[str, list[Touchpoint]] = defaultdict(list)
    for touch in marts.touchpoints(query):
        if touch.is_credited:
            published[touch.person_id].append(touch)
    visits = {str(row["visit_id"]): row for row in truth["visits"]}
    for row in truth["persons"]:
        if not is_observed(row, truth, group_of):
            continue
        mine = {ours_of.get(("client_id", str(client)), "") for client in row["client_ids"]}
        found = published[next(iter(mine))] if len(mine) == 1 else []
        yield row, found, "split" if len(mine) != 1 else differs(row, found, visits)


def is_observed(row: dict[str, Any], truth: Truth, group_of: dict[tuple[str, str], tuple[str, int]]) -> bool:
    """Whether nothing hid this person: the counter ran on all devices, every touch was a visit that it recorded and
    that was asked for by now, and all client ids are one by recorded evidence."""
    groups = {group_of.get(("client_id", str(client))) for client in row["client_ids"]}
    return (
        row["is_consented"]
        and bool(row["journey"])
        and all(one["visits"] and is_asked_for(one["at"], truth) for one in row["journey"])
        and len(groups) == 1
        and None not in groups
    )


def tells_channel(visit: dict[str, Any]) -> bool:
    """Whether what arrived with a visit of the truth can tell its channel."""
    is_silent = not visit["arrived"] and not visit["referrer"] and not visit["click_id_arrived"]
    return visit["tag_fault"] not in LOST and (not is_silent or visit["channel"] == "direct")


def differs(row: dict[str, Any], ours: list[Touchpoint], visits: dict[str, Any]) -> str:
    """The first of REASONS for which the published touches are not the true ones; empty where they are."""
    true: list[Step] = [(datetime.fromisoformat(one["at"]), OURS.get(one["channel"], one["channel"]))
                        for one in row["journey"]]  # fmt: skip
    if [(one.at, one.channel) for one in ours] == true:
        return ""
    told = [one for one in ours if one.kind == "visit"]
    if [(one.at, one.channel) for one in told] == true:
        return "self_reported"
    of_whom = {visits[one.visit_id]["person"] for one in told if one.visit_id in visits}
    if of_whom - {row["person"]}:
        return "glued"
    by_visit = {one.visit_id: one for one in told}
    for one, (at, channel) in zip(row["journey"], true, strict=True):
        if one["visits"][0] not in by_visit:
            return "missing"
        first = by_visit[one["visits"][0]]
        if len(one["visits"]) > 1 and any(part in by_visit for part in one["visits"][1:]):
            return "midnight"
        if first.at != at:
            return "time"
        if first.channel != channel:
            fault = visits[first.visit_id]["tag_fault"]
            return "tags_lost" if fault in LOST else "tags_wrong" if fault else "channel"
    return "added"
