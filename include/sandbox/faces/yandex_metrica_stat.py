"""Metrica's reports (`/stat/v1/data`) over the recorded visits: totals to compare a log against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from sandbox.faces.yandex_metrica_fields import UTM, Log, is_field

MAX_LIMIT = 100_000
_SOURCES = {
    "ad": "Ad traffic",
    "direct": "Direct traffic",
    "email": "Mailing traffic",
    "internal": "Internal traffic",
    "messenger": "Messenger traffic",
    "organic": "Search engine traffic",
    "recommend": "Recommendation system traffic",
    "referral": "Link traffic",
    "social": "Social network traffic",
}
_DEVICES = {"1": ("desktop", "PC"), "2": ("mobile", "Smartphones"), "3": ("tablet", "Tablets"), "4": ("tv", "TV")}
_METRICS = ("ym:s:visits", "ym:s:users", "ym:s:pageviews", "ym:s:newUsers", "ym:s:bounceRate")


class Invalid(Exception):
    """A parameter that Metrica answers with 400."""


def report(parameters: Mapping[str, str], log: Log, today: date) -> dict[str, Any]:
    """The answer to a query of the data method; a visit that was sent twice counts once. Raises Invalid."""
    metrics = _names(parameters, "metrics")
    dimensions = _names(parameters, "dimensions")
    if not metrics or any(name not in _METRICS for name in metrics):
        raise Invalid(f"Wrong parameter: 'metrics', value: {parameters.get('metrics', '')!r}")
    for name in dimensions:
        if name not in ("ym:s:date", "ym:s:deviceCategory") and not (
            name.endswith(_TAILS) and is_field(name, "visits")
        ):
            raise Invalid(f"Wrong parameter: 'dimensions', value: {name!r}")
    if parameters.get("filters"):
        raise Invalid("Wrong parameter: 'filters': this counter answers without filters only")
    first = _day(parameters.get("date1", "6daysAgo"), today)
    last = _day(parameters.get("date2", "today"), today)
    if first > last:
        raise Invalid("Wrong parameter: 'date1' is after 'date2'")
    limit, offset = _whole(parameters, "limit", 100, MAX_LIMIT), _whole(parameters, "offset", 1, 2**31)
    visits = log.rows("visits", first, last).drop_duplicates("visit_id", keep="last")
    keyed = visits.assign(**{name: list(log.column(name, visits, "lastsign")) for name in dimensions})
    rows = _rows(keyed, dimensions, metrics)
    rows = _sorted(rows, parameters.get("sort") or f"-{metrics[0]}", dimensions, metrics)
    totals = _measures(keyed, metrics)
    page = rows[offset - 1 : offset - 1 + limit]
    return {
        "query": {
            "ids": [int(log.counter)],
            "metrics": metrics,
            "dimensions": dimensions,
            "date1": first.isoformat(),
            "date2": last.isoformat(),
            "limit": limit,
            "offset": offset,
        },
        "data": [
            {"dimensions": [_label(*pair) for pair in zip(dimensions, keys, strict=True)], "metrics": values}
            for keys, values in page
        ],
        "total_rows": len(rows),
        "total_rows_rounded": False,
        "sampled": False,
        "contains_sensitive_data": False,
        "sample_share": 1.0,
        "sample_size": len(visits),
        "sample_space": len(visits),
        "data_lag": 95,
        "totals": totals,
        "min": [min((values[at] for _, values in rows), default=0.0) for at in range(len(metrics))],
        "max": [max((values[at] for _, values in rows), default=0.0) for at in range(len(metrics))],
    }


_TAILS = ("TrafficSource", *UTM)


def _names(parameters: Mapping[str, str], key: str) -> list[str]:
    return [name for name in parameters.get(key, "").split(",") if name]


def _day(text: str, today: date) -> date:
    ago = re.fullmatch(r"(\d{1,5})daysAgo", text)
    try:
        if text in ("today", "yesterday"):
            return today - timedelta(days=text == "yesterday")
        if ago:
            return today - timedelta(days=int(ago[1]))
        if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
            return date.fromisoformat(text)
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"Wrong date: {text!r}")


def _whole(parameters: Mapping[str, str], key: str, default: int, most: int) -> int:
    text = parameters.get(key, str(default))
    if not re.fullmatch(r"\d{1,9}", text) or not 1 <= int(text) <= most:
        raise Invalid(f"Wrong parameter: '{key}', value: {text!r}")
    return int(text)


def _measures(visits: pd.DataFrame, metrics: list[str]) -> list[float]:
    count = len(visits)
    values = {
        "ym:s:visits": count,
        "ym:s:users": visits["client_id"].nunique(),
        "ym:s:pageviews": visits["page_views"].sum(),
        "ym:s:newUsers": visits.loc[visits["is_new"].astype(bool), "client_id"].nunique(),
        "ym:s:bounceRate": 100 * float(visits["is_bounce"].sum()) / count if count else 0.0,
    }
    return [float(values[name]) for name in metrics]


def _rows(visits: pd.DataFrame, dimensions: list[str], metrics: list[str]) -> list[tuple[tuple[str, ...], list[float]]]:
    if not dimensions:
        return [((), _measures(visits, metrics))] if len(visits) else []
    groups = visits.groupby(dimensions, sort=True)
    return [(tuple(map(str, keys)), _measures(group, metrics)) for keys, group in groups]


def _sorted(
    rows: list[tuple[tuple[str, ...], list[float]]], sort: str, dimensions: list[str], metrics: list[str]
) -> list[tuple[tuple[str, ...], list[float]]]:
    for item in reversed(sort.split(",")):
        name = item.removeprefix("-")
        if name in dimensions:
            at = dimensions.index(name)
            rows = sorted(rows, key=lambda row: row[0][at], reverse=item.startswith("-"))
        elif name in metrics:
            at = metrics.index(name)
            rows = sorted(rows, key=lambda row: row[1][at], reverse=item.startswith("-"))
        else:
            raise Invalid(f"Wrong parameter: 'sort', value: {item!r}")
    return rows


def _label(dimension: str, value: str) -> dict[str, Any]:
    if dimension.endswith("TrafficSource"):
        return {"id": value, "name": _SOURCES.get(value, value)}
    if dimension == "ym:s:deviceCategory":
        identifier, name = _DEVICES.get(value, ("other", "Other"))
        return {"id": identifier, "name": name}
    return {"name": value or None}
