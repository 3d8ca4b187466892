"""Direct's other services, as far as a puller needs them: campaigns, adgroups and ads `get`, and changes `check`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sandbox.faces.yandex_direct_spec import SETTLES_DAYS, Refused
from sandbox.recorded import Recorded

MAX_PAGE = 10_000
_CHECKED = {"CampaignIds", "AdGroupIds", "AdIds", "CampaignsStat"}
# Service -> (name of the list in the answer, column of the id, selection key -> column, columns it needs one of).
_SERVICES: dict[str, tuple[str, str, dict[str, str]]] = {
    "campaigns": ("Campaigns", "campaign_id", {"Ids": "campaign_id"}),
    "adgroups": ("AdGroups", "ad_group_id", {"Ids": "ad_group_id", "CampaignIds": "campaign_id"}),
    "ads": ("Ads", "ad_id", {"Ids": "ad_id", "AdGroupIds": "ad_group_id", "CampaignIds": "campaign_id"}),
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "campaigns": ("Id", "Name", "Type", "State", "Status", "Currency", "TimeZone", "StartDate"),
    "adgroups": ("Id", "CampaignId", "Name", "Type", "Status", "TrackingParams"),
    "ads": ("Id", "AdGroupId", "CampaignId", "Type", "State", "Status"),
}


def run(service: str, body: Any, recorded: Recorded, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    """The `result` of a call. Raises Refused; `service` is campaigns, adgroups, ads or changes."""
    if not isinstance(body, dict) or not isinstance(body.get("params"), dict) or set(body) - {"method", "params"}:
        raise Refused(8000, "The request must be an object with method and params")
    method = "check" if service == "changes" else "get"
    if body.get("method") != method:
        raise Refused(55, f"Method {body.get('method')!r} of {service} is not there")
    ads = recorded.ads["yandex-direct"].sort_values("date", kind="stable")
    if service == "changes":
        return _changes(body["params"], ads, recorded.now, zone)
    return _get(service, body["params"], ads, zone, currency)


def _get(service: str, params: dict[str, Any], ads: pd.DataFrame, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    label, key, selections = _SERVICES[service]
    criteria = params.get("SelectionCriteria", {})
    if not isinstance(criteria, dict) or set(criteria) - set(selections):
        raise Refused(8000, f"SelectionCriteria of {service} holds {', '.join(selections)}")
    if service != "campaigns" and not criteria:
        raise Refused(4001, f"SelectionCriteria of {service} needs one of {', '.join(selections)}")
    _check_names(params, "FieldNames", _FIELDS[service])
    if "TextAdFieldNames" in params:
        _check_names(params, "TextAdFieldNames", ("Href", "Mobile") if service == "ads" else ())
    rows = ads.drop_duplicates(key, keep="last").sort_values(key, kind="stable")
    first_days = ads.drop_duplicates(key, keep="first").set_index(key)["date"]
    for name, ids in criteria.items():
        if not isinstance(ids, list) or not ids:
            raise Refused(8000, f"{name} must be a list of numbers")
        rows = rows[rows[selections[name]].isin([str(number) for number in ids])]
    page = params.get("Page") or {}
    if not isinstance(page, dict):
        raise Refused(8000, "Page holds Limit and Offset")
    limit, offset = _whole(page, "Limit", MAX_PAGE, MAX_PAGE), _whole(page, "Offset", 0, None)
    shown = [
        _item(service, row, params, zone, currency, first_days[row[key]].isoformat())
        for row in rows.iloc[offset : offset + limit].to_dict("records")
    ]
    result: dict[str, Any] = {label: shown} if shown else {}
    if offset + limit < len(rows):
        result["LimitedBy"] = offset + limit
    return result


def _item(
    service: str, row: dict[Any, Any], params: dict[str, Any], zone: ZoneInfo, currency: str, start: str
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "campaigns": {
            "Id": _number(row["campaign_id"]),
            "Name": row["campaign_name"],
            "Type": "TEXT_CAMPAIGN",
            "State": "ON" if row["campaign_status"] == "ENABLED" else "SUSPENDED",
            "Status": "ACCEPTED",
            "Currency": currency,
            "TimeZone": str(zone),
            "StartDate": start,
        },
        "adgroups": {
            "Id": _number(row["ad_group_id"]),
            "CampaignId": _number(row["campaign_id"]),
            "Name": row["ad_group_name"],
            "Type": "TEXT_AD_GROUP",
            "Status": "ACCEPTED",
            "TrackingParams": "",
        },
        "ads": {
            "Id": _number(row["ad_id"]),
            "AdGroupId": _number(row["ad_group_id"]),
            "CampaignId": _number(row["campaign_id"]),
            "Type": "TEXT_AD",
            "State": "ON",
            "Status": "ACCEPTED",
        },
    }[service]
    item = {name: known[name] for name in params["FieldNames"]}
    text_ad = {"Href": row["final_url"] if isinstance(row["final_url"], str) else None, "Mobile": "NO"}
    if params.get("TextAdFieldNames"):
        item["TextAd"] = {name: text_ad[name] for name in params["TextAdFieldNames"]}
    return item


def _check_names(params: dict[str, Any], key: str, known: tuple[str, ...]) -> None:
    names = params.get(key)
    if not isinstance(names, list) or not names:
        raise Refused(8000, f"{key} must be a list of fields")
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        raise Refused(8000, f"{key} holds {wrong!r}, which is not one of {', '.join(known)}")


def _changes(params: dict[str, Any], ads: pd.DataFrame, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What changed since a time. Statistics are final after some days: the border lies as many days before it."""
    names, ids = params.get("FieldNames"), params.get("CampaignIds")
    if not isinstance(names, list) or not names or any(name not in list(_CHECKED) for name in names):
        raise Refused(8000, f"FieldNames must be of {', '.join(sorted(_CHECKED))}")
    if not isinstance(ids, list) or not 0 < len(ids) <= 3000:
        raise Refused(8000, "CampaignIds must be a list of up to 3000 numbers")
    since = _instant(params.get("Timestamp"))
    border = since.astimezone(zone).date() - timedelta(days=SETTLES_DAYS)
    asked = [str(number) for number in ids]
    known = ads[ads["campaign_id"].isin(asked)]
    fresh = known[(known["date"] >= border) & (since < now)]
    result: dict[str, Any] = {"Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    columns = {"CampaignIds": "campaign_id", "AdGroupIds": "ad_group_id", "AdIds": "ad_id"}
    modified = {
        name: [
            _number(number) for number in sorted(known[known["date"] > since.astimezone(zone).date()][column].unique())
        ]
        for name, column in columns.items()
        if name in names
    }
    if modified:
        result["Modified"] = modified
    if "CampaignsStat" in names:
        first = fresh.groupby("campaign_id")["date"].min()
        result["CampaignsStat"] = [
            {"CampaignId": _number(number), "BorderDate": day.isoformat()} for number, day in first.items()
        ]
    unknown = [number for number in ids if str(number) not in set(known["campaign_id"])]
    if unknown:
        result["Unprocessed"] = {"CampaignIds": unknown}
    return result


def _instant(text: Any) -> datetime:
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(text)):
        try:
            return datetime.fromisoformat(str(text))
        except ValueError:
            pass
    raise Refused(4000, "Timestamp must be YYYY-MM-DDThh:mm:ssZ")


def _whole(page: dict[str, Any], key: str, default: int, most: int | None) -> int:
    value = page.get(key, default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < 0
        or (most is not None and not 0 < value <= most)
    ):
        raise Refused(4002, f"Page.{key} is out of its limits")
    return value


def _number(text: Any) -> int:
    return int(str(text))
