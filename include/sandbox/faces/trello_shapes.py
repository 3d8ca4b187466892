"""Boards, lists, cards and actions as Trello's REST interface shows them, and its plain-text refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.faces.trello_cards import CUSTOM_FIELD, MEMBERS, Boards, Card
from sandbox.faces.wire import iso_ms

MISSING = "The requested resource was not found."


class Refused(Exception):
    """Trello says no, in plain text."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status, self.words = status, words

    def answer(self) -> Response:
        """As a response."""
        return PlainTextResponse(self.words, self.status)


async def parameters(request: Request) -> dict[str, Any]:
    """Query, then form or JSON body over it. Raises Refused."""
    given: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if not body:
        return given
    if "json" in request.headers.get("content-type", ""):
        try:
            data = json.loads(body)
        except ValueError:
            raise Refused(400, "Error parsing body") from None
        if not isinstance(data, dict):
            raise Refused(400, "Error parsing body")
        return {**given, **data}
    return {**given, **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}


def is_true(value: Any) -> bool:
    """Trello takes `true` and `"true"`."""
    return str(value).lower() == "true"


def listed(value: Any) -> list[str]:
    """A comma-separated text or a list, as a list."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [str(one).strip() for one in parts if str(one).strip()]


def member(name: str) -> dict[str, Any]:
    """A member as others see it."""
    known = MEMBERS[name]
    return {**known, "initials": str(known["fullName"])[:1], "avatarUrl": None}


def board(base: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """A board."""
    url = f"{base}/b/{one['id']}"
    return {**one, "desc": "", "idOrganization": "5f5f5f5f0000000000000001", "url": url, "shortUrl": url}


def card(base: str, boards: Boards, one: Card) -> dict[str, Any]:
    """A card with all its fields."""
    url = f"{base}/c/{one.short_link}"
    comments = [a for a in boards.actions if a["type"] == "commentCard" and a["data"]["card"]["id"] == one.id]
    badges = {
        "comments": len(comments), "attachments": len(one.attachments), "due": None, "description": True,
        "checkItems": 0, "checkItemsChecked": 0,
    }  # fmt: skip
    return {
        "id": one.id,
        **one.fields,
        "idShort": one.number,
        "shortLink": one.short_link,
        "shortUrl": url,
        "url": url,
        "dueComplete": False,
        "start": None,
        "dateLastActivity": iso_ms(one.touched),
        "labels": [boards.labels[id_] for id_ in one.fields["idLabels"]],
        "idMembers": members_of(one),
        "idChecklists": [],
        "checkItemStates": [],
        "badges": badges,
        "cover": {"idAttachment": None},
    }


def asked_card(base: str, boards: Boards, one: Card, query: Mapping[str, Any]) -> dict[str, Any]:
    """A card with the fields and nested parts that `query` asks for; the id is always there."""
    shown = card(base, boards, one)
    fields = listed(query.get("fields") or "all")
    if "all" not in fields:
        shown = {name: value for name, value in shown.items() if name == "id" or name in fields}
    if is_true(query.get("attachments")):
        shown["attachments"] = attachments(one)
    if is_true(query.get("customFieldItems")):
        shown["customFieldItems"] = items(one)
    if is_true(query.get("members")):
        asked = listed(query.get("member_fields") or "fullName,initials,username,avatarUrl")
        shown["members"] = [
            {name: value for name, value in member(short).items() if name == "id" or name in asked}
            for short, known in MEMBERS.items()
            if known["id"] in members_of(one)
        ]
    if is_true(query.get("list")):
        shown["list"] = boards.lists[one.fields["idList"]]
    return shown


def members_of(one: Card) -> list[str]:
    """Ids of those who have the card; journals of before there were members name none."""
    return list(one.fields.get("idMembers") or [])


def attachments(one: Card) -> list[dict[str, Any]]:
    """A card's attachments: addresses only, nothing is uploaded here."""
    return [
        {
            **{name: value for name, value in entry.items() if name not in ("at", "author")},
            "date": iso_ms(entry["at"]),
            "idMember": MEMBERS[entry["author"]]["id"],
            "isUpload": False,
            "bytes": None,
            "mimeType": "",
            "previews": [],
        }
        for entry in one.attachments
    ]


def items(one: Card) -> list[dict[str, Any]]:
    """The values of a card's custom fields."""
    return [
        {"id": one.id[:16] + id_[16:], "idCustomField": id_, "idModel": one.id, "modelType": "card",
         "value": {"text": text}}
        for id_, text in one.items.items()
    ]  # fmt: skip


def custom_field(board_id: str) -> dict[str, Any]:
    """The one custom field of the board."""
    return {**CUSTOM_FIELD, "idModel": board_id, "modelType": "board", "pos": 16384, "display": {"cardFront": False}}


def action(one: Mapping[str, Any]) -> dict[str, Any]:
    """An action with who did it."""
    who = member(one["author"])
    return {"id": one["id"], "idMemberCreator": who["id"], "type": one["type"], "date": iso_ms(one["at"]),
            "data": one["data"], "memberCreator": who}  # fmt: skip


def paged(found: Sequence[Mapping[str, Any]], query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The part of actions (newest first, shown) that `limit`, `before` and `since` (ids or times) ask for."""
    limit = number_in(query.get("limit"), 50, 1000)
    before, since = str(query.get("before") or ""), str(query.get("since") or "")

    def place(one: Mapping[str, Any], bound: str) -> str:
        return str(one["date"]) if "T" in bound or "-" in bound else str(one["id"])

    kept = [one for one in found if (not before or place(one, before) < before)]
    return [one for one in kept if (not since or place(one, since) > since)][:limit]


def number_in(value: Any, usual: int, most: int) -> int:
    """A limit from the query. Raises Refused when it is none."""
    if value in (None, ""):
        return usual
    if not str(value).isdigit() or not 0 <= int(value) <= most:
        raise Refused(400, "invalid value for limit")
    return int(value)
