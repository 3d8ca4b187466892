"""The dimensions and metrics of the GA4 property, as columns over its recorded sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

SEARCH_SITES = frozenset({"google", "bing", "yandex", "duckduckgo", "yahoo", "baidu", "ecosia"})
SOCIAL_SITES = frozenset(
    {
        "facebook",
        "instagram",
        "fb",
        "ig",
        "tiktok",
        "vk",
        "linkedin",
        "telegram",
        "twitter",
        "t.co",
        "pinterest",
        "ok.ru",
    }
)
VIDEO_SITES = frozenset({"youtube", "vimeo", "rutube", "twitch"})
_PAID = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)", re.IGNORECASE)
_EMAIL = re.compile(r"e[-_ ]?mail", re.IGNORECASE)


@dataclass(frozen=True)
class Dimension:
    """`of` makes the text values from the session rows."""

    name: str
    label: str
    category: str
    of: Callable[[pd.DataFrame, ZoneInfo], pd.Series[Any]]


@dataclass(frozen=True)
class Metric:
    """`column` is added up over a group of sessions, `users` counts distinct ones. type: a MetricType name."""

    name: str
    label: str
    type: str
    column: str


def _text(column: str) -> Callable[[pd.DataFrame, ZoneInfo], pd.Series[Any]]:
    return lambda rows, _: rows[column].fillna("").astype(str).replace("", "(not set)")


def _local(rows: pd.DataFrame, zone: ZoneInfo, unit: str, form: str) -> pd.Series[Any]:
    """Local time cut to `unit` (D or h); text is made once for each value, there are few."""
    hours = pd.to_datetime(rows["started_at"], utc=True).dt.floor("h")
    codes, known = pd.factorize(hours)
    local = pd.DatetimeIndex(known).tz_convert(zone)
    names = (local.normalize() if unit == "D" else local).strftime(form)
    return pd.Series(names.to_numpy(dtype="object")[codes], index=rows.index, dtype="object")


def _source_medium(rows: pd.DataFrame, zone: ZoneInfo) -> pd.Series[Any]:
    return _text("source")(rows, zone) + " / " + _text("medium")(rows, zone)


def _landing_page(rows: pd.DataFrame, zone: ZoneInfo) -> pd.Series[Any]:
    return _text("landing_path")(rows, zone).str.split("?").str[0].replace("", "(not set)")


def _channel_group(rows: pd.DataFrame, zone: ZoneInfo) -> pd.Series[Any]:
    columns = [_text(name)(rows, zone) for name in ("source", "medium", "campaign")]
    known: dict[tuple[str, ...], str] = {}
    groups = []
    for key in zip(*columns, strict=True):
        if key not in known:
            known[key] = channel_group(*key)
        groups.append(known[key])
    return pd.Series(groups, index=rows.index, dtype="object")


def channel_group(source: str, medium: str, campaign: str) -> str:
    """GA4's default channel group of a session, by its published rules in their order (shopping and audio left out)."""
    name, kind = source.lower(), medium.lower()
    site = _site(name)
    is_paid = _PAID.fullmatch(kind) is not None
    if name == "(direct)" and kind in ("(none)", "(not set)"):
        return "Direct"
    if campaign.lower() == "cross-network":
        return "Cross-network"
    if is_paid:
        paid = {"search": "Paid Search", "social": "Paid Social", "video": "Paid Video"}
        if site in paid:
            return paid[site]
    if kind in ("display", "banner", "expandable", "interstitial", "cpm"):
        return "Display"
    if is_paid:
        return "Paid Other"
    if site == "social" or kind in ("social", "social-network", "social-media", "sm", "social network", "social media"):
        return "Organic Social"
    if site == "video" or "video" in kind:
        return "Organic Video"
    if site == "search" or kind == "organic":
        return "Organic Search"
    if kind in ("referral", "app", "link"):
        return "Referral"
    if _EMAIL.fullmatch(name) or _EMAIL.fullmatch(kind):
        return "Email"
    named = {"affiliate": "Affiliates", "audio": "Audio", "sms": "SMS", "push": "Mobile Push Notifications"}
    return named.get(kind, "Unassigned")


def _site(source: str) -> str | None:
    """search, social or video, for `google`, `www.google.com`, `m.facebook.com` and their like."""
    parts = {source, *source.split(".")}
    for kind, sites in (("search", SEARCH_SITES), ("social", SOCIAL_SITES), ("video", VIDEO_SITES)):
        if parts & sites:
            return kind
    return None


DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("date", "Date", "Time", lambda rows, zone: _local(rows, zone, "D", "%Y%m%d")),
        Dimension("dateHour", "Date + hour", "Time", lambda rows, zone: _local(rows, zone, "h", "%Y%m%d%H")),
        Dimension("sessionSource", "Session source", "Traffic source", _text("source")),
        Dimension("sessionMedium", "Session medium", "Traffic source", _text("medium")),
        Dimension("sessionSourceMedium", "Session source / medium", "Traffic source", _source_medium),
        Dimension("sessionCampaignName", "Session campaign", "Traffic source", _text("campaign")),
        Dimension("sessionDefaultChannelGroup", "Session default channel group", "Traffic source", _channel_group),
        Dimension("landingPage", "Landing page", "Page / screen", _landing_page),
        Dimension("landingPagePlusQueryString", "Landing page + query", "Page / screen", _text("landing_path")),
        Dimension("deviceCategory", "Device category", "Platform / device", _text("device")),
    )
}
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("sessions", "Sessions", "TYPE_INTEGER", "sessions"),
        Metric("engagedSessions", "Engaged sessions", "TYPE_INTEGER", "engaged"),
        Metric("totalUsers", "Total users", "TYPE_INTEGER", "users"),
        Metric("keyEvents", "Key events", "TYPE_FLOAT", "key_events"),
    )
}
# Enums of the protocol: number -> name. Either is understood; answers hold numbers where they are asked for.
METRIC_TYPES = {1: "TYPE_INTEGER", 2: "TYPE_FLOAT"}
AGGREGATIONS = {1: "TOTAL", 4: "COUNT", 5: "MINIMUM", 6: "MAXIMUM"}
MATCH_TYPES = {
    0: "EXACT",
    1: "EXACT",
    2: "BEGINS_WITH",
    3: "ENDS_WITH",
    4: "CONTAINS",
    5: "FULL_REGEXP",
    6: "PARTIAL_REGEXP",
}
OPERATIONS = {1: "EQUAL", 2: "LESS_THAN", 3: "LESS_THAN_OR_EQUAL", 4: "GREATER_THAN", 5: "GREATER_THAN_OR_EQUAL"}
ORDER_TYPES = {0: "ALPHANUMERIC", 1: "ALPHANUMERIC", 2: "CASE_INSENSITIVE_ALPHANUMERIC", 3: "NUMERIC"}
