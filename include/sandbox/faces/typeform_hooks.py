"""Typeform's webhooks: one endpoint a form and tag, and a response as it is told."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faces.wire import answer
from sandbox.recorded import FORMS
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


class Webhooks:
    """What somebody set for a form under a tag: shown as it was set, without its secret. Kept in memory only, and where
    the sandbox really sends to is told by `/_sandbox/webhooks` alone.
    """

    def __init__(self) -> None:
        self._set: dict[tuple[str, str], dict[str, Any]] = {}

    def route(self) -> Route:
        """GET and PUT of one webhook."""
        return Route("/forms/{form}/webhooks/{tag}", self._one, methods=["GET", "PUT"])

    async def _one(self, request: Request) -> Response:
        form, tag = str(request.path_params["form"]), str(request.path_params["tag"])
        if request.method == "PUT" and form in FORMS:
            told = json.loads(await request.body())
            kept = {"url": told.get("url"), "enabled": bool(told.get("enabled")), "verify_ssl": True}
            self._set[form, tag] = {"id": f"01SANDBOX{form}", "form_id": form, "tag": tag, **kept}
        found = self._set.get((form, tag))
        if found is None:
            help_ = "https://www.typeform.com/developers/webhooks/"
            what = {"code": "NOT_FOUND", "description": "webhook not found", "help": help_, "details": []}
            return answer(what, 404)
        return answer(found)
