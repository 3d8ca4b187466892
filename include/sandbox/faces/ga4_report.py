"""Answers a runReport request from the recorded sessions: request and frames in, the response's JSON out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from sandbox.faces.ga4_fields import (
    AGGREGATIONS,
    DIMENSIONS,
    METRIC_TYPES,
    METRICS,
    ORDER_TYPES,
    Dimension,
    Metric,
)
from sandbox.faces.ga4_filters import Invalid, enum, mask, names_in

MAX_DIMENSIONS, MAX_METRICS, MAX_DATE_RANGES = 9, 10, 4
DEFAULT_LIMIT, MAX_LIMIT = 10_000, 250_000
_RESERVED = {"TOTAL": ("totals", "RESERVED_TOTAL"), "MINIMUM": ("minimums", "RESERVED_MIN")}
_RESERVED["MAXIMUM"] = ("maximums", "RESERVED_MAX")
_KEYS = {"property", "dimensions", "metrics", "dateRanges", "dimensionFilter", "metricFilter", "offset", "limit"}
_KEYS |= {"metricAggregations", "orderBys", "currencyCode", "keepEmptyRows", "returnPropertyQuota"}
_SORT_KEYS: dict[str, Callable[[Any], Any]] = {
    "NUMERIC": pd.to_numeric,
    "CASE_INSENSITIVE_ALPHANUMERIC": lambda column: column.str.lower(),
}
_Field = TypeVar("_Field", Dimension, Metric)


@dataclass(frozen=True)
class Property:
    """A GA4 property: time zone by name, currency by code."""

    time_zone: str
    currency: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def camel_keys(value: Any) -> Any:
    """Names as proto3 JSON writes them; the vendor also understands snake_case."""
    if isinstance(value, dict):
        return {re.sub(r"_([a-z])", lambda m: m[1].upper(), key): camel_keys(item) for key, item in value.items()}
    return [camel_keys(item) for item in value] if isinstance(value, list) else value


def run_report(
    request: dict[str, Any],
    sessions: pd.DataFrame,
    of: Property,
    today: date,
    *,
    enums_as_int: bool = False,
    totals_off: float = 0.0,
) -> dict[str, Any]:
    """The RunReportResponse, without its quota. `sessions` has SESSION_COLUMNS; raises Invalid. `totals_off` is the
    share by which the totals are told too high."""
    request = camel_keys(request)
    unknown = sorted(set(request) - _KEYS)
    if unknown:
        raise Invalid(f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.')
    dimensions = [_known(item, DIMENSIONS, "dimension") for item in _list(request, "dimensions")]
    metrics = [_known(item, METRICS, "metric") for item in _list(request, "metrics")]
    _check_sizes(dimensions, metrics)
    ranges = _date_ranges(request, today)
    has_ranges = len(ranges) > 1
    rows = _in_ranges(sessions, ranges, of.zone)
    columns = {item.name: item.of(rows, of.zone) for item in _needed(dimensions, request.get("dimensionFilter"))}
    if request.get("dimensionFilter"):
        kept = mask(request["dimensionFilter"], columns, "dimension_filter")
        rows, columns = rows[kept], {name: column[kept] for name, column in columns.items()}
    names = [item.name for item in dimensions] + (["dateRange"] if has_ranges else [])
    measured = rows.assign(**{name: columns[name] for name in names if name in columns})
    groups = _grouped(measured, names, metrics)
    groups = _filtered(groups, request, metrics)
    groups = _ordered(groups, request, names, metrics)
    offset, limit = _int64(request, "offset", 0), min(_int64(request, "limit", 0) or DEFAULT_LIMIT, MAX_LIMIT)
    response: dict[str, Any] = {}
    if names:
        response["dimensionHeaders"] = [{"name": name} for name in names]
    numbers = {name: number for number, name in METRIC_TYPES.items()}
    response["metricHeaders"] = [
        {"name": metric.name, "type": numbers[metric.type] if enums_as_int else metric.type} for metric in metrics
    ]
    page = groups.iloc[offset : offset + limit]
    if len(page):
        response["rows"] = _rows(page, names, metrics)
    response |= _aggregated(request, measured, groups, names, metrics, totals_off)
    if len(groups):
        response["rowCount"] = len(groups)
    response["metadata"] = {"currencyCode": request.get("currencyCode") or of.currency, "timeZone": of.time_zone}
    return {**response, "kind": "analyticsData#runReport"}


def _list(request: dict[str, Any], key: str) -> list[Any]:
    value = request.get(key, [])
    if not isinstance(value, list):
        raise Invalid(f"Invalid value at '{key}': not a list")
    return value


def _known(item: Any, known: Mapping[str, _Field], kind: str) -> _Field:
    name = item.get("name") if isinstance(item, dict) else None
    if str(name) not in known:
        raise Invalid(f"Field {name} is not a valid {kind}. See the property's metadata for those that are")
    return known[str(name)]


def _check_sizes(dimensions: list[Dimension], metrics: list[Metric]) -> None:
    for given, most, kind in ((dimensions, MAX_DIMENSIONS, "dimensions"), (metrics, MAX_METRICS, "metrics")):
        names = [item.name for item in given]
        if len(names) > most:
            raise Invalid(f"The request exceeds the limit of {most} {kind}")
        if len(set(names)) < len(names):
            raise Invalid(f"Duplicate {kind} in the request")
    if not metrics:
        raise Invalid("At least one metric is required")


def _date_ranges(request: dict[str, Any], today: date) -> list[tuple[str, date, date]]:
    given = _list(request, "dateRanges")
    if not 0 < len(given) <= MAX_DATE_RANGES:
        raise Invalid(f"A request needs 1 to {MAX_DATE_RANGES} date ranges")
    ranges = []
    for number, item in enumerate(given):
        start, end = (
            _day(item.get(key) if isinstance(item, dict) else None, today) for key in ("startDate", "endDate")
        )
        if start > end:
            raise Invalid(f"Invalid date range: start {start} is after end {end}")
        ranges.append((str(item.get("name") or f"date_range_{number}"), start, end))
    return ranges


def _day(text: Any, today: date) -> date:
    """`2026-10-01`, `today`, `yesterday` or `NdaysAgo` in the property's time zone."""
    word = str(text)
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    ago = re.fullmatch(r"(\d{1,5})daysAgo", word)
    try:
        if ago:
            return today - timedelta(days=int(ago[1]))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
            return date.fromisoformat(word)
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"Invalid date {word!r}: use YYYY-MM-DD, today, yesterday or NdaysAgo")


