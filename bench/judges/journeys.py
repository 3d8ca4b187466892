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

# The world's word -> ours: a friend's word reaches people without a click, as a fair or a sign does.
OURS = {"word_of_mouth": "offline"}
REASONS = ("split", "glued", "missing", "midnight", "time", "untold", "tags", "channel", "added")
Step = tuple[datetime, str]
NAMED = ("utm_source", "utm_medium", "utm_campaign")  # what a link's channel is told by
Links = set[tuple[frozenset[tuple[str, str]], str]]  # the tags that links should have, and their channel


def journeys(query: Query, truth: Truth) -> Measures:
    """The share of fully observed people whose published visits (time, channel) equal the true ones, and of the others
    the share by the first reason that applies.

    Visits are compared with visits: what people told of themselves are touches of another kind, which no visit shows.
    Fully observed is who left only visits that arrived with something that tells their channel. `recorded` are all
    people whose every touch was a recorded visit, whatever it arrived with.
    """
    visits = {str(row["visit_id"]): row for row in truth["visits"]}
    links = links_of(visits)
    seen: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for row, ours, reason in compared(query, truth):
        is_told = all(tells_channel(visits[one["visits"][0]], links) for one in row["journey"])
        groups = ["recorded"] + ["observed"] * is_told + ["leads"] * (is_told and bool(row["lead_at"]))
        seen.update(groups)
        seen.update(f"{group} equal" for group in groups if not reason)
        seen["answered"] += any(one.kind == "survey" for one in ours)
        why[reason or "none"] += is_told
    measures: Measures = {
        "journeys_observed_people": float(seen["observed"]),
        "journeys_recorded_people": float(seen["recorded"]),
        "journeys_equal": ratio(seen["observed equal"], seen["observed"]),
        "journeys_equal_of_leads": ratio(seen["leads equal"], seen["leads"]),
        "journeys_equal_of_recorded": ratio(seen["recorded equal"], seen["recorded"]),
        "journeys_with_self_reported_touch": ratio(seen["answered"], seen["recorded"]),
    }
    return measures | {
        f"journeys_differ_by_{name}_lower_is_better": ratio(why[name], seen["observed"])
        for name in REASONS
        if name != "untold"
    }


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


def links_of(visits: dict[str, dict[str, Any]]) -> Links:
    """The tags that the visits' links should have had, with their channels."""
    return {
        (frozenset((name, row["tags"][name]) for name in NAMED if name in row["tags"]), row["channel"])
        for row in visits.values()
        if row.get("tags")
    }


def tells_channel(visit: dict[str, Any], links: Links) -> bool:
    """Whether what arrived with a visit of the truth can tell its channel to anybody.

    A click id does: its platform says whose it was. Without one, nobody can know a visit that arrived with nothing at
    all (unless it was direct), an advertisement's whose tags were lost, or one that brought another platform's tags.
    A misspelt tag waits for a person who accepts what the gate suggests: till then the other tags tell the channel,
    where all links that have them are of one.
    """
    if visit["click_id_arrived"]:
        return True
    if not visit["arrived"] and not visit["referrer"]:
        return bool(visit["channel"] == "direct")
    if visit["tag_fault"] == "misspelt":
        right = {
            (name, visit["arrived"][name]) for name in NAMED if visit["arrived"].get(name) == visit["tags"].get(name)
        }
        return len({channel for tags, channel in links if right <= tags}) == 1
    return visit["tag_fault"] not in ("missing", "stripped", "contradicts_click")


def differs(row: dict[str, Any], ours: list[Touchpoint], visits: dict[str, Any]) -> str:
    """The first of REASONS for which the published visits are not the true ones; empty where they are."""
    true: list[Step] = [(datetime.fromisoformat(one["at"]), OURS.get(one["channel"], one["channel"]))
                        for one in row["journey"]]  # fmt: skip
    told = [one for one in ours if one.kind == "visit"]
    if [(one.at, one.channel) for one in told] == true:
        return ""
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
            visit = visits[first.visit_id]
            is_told = tells_channel(visit, links_of(visits))
            return "untold" if not is_told else "tags" if visit["tag_fault"] else "channel"
    return "added"
