"""What may be asked of Yandex Direct's Reports service: a request body read into a `Spec`, or refused with its code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

_CAMPAIGN = ("CampaignId", "CampaignName", "CampaignType")
_GROUP = ("AdGroupId", "AdGroupName")
PERIODS = ("Date", "Week", "Month", "Quarter", "Year")
# Report type -> (fields of its own beside periods, metrics and ClientLogin; fields it groups by, asked for or not).
TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ACCOUNT_PERFORMANCE_REPORT": ((), ("ClientLogin",)),
    "CAMPAIGN_PERFORMANCE_REPORT": (_CAMPAIGN, ("CampaignId",)),
    "ADGROUP_PERFORMANCE_REPORT": (_CAMPAIGN + _GROUP, ("CampaignId", "AdGroupId")),
    "AD_PERFORMANCE_REPORT": (_CAMPAIGN + _GROUP + ("AdId",), ("CampaignId", "AdGroupId", "AdId")),
    "CUSTOM_REPORT": (_CAMPAIGN + _GROUP + ("AdId",), ()),
}
GOAL_METRICS = ("Conversions", "Revenue", "CostPerConversion", "ConversionRate", "GoalsRoi")
METRICS = ("Impressions", "Clicks", "Cost", "Ctr", "AvgCpc", *GOAL_METRICS)
MODELS = ("AUTO", "LC", "LSC", "FC", "LYDC", "LSCCD", "FCCD", "LYDCCD")
OPERATORS = ("EQUALS", "NOT_EQUALS", "IN", "NOT_IN", "LESS_THAN", "GREATER_THAN", "STARTS_WITH_IGNORE_CASE")
_REQUIRED = {"SelectionCriteria", "FieldNames", "ReportName", "ReportType", "DateRangeType", "Format", "IncludeVAT"}
_OPTIONAL = {"Goals", "AttributionModels", "Page", "OrderBy", "IncludeDiscount"}
_AGO = {"LAST_3_DAYS": 3, "LAST_5_DAYS": 5, "LAST_7_DAYS": 7, "LAST_14_DAYS": 14, "LAST_30_DAYS": 30}
_AGO |= {"LAST_90_DAYS": 90, "LAST_365_DAYS": 365}
SETTLES_DAYS = 3


class Refused(Exception):
    """A request that Direct refuses: `code` of its error, `detail` what is meant."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Spec:
    """One report: dates are the account's, both included; `text` is the whole request in one order, for comparing."""

    name: str
    type: str
    first: date
    last: date
    fields: tuple[str, ...]
    filters: tuple[tuple[str, str, tuple[str, ...]], ...]
    goals: tuple[str, ...]
    models: tuple[str, ...]
    order_by: tuple[tuple[str, bool], ...]  # (field, is descending)
    limit: int | None
    offset: int
    text: str

    @property
    def grouping(self) -> tuple[str, ...]:
        """The fields that make one row, in the order they are asked for, those that the type adds last."""
        asked = [name for name in self.fields if name not in METRICS]
        return tuple(dict.fromkeys([*asked, *TYPES[self.type][1]]))


def read(body: Any, today: date) -> Spec:
    """The report in a request body; `today` is the account's date. Raises Refused."""
    params = body.get("params") if isinstance(body, dict) else None
    if not isinstance(params, dict):
        raise Refused(8000, "The request must be an object with params")
    missing, unknown = _REQUIRED - set(params), set(params) - _REQUIRED - _OPTIONAL
    if missing or unknown:
        word, names = ("omitted required", missing) if missing else ("unknown", unknown)
        raise Refused(8000, f"The structure params holds {word} field {sorted(names)[0]}")
    name, type_ = params["ReportName"], params["ReportType"]
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise Refused(8000, "ReportName must be a text of 1 to 255 characters")
    if str(type_) not in TYPES:
        raise Refused(8000, f"ReportType {type_!r} is not available for this account")
    if params["Format"] != "TSV":
        raise Refused(8000, "Format must be TSV")
    for key in ("IncludeVAT", "IncludeDiscount"):
        if params.get(key, "NO") not in ("YES", "NO"):
            raise Refused(8000, f"{key} must be YES or NO")
    criteria = params["SelectionCriteria"]
    if not isinstance(criteria, dict) or set(criteria) - {"DateFrom", "DateTo", "Filter"}:
        raise Refused(8000, "SelectionCriteria holds DateFrom, DateTo and Filter")
    first, last = _dates(params["DateRangeType"], criteria, today)
    fields = _fields(params["FieldNames"], type_)
    page = params.get("Page") or {}
    if not isinstance(page, dict) or set(page) - {"Limit", "Offset"}:
        raise Refused(8000, "Page holds Limit and Offset")
    return Spec(
        name,
        type_,
        first,
        last,
        fields,
        _filters(criteria.get("Filter") or []),
        _goals(params.get("Goals") or []),
        _models(params.get("AttributionModels") or []),
        _order(params.get("OrderBy") or [], fields),
        _whole(page, "Limit", 1) if "Limit" in page else None,
        _whole(page, "Offset", 0) if "Offset" in page else 0,
        json.dumps(params, sort_keys=True, ensure_ascii=False),
    )