def _int64(request: dict[str, Any], key: str, default: int) -> int:
    value = request.get(key, default)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise Invalid(f"Invalid value at '{key}' (TYPE_INT64), {value!r}")
    if int(value) < 0:
        raise Invalid(f"Invalid value for {key}: {value}. It must not be negative")
    return int(value)


def _in_ranges(sessions: pd.DataFrame, ranges: list[tuple[str, date, date]], zone: ZoneInfo) -> pd.DataFrame:
    """The sessions of each range, one after the other; a session in two ranges stands in both."""
    started = pd.to_datetime(sessions["started_at"], utc=True)
    parts = []
    for name, start, end in ranges:
        first, after = (pd.Timestamp(day).tz_localize(zone) for day in (start, end + timedelta(days=1)))
        parts.append(sessions[(started >= first) & (started < after)].assign(dateRange=name))
    return pd.concat(parts, ignore_index=True)


def _needed(dimensions: list[Dimension], expression: Any) -> list[Dimension]:
    """The requested dimensions and those that the filter names."""
    named = [DIMENSIONS[name] for name in sorted(names_in(expression)) if name in DIMENSIONS]
    return list({item.name: item for item in [*dimensions, *named]}.values())


def _grouped(rows: pd.DataFrame, names: list[str], metrics: list[Metric]) -> pd.DataFrame:
    """One row a group: `names`, the metrics by name."""
    if not names:
        return _measured(rows, metrics).to_frame().T if len(rows) else pd.DataFrame(columns=[m.name for m in metrics])
    grouped = rows.groupby(names, sort=True, dropna=False)
    columns = {
        "sessions": grouped.size(),
        "engaged": grouped["is_engaged"].sum(),
        "users": grouped["user_pseudo_id"].nunique(),
        "key_events": grouped["key_events"].sum(),
    }
    return pd.DataFrame({metric.name: columns[metric.column] for metric in metrics}).astype("float64").reset_index()


