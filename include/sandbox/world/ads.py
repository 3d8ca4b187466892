"""The advertising accounts: cost and clicks that settle, conversions that each platform claims by its own window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sandbox.parameters import Parameters
from sandbox.recorded import ACCOUNTS, AD_COLUMNS, CLICK_COLUMNS
from sandbox.world.life import Life
from sandbox.world.links import ADS, SITE, Ad
from sandbox.world.outages import is_out
from sandbox.world.streams import DAY, between, instant, seconds, stream, unit
from sandbox.world.trail import Step

ZONES = {platform: ZoneInfo(ACCOUNTS[platform]["time_zone"]) for platform in ("google-ads", "yandex-direct")}
_ADS = [ad for ads in ADS.values() for ad in ads]


@dataclass
class Media:
    """What the accounts hold: rows by platform, the click log, and the truth of the money."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    clicks: list[dict[str, Any]] = field(default_factory=list)
    spend: list[dict[str, Any]] = field(default_factory=list)

    def frames(self) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
        """The rows as frames; ads sorted by date and ad, clicks by time."""
        ads = {}
        for platform in ZONES:
            frame = pd.DataFrame(self.rows.get(platform, []), columns=list(AD_COLUMNS))
            ads[platform] = frame.sort_values(["date", "ad_id"], kind="stable", ignore_index=True)
        clicks = pd.DataFrame(self.clicks, columns=list(CLICK_COLUMNS))
        clicks["at"] = pd.to_datetime(clicks["at"].astype("int64"), unit="s", utc=True)
        return ads, clicks.sort_values(["at", "gclid"], kind="stable", ignore_index=True)


def _day(at: int, platform: str) -> date:
    return datetime.fromtimestamp(at, ZONES[platform]).date()


def account(
    seed: int, lives: Iterable[tuple[Life, list[Step]]], start: int, now: int, parameters: Parameters, scale: float
) -> Media:
    """What the accounts say at `now` about every day since `start` (Unix seconds)."""
    media = Media()
    visited: Counter[tuple[str, date]] = Counter()
    claims: Counter[tuple[str, date]] = Counter()
    for life, steps in lives:
        for step in steps:
            ad = step.visit.ad
            if ad is None or not start <= step.visit.at < now:
                continue
            visited[ad.ad_id, _day(step.visit.at, ad.link.platform)] += 1
            if step.arrival.click == "gclid":
                media.clicks.append(
                    {"gclid": step.arrival.click_id, "at": step.visit.at, "campaign_id": ad.link.campaign_id,
                     "ad_group_id": ad.ad_group_id, "ad_id": ad.ad_id}
                )  # fmt: skip
        _claim(seed, life, steps, now, parameters, claims)
    for ad in _ADS:
        _rows(seed, media, ad, visited, claims, start, now, parameters, scale)
    return media


def _claim(
    seed: int, life: Life, steps: list[Step], now: int, parameters: Parameters, claims: Counter[tuple[str, date]]
) -> None:
    """Each platform claims a lead for its own last click, or for an ad that was only seen, whatever else was there."""
    lag = parameters.ads.claim_lag_days * 2 * unit(seed, life.person.key, "claim")
    if not life.lead_at or life.lead_via == "message" or life.lead_at + lag * DAY > now:
        return
    for platform, days in parameters.ads.claim_days.items():
        clicks = [(step.visit.at, step.visit.ad) for step in steps]
        seen = [
            (touch.at, touch.ad)
            for touch in life.touches
            if touch.at > life.lead_at - parameters.ads.view_through_days * DAY
        ]
        mine = [
            (at, ad) for at, ad in [*clicks, *seen]
            if ad is not None and ad.link.platform == platform and life.lead_at - days * DAY < at <= life.lead_at
        ]  # fmt: skip
        if mine:
            at, ad = max(mine, key=lambda one: (one[0], one[1].ad_id))
            claims[ad.ad_id, _day(at, platform)] += 1


def _known(parameters: Parameters, age: int, credit_age: int, has_credit: bool) -> float:
    share = parameters.ads.settle[age] if age < len(parameters.ads.settle) else 1.0
    return share - (parameters.ads.credit_share if has_credit and age >= credit_age else 0.0)


def _rows(
    seed: int, media: Media, ad: Ad, visited: Counter[tuple[str, date]], claims: Counter[tuple[str, date]],
    start: int, now: int, parameters: Parameters, scale: float,
) -> None:  # fmt: skip
    link, rates, platform = ad.link, parameters.ads, ad.link.platform
    name_now = link.renamed if link.renamed and now >= start + rates.rename_day * DAY else link.name
    final_url = SITE + link.landing if is_out(seed, link, now - 1, parameters.tags) else ad.final_url
    day, today = _day(start, platform), _day(now - 1, platform)
    while day <= today:
        rng = stream(seed, "ad", ad.ad_id, day.isoformat())
        idle = int(rng.poisson(rates.idle_clicks_a_day * scale * link.weight * link.idle))
        price = link.cpc * between(float(rng.random()), (0.75, 1.3))
        shown = float(rng.lognormal(0.0, 0.25))
        has_credit = bool(rng.random() < rates.credit)
        credit_age = int(rng.integers(*rates.credit_days))
        passed = min(1.0, (now - seconds(day)) / DAY) if day == today else 1.0
        full = visited[ad.ad_id, day] + int(idle * passed)
        age = (today - day).days
        clicks = round(full * _known(parameters, age, credit_age, has_credit))
        final = round(full * (1 - (rates.credit_share if has_credit else 0.0)))
        cents = max(1, round(price * 100))  # a click is billed in whole cents
        impressions = max(clicks, full, int((full + 0.6 * scale * passed) / link.ctr * shown))
        if impressions > 0:
            claimed = claims[ad.ad_id, day]
            media.rows.setdefault(platform, []).append(
                {
                    "date": day,
                    "campaign_id": link.campaign_id,
                    "campaign_name": name_now,
                    "campaign_status": "ENABLED",
                    "ad_group_id": ad.ad_group_id,
                    "ad_group_name": ad.ad_group_name,
                    "ad_id": ad.ad_id,
                    "final_url": final_url,
                    "impressions": impressions,
                    "clicks": clicks,
                    "cost_micros": clicks * cents * 10_000,
                    "conversions": float(claimed),
                    "conversions_value": round(claimed * rates.lead_value[platform], 2),
                }
            )
            media.spend.append(
                {
                    "platform": platform,
                    "date": day.isoformat(),
                    "campaign_id": link.campaign_id,
                    "ad_id": ad.ad_id,
                    "channel": link.channel,
                    "currency": ACCOUNTS[platform]["currency"],
                    "clicks": clicks,
                    "cost_micros": clicks * cents * 10_000,
                    "final_clicks": final,
                    "final_cost_micros": final * cents * 10_000,
                    "person_clicks": visited[ad.ad_id, day],
                    "known_at": instant(now).isoformat(),
                }
            )
        day += timedelta(days=1)
