"""Trello REST 1: boards, lists, cards, actions, custom fields, labels, search; and the pages that people look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.faces import trello_pages as pages
from sandbox.faces import trello_shapes as shapes
from sandbox.faces.trello_board_calls import BoardCalls
from sandbox.faces.trello_calls import TOKENS, Handler, guarded, login
from sandbox.faces.trello_card_calls import CardCalls
from sandbox.faces.trello_cards import BOARD, Boards
from sandbox.faces.wire import Call, Rate, Site, Tracker, answer, face_url
from sandbox.journal import Entry
from sandbox.recorded import ACCOUNTS, TaskCard, TeamAction

KEY = ACCOUNTS["trello"]["api_key"]


def face(site: Site) -> Tracker:
    """The face."""
    return TrelloFace(site)


class TrelloFace(Tracker):
    """See the module."""

    prefix = "trello"
    rates: ClassVar[Mapping[str, Rate]] = {"token": Rate(10, 100), "members": Rate(100 / 900, 100)}

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.boards = Boards()
        self.boards.tell = self._tell

    def routes(self) -> Sequence[Route]:
        """Trello's paths, and the pages that people look at."""
        many, one = BoardCalls(self.site, self.boards), CardCalls(self.site, self.boards)
        paths: list[tuple[str, str, Handler]] = [
            ("GET", "/members/me", many.me),
            ("GET", "/members/me/boards", many.my_boards),
            ("GET", "/boards/{board}", many.board),
            ("PUT", "/boards/{board}", many.edit_board),
            ("GET", "/boards/{board}/lists", many.board_lists),
            ("GET", "/boards/{board}/cards", many.board_cards),
            ("GET", "/boards/{board}/labels", many.board_labels),
            ("GET", "/boards/{board}/customFields", many.board_fields),
            ("GET", "/boards/{board}/actions", many.board_actions),
            ("POST", "/lists", many.new_list),
            ("GET", "/lists/{list}", many.list),
            ("PUT", "/lists/{list}", many.edit_list),
            ("PUT", "/lists/{list}/{field}", many.edit_list_field),
            ("GET", "/lists/{list}/cards", many.list_cards),
            ("POST", "/labels", many.new_label),
            ("POST", "/cards", one.create),
            ("GET", "/cards/{card}", one.read),
            ("PUT", "/cards/{card}", one.edit),
            ("PUT", "/cards/{card}/{field}", one.edit_field),
            ("DELETE", "/cards/{card}", one.delete),
            ("GET", "/cards/{card}/actions", one.card_actions),
            ("POST", "/cards/{card}/actions/comments", one.comment),
            ("GET", "/cards/{card}/attachments", one.attachments),
            ("POST", "/cards/{card}/attachments", one.attach),
            ("GET", "/cards/{card}/customFieldItems", one.items),
            ("PUT", "/cards/{card}/customField/{field}/item", one.set_item),
            ("GET", "/search", many.search),
            ("GET", "/batch", many.batch),
        ]
        interface = [Route(f"/1{path}", guarded(handler), methods=[method]) for method, path, handler in paths]
        return [*interface, Route("/", self._page), Route("/c/{card}", self._card_page)]

    def unauthorized(self, call: Call) -> Response | None:
        """401 in plain text for a wrong key or token, in a header or in the query."""
        key, token = login(call)
        if key != KEY:
            return PlainTextResponse("invalid key", 401)
        return None if token in TOKENS else PlainTextResponse("invalid token", 401)

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429; Trello never says how long to wait."""
        return answer({"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}, 429)

    def broken(self, call: Call, status: int) -> Response:
        """A word in plain text, as a proxy gives it."""
        return PlainTextResponse({500: "Internal Server Error", 502: "Bad Gateway"}.get(status, "Unavailable"), status)

    def bucket_of(self, call: Call) -> str:
        """Members have a limit of their own."""
        return "members" if call.path.startswith("/1/members") else "token"

    def is_page(self, call: Call) -> bool:
        """The board's and the cards' pages."""
        return not call.path.startswith("/1/")

    def is_write(self, call: Call) -> bool:
        """Everything that is no GET."""
        return call.method in ("POST", "PUT", "DELETE")

    def marks(self, call: Call, headers: dict[str, str], left: Mapping[str, int]) -> None:
        """What is left of the token's limit."""
        headers["x-rate-limit-api-token-interval-ms"] = "10000"
        headers["x-rate-limit-api-token-max"] = str(self.rates["token"].burst)
        headers["x-rate-limit-api-token-remaining"] = str(left["token"])

    def replay(self, entry: Entry) -> None:
        """Writes are journalled in the words of `Boards.apply`."""
        self.boards.apply(entry.kind, entry.at, entry.data, is_old=True)

    def cards(self) -> list[TaskCard]:
        """The cards of the team's board as it sees them."""
        return [self.boards.card(card) for card in self.boards.all() if card.fields["idBoard"] == BOARD]

    def work(self, actions: Sequence[TeamAction]) -> None:
        """Moves between lists, new names, comments, and the address of what was published as an attachment."""
        for action in actions:
            self.boards.work(action)

    def _tell(self, action: Mapping[str, Any]) -> None:
        if self.site.hooks.addresses:
            self.site.hooks.tell(self.prefix, [{"action": shapes.action(action), "model": {"id": BOARD}}])

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(pages.board(self.boards, face_url(request)))

    async def _card_page(self, request: Request) -> Response:
        card = self.boards.find(request.path_params["card"])
        return HTMLResponse(pages.card_page(card, self.boards), 200 if card else 404)
