"""Typeform's webhooks: one endpoint a form and tag, and a response as it is told."""

from __future__ import annotations

from typing import Any

from sandbox.webhooks import Event

TAG = "sandbox"


def submitted(number: int, form: str, title: str, item: dict[str, Any], fields: list[dict[str, Any]]) -> Event:
    """The event of a completed response; `item` is the response as the Responses API shows it."""
    kept = ("token", "landed_at", "submitted_at", "hidden", "calculated", "variables", "answers")
    return {
        "event_id": f"01SANDBOX{number:017d}",
        "event_type": "form_response",
        "form_response": {
            "form_id": form,
            **{name: item[name] for name in kept if name in item},
            "definition": {"id": form, "title": title, "fields": fields, "endings": []},
        },
    }
