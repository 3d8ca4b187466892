"""Reading requests to HubSpot: bodies, names, limits and offsets, refused in its words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from sandbox.faces.hubspot_schema import DEFAULT_PROPERTIES, invalid, property_names
from sandbox.faces.wire import face_url


async def read_json(request: Request) -> dict[str, Any]:
    """The object in the body. Raises Refused."""
    try:
        data = json.loads(await request.body())
    except ValueError:
        raise invalid("Invalid input JSON on line 1, column 1: Unexpected end-of-input") from None
    if not isinstance(data, dict):
        raise invalid("Invalid input JSON on line 1, column 1: expected an object")
    return data


def asked_properties(kind: str, raw: Sequence[str]) -> list[str]:
    """The properties asked for, else the ones that HubSpot shows unasked."""
    return names(raw) or list(DEFAULT_PROPERTIES.get(kind, ()))


def names(raw: Sequence[str]) -> list[str]:
    """Names from repeated and comma separated parameters."""
    return [name.strip() for text in raw for name in str(text).split(",") if name.strip()]


def inputs(data: Mapping[str, Any], most: int) -> list[str]:
    """The ids of a batch request, at most `most`. Raises Refused."""
    try:
        ids = [str(one["id"]) for one in data["inputs"]]
    except (KeyError, TypeError):
        raise invalid("Invalid input JSON: inputs must be a list of objects with an id") from None
    if not 0 < len(ids) <= most:
        raise invalid(f"The number of inputs must be between 1 and {most}, received {len(ids)}")
    return ids


def written_properties(kind: str, data: Mapping[str, Any]) -> dict[str, str | None]:
    """The properties of a write, as text. Raises Refused for those that do not exist."""
    properties = data.get("properties")
    if not isinstance(properties, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    unknown = [name for name in properties if name not in property_names(kind)]
    if unknown:
        errors = [{"message": f'Property "{name}" does not exist', "code": "PROPERTY_DOESNT_EXIST"} for name in unknown]
        raise invalid("Property values were not valid", errors=errors)
    return {name: None if value in (None, "") else str(value) for name, value in properties.items()}


def limit_of(text: str | None, most: int, default: int = 10) -> int:
    """The page size. Raises Refused."""
    if text is None:
        return min(default, most)
    if not text.isdecimal() or not 0 < int(text) <= most:
        raise invalid(f"Invalid limit {text}: must be between 1 and {most}")
    return int(text)


def offset_of(text: str | None) -> int:
    """The `after` of a page, 0 without one. Raises Refused."""
    if text and not text.isdecimal():
        raise invalid(f"Invalid after {text}: must be a number")
    return int(text or 0)


def is_true(text: str | None) -> bool:
    """Whether a query value says true."""
    return (text or "").lower() == "true"


def next_page(request: Request, after: str) -> dict[str, Any]:
    """The `paging` that leads from this request to the page at `after`."""
    path = request.url.path[len(request.scope.get("root_path", "")) :]
    query = request.url.include_query_params(after=after).query
    return {"next": {"after": after, "link": f"{face_url(request)}{path}?{query}"}}
