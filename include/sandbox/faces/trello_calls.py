"""What every call to Trello's interface shares: who calls, what it is about, and how a write is kept."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.faces import trello_forms as forms
from sandbox.faces import trello_shapes as shapes
from sandbox.faces.trello_cards import Boards, Card, actions_like
from sandbox.faces.trello_shapes import Refused, asked_card, parameters
from sandbox.faces.wire import Call, Site, answer, call_of, face_url
from sandbox.recorded import ACCOUNTS

# The content team's token makes a caller one of the people who work on the board.
TOKENS = {ACCOUNTS["trello"]["access_token"]: "loop", "sandbox-trello-team-token": "team"}
_OAUTH = re.compile(r'(oauth_consumer_key|oauth_token)="([^"]*)"')
Handler = Callable[[Request, dict[str, Any]], Awaitable[Any]]


class Calls:
    """Handlers take the request and its parameters and return what is answered as JSON; they raise Refused."""

    def __init__(self, site: Site, boards: Boards) -> None:
        self.site, self.boards = site, boards

    def _write(self, request: Request, kind: str, **data: Any) -> Any:
        known = {"author": TOKENS[login(call_of(request))[1]], **data}
        return self.boards.apply(kind, self.site.write("trello", kind, known).at, known)

    def _found(self, request: Request, name: str) -> Any:
        """The board, list or card of the path. Raises Refused."""
        id_ = forms.check_id(request.path_params[name])
        kept: Mapping[str, Any] = {"board": self.boards.boards, "list": self.boards.lists}.get(name, {})
        found = self.boards.find(id_) if name == "card" else kept.get(id_)
        if found is None:
            raise Refused(404, shapes.MISSING)
        return found

    def _shown(self, request: Request, card: Card, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return asked_card(face_url(request), self.boards, card, query or {})

    def _actions(self, query: dict[str, Any], actions: list[dict[str, Any]]) -> Any:
        found = actions_like(actions, str(query.get("filter") or "all"))
        return shapes.paged([shapes.action(one) for one in found], query)


def login(call: Call) -> tuple[str, str]:
    """Key and token of a call. A header wins over the query."""
    header = call.headers.get("authorization")
    if header is None:
        query = dict(call.query)
        return query.get("key", ""), query.get("token", "")
    given = dict(_OAUTH.findall(header))
    return given.get("oauth_consumer_key", ""), given.get("oauth_token", "")


def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler as an endpoint."""

    async def guard(request: Request) -> Response:
        try:
            return answer(await handler(request, await parameters(request)))
        except Refused as refused:
            return refused.answer()

    return guard
