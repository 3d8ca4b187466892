"""GA4 filter expressions over columns: and, or, not, and the filters on text, lists, numbers and ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from sandbox.faces.ga4_fields import MATCH_TYPES, OPERATIONS

_SHAPES = ("andGroup", "orGroup", "notExpression", "filter")
_KINDS = ("stringFilter", "inListFilter", "numericFilter", "betweenFilter", "emptyFilter")


class Invalid(Exception):
    """A request that GA4 answers with 400; the text names the field and what is wrong with it."""


def enum(value: Any, names: Mapping[int, str], field: str) -> str:
    """The name of an enum given as name or number."""
    name = names.get(value) if isinstance(value, int) else value
    if name not in names.values():
        raise Invalid(f"Invalid value at '{field}': {value!r}")
    return str(name)


def mask(expression: Any, columns: Mapping[str, pd.Series[Any]], path: str) -> pd.Series[bool]:
    """Which rows the expression keeps; `columns` are the fields that it may name. Raises Invalid."""
    (shape, content) = _one_of(expression, _SHAPES, path)
    if shape == "filter":
        return _filter(content, columns, f"{path}.filter")
    if shape == "notExpression":
        return ~mask(content, columns, f"{path}.not_expression")
    parts = content.get("expressions") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        raise Invalid(f"{path}: a group needs expressions")
    masks = [mask(part, columns, f"{path}.{shape}") for part in parts]
    result = masks[0]
    for other in masks[1:]:
        result = result & other if shape == "andGroup" else result | other
    return result


def names_in(expression: Any) -> set[str]:
    """The fields that an expression names, at any depth."""
    if isinstance(expression, list):
        return {name for part in expression for name in names_in(part)}
    if not isinstance(expression, dict):
        return set()
    inner = {name for part in expression.values() for name in names_in(part)}
    return inner | ({str(expression["fieldName"])} if "fieldName" in expression else set())


def _one_of(value: Any, names: tuple[str, ...], path: str) -> tuple[str, Any]:
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in names:
        raise Invalid(f"{path}: give exactly one of {', '.join(names)}")
    return next(iter(value.items()))


def _filter(content: Any, columns: Mapping[str, pd.Series[Any]], path: str) -> pd.Series[bool]:
    if not isinstance(content, dict):
        raise Invalid(f"{path}: not an object")
    name = str(content.get("fieldName"))
    if name not in columns:
        raise Invalid(f"Field {name} is not valid in {path}")
    rest = {key: value for key, value in content.items() if key != "fieldName"}
    kind, how = _one_of(rest, _KINDS, path)
    is_metric = not pd.api.types.is_object_dtype(columns[name]) and not pd.api.types.is_string_dtype(columns[name])
    if is_metric != (kind in ("numericFilter", "betweenFilter")):
        raise Invalid(f"{path}: {kind} does not go with {name}")
    if not isinstance(how, dict):
        raise Invalid(f"{path}.{kind}: not an object")
    column = columns[name]
    match kind:
        case "stringFilter":
            return _string(column, how, path)
        case "inListFilter":
            return _in_list(column, how, path)
        case "numericFilter":
            operation = enum(how.get("operation"), OPERATIONS, f"{path}.operation")
            return _compare(column, operation, _number(how.get("value"), path))
        case "betweenFilter":
            return column.between(_number(how.get("fromValue"), path), _number(how.get("toValue"), path))
        case _:
            return column.isin(["", "(not set)"])


def _string(column: pd.Series[Any], how: dict[str, Any], path: str) -> pd.Series[bool]:
    value = str(how.get("value", ""))
    match_type = enum(how.get("matchType", 0), MATCH_TYPES, f"{path}.match_type")
    pattern = value if match_type.endswith("REGEXP") else re.escape(value)
    shape = {"EXACT": "{}", "BEGINS_WITH": "{}.*", "ENDS_WITH": ".*{}", "FULL_REGEXP": "{}"}.get(match_type, ".*{}.*")
    try:
        wanted = re.compile(shape.format(f"(?:{pattern})"), 0 if how.get("caseSensitive") else re.IGNORECASE)
    except re.error:
        raise Invalid(f"{path}: {value!r} is not a regular expression") from None
    fits = {text: wanted.fullmatch(text) is not None for text in column.unique()}
    return column.map(fits).astype(bool)


def _in_list(column: pd.Series[Any], how: dict[str, Any], path: str) -> pd.Series[bool]:
    values = how.get("values")
    if not isinstance(values, list) or not values:
        raise Invalid(f"{path}: inListFilter needs values")
    if how.get("caseSensitive"):
        return column.isin(values)
    return column.str.lower().isin([str(value).lower() for value in values])


def _number(value: Any, path: str) -> float:
    try:
        return float(value.get("int64Value", value.get("doubleValue")))
    except (AttributeError, TypeError, ValueError):
        raise Invalid(f"{path}: a number is given as int64Value or doubleValue") from None


def _compare(column: pd.Series[Any], operation: str, value: float) -> pd.Series[bool]:
    match operation:
        case "EQUAL":
            return column == value
        case "LESS_THAN":
            return column < value
        case "LESS_THAN_OR_EQUAL":
            return column <= value
        case "GREATER_THAN":
            return column > value
        case _:
            return column >= value