def _fields(names: Any, type_: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not names:
        raise Refused(8000, "FieldNames must be a list of fields")
    allowed = (*PERIODS, "ClientLogin", *TYPES[type_][0], *METRICS)
    wrong = next((name for name in names if name not in allowed), None)
    if wrong is not None:
        raise Refused(4000, f"FieldNames holds {wrong!r}, which {type_} does not have")
    if len(set(names)) < len(names):
        raise Refused(4000, "FieldNames names a field twice")
    if sum(name in PERIODS for name in names) > 1:
        raise Refused(4000, "FieldNames may hold one of Date, Week, Month, Quarter and Year")
    return tuple(names)


def _dates(kind: Any, criteria: Mapping[str, Any], today: date) -> tuple[date, date]:
    given = {"DateFrom", "DateTo"} & set(criteria)
    if (kind == "CUSTOM_DATE") != (len(given) == 2) or len(given) == 1:
        raise Refused(4000, "DateFrom and DateTo go with DateRangeType CUSTOM_DATE, and only with it")
    earliest = today.replace(day=1).replace(year=today.year - 3)
    if kind == "CUSTOM_DATE":
        first, last = _day(criteria["DateFrom"]), _day(criteria["DateTo"])
        if first > last:
            raise Refused(4000, "DateFrom is after DateTo")
        if first < earliest:
            raise Refused(4000, f"DateFrom is before {earliest}, the first day that statistics are kept for")
        return first, last
    yesterday, monday, month = today - timedelta(days=1), today - timedelta(days=today.weekday()), today.replace(day=1)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "LAST_WEEK": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "THIS_MONTH": (month, today),
        "LAST_MONTH": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "ALL_TIME": (earliest, today),
        "AUTO": (today - timedelta(days=SETTLES_DAYS), today),
        **{name: (today - timedelta(days=days), yesterday) for name, days in _AGO.items()},
    }
    if str(kind) not in ranges:
        raise Refused(8000, f"DateRangeType {kind!r} is not known")
    return ranges[str(kind)]


def _day(text: Any) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", str(text)):
            return date.fromisoformat(str(text))
    except ValueError:
        pass
    raise Refused(8000, f"{text!r} is not a date, YYYY-MM-DD")


def _filters(given: Any) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    found = []
    for item in given if isinstance(given, list) else [None]:
        if not isinstance(item, dict) or set(item) != {"Field", "Operator", "Values"}:
            raise Refused(8000, "A filter holds Field, Operator and Values")
        values = item["Values"]
        if item["Field"] not in (*TYPES["CUSTOM_REPORT"][0], "Impressions", "Clicks", "Cost"):
            raise Refused(4000, f"Field {item['Field']!r} cannot be filtered by")
        if item["Operator"] not in OPERATORS or not isinstance(values, list) or not values:
            raise Refused(4000, f"The filter by {item['Field']} has a wrong operator or no values")
        if item["Operator"] not in ("IN", "NOT_IN") and len(values) > 1:
            raise Refused(4000, f"The filter by {item['Field']} takes one value")
        found.append((str(item["Field"]), str(item["Operator"]), tuple(map(str, values))))
    return tuple(found)


def _goals(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > 10 or any(not str(goal).isdigit() for goal in given):
        raise Refused(4000, "Goals must be a list of up to 10 goal numbers")
    return tuple(map(str, given))


def _models(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or any(model not in MODELS for model in given):
        raise Refused(4000, f"AttributionModels must be of {', '.join(MODELS)}")
    return tuple(given)


def _order(given: Any, fields: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    found = []
    for item in given if isinstance(given, list) else [None]:
        if not isinstance(item, dict) or item.get("Field") not in fields:
            raise Refused(4000, "OrderBy takes fields of FieldNames")
        order = item.get("SortOrder", "ASCENDING")
        if order not in ("ASCENDING", "DESCENDING"):
            raise Refused(8000, "SortOrder must be ASCENDING or DESCENDING")
        found.append((str(item["Field"]), order == "DESCENDING"))
    return tuple(found)


def _whole(page: Any, key: str, least: int) -> int:
    value = page.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Refused(8000, f"Page.{key} must be a whole number of at least {least}")
    return value
