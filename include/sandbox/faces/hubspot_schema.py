"""HubSpot's vocabulary: object types, properties and their types, association type ids, and error bodies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sandbox.faces.wire import answer
from sandbox.recorded import CRM_PROPERTIES

TYPES = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "notes": "0-46", "calls": "0-48"}
SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal", "notes": "note", "calls": "call"}
_NAMES = {**{name: name for name in TYPES}, **{id_: name for name, id_ in TYPES.items()}}
_NAMES |= {singular: name for name, singular in SINGULAR.items()}

CREATED = {"notes": "hs_createdate", "calls": "hs_createdate"}  # all others: createdate
MODIFIED = {"contacts": "lastmodifieddate"}  # all others: hs_lastmodifieddate
DEFAULT_PROPERTIES = {
    "contacts": ("email", "firstname", "lastname"),
    "companies": ("domain", "name"),
    "deals": ("amount", "closedate", "dealname", "dealstage", "pipeline"),
}
_DATETIMES = frozenset(
    ("createdate", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate", "closedate", "hs_timestamp")
)
_NUMBERS = frozenset(("hs_object_id", "amount", "hs_call_duration", "associatedcompanyid"))
_BOOLEANS = frozenset(("hs_is_closed", "hs_is_closed_won"))
_ENUMERATIONS = frozenset(("lifecyclestage", "dealstage", "pipeline", "dealtype", "hubspot_owner_id", "segment"))

# (from, to) -> HUBSPOT_DEFINED type id.
ASSOCIATION_IDS = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("notes", "contacts"): 202,
    ("contacts", "notes"): 201,
    ("notes", "companies"): 190,
    ("companies", "notes"): 189,
    ("notes", "deals"): 214,
    ("deals", "notes"): 213,
    ("calls", "contacts"): 194,
    ("contacts", "calls"): 193,
    ("calls", "companies"): 182,
    ("companies", "calls"): 181,
    ("calls", "deals"): 206,
    ("deals", "calls"): 205,
}


class Refused(Exception):
    """HubSpot says no: `status` and what goes into the error body."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": "error", "message": message, "category": category, **more}


def invalid(message: str, **more: Any) -> Refused:
    """400 VALIDATION_ERROR."""
    return Refused(400, "VALIDATION_ERROR", message, **more)


def error_answer(number: int, refused: Refused, headers: Mapping[str, str] | None = None) -> Response:
    """The error body of HubSpot with a correlation id made of the request number."""
    correlation = str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/hubspot/{number}"))
    return answer({**refused.body, "correlationId": correlation}, refused.status, headers)


def object_type(name: str) -> str:
    """The plural name for a plural, singular or numeric type. Raises Refused."""
    if name.lower() not in _NAMES:
        raise invalid(f"Unable to infer object type from: {name}")
    return _NAMES[name.lower()]


def created_property(kind: str) -> str:
    """The property that holds when an object of this type was made."""
    return CREATED.get(kind, "createdate")


def modified_property(kind: str) -> str:
    """The property that incremental readers of this type filter on."""
    return MODIFIED.get(kind, "hs_lastmodifieddate")


def property_names(kind: str) -> tuple[str, ...]:
    """All properties of the type, HubSpot's own first."""
    own = ("hs_object_id", created_property(kind), modified_property(kind))
    return (*own, *CRM_PROPERTIES[kind])


def property_type(name: str) -> str:
    """`string`, `number`, `datetime`, `bool` or `enumeration`."""
    for type_, names in (("datetime", _DATETIMES), ("number", _NUMBERS), ("bool", _BOOLEANS)):
        if name in names:
            return type_
    return "enumeration" if name in _ENUMERATIONS else "string"


def property_definition(kind: str, name: str) -> dict[str, Any]:
    """A property as `/crm/v3/properties` shows it."""
    type_ = property_type(name)
    field_type = {"datetime": "date", "number": "number", "bool": "booleancheckbox", "enumeration": "select"}
    own = name.startswith("hs_") or name in ("createdate", "lastmodifieddate")
    return {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": type_,
        "fieldType": field_type.get(type_, "text"),
        "description": "",
        "groupName": f"{SINGULAR[kind]}information",
        "options": [],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": own,
        "formField": False,
        "modificationMetadata": {"archivable": not own, "readOnlyDefinition": own, "readOnlyValue": own},
    }


def association_types(start: str, end: str) -> list[dict[str, Any]]:
    """The unlabelled association from one type to another, in v4's words."""
    return [{"category": "HUBSPOT_DEFINED", "typeId": ASSOCIATION_IDS[start, end], "label": None}]
