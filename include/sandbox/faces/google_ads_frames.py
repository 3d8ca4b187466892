"""The recorded rows of a Google Ads account as frames whose columns are named as GAQL names its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sandbox.faces.google_ads_fields import ADDITIVE, FIELDS, GRAIN, RATIOS
from sandbox.recorded import Recorded

MEASURES = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_CHANNEL_TYPES = (("video", "VIDEO"), ("youtube", "VIDEO"), ("display", "DISPLAY"), ("remarketing", "DISPLAY"))


def entities(ads: pd.DataFrame, resource: str) -> pd.DataFrame:
    """Campaigns, ad groups or ads as they are called now: names and addresses are those of the latest day."""
    grain = list(GRAIN[resource])
    if not grain:
        return pd.DataFrame({"_one": [1]})
    columns = {
        "campaign": ["campaign_name", "campaign_status"],
        "ad_group": ["ad_group_name"],
        "ad_group_ad": ["final_url"],
    }
    latest = ads.sort_values("date", kind="stable")
    found = latest.drop_duplicates(grain, keep="last")[grain].sort_values(grain, kind="stable")
    for level in list(columns)[: list(columns).index(resource) + 1]:
        keys = list(GRAIN[level])
        found = found.merge(latest.drop_duplicates(keys, keep="last")[keys + columns[level]], on=keys, how="left")
    return found


def with_dates(ads: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The rows with these date segments as columns: days and period starts as ISO text, years as numbers."""
    made: dict[str, Callable[[date], Any]] = {
        "segments.date": date.isoformat,
        "segments.week": lambda day: (day - timedelta(days=day.weekday())).isoformat(),
        "segments.month": lambda day: day.replace(day=1).isoformat(),
        "segments.quarter": lambda day: day.replace(month=day.month - (day.month - 1) % 3, day=1).isoformat(),
        "segments.year": lambda day: day.year,
        "segments.day_of_week": lambda day: _DAYS[day.weekday()],
    }
    days = ads["date"].unique()
    columns: dict[str, Any] = {
        name: ads["date"].map({day: made[name](day) for day in days}).astype("object") for name in set(names)
    }
    return ads.assign(**columns)


def with_metrics(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of added up MEASURES with all metrics as columns; a ratio over zero is NaN."""
    columns: dict[str, Any] = {}
    for name, column in ADDITIVE.items():
        columns[name] = frame[column].astype("int64" if FIELDS[name].type == "int64" else "float64")
    for name, (above, below, factor) in RATIOS.items():
        columns[name] = frame[above].astype("float64") * factor / frame[below].astype("float64").where(lambda b: b > 0)
    return frame.assign(**columns)


def with_attributes(frame: pd.DataFrame, resource: str, account: Mapping[str, str]) -> pd.DataFrame:
    """Rows with the attributes of `resource` and of those above it as columns; what the account never sets is None."""
    customer = f"customers/{account['customer_id']}"
    columns: dict[str, Any] = {
        "customer.resource_name": customer,
        "customer.id": int(account["customer_id"]),
        "customer.descriptive_name": "Beauty brand",
        "customer.currency_code": account["currency"],
        "customer.time_zone": account["time_zone"],
        "customer.auto_tagging_enabled": True,
        "customer.manager": False,
        "customer.test_account": False,
        "customer.status": "ENABLED",
    }
    unset = ["customer.tracking_url_template", "customer.final_url_suffix"]
    if resource != "customer":
        campaign = customer + "/campaigns/" + frame["campaign_id"]
        columns |= {
            "campaign.resource_name": campaign,
            "campaign.id": frame["campaign_id"].astype("int64"),
            "campaign.name": frame["campaign_name"],
            "campaign.status": frame["campaign_status"],
            "campaign.advertising_channel_type": frame["campaign_name"].map(_channel_type, na_action="ignore"),
        }
        unset += ["campaign.tracking_url_template", "campaign.final_url_suffix"]
    if resource in ("ad_group", "ad_group_ad", "click_view"):
        columns |= {
            "ad_group.resource_name": customer + "/adGroups/" + frame["ad_group_id"],
            "ad_group.id": frame["ad_group_id"].astype("int64"),
            "ad_group.name": frame["ad_group_name"],
            "ad_group.status": "ENABLED",
            "ad_group.campaign": campaign,
        }
        unset += ["ad_group.tracking_url_template", "ad_group.final_url_suffix"]
    if resource == "ad_group_ad":
        columns |= {
            "ad_group_ad.resource_name": customer + "/adGroupAds/" + frame["ad_group_id"] + "~" + frame["ad_id"],
            "ad_group_ad.status": "ENABLED",
            "ad_group_ad.ad_group": columns["ad_group.resource_name"],
            "ad_group_ad.ad.resource_name": customer + "/ads/" + frame["ad_id"],
            "ad_group_ad.ad.id": frame["ad_id"].astype("int64"),
            "ad_group_ad.ad.type": "RESPONSIVE_SEARCH_AD",
            "ad_group_ad.ad.final_urls": frame["final_url"].map(lambda url: [url] if isinstance(url, str) else None),
        }
        unset += ["ad_group_ad.ad.tracking_url_template", "ad_group_ad.ad.final_url_suffix"]
    columns |= dict.fromkeys(unset)
    return frame.assign(**columns)


def _channel_type(name: str) -> str:
    return next((type_ for word, type_ in _CHANNEL_TYPES if word in name.lower()), "SEARCH")


def clicks(recorded: Recorded, account: Mapping[str, str]) -> pd.DataFrame:
    """One row per click, on its day in the account's zone."""
    names = entities(recorded.ads["google-ads"], "ad_group")
    frame = recorded.clicks.merge(names, on=["campaign_id", "ad_group_id"], how="left")
    zone = ZoneInfo(account["time_zone"])
    days = pd.Series([_local_day(at, zone) for at in frame["at"]], index=frame.index, dtype="object")
    customer = f"customers/{account['customer_id']}"
    frame = with_attributes(frame, "click_view", account)
    columns: dict[str, Any] = {
        "click_view.resource_name": customer + "/clickViews/" + days + "~" + frame["gclid"],
        "click_view.gclid": frame["gclid"],
        "click_view.ad_group_ad": customer + "/adGroupAds/" + frame["ad_group_id"] + "~" + frame["ad_id"],
        "segments.date": days,
        "metrics.clicks": 1,
    }
    return frame.assign(**columns)


def _local_day(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).date().isoformat()
