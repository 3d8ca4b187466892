"""HubSpot's search: filter groups, sorts, paging and the cap of 10,000 hits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.faces.hubspot_schema import created_property, invalid, modified_property, property_names, property_type
from sandbox.faces.wire import iso_ms
from sandbox.recorded import CrmObject

CAP = 10_000
MAX_LIMIT, DEFAULT_LIMIT = 200, 10
MAX_GROUPS, MAX_FILTERS, MAX_ALL_FILTERS, MAX_QUERY = 5, 6, 18, 3000
_ONE_VALUE = frozenset(("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"))
OPERATORS = _ONE_VALUE | {"BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"}
_QUERIED = ("email", "phone", "firstname", "lastname", "name", "domain", "dealname", "hs_note_body", "hs_call_title")


def found_objects(kind: str, objects: list[CrmObject], request: Mapping[str, Any]) -> list[CrmObject]:
    """The objects that fit, in the asked order (default: the oldest first). Raises Refused for a bad request."""
    groups = _groups(kind, request)
    words = str(request.get("query") or "").casefold()
    if len(words) > MAX_QUERY:
        raise invalid(f"The query is longer than {MAX_QUERY} characters")
    hits = [
        obj
        for obj in objects
        if (not groups or any(all(_fits(kind, obj, one) for one in group) for group in groups))
        and (not words or any(words in (obj.properties.get(name) or "").casefold() for name in _QUERIED))
    ]
    name, is_descending = _sort(kind, request)
    hits.sort(key=lambda obj: int(obj.id))

    def order(obj: CrmObject) -> tuple[int, float, str]:
        value = _comparable(name, value_of(kind, obj, name))
        if value is None:
            return (0, 0.0, "")
        return (1, value, "") if isinstance(value, float) else (1, 0.0, value)

    hits.sort(key=order, reverse=is_descending)
    return hits


def page_of(request: Mapping[str, Any]) -> tuple[int, int]:
    """(offset, limit) of the request. Raises Refused: limit above 200, or an offset beyond the cap."""
    try:
        after, limit = int(request.get("after") or 0), int(request.get("limit") or DEFAULT_LIMIT)
    except (TypeError, ValueError):
        raise invalid("Invalid input JSON: after and limit must be integers") from None
    if not 0 < limit <= MAX_LIMIT:
        raise invalid(f"Invalid limit {limit}: must be between 1 and {MAX_LIMIT}")
    if after < 0 or after >= CAP:
        raise invalid(f"The request is invalid: paging beyond {CAP} results is not possible. after={after}")
    return after, limit


def value_of(kind: str, obj: CrmObject, name: str) -> str | None:
    """A property's text, HubSpot's own ones included."""
    if name == "hs_object_id":
        return obj.id
    if name in (created_property(kind), "createdate"):
        return iso_ms(obj.created_at)
    if name == modified_property(kind):
        return iso_ms(obj.updated_at)
    return obj.properties.get(name) or None


def _groups(kind: str, request: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    raw = request.get("filterGroups") or ([{"filters": request["filters"]}] if request.get("filters") else [])
    if not isinstance(raw, list) or not all(isinstance(group, dict) for group in raw):
        raise invalid("Invalid input JSON: filterGroups must be a list of objects")
    groups = [list(group.get("filters") or []) for group in raw]
    if len(groups) > MAX_GROUPS or any(len(group) > MAX_FILTERS for group in groups):
        raise invalid(f"At most {MAX_GROUPS} filter groups with {MAX_FILTERS} filters each are allowed")
    if sum(len(group) for group in groups) > MAX_ALL_FILTERS:
        raise invalid(f"At most {MAX_ALL_FILTERS} filters are allowed")
    for one in (one for group in groups for one in group):
        _check(kind, one)
    return groups


def _check(kind: str, one: Any) -> None:
    if not isinstance(one, dict) or one.get("operator") not in OPERATORS:
        raise invalid(f"Invalid input JSON: a filter needs an operator of {', '.join(sorted(OPERATORS))}")
    name, operator = one.get("propertyName"), one["operator"]
    if name not in property_names(kind) and name != "createdate":
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    needed = {"BETWEEN": ("value", "highValue"), "IN": ("values",), "NOT_IN": ("values",)}.get(operator, ())
    needed = needed or (("value",) if operator in _ONE_VALUE else ())
    for key in needed:
        if one.get(key) in (None, "", []):
            raise invalid(f"There was a problem with the request: operator {operator} requires {key}")
    values = [one.get("value"), one.get("highValue"), *(one.get("values") or [])]
    if property_type(name) in ("datetime", "number"):
        for value in values:
            if value not in (None, "") and _comparable(name, str(value)) is None:
                raise invalid(f"There was a problem with the request: {value} is not a valid value of {name}")


def _fits(kind: str, obj: CrmObject, one: Mapping[str, Any]) -> bool:
    name, operator = str(one["propertyName"]), str(one["operator"])
    text = value_of(kind, obj, name)
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (text is not None) == (operator == "HAS_PROPERTY")
    mine = _comparable(name, text)
    if operator in ("IN", "NOT_IN"):
        return (mine in [_comparable(name, str(value)) for value in one["values"]]) == (operator == "IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _has_token(text or "", str(one["value"])) == (operator == "CONTAINS_TOKEN")
    wanted = _comparable(name, str(one["value"]))
    if operator in ("EQ", "NEQ"):
        return (mine == wanted) == (operator == "EQ")
    if mine is None or wanted is None:
        return False
    if operator == "BETWEEN":
        high = _comparable(name, str(one["highValue"]))
        return high is not None and _order(mine, wanted) >= 0 and _order(mine, high) <= 0
    order = _order(mine, wanted)
    return {"LT": order < 0, "LTE": order <= 0, "GT": order > 0, "GTE": order >= 0}[operator]


def _order(left: float | str, right: float | str) -> int:
    if isinstance(left, float) and isinstance(right, float):
        return (left > right) - (left < right)
    return (str(left) > str(right)) - (str(left) < str(right))


def _has_token(text: str, wanted: str) -> bool:
    pattern = re.compile(re.escape(wanted.casefold()).replace(r"\*", ".*"), re.DOTALL)
    tokens = re.findall(r"[\w@.+-]+", text.casefold())
    return any(pattern.fullmatch(token) for token in [*tokens, text.casefold()])


def _comparable(name: str, text: str | None) -> float | str | None:
    """Numbers and instants (epoch ms, whatever their notation) as float, other values without regard to case."""
    if text is None or text == "":
        return None
    type_ = property_type(name)
    if type_ == "number" or (type_ == "datetime" and re.fullmatch(r"-?\d+", text)):
        try:
            return float(text)
        except ValueError:
            return None
    if type_ == "datetime":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    return text.casefold()


def _sort(kind: str, request: Mapping[str, Any]) -> tuple[str, bool]:
    sorts = request.get("sorts") or [{"propertyName": created_property(kind), "direction": "ASCENDING"}]
    first = sorts[0] if isinstance(sorts, list) and len(sorts) == 1 else None
    if isinstance(first, str):
        return first.removeprefix("-"), first.startswith("-")
    if not isinstance(first, dict) or first.get("propertyName") not in (*property_names(kind), "createdate"):
        raise invalid("Exactly one sort on an existing property is allowed")
    return str(first["propertyName"]), str(first.get("direction", "ASCENDING")).upper() == "DESCENDING"
