"""Answers a checked GAQL query from the recorded rows: frames in, rows in the JSON of the vendor's protocol out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from sandbox.faces import google_ads_rules as rules
from sandbox.faces.gaql import Condition, Query
from sandbox.faces.google_ads_fields import FIELDS, GRAIN, Field
from sandbox.faces.google_ads_frames import MEASURES, clicks, entities, with_attributes, with_dates, with_metrics
from sandbox.recorded import Recorded


@dataclass(frozen=True)
class Answer:
    """Rows on the wire's form, in order; `summary` is the row of totals over all rows that the conditions leave."""

    rows: list[dict[str, Any]]
    field_mask: str
    summary: dict[str, Any] | None  # None when the query selects no metrics


def evaluate(query: Query, recorded: Recorded, account: Mapping[str, str]) -> Answer:
    """Run `query` (see `google_ads_rules.check`, which is called first) on what the account has recorded."""
    today = recorded.now.astimezone(ZoneInfo(account["time_zone"])).date()
    rules.check(query, today)
    if query.resource == "click_view":
        frame = clicks(recorded, account)
    else:
        frame = _performance(query, recorded.ads["google-ads"], account, today)
    # Dates have been applied to performance rows before they were added up, as the segment may not be selected.
    has_dates = query.resource == "click_view"
    for condition in query.where:
        field = rules.field_of(condition.field)
        if has_dates or not field.is_segment:
            frame = frame[_matches(frame[field.name], condition, field, today)]
    summary = _summary(query, frame)
    frame = _ordered(frame, query)
    if query.limit is not None:
        frame = frame.head(query.limit)
    selected = list(dict.fromkeys(query.select))
    mask = ",".join(".".join(FIELDS[name].path) for name in selected)
    return Answer(_rows(frame, [*selected, *_resource_names(query)]), mask, summary)


def _performance(query: Query, ads: pd.DataFrame, account: Mapping[str, str], today: date) -> pd.DataFrame:
    """One row per entity of the resource and selected segment, all fields of the query as columns."""
    segments = [name for name in dict.fromkeys(query.select) if FIELDS[name].is_segment]
    facts = with_dates(ads, [*segments, *(c.field for c in query.where if FIELDS[c.field].is_segment)])
    for condition in query.where:
        if FIELDS[condition.field].is_segment:
            facts = facts[_matches(facts[condition.field], condition, FIELDS[condition.field], today)]
    grain = list(GRAIN[query.resource])
    named = entities(ads, query.resource)
    keys = grain + segments
    if keys:
        sums = facts.groupby(keys, sort=False, dropna=False)[list(MEASURES)].sum().reset_index()
    else:
        sums = facts[list(MEASURES)].sum().to_frame().T
    if segments:
        # Segmented rows without an impression do not come back; entities without segments do, with zeros.
        joined = sums[sums["impressions"] > 0]
        joined = joined.merge(named, on=grain, how="left") if grain else joined.merge(named, how="cross")
    else:
        joined = named.merge(sums, on=grain, how="left") if grain else named.merge(sums, how="cross")
        joined[list(MEASURES)] = joined[list(MEASURES)].fillna(0)
    return with_attributes(with_metrics(joined), query.resource, account)


def _matches(column: Any, condition: Condition, field: Field, today: date) -> Any:
    """A mask over the column (a Series)."""
    if condition.operator in ("IS NULL", "IS NOT NULL"):
        return column.isna() if condition.operator == "IS NULL" else column.notna()
    if condition.operator == "DURING":
        first, last = rules.during(condition.values[0], today)
        return column.between(first.isoformat(), last.isoformat())
    if condition.operator in ("LIKE", "NOT LIKE"):
        found = column.astype(str).str.fullmatch(_like(condition.values[0]), case=False)
        return found if condition.operator == "LIKE" else ~found
    values = [_typed(value, field) for value in condition.values]
    match condition.operator:
        case "=":
            return column == values[0]
        case "!=":
            return column != values[0]
        case "<":
            return column < values[0]
        case "<=":
            return column <= values[0]
        case ">":
            return column > values[0]
        case ">=":
            return column >= values[0]
        case "BETWEEN":
            return column.between(values[0], values[1])
        case "IN":
            return column.isin(values)
        case _:
            return ~column.isin(values)


def _like(pattern: str) -> str:
    parts = re.findall(r"\[[^\]]*\]|.", pattern, re.DOTALL)
    return "".join({"%": ".*", "_": "."}.get(p, re.escape(p[1:-1]) if len(p) > 1 else re.escape(p)) for p in parts)


def _typed(value: str, field: Field) -> Any:
    match field.type:
        case "int64" | "int32":
            return int(value)
        case "double":
            return float(value)
        case "bool":
            return value.lower() == "true"
        case "date":
            return rules.day_of(value, field.name).isoformat()
        case _:
            return value


def _ordered(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    for name, is_descending in reversed(query.order_by):
        frame = frame.sort_values(name, ascending=not is_descending, kind="stable", na_position="last")
    return frame


def _summary(query: Query, frame: pd.DataFrame) -> dict[str, Any] | None:
    metrics = [name for name in dict.fromkeys(query.select) if FIELDS[name].is_metric]
    if not metrics:
        return None
    if query.resource == "click_view":
        return {"metrics": {"clicks": str(len(frame))}}
    totals = with_metrics(frame[list(MEASURES)].sum().to_frame().T)
    return _rows(totals, metrics)[0]


def _resource_names(query: Query) -> list[str]:
    """The names that come along unasked: of FROM's resource and of each resource that has a selected field."""
    if query.parameters.get("omit_unselected_resource_names"):
        return []
    resources = {query.resource, *(FIELDS[name].resource for name in query.select)} - {"segments", "metrics"}
    names = sorted(f"{resource}.resource_name" for resource in resources)
    if any(name.startswith("ad_group_ad.ad.") for name in query.select) or query.resource == "ad_group_ad":
        names.append("ad_group_ad.ad.resource_name")
    return [name for name in names if name not in query.select]


def _rows(frame: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """Rows as proto3 JSON: int64 as text, doubles as numbers, what is unset absent."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    for name in sorted(names):
        field = FIELDS[name]
        *way, leaf = field.path
        is_int64 = field.type == "int64"
        for row, value in zip(rows, frame[name].tolist(), strict=True):
            if value is None or value != value:  # unset, or NaN: a ratio over zero
                continue
            target = row
            for part in way:
                target = target.setdefault(part, {})
            target[leaf] = str(value) if is_int64 else value
    return rows
