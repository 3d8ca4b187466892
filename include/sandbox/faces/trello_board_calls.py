"""What Trello's interface does with members, boards, lists, labels and searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.faces import trello_forms as forms
from sandbox.faces import trello_shapes as shapes
from sandbox.faces.trello_calls import TOKENS, Calls, login
from sandbox.faces.trello_cards import Card, created_at
from sandbox.faces.trello_shapes import Refused
from sandbox.faces.wire import call_of, face_url

MAX_BATCH = 10


class BoardCalls(Calls):
    """The paths about more than one card."""

    async def me(self, request: Request, query: dict[str, Any]) -> Any:
        return {**shapes.member(TOKENS[login(call_of(request))[1]]), "idBoards": list(self.boards.boards)}

    async def my_boards(self, request: Request, query: dict[str, Any]) -> Any:
        return [shapes.board(face_url(request), one) for one in self.boards.boards.values()]

    async def board(self, request: Request, query: dict[str, Any]) -> Any:
        board = self._found(request, "board")
        shown = shapes.board(face_url(request), board)
        return {**shown, "lists": self._lists_of(board, query["lists"])} if query.get("lists") else shown

    async def edit_board(self, request: Request, given: dict[str, Any]) -> Any:
        fields: dict[str, Any] = {"name": forms.text_of(given, "name")} if "name" in given else {}
        if "closed" in given:
            fields["closed"] = shapes.is_true(given["closed"])
        board = self._write(request, "board", id=self._found(request, "board")["id"], fields=fields)
        return shapes.board(face_url(request), board)

    def _lists_of(self, board: Mapping[str, Any], wanted: str) -> list[dict[str, Any]]:
        closed = {"open": (False,), "closed": (True,)}.get(wanted, (False, True))
        found = [o for o in self.boards.lists.values() if o["idBoard"] == board["id"] and o["closed"] in closed]
        return sorted(found, key=lambda one: one["pos"])

    async def board_lists(self, request: Request, query: dict[str, Any]) -> Any:
        return self._lists_of(self._found(request, "board"), str(query.get("filter") or "open"))

    async def board_cards(self, request: Request, query: dict[str, Any]) -> Any:
        board = self._found(request, "board")
        return self._cards(request, query, lambda card: card.fields["idBoard"] == board["id"])

    async def list_cards(self, request: Request, query: dict[str, Any]) -> Any:
        list_ = self._found(request, "list")
        return self._cards(request, query, lambda card: card.fields["idList"] == list_["id"])

    def _cards(self, request: Request, query: dict[str, Any], fits: Callable[[Card], bool]) -> list[dict[str, Any]]:
        """Newest first, at most 1,000: the next page is `before` the oldest id of this one."""
        wanted = str(query.get("filter") or "open")
        closed = {"open": (False,), "visible": (False,), "closed": (True,), "all": (False, True)}.get(wanted)
        if closed is None:
            raise Refused(400, "invalid value for filter")
        found = [card for card in reversed(self.boards.all()) if fits(card) and card.fields["closed"] in closed]
        bounds = [{"id": card.id, "date": created_at(card.id).strftime("%Y-%m-%dT%H:%M:%S.000Z")} for card in found]
        kept = {one["id"] for one in shapes.paged(bounds, {"limit": 1000, **query})}
        return [self._shown(request, card, query) for card in found if card.id in kept]

    async def board_labels(self, request: Request, query: dict[str, Any]) -> Any:
        board = self._found(request, "board")
        limit = shapes.number_in(query.get("limit"), 50, 1000)
        return [one for one in self.boards.labels.values() if one["idBoard"] == board["id"]][:limit]

    async def board_fields(self, request: Request, query: dict[str, Any]) -> Any:
        return [shapes.custom_field(self._found(request, "board")["id"])]

    async def board_actions(self, request: Request, query: dict[str, Any]) -> Any:
        board = self._found(request, "board")
        return self._actions(query, [one for one in self.boards.actions if one["data"]["board"]["id"] == board["id"]])

    async def new_list(self, request: Request, given: dict[str, Any]) -> Any:
        if given.get("idBoard") not in self.boards.boards:
            raise Refused(400, "invalid value for idBoard")
        return self._write(request, "list", name=forms.text_of(given, "name"), idBoard=given["idBoard"])

    async def list(self, request: Request, query: dict[str, Any]) -> Any:
        return self._found(request, "list")

    async def edit_list(self, request: Request, given: dict[str, Any]) -> Any:
        fields: dict[str, Any] = {"name": forms.text_of(given, "name")} if "name" in given else {}
        if "closed" in given:
            fields["closed"] = shapes.is_true(given["closed"])
        return self._write(request, "list", id=self._found(request, "list")["id"], fields=fields)

    async def edit_list_field(self, request: Request, given: dict[str, Any]) -> Any:
        """One field by its own path, as older clients write it."""
        return await self.edit_list(request, {request.path_params["field"]: given.get("value")})

    async def new_label(self, request: Request, given: dict[str, Any]) -> Any:
        if given.get("idBoard") not in self.boards.boards:
            raise Refused(400, "invalid value for idBoard")
        color = given.get("color") or None
        if color is not None and color not in (*forms.COLORS, "null"):
            raise Refused(400, "invalid value for color")
        name = forms.text_of(given, "name")
        return self._write(request, "label", idBoard=given["idBoard"], name=name, color=color)

    async def search(self, request: Request, query: dict[str, Any]) -> Any:
        """Cards whose name or description holds all the words, as far as the index knows."""
        words = str(query.get("query") or "").casefold().split()
        if not words:
            raise Refused(400, "invalid value for query")
        known = self.boards.indexed(self.site.faults.values["trello_index_lag_s"])
        texts = [(card, f"{card.name} {card.fields['desc']}".casefold()) for card in known]
        found = [self._shown(request, card) for card, text in texts if all(word in text for word in words)]
        limit = shapes.number_in(query.get("cards_limit"), 10, 1000)
        return {
            "cards": found[:limit],
            "options": {"terms": [{"text": word} for word in words], "modelTypes": ["cards"]},
        }

    async def batch(self, request: Request, query: dict[str, Any]) -> Any:
        """Up to ten GETs at once: `[{"200": {...}}, ...]`; of cards only."""
        urls = shapes.listed(query.get("urls"))
        if not 0 < len(urls) <= MAX_BATCH:
            raise Refused(400, "invalid value for urls")
        answers: list[dict[str, Any]] = []
        for url in urls:
            path, _, tail = url.partition("?")
            card = self.boards.find(path.rsplit("/", 1)[-1]) if path.startswith("/cards/") else None
            shown = None if card is None else self._shown(request, card, dict(parse_qsl(tail)))
            refusal = {"name": "notFound", "message": shapes.MISSING, "statusCode": 404}
            answers.append(refusal if shown is None else {"200": shown})
        return answers
