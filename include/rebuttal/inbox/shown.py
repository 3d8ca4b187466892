"""What people may see of the inbox: which events, in what state and why; never what is written in them."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Select, select

from rebuttal.errors import AbortError
from rebuttal.inbox.arrivals import hash_of
from rebuttal.state import InboxEvent, Sessions

_LISTED = (
    "event_id", "source", "event_type", "object_type", "object_id", "partner", "state", "receipt_count", "attempts",
    "received_at", "reason",
)  # fmt: skip
_MORE = (
    "delivery_key", "occurred_at", "last_received_at", "finished_at", "next_try_at", "lost_count", "lease_owner",
    "lease_until", "body_hash",
)  # fmt: skip
_DEEPEST = 8


def list_events(sessions: Sessions, state: str | None, source: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest events, one dict a row. Raises AbortError for a state that there is not."""
    with sessions() as session:
        rows = session.scalars(_chosen(state, source).order_by(InboxEvent.event_id.desc()).limit(limit)).all()
    return [{name: getattr(row, name) for name in _LISTED} for row in rows]


def ids_of(sessions: Sessions, state: str, source: str | None) -> list[int]:
    """All events in that state, oldest first."""
    with sessions() as session:
        return [row.event_id for row in session.scalars(_chosen(state, source).order_by(InboxEvent.event_id))]


def show(sessions: Sessions, event_id: int) -> dict[str, Any]:
    """One event; of its body the names of fields and the kinds of their values. Raises AbortError if unknown."""
    with sessions() as session:
        row = session.get(InboxEvent, event_id)
    if row is None:
        raise AbortError(f"There is no event {event_id}", next_step="rebuttal inbox list shows what there is")
    found = {name: getattr(row, name) for name in (*_LISTED, *_MORE)}
    if row.body is None:
        return found | {"body": "forgotten"}
    try:
        shape = outline(json.loads(row.body))
    except (ValueError, RecursionError):
        shape = "not JSON"
    return found | {"body_bytes": len(row.body), "body_sha256": hash_of(row.body), "body": shape}


def outline(value: Any, depth: int = 0) -> Any:
    """The shape of a value: names stay, texts and numbers become what they are."""
    if depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {str(name)[:60]: outline(inner, depth + 1) for name, inner in list(value.items())[:100]}
    if isinstance(value, list):
        return [outline(value[0], depth + 1), f"{len(value)} in all"] if value else []
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, str) else type(value).__name__


def _chosen(state: str | None, source: str | None) -> Select[InboxEvent]:
    known = ("new", "leased", "done", "unhandled", "dead", "conflict")
    if state is not None and state not in known:
        raise AbortError(f"There is no state {state!r}", next_step=f"Use one of {', '.join(known)}")
    query = select(InboxEvent)
    query = query if state is None else query.where(InboxEvent.state == state)
    return query if source is None else query.where(InboxEvent.source == source)
