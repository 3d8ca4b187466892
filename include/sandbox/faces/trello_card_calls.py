"""What Trello's interface does with single cards."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from sandbox.faces import trello_forms as forms
from sandbox.faces import trello_shapes as shapes
from sandbox.faces.trello_calls import Calls
from sandbox.faces.trello_cards import CUSTOM_FIELD
from sandbox.faces.trello_shapes import Refused


class CardCalls(Calls):
    """The paths below `/cards`."""

    async def card_actions(self, request: Request, query: dict[str, Any]) -> Any:
        card = self._found(request, "card")
        own = [one for one in self.boards.actions if one["data"]["card"]["id"] == card.id]
        return self._actions({"filter": "commentCard,updateCard:idList", **query}, own)

    async def create(self, request: Request, given: dict[str, Any]) -> Any:
        source = self.boards.find(str(given["idCardSource"])) if given.get("idCardSource") else None
        fields = forms.new_card(given, self.boards, source)
        data: dict[str, Any] = {"fields": fields}
        if given.get("urlSource"):
            data["url"] = forms.web_address(given, "urlSource")
        if source is not None:
            data |= {"source": {"id": source.id, "name": source.name}, "items": dict(source.items)}
        return self._shown(request, self._write(request, "create", **data))

    async def read(self, request: Request, query: dict[str, Any]) -> Any:
        return self._shown(request, self._found(request, "card"), query)

    async def edit(self, request: Request, given: dict[str, Any]) -> Any:
        card = self._found(request, "card")
        fields = forms.changed_card(given, self.boards, card)
        return self._shown(request, self._write(request, "update", id=card.id, fields=fields) if fields else card)

    async def edit_field(self, request: Request, given: dict[str, Any]) -> Any:
        """One field by its own path, as older clients write it."""
        return await self.edit(request, {request.path_params["field"]: given.get("value")})

    async def delete(self, request: Request, given: dict[str, Any]) -> Any:
        self._write(request, "delete", id=self._found(request, "card").id)
        return {"limits": {}}

    async def comment(self, request: Request, given: dict[str, Any]) -> Any:
        card, text = self._found(request, "card"), forms.text_of(given, "text")
        self._write(request, "comment", id=card.id, text=text)
        return shapes.action(self.boards.actions[-1])

    async def attachments(self, request: Request, query: dict[str, Any]) -> Any:
        return shapes.attachments(self._found(request, "card"))

    async def attach(self, request: Request, given: dict[str, Any]) -> Any:
        card, url = self._found(request, "card"), forms.web_address(given, "url")
        after = self._write(request, "attach", id=card.id, url=url, name=given.get("name"))
        return shapes.attachments(after)[-1]

    async def items(self, request: Request, query: dict[str, Any]) -> Any:
        return shapes.items(self._found(request, "card"))

    async def set_item(self, request: Request, given: dict[str, Any]) -> Any:
        card = self._found(request, "card")
        if request.path_params["field"] != CUSTOM_FIELD["id"]:
            raise Refused(404, shapes.MISSING)
        value = given.get("value")
        text = str(value.get("text") or "") if isinstance(value, dict) else ""
        after = self._write(request, "item", id=card.id, field=CUSTOM_FIELD["id"], text=text)
        return next(iter(shapes.items(after)), {})
