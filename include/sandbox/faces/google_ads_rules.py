"""What Google Ads refuses in a query that is well written: unknown and misplaced fields, values, and date ranges."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sandbox.faces.gaql import Condition, Query, QueryRefused
from sandbox.faces.google_ads_fields import CORE_DATES, ENUMS, FIELDS, VISIBLE, Field

CLICK_VIEW_DAYS = 90
_COMPARE = frozenset({"=", "!=", "<", "<=", ">", ">=", "BETWEEN", "IN", "NOT IN"})
_EQUAL = frozenset({"=", "!=", "IN", "NOT IN"})
_TEXT = _EQUAL | {"LIKE", "NOT LIKE"}
_NULL = frozenset({"IS NULL", "IS NOT NULL"})
OPERATORS: dict[str, frozenset[str]] = {
    "int64": _COMPARE | _NULL,
    "int32": _COMPARE | _NULL,
    "double": _COMPARE | _NULL,
    "string": _TEXT | _NULL,
    "string_list": _NULL,
    "bool": frozenset({"=", "!="}) | _NULL,
    "enum": _EQUAL | _NULL,
    "date": _COMPARE | {"DURING"},
}


def check(query: Query, today: date) -> None:
    """Raise QueryRefused if Google Ads would not run `query`; `today` is the account's date."""
    if query.resource not in VISIBLE:
        raise QueryRefused("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"Resource {query.resource!r} is not valid in FROM.")
    for name in query.select:
        _visible(name, query, "SELECT")
    for condition in query.where:
        field = _visible(condition.field, query, "WHERE")
        if field.is_segment and field.name not in CORE_DATES:
            _selected(field.name, query)
        _check_values(condition, field)
    for name, _ in query.order_by:
        field = _visible(name, query, "ORDER_BY")
        if field.resource != query.resource:
            _selected(name, query)
    _check_dates(query, today)


def field_of(name: str) -> Field:
    """The field of that name; raises QueryRefused for one that does not exist."""
    if name not in FIELDS:
        raise QueryRefused("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{name}'.", field=name)
    return FIELDS[name]


def _visible(name: str, query: Query, clause: str) -> Field:
    field = field_of(name)
    if field.resource in VISIBLE[query.resource]:
        return field
    if not (field.is_metric or field.is_segment):
        code = f"PROHIBITED_RESOURCE_TYPE_IN_{clause}_CLAUSE"
        if clause == "ORDER_BY":
            code = "PROHIBITED_FIELD_IN_ORDER_BY_CLAUSE"
        raise QueryRefused(code, f"'{name}' cannot be used with FROM {query.resource}.", field=name)
    if query.resource == "click_view" and name not in ("segments.date", "metrics.clicks"):
        kind = "METRIC" if field.is_metric else "SEGMENT"
        message = f"'{name}' cannot be used with FROM click_view."
        raise QueryRefused(f"PROHIBITED_{kind}_IN_SELECT_OR_WHERE_CLAUSE", message, field=name)
    return field


def _selected(name: str, query: Query) -> None:
    if name not in query.select:
        message = f"'{name}' must be in SELECT to be used elsewhere in the query."
        raise QueryRefused("EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", message, field=name)


def _check_values(condition: Condition, field: Field) -> None:
    if condition.operator not in OPERATORS[field.type]:
        message = f"Operator {condition.operator} does not go with '{field.name}'."
        raise QueryRefused("OPERATOR_FIELD_MISMATCH", message, field=field.name)
    if condition.operator in _NULL or condition.operator == "DURING":
        return
    for value in condition.values:
        if field.type == "enum" and value not in ENUMS[field.name]:
            raise QueryRefused("BAD_ENUM_CONSTANT", f"{value!r} is no value of '{field.name}'.", field=field.name)
        if field.type in ("int64", "int32") and not re.fullmatch(r"-?\d+", value):
            raise QueryRefused("BAD_NUMBER", f"{value!r} is no whole number.", field=field.name)
        if field.type == "double" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
            raise QueryRefused("BAD_NUMBER", f"{value!r} is no number.", field=field.name)
        if field.type == "bool" and value.lower() not in ("true", "false"):
            raise QueryRefused("BAD_VALUE", f"{value!r} is neither true nor false.", field=field.name)
        if field.type == "date":
            _check_aligned(day_of(value, field.name), field.name)
    if condition.operator == "BETWEEN" and field.type == "date":
        low, high = (day_of(value, field.name) for value in condition.values)
        if low > high:
            message = "The first value of BETWEEN is after the second."
            raise QueryRefused("PROHIBITED_VALUE_COMBINATION_WITH_BETWEEN_OPERATOR", message, field=field.name)


def _check_aligned(day: date, name: str) -> None:
    starts = {
        "segments.week": day.weekday() == 0,
        "segments.month": day.day == 1,
        "segments.quarter": day.day == 1 and day.month % 3 == 1,
    }
    if not starts.get(name, True):
        raise QueryRefused("MISALIGNED_DATE_FOR_FILTER", f"{day} does not begin a period of '{name}'.", field=name)


def _check_dates(query: Query, today: date) -> None:
    needs_range = query.resource == "click_view" or any(name in CORE_DATES for name in query.select)
    if not needs_range:
        return
    low, high = date_range(query, today)
    if low is None or high is None:
        message = "A query with date segments needs a finite date range in WHERE."
        raise QueryRefused("EXPECTED_FILTERS_ON_DATE_RANGE", message, field="segments.date")
    if query.resource != "click_view":
        return
    if low != high:
        message = "A query on click_view must be filtered to a single day."
        raise QueryRefused("DATE_RANGE_TOO_WIDE", message, field="segments.date")
    if low < today - timedelta(days=CLICK_VIEW_DAYS):
        message = f"click_view reaches back {CLICK_VIEW_DAYS} days."
        raise QueryRefused("DATE_RANGE_TOO_WIDE", message, field="segments.date")


def date_range(query: Query, today: date) -> tuple[date | None, date | None]:
    """First and last day that the query's conditions on dates leave; None where they leave it open."""
    low: date | None = None
    high: date | None = None
    for condition in query.where:
        if condition.field not in CORE_DATES:
            continue
        first, last = _bounds(condition, today)
        low = first if low is None or (first and first > low) else low
        high = last if high is None or (last and last < high) else high
    return low, high


def _bounds(condition: Condition, today: date) -> tuple[date | None, date | None]:
    if condition.operator == "DURING":
        return during(condition.values[0], today)
    if condition.field == "segments.year":
        years = [int(value) for value in condition.values]
        days = [date(years[0], 1, 1), *(date(year, 12, 31) for year in years)]
    else:
        days = [day_of(value, condition.field) for value in condition.values]
    match condition.operator:
        case "=" | "BETWEEN" | "IN":
            return min(days), max(days)
        case ">" | ">=":
            return days[0] + timedelta(days=condition.operator == ">"), None
        case "<" | "<=":
            return None, days[-1] - timedelta(days=condition.operator == "<")
        case _:
            return None, None


def day_of(text: str, name: str) -> date:
    """`2026-10-01` or `20261001` as a date."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise QueryRefused("INVALID_DATE_FORMAT", f"{text!r} is not a date (YYYY-MM-DD).", field=name)


def during(literal: str, today: date) -> tuple[date, date]:
    """First and last day of a date range literal; ranges named LAST_... end before today (week: the last whole one)."""
    yesterday = today - timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    month = today.replace(day=1)
    last_month_end = month - timedelta(days=1)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "LAST_7_DAYS": (today - timedelta(days=7), yesterday),
        "LAST_14_DAYS": (today - timedelta(days=14), yesterday),
        "LAST_30_DAYS": (today - timedelta(days=30), yesterday),
        "LAST_BUSINESS_WEEK": (monday - timedelta(days=7), monday - timedelta(days=3)),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "THIS_WEEK_SUN_TODAY": (sunday, today),
        "LAST_WEEK_MON_SUN": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "LAST_WEEK_SUN_SAT": (sunday - timedelta(days=7), sunday - timedelta(days=1)),
        "THIS_MONTH": (month, today),
        "LAST_MONTH": (last_month_end.replace(day=1), last_month_end),
    }
    if literal.upper() not in ranges:
        raise QueryRefused("INVALID_VALUE_WITH_DURING_OPERATOR", f"{literal!r} is not a date range.")
    return ranges[literal.upper()]
