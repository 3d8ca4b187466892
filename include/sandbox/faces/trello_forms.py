"""What may be written to a Trello card, checked as Trello does: the refusal names the parameter and nothing more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.faces.trello_cards import MEMBERS, Boards, Card
from sandbox.faces.trello_shapes import Refused, is_true, listed

MAX_TEXT = 16_384
COLORS = ("yellow", "purple", "blue", "red", "green", "orange", "black", "sky", "pink", "lime")
_ID = re.compile(r"[0-9a-f]{24}")
_CARD_FIELDS = ("name", "desc", "idList", "idBoard", "closed", "idLabels", "idMembers", "pos", "due")
_IGNORED = ("start", "dueComplete", "keepFromSource", "idCardSource", "urlSource", "subscribed", "address")


def new_card(given: Mapping[str, Any], boards: Boards, source: Card | None) -> dict[str, Any]:
    """The fields of a card to be made, complete. Raises Refused."""
    if not given.get("idList"):
        raise Refused(400, "invalid value for idList")
    usual: dict[str, Any] = {"name": "", "desc": "", "closed": False, "idLabels": [], "idMembers": []}
    usual |= {"pos": 16384, "due": None}
    if source is not None:
        usual |= {name: source.fields[name] for name in ("name", "desc", "idLabels", "due")}
    told = {name: value for name, value in given.items() if value is not None}  # null: as if nothing was said
    fields = {**usual, **changed_card(told, boards)}
    if not fields["name"] and not given.get("urlSource"):
        raise Refused(400, "invalid value for name")
    return fields


def changed_card(given: Mapping[str, Any], boards: Boards, before: Card | None = None) -> dict[str, Any]:
    """The fields that a request sets, with the board that its list is on. Raises Refused."""
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in _CARD_FIELDS:
            fields[name] = _value(name, value, boards)
        elif name not in (*_IGNORED, "key", "token"):
            continue  # Trello lets unknown parameters pass
    board = before.fields["idBoard"] if before else None
    if "idBoard" in fields and "idList" not in fields and fields["idBoard"] != board:
        fields["idList"] = next(id_ for id_, one in boards.lists.items() if one["idBoard"] == fields["idBoard"])
    if "idList" in fields:
        fields["idBoard"] = boards.lists[fields["idList"]]["idBoard"]
    if "idBoard" in fields and boards.boards[fields["idBoard"]]["closed"]:
        raise Refused(400, "board is closed")  # our reading: the interface says nothing of closed boards
    return fields


def text_of(given: Mapping[str, Any], name: str) -> str:
    """A text that has to be there. Raises Refused."""
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise Refused(400, f"invalid value for {name}")
    return value


def web_address(given: Mapping[str, Any], name: str) -> str:
    """An http(s) address. Raises Refused."""
    value = text_of(given, name)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused(400, f"invalid value for {name}")
    return value


def check_id(value: str) -> str:
    """An id, or a short link of a card. Raises Refused."""
    if not _ID.fullmatch(value) and not (len(value) == 8 and value.isalnum()):
        raise Refused(400, "invalid id")
    return value


def _value(name: str, value: Any, boards: Boards) -> Any:
    if name in ("name", "desc"):
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise Refused(400, f"invalid value for {name}")
        return value.strip() if name == "name" else value
    if name == "closed":
        return is_true(value)
    if name == "idList" and value not in boards.lists:
        raise Refused(400, "invalid value for idList")
    if name == "idBoard" and value not in boards.boards:
        raise Refused(400, "invalid value for idBoard")
    if name == "idLabels":
        ids = listed(value)
        if any(id_ not in boards.labels for id_ in ids):
            raise Refused(400, "invalid value for idLabels")
        return list(dict.fromkeys(ids))
    if name == "idMembers":
        ids = listed(value)
        if not {one["id"] for one in MEMBERS.values()}.issuperset(ids):
            raise Refused(400, "invalid value for idMembers")
        return list(dict.fromkeys(ids))
    if name == "pos":
        return {"top": 1024, "bottom": 65_536}.get(str(value), value)
    return value
