"""GA4's view of the same visits: only people who consented to it, with its own words for what it does not know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from sandbox.recorded import SESSION_COLUMNS
from sandbox.world.population import Person
from sandbox.world.streams import number
from sandbox.world.trail import Step

_SEARCH = {"www.google.com": "google", "www.google.com.ua": "google", "yandex.ru": "yandex", "www.bing.com": "bing"}


def source_of(step: Step) -> tuple[str, str, str]:
    """Source, medium and campaign as GA4 says them."""
    arrival = step.arrival
    tags = arrival.tags
    if tags:
        return (
            tags.get("utm_source", "(not set)"),
            tags.get("utm_medium", "(not set)"),
            tags.get("utm_campaign", "(not set)"),
        )
    if arrival.has_click_id and arrival.click == "gclid" and step.visit.link:
        return "google", "cpc", step.visit.link.name
    if not arrival.referrer:
        return "(direct)", "(none)", "(direct)"
    host = arrival.referrer.split("/")[2]
    if host in _SEARCH:
        return _SEARCH[host], "organic", "(organic)"
    return host.removeprefix("www."), "referral", "(referral)"


def sessions(seed: int, trails: Iterable[tuple[Person, list[Step]]], start: int, now: int) -> pd.DataFrame:
    """One row a session that has begun by `now` and is over."""
    rows: list[dict[str, Any]] = []
    for who, steps in trails:
        for step in steps:
            visit = step.visit
            if not (step.client_id and step.is_ga4 and visit.at >= start and visit.ends_at + 1800 <= now):
                continue
            source, medium, campaign = source_of(step)
            rows.append(
                {
                    "session_id": str(number(seed, "session", who.key, visit.slot, bits=40)),
                    "started_at": visit.at,
                    "source": source,
                    "medium": medium,
                    "campaign": campaign,
                    "landing_path": visit.pages[0][1],
                    "device": who.devices[visit.device].kind,
                    "is_engaged": visit.seconds > 10 or len(visit.pages) > 1,
                    "key_events": sum(goal == "30010001" for _, goal in visit.goals),
                    "user_pseudo_id": f"{number(seed, step.client_id, bits=31)}.{step.client_id[:10]}",
                }
            )
    frame = pd.DataFrame(rows, columns=list(SESSION_COLUMNS), dtype=object)
    frame["started_at"] = pd.to_datetime(frame["started_at"].astype("int64"), unit="s", utc=True)
    frame["key_events"] = frame["key_events"].astype("int64")
    frame["is_engaged"] = frame["is_engaged"].astype("bool")
    return frame.sort_values(["started_at", "session_id"], kind="stable", ignore_index=True)
