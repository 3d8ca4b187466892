"""Checks over core as a whole: money without tags and tags without money, machines, wrong clocks.

An audit that was not run, or does not exist, is None.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError

from bench.judges.measure import Measures, Query, Truth, has_table, ratio, struck

SPEND, VISITS = "spend_without_tagged_visits", "tagged_visits_without_spend"
WINDOW_DAYS, CLICKS, TAGGED = 28, 20, 10  # as utm.yml sets them for the audit
_BURST, _CLOCKS = ("no_burst",), ("clocks_aligned",)
_ZONES = {"google-ads": ZoneInfo("Europe/Kyiv"), "yandex-direct": ZoneInfo("Europe/Moscow")}


def audits(query: Query, truth: Truth) -> Measures:
    """Recall and precision of each kind."""
    bots = {row["visit_id"] for row in truth["visits"] if row["is_bot"]}
    skewed = {row["visit_id"] for row in truth["visits"] if row["clock_skew_s"]}
    return {
        **_campaigns(query, truth),
        **_visits("bot_burst", query, truth, _BURST, bots),
        **_visits("clock_skew", query, truth, _CLOCKS, skewed),
    }


def _visits(name: str, query: Query, truth: Truth, checks: tuple[str, ...], true: set[str]) -> Measures:
    """What the newest answer of a check names, by the query that it says reproduces it."""
    measures: Measures = {f"{name}_recall": None, f"{name}_precision": None}
    listed = ", ".join(f"'{check}'" for check in checks)
    rows = query(f"SELECT query FROM ops.audit_result WHERE check_name IN ({listed}) ORDER BY sequence DESC LIMIT 1")
    if not rows:
        return measures
    known = {str(row["visit_id"]) for row in truth["visits"]}
    try:
        told = {str(value) for row in query(rows[0][0]) for value in row} & known if rows[0][0] else set()
    except DBAPIError:
        return measures
    true = (true & {row[0] for row in query("SELECT visit_id FROM core.visit")}) - struck(truth, "visits")
    told -= struck(truth, "visits")
    return {
        f"{name}_recall": ratio(len(told & true), len(true)),
        f"{name}_precision": ratio(len(told & true), len(told)),
    }


def _campaigns(query: Query, truth: Truth) -> Measures:
    """Campaigns by their ids. A campaign that nobody registered may be told in either direction: its money and its
    visits cannot be brought together by anybody."""
    names = {kind: (f"{kind}_recall", f"{kind}_precision") for kind in (SPEND, VISITS)}
    told = _told_gaps(query)
    if told is None:
        return {name: None for pair in names.values() for name in pair}
    # A day more or less at the window's ends must not decide: what lies near the minimum may be told or not.
    due, allowed = _gaps(truth, 1.5), _gaps(truth, 0.5)
    unregistered = {
        word
        for row in truth["campaigns"] if not row["is_registered"]
        for word in (row["campaign_id"], row["utm_campaign"])
    } | {row["tags"]["utm_campaign"] for row in truth["visits"] if row["tag_fault"] == "relative"}  # fmt: skip
    measures: Measures = {}
    for kind, (recall, precision) in names.items():
        measures[recall] = ratio(len(told[kind] & due[kind]), len(due[kind]))
        measures[precision] = ratio(len(told[kind] & (allowed[kind] | unregistered)), len(told[kind]))
    return measures


def _told_gaps(query: Query) -> dict[str, set[str]] | None:
    """Kind -> ids (where there is none, names) of the campaigns that are told; None when nobody asked."""
    if not has_table(query, "ops", "campaign_gap"):
        return None
    told: dict[str, set[str]] = {SPEND: set(), VISITS: set()}
    for kind, campaign, called in query("SELECT kind, campaign_id, campaign_name FROM ops.campaign_gap"):
        told[kind].add(campaign or called)
    asked = query(f"SELECT 1 FROM ops.audit_result WHERE check_name IN ('{SPEND}', '{VISITS}')")
    return told if asked or any(told.values()) else None


def _gaps(truth: Truth, times: float) -> dict[str, set[str]]:
    """The true gaps among registered and untagged campaigns of at least so many times the minimum, in the last days."""
    due: dict[str, set[str]] = {SPEND: set(), VISITS: set()}
    yesterday = datetime.fromisoformat(truth["now"]).date() - timedelta(days=1)
    first = yesterday - timedelta(days=WINDOW_DAYS - 1)
    clicks, cost, tagged = Counter[str](), Counter[str](), Counter[tuple[str, ...]]()
    for row in truth["spend"]:
        if first <= date.fromisoformat(row["date"]) <= yesterday:
            clicks[row["campaign_id"]] += row["clicks"]
            cost[row["campaign_id"]] += row["cost_micros"]
    for platform, zone in _ZONES.items():
        for row in truth["visits"]:
            if first <= datetime.fromisoformat(row["at"]).astimezone(zone).date() <= yesterday:
                tagged[(platform, *_tags(row["arrived"]))] += 1
    for row in truth["campaigns"]:
        id_, visits = row["campaign_id"], tagged[(row["platform"], *_tags(row))]
        if (
            clicks[id_] >= times * CLICKS
            and cost[id_]
            and not visits
            and not (row["is_tagged"] and not row["is_registered"])
        ):
            due[SPEND].add(id_)
        if visits >= times * TAGGED and not cost[id_] and row["is_registered"]:
            due[VISITS].add(id_)
    return due


def _tags(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row.get(name, "").casefold() for name in ("utm_source", "utm_medium", "utm_campaign"))
