"""Trello's boards: what is stored, how each write changes it, the actions it leaves, and what `/search` knows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.recorded import ACCOUNTS, COLLEAGUES, TaskCard, TeamAction

BOARD = ACCOUNTS["trello"]["board"]
OTHER_BOARD = "5f5f5f5f0000000000000002"
COLUMNS = ("To Do", "In Progress", "In Review", "Published", "Won't do")
CUSTOM_FIELD = {"id": "5f5f5f5f0000000000000040", "name": "Reference", "type": "text"}
MEMBERS = {
    "loop": {"id": "5f5f5f5f0000000000000051", "username": "loop", "fullName": "Loop"},
    "team": {"id": "5f5f5f5f0000000000000052", "username": "contentteam", "fullName": "Content team"},
    **{
        short: {"id": f"5f5f5f5f00000000{number:08d}", "username": short, "fullName": name}
        for number, (short, name) in enumerate(COLLEAGUES.items(), 53)
    },
}
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Card:
    """One card as of a moment. `fields`: name, desc, idList, idBoard, closed, idLabels, idMembers, pos, due."""

    id: str
    number: int
    short_link: str
    created: datetime
    touched: datetime
    fields: Mapping[str, Any]
    attachments: tuple[Mapping[str, Any], ...] = ()
    items: Mapping[str, str] = field(default_factory=dict)  # custom field id -> text

    @property
    def name(self) -> str:
        return str(self.fields["name"])


class Boards:
    """All boards. `apply` does a journalled write; the same writes in the same order make the same boards."""

    def __init__(self) -> None:
        self.elapsed: Callable[[], float] = time.monotonic
        self.boards: dict[str, dict[str, Any]] = {
            BOARD: {"id": BOARD, "name": "Marketing content", "closed": False},
            OTHER_BOARD: {"id": OTHER_BOARD, "name": "Ideas", "closed": False},
        }
        self.lists: dict[str, dict[str, Any]] = {}
        for number, name in enumerate((*COLUMNS, "Inbox")):
            id_ = f"5f5f5f5f00000000000000{0x10 + number:02x}"
            board = OTHER_BOARD if name == "Inbox" else BOARD
            self.lists[id_] = {"id": id_, "name": name, "closed": False, "idBoard": board, "pos": 1024 * (number + 1)}
        self.labels: dict[str, dict[str, Any]] = {}
        self.actions: list[dict[str, Any]] = []  # oldest first
        self._versions: dict[str, list[tuple[float, Card | None]]] = {}
        self._ids: dict[str, str] = {}
        self._count = 0
        self.tell: Callable[[dict[str, Any]], None] = lambda _: None  # whom each action is told to

    def find(self, id_or_link: str) -> Card | None:
        """The card as it is now, by id or short link."""
        versions = self._versions.get(self._ids.get(id_or_link, id_or_link))
        return versions[-1][1] if versions else None

    def all(self) -> list[Card]:
        """Every card as it is now, oldest first."""
        return [card for versions in self._versions.values() if (card := versions[-1][1]) is not None]

    def indexed(self, lag_s: float) -> list[Card]:
        """Every card as `/search` knows it: without what is younger than `lag_s`."""
        newest = self.elapsed() - lag_s
        known = ([entry for entry in versions if entry[0] <= newest] for versions in self._versions.values())
        return [entries[-1][1] for entries in known if entries and entries[-1][1] is not None]

    def apply(self, kind: str, at: datetime, data: Mapping[str, Any], is_old: bool = False) -> Any:
        """Do a write; returns what was written. `is_old`: long in the index.

        Kinds: create, update, delete, comment, attach, item (of a custom field), label, list, board.
        """
        seen = float("-inf") if is_old else self.elapsed()
        if kind in ("create", "label", "list", "board"):
            return getattr(self, f"_{kind}")(at, data, seen)
        before = self.find(str(data["id"]))
        if before is None:
            return None
        after = None if kind == "delete" else getattr(self, f"_{kind}")(before, at, data)
        if kind == "delete":
            self._act(at, data, "deleteCard", before)
        self._versions[before.id].append((seen, after))
        return after

    def card(self, card: Card) -> TaskCard:
        """The card as the content team sees it; one that was put away has the status Archived."""
        status = "Archived" if card.fields["closed"] else str(self.lists[card.fields["idList"]]["name"])
        labels = tuple(str(self.labels[id_]["name"]) for id_ in card.fields["idLabels"])
        url = str(card.attachments[-1]["url"]) if card.attachments and status == "Published" else None
        return TaskCard(card.short_link, card.created, card.name, str(card.fields["desc"]), labels, status, url)

    def work(self, action: TeamAction) -> None:
        """Do what the content team did. The index has known it for long: it happened while the world moved."""
        card = self.find(action.key)
        if card is None:
            return
        common = {"id": card.id, "author": "team"}
        if action.kind == "summary":
            self.apply("update", action.at, {**common, "fields": {"name": action.text}}, True)
        elif action.kind == "comment":
            self.apply("comment", action.at, {**common, "text": action.text}, True)
        elif action.kind == "assignee":
            given = {"idMembers": [MEMBERS[action.text]["id"]]}
            self.apply("update", action.at, {**common, "fields": given}, True)
        elif action.kind == "status":
            target = [one["id"] for one in self.lists.values() if one["name"] == action.text]
            if target:
                self.apply("update", action.at, {**common, "fields": {"idList": target[0]}}, True)
            if action.url:
                self.apply("attach", action.at, {**common, "url": action.url, "name": card.name}, True)
        else:
            raise ValueError(f"the content team did something unknown: {action.kind}")

    def new_id(self, at: datetime) -> str:
        """24 hexadecimal digits, the first 8 being the second of creation."""
        self._count += 1
        return f"{int(at.timestamp()):08x}00000000{self._count:08x}"

    def _create(self, at: datetime, data: Mapping[str, Any], seen: float) -> Card:
        id_, number = self.new_id(at), len(self._versions) + 1
        card = Card(id_, number, _short_link(id_), at, at, dict(data["fields"]), items=dict(data.get("items") or {}))
        source = data.get("source")
        self._act(at, data, "copyCard" if source else "createCard", card, **({"cardSource": source} if source else {}))
        self._ids[card.short_link] = id_
        self._versions[id_] = [(seen, card)]
        url = data.get("url")
        if url:
            card = self._attach(card, at, {**data, "url": url, "name": url})
            self._versions[id_] = [(seen, card)]
        return card

    def _update(self, card: Card, at: datetime, data: Mapping[str, Any]) -> Card:
        was, now = card.fields, data["fields"]
        old: dict[str, Any] = {name: was.get(name) for name, value in now.items() if was.get(name) != value}
        if not old:
            return card
        after = replace(card, touched=max(at, card.touched), fields={**was, **now})
        self._seat(at, data, after, old.pop("idMembers", None) or [])
        if not old:
            return after
        kind, more = "updateCard", {}
        if "idBoard" in old:
            kind, more = "moveCardToBoard", {"boardSource": {"id": old["idBoard"]}}
        elif "idList" in old:
            left, right = self.lists[old["idList"]], self.lists[after.fields["idList"]]
            more = {name: {"id": one["id"], "name": one["name"]} for name, one in
                    (("listBefore", left), ("listAfter", right))}  # fmt: skip
        self._act(at, data, kind, after, old=old, **more)
        return after

    def _seat(self, at: datetime, data: Mapping[str, Any], card: Card, before: Sequence[str]) -> None:
        """Who came to a card, and who left it, is an action each."""
        now = data["fields"].get("idMembers", before)
        moves = [("addMemberToCard", id_) for id_ in now if id_ not in before]
        moves += [("removeMemberFromCard", id_) for id_ in before if id_ not in now]
        names = {one["id"]: one["fullName"] for one in MEMBERS.values()}
        for kind, id_ in moves:
            self._act(at, data, kind, card, idMember=id_, member={"id": id_, "name": names[id_]})

    def _comment(self, card: Card, at: datetime, data: Mapping[str, Any]) -> Card:
        self._act(at, data, "commentCard", card, text=data["text"])
        return replace(card, touched=max(at, card.touched))

    def _attach(self, card: Card, at: datetime, data: Mapping[str, Any]) -> Card:
        known = {"id": self.new_id(at), "url": data["url"], "name": data.get("name") or data["url"], "at": at}
        attachment = {**known, "author": data.get("author", "loop")}
        self._act(
            at, data, "addAttachmentToCard", card, attachment={name: known[name] for name in ("id", "url", "name")}
        )
        return replace(card, touched=max(at, card.touched), attachments=(*card.attachments, attachment))

    def _item(self, card: Card, at: datetime, data: Mapping[str, Any]) -> Card:
        kept = {key: value for key, value in card.items.items() if key != data["field"]}
        return replace(card, items={**kept, data["field"]: data["text"]} if data["text"] else kept)

    def _label(self, at: datetime, data: Mapping[str, Any], seen: float) -> dict[str, Any]:
        label = {"id": self.new_id(at), "idBoard": data["idBoard"], "name": data["name"], "color": data.get("color")}
        self.labels[label["id"]] = label
        return label

    def _list(self, at: datetime, data: Mapping[str, Any], seen: float) -> dict[str, Any]:
        if "id" in data:
            self.lists[data["id"]] |= data["fields"]
            return self.lists[data["id"]]
        id_ = self.new_id(at)
        pos = 1024 * (len(self.lists) + 1)
        self.lists[id_] = {"id": id_, "name": data["name"], "closed": False, "idBoard": data["idBoard"], "pos": pos}
        return self.lists[id_]

    def _board(self, at: datetime, data: Mapping[str, Any], seen: float) -> dict[str, Any]:
        self.boards[data["id"]] |= data["fields"]
        return self.boards[data["id"]]

    def _act(self, at: datetime, data: Mapping[str, Any], kind: str, card: Card, **more: Any) -> None:
        board = self.boards[card.fields["idBoard"]]
        about = {"id": card.id, "name": card.name, "idShort": card.number, "shortLink": card.short_link}
        action = {
            "id": self.new_id(at),
            "type": kind,
            "at": at,
            "author": data.get("author", "loop"),
            "data": {"card": about, "board": {"id": board["id"], "name": board["name"]}, **more},
        }
        self.actions.append(action)
        self.tell(action)


def actions_like(actions: Sequence[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """Those of `actions` that a filter such as `updateCard:idList,commentCard` asks for, newest first."""
    kinds = [kind.strip() for kind in wanted.split(",") if kind.strip()]

    def fits(action: dict[str, Any]) -> bool:
        for kind in kinds:
            name, _, changed = kind.partition(":")
            if name in (action["type"], "all") and (not changed or changed in action["data"].get("old", {})):
                return True
        return not kinds

    return [action for action in reversed(actions) if fits(action)]


def _short_link(id_: str) -> str:
    number, text = int(hashlib.sha256(id_.encode()).hexdigest(), 16), ""
    for _ in range(8):
        number, digit = divmod(number, len(_ALPHABET))
        text += _ALPHABET[digit]
    return text


def created_at(id_: str) -> datetime:
    """When the object with this id was made (UTC, to the second)."""
    return datetime.fromtimestamp(int(id_[:8], 16), UTC)
