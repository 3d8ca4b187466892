"""From a verified body to events: what each vendor calls an event, its object, and what a resend does not change.

| vendor | delivery key | worked on |
|---|---|---|
| hubspot | account, event, time, subscription, object (an event id alone is not unique) | CRM objects |
| typeform | event_id | responses |
| jira | X-Atlassian-Webhook-Identifier | issues created, updated, deleted |
| trello | id of the action | actions on cards |
| yclients | none: nothing tells a repeat, and nothing is sent twice | records and clients |
| standard | webhook-id | the types that `handled` names |

What is of another kind is kept as `unhandled`; what cannot be understood as `dead`, with its bytes; the other events of
the same request go on. Vendors' texts never stand in a reason.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rebuttal.inbox.arrivals import Arrival, State
from rebuttal.inbox.hooks import Hook
from rebuttal.inbox.verify import Delivery, Refused

Item = Mapping[str, Any]
_HUBSPOT_TYPES = {
    "0-1": "contact", "0-2": "company", "0-3": "deal", "0-27": "task",
    "0-46": "note", "0-47": "meeting", "0-48": "call", "0-49": "email",
}  # fmt: skip
_HUBSPOT_WHAT = frozenset(
    ("creation", "propertyChange", "deletion", "privacyDeletion", "merge", "restore", "associationChange")
)
_JIRA = frozenset(("jira:issue_created", "jira:issue_updated", "jira:issue_deleted"))
_TRELLO = frozenset(
    f"{what}Card" for what in ("create", "update", "delete", "copy", "addMemberTo", "removeMemberFrom")
) | {"moveCardFromBoard", "moveCardToBoard"}
_YCLIENTS = frozenset(f"{kind}:{what}" for kind in ("record", "client") for what in ("create", "update", "delete"))
_LONGEST = 300
_MOST_ITEMS = 1000  # HubSpot sends a hundred


class Unreadable(Exception):
    """An item is not what the vendor's contract says; the message names the field, and nothing of its content."""


@dataclass(frozen=True)
class Reading:
    """What a vendor's item says. `content`: what a resend does not change."""

    key: str
    event_type: str
    is_known: bool
    content: Item
    object_type: str | None = None
    object_id: str | None = None
    occurred_at: datetime | None = None
    account: str | None = None
    partner: str | None = None


def unpack(hook: Hook, delivery: Delivery) -> list[Arrival]:
    """The events of a verified delivery, in its order; none only when the vendor sent an empty list."""
    try:
        told = json.loads(delivery.body)
    except (ValueError, RecursionError):  # not being UTF-8 is a ValueError too
        return [_dead(hook, delivery.body, "The body is not JSON in UTF-8, or is nested too deeply")]
    if hook.vendor != "hubspot":
        return [_arrival(hook, delivery, told, delivery.body)]
    items = told if isinstance(told, list) else [told]
    if len(items) > _MOST_ITEMS:
        return [_dead(hook, delivery.body, f"The body holds more than {_MOST_ITEMS} events")]
    return [_arrival(hook, delivery, item) for item in items]


def _arrival(hook: Hook, delivery: Delivery, item: object, body: bytes | None = None) -> Arrival:
    try:
        body = _bytes(item) if body is None else body
        if not isinstance(item, dict):
            raise Unreadable("The event is not a JSON object")
        found = _READERS[hook.vendor](hook, delivery, item)
        content = _bytes(found.content)
    except Unreadable as error:
        return _dead(hook, body or delivery.body, str(error))
    state: State = "new" if found.is_known else "unhandled"
    reason = None if found.is_known else "Nothing works on events of this kind"
    if hook.account is not None and found.account not in (None, hook.account):
        state, reason = "dead", "The event is of another account than hooks.yml names"
    return Arrival(
        source=hook.source,
        delivery_key=found.key,
        event_type=found.event_type,
        body=body,
        content=content,
        object_type=found.object_type,
        object_id=found.object_id,
        occurred_at=found.occurred_at,
        partner=found.partner or hook.partner,
        state=state,
        reason=reason,
    )


def _dead(hook: Hook, body: bytes, reason: str) -> Arrival:
    key = f"unreadable:{hashlib.sha256(body).hexdigest()}"
    return Arrival(hook.source, key, "unreadable", body, body, partner=hook.partner, state="dead", reason=reason)