def _measured(rows: pd.DataFrame, metrics: list[Metric]) -> pd.Series[Any]:
    values = {
        "sessions": len(rows),
        "engaged": rows["is_engaged"].sum(),
        "users": rows["user_pseudo_id"].nunique(),
        "key_events": rows["key_events"].sum(),
    }
    return pd.Series({metric.name: float(values[metric.column]) for metric in metrics})


def _filtered(groups: pd.DataFrame, request: dict[str, Any], metrics: list[Metric]) -> pd.DataFrame:
    if request.get("metricFilter"):
        columns = {metric.name: groups[metric.name].astype("float64") for metric in metrics}
        groups = groups[mask(request["metricFilter"], columns, "metric_filter")]
    if not request.get("keepEmptyRows") and len(groups):
        groups = groups[(groups[[metric.name for metric in metrics]] != 0).any(axis=1)]
    return groups


def _ordered(groups: pd.DataFrame, request: dict[str, Any], names: list[str], metrics: list[Metric]) -> pd.DataFrame:
    """In the order asked for, else by the first metric from its greatest; ties by dimension values, so pages agree."""
    given = _list(request, "orderBys") or [{"metric": {"metricName": metrics[0].name}, "desc": True}]
    for item in reversed(given):
        is_descending = bool(item.get("desc")) if isinstance(item, dict) else False
        by = item.get("metric") or item.get("dimension") if isinstance(item, dict) else None
        if not isinstance(by, dict):
            raise Invalid("An order needs a metric or a dimension")
        name = str(by.get("metricName", by.get("dimensionName")))
        if name not in (*names, *(metric.name for metric in metrics)):
            raise Invalid(f"Field {name} in order_bys is not part of the request")
        order = enum(by.get("orderType", 0), ORDER_TYPES, "order_type")
        groups = groups.sort_values(name, ascending=not is_descending, kind="stable", key=_SORT_KEYS.get(order))
    return groups


def _aggregated(
    request: dict[str, Any],
    rows: pd.DataFrame,
    groups: pd.DataFrame,
    names: list[str],
    metrics: list[Metric],
    totals_off: float,
) -> dict[str, Any]:
    """Totals count distinct users over all sessions in the report, so they are no sums of its rows."""
    found: dict[str, Any] = {}
    for word in _list(request, "metricAggregations"):
        kind = enum(word, AGGREGATIONS, "metric_aggregations")
        if kind not in _RESERVED or not len(groups):
            continue
        key, reserved = _RESERVED[kind]
        if kind == "TOTAL":
            shown = rows.merge(groups[names], on=names) if names else rows
            values = (_measured(shown, metrics) * (1 + totals_off)).round()
        else:
            values = groups[[metric.name for metric in metrics]].agg("min" if kind == "MINIMUM" else "max")
        found[key] = _rows(values.to_frame().T.assign(**dict.fromkeys(names, reserved)), names, metrics)
    return found


def _rows(groups: pd.DataFrame, names: list[str], metrics: list[Metric]) -> list[dict[str, Any]]:
    labels = [groups[name].tolist() for name in names]
    numbers = [[_text(value) for value in groups[metric.name].tolist()] for metric in metrics]
    return [
        {
            **({"dimensionValues": [{"value": column[at]} for column in labels]} if labels else {}),
            "metricValues": [{"value": column[at]} for column in numbers],
        }
        for at in range(len(groups))
    ]


def _text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