def _hubspot(_hook: Hook, _delivery: Delivery, item: Item) -> Reading:
    kind, _, what = _text(item, "subscriptionType").partition(".")
    if kind == "object":  # subscriptions to any type name it by its number
        kind = _HUBSPOT_TYPES.get(_text(item, "objectTypeId"), kind)
    is_link = what == "associationChange"
    object_id = _text(item, "fromObjectId" if is_link else "objectId")
    named = [_text(item, name) for name in ("portalId", "eventId", "occurredAt")]
    linked = _text(item, "toObjectId") if is_link else ""
    subscription = _text(item, "subscriptionId") if "subscriptionId" in item else ""
    return Reading(
        key=":".join((*named, subscription, f"{kind}.{what}", object_id, linked)),
        event_type=f"{kind}.{what}",
        is_known=kind in _HUBSPOT_TYPES.values() and what in _HUBSPOT_WHAT,
        content={name: value for name, value in item.items() if name != "attemptNumber"},
        object_type=kind,
        object_id=object_id,
        occurred_at=_instant(item, "occurredAt"),
        account=named[0],
    )


def _typeform(_hook: Hook, _delivery: Delivery, item: Item) -> Reading:
    key, event_type = _text(item, "event_id"), _text(item, "event_type")
    if event_type != "form_response":
        return Reading(key, event_type, is_known=False, content=item)
    response = _within(item, "form_response")
    return Reading(
        key, event_type, True, item, "form_response", _text(response, "token"), _instant(response, "submitted_at")
    )


def _jira(_hook: Hook, delivery: Delivery, item: Item) -> Reading:
    key, event_type = _named(delivery, b"x-atlassian-webhook-identifier"), _text(item, "webhookEvent")
    if event_type not in _JIRA:
        return Reading(key, event_type, is_known=False, content=item)
    issue_id = _text(_within(item, "issue"), "id")
    return Reading(key, event_type, True, item, "issue", issue_id, _instant(item, "timestamp"))


def _trello(_hook: Hook, _delivery: Delivery, item: Item) -> Reading:
    action = _within(item, "action")
    key, event_type = _text(action, "id"), _text(action, "type")
    if event_type not in _TRELLO:
        return Reading(key, event_type, is_known=False, content=item)
    card_id = _text(_within(_within(action, "data"), "card"), "id")
    return Reading(key, event_type, True, item, "card", card_id, _instant(action, "date"))


def _yclients(hook: Hook, _delivery: Delivery, item: Item) -> Reading:
    kind, company = _text(item, "resource"), _text(item, "company_id")
    if hook.partners and company not in hook.partners:
        raise Unreadable("The event is of a branch that sources.yml does not name")
    event_type = f"{kind}:{_text(item, 'status')}"
    return Reading(
        key=uuid.uuid4().hex,
        event_type=event_type,
        is_known=event_type in _YCLIENTS,
        content=item,
        object_type=kind,
        object_id=_text(item, "resource_id"),
        partner=hook.partners.get(company),
    )


def _standard(hook: Hook, delivery: Delivery, item: Item) -> Reading:
    key, event_type, data = _named(delivery, b"webhook-id"), _text(item, "type"), item.get("data")
    return Reading(
        key=key,
        event_type=event_type,
        is_known=event_type in hook.handled,
        content=item,
        object_type=event_type.rpartition(".")[0] or None,
        object_id=_text(data, "id") if isinstance(data, dict) and "id" in data else None,
        occurred_at=_instant(item, "timestamp") if "timestamp" in item else None,
    )


_READERS: dict[str, Callable[[Hook, Delivery, Item], Reading]] = {
    "hubspot": _hubspot,
    "typeform": _typeform,
    "jira": _jira,
    "trello": _trello,
    "yclients": _yclients,
    "standard": _standard,
}


def _bytes(value: object) -> bytes:
    """ASCII, with names in order: the same for the same content, and it holds half characters too."""
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    except RecursionError:
        raise Unreadable("The event is nested too deeply") from None


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise Unreadable(f"{name} is missing or is no plain word or number")
    return value


def _within(item: Item, name: str) -> Item:
    value = item.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is missing or is no object")
    return value


def _named(delivery: Delivery, header: bytes) -> str:
    try:
        return _text({"name": delivery.header(header).decode("ascii")}, "name")
    except (Refused, UnicodeDecodeError, Unreadable):
        raise Unreadable(f"The header {header.decode()} is missing or is no plain word") from None


def _instant(item: Item, name: str) -> datetime:
    """Milliseconds since 1970, or ISO 8601 with a zone; within the years that a store can hold."""
    value = item.get(name)
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value / 1000, UTC)
        elif isinstance(value, str) and (found := datetime.fromisoformat(value)).tzinfo is not None:
            found = found.astimezone(UTC)
        else:
            raise Unreadable(f"{name} is missing or is no time with a zone")
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{name} is no time") from None
    return found
