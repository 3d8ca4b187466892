"""Trello behind the tracker port: one board, statuses are its lists, our marker stands at the end of a description.

Cards are found by reading the board, which does not lag as Trello's search does. Nothing of a card is changed after it
was made but a twin of ours, which is put away, and the words of a person who asked to be erased: people's edits stay
theirs. A card that a person moves to another board
before its lost answer was looked for is not found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rebuttal.connections import Connection
from rebuttal.content.trackers import Address, Draft, RefusedError, RemoteTask
from rebuttal.content.trackers.addresses import addresses_in
from rebuttal.content.trackers.assignee import named
from rebuttal.content.trackers.markdown import document, escaped
from rebuttal.content.trackers.trello_wire import TrelloWire
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.errors import ContractError, UnavailableError, UncertainError

NAME = "rebuttal"
_MAX_DESCRIPTION = 16_384
_PAGE = 1000
_FIELDS = "name,desc,idList,idBoard,closed,shortLink,shortUrl"
_ASKED = {"fields": _FIELDS, "members": "true", "member_fields": "fullName"}  # of a card
_ID = re.compile(r"[0-9a-f]{24}")
_MARKER = re.compile(r"`rebuttal-([0-9a-f]{32})`")
_TWIN_COMMENT = "This card is a twin made when an answer was lost. Please go on with "
_OWN = re.compile(r"https?://(?:www\.)?trello\.com/")


class TrelloTracker:
    """One board. Raises CredentialsError when the connection lacks host, key, token, `extra.board` or `extra.list`."""

    def __init__(self, connection: Connection, patience: float = 20.0, wall: Waiting = WALL_CLOCK) -> None:
        self._wire, self._wall = TrelloWire(connection, patience, wall), wall
        self._board, self._list = connection.option("board"), connection.option("list")
        self._lists: dict[str, str] = {}  # id -> name
        self._start = ""  # the list that new cards are put into

    def create(self, draft: Draft) -> RemoteTask:
        """See Tracker.create."""
        self._find_start(draft)
        marker = f"\n\nMarker, please keep: `{NAME}-{draft.task_id}`"
        body = {
            "idList": self._start,
            "name": draft.brief.title,
            "desc": document(draft.brief.blocks, _MAX_DESCRIPTION - len(marker)) + marker,
            "idLabels": ",".join(self._label_ids([NAME, f"objection-{draft.category}"])),
            "pos": "top",
        }
        what = f"creating the task {draft.label} on board {self._board}"
        answer = self._wire.write("POST", "/cards", body, what)
        if not (isinstance(answer, dict) and _ID.fullmatch(str(answer.get("id"))) and answer.get("shortLink")):
            raise UncertainError(f"Trello's answer to {what} names no card")
        return self._task({**body, **answer})

    def search(self, labels: Sequence[str]) -> list[RemoteTask]:
        """See Tracker.search. The whole board is read: archived cards too, and without any lag."""
        self._look_around()
        wanted = tuple(labels)
        found = [task for task in map(self._task, self._cards()) if f"{NAME}-{task.task_id}".startswith(wanted)]
        return sorted((self._with_creator(task) for task in found), key=lambda task: (task.created_at, task.remote_id))

    def read(self, known: Collection[tuple[str, str]]) -> dict[str, RemoteTask | None]:
        """See Tracker.read. A card that was moved to another board is found by its id."""
        self._look_around()
        here = {str(card["id"]): card for card in self._cards()}
        result: dict[str, RemoteTask | None] = {}
        for remote_id, key in known:
            if _ID.fullmatch(remote_id):
                card = here.get(remote_id) or self._wire.read(
                    "GET", f"/cards/{quote(remote_id)}", f"card {key}", params={**_ASKED, "list": "true"}
                )
                result[remote_id] = None if card is None else self._task(card)
        return result

    def address(self, task: RemoteTask) -> Address | None:
        """See Tracker.address: the newest attached or commented address that is no page of Trello itself."""
        path, found = f"/cards/{quote(task.remote_id)}", []
        for one in self._wire.read_list(f"{path}/attachments", f"attachments of {task.key}") or []:
            if not one.get("isUpload"):
                found += [(_time(one.get("date")), url) for url in addresses_in(str(one.get("url") or ""))]
        for one in self._comments(path, task.key):
            text = str((one.get("data") or {}).get("text") or "")
            found += [(_time(one.get("date")), url) for url in addresses_in(text)]
        outside = [(at, url) for at, url in found if not self._is_own(url)]
        if not outside:
            return None
        at, url = max(outside, key=lambda pair: pair[0])
        return Address(url, at)

    def close_twin(self, twin: RemoteTask, kept: RemoteTask) -> None:
        """See Tracker.close_twin: a comment that links the kept card, then the card is put away."""
        if twin.is_archived:
            return
        path = f"/cards/{quote(twin.remote_id)}"
        if not any(kept.url in str((one.get("data") or {}).get("text")) for one in self._comments(path, twin.key)):
            note = {"text": f"{_TWIN_COMMENT}{kept.url}"}
            self._wire.write("POST", f"{path}/actions/comments", note, f"a comment on {twin.key}")
        self._wire.write("PUT", path, {"closed": True}, f"closing the twin {twin.key}")

    def withdraw(self, remote_id: str, key: str, phrases: Sequence[str], blot: str) -> int:
        """See Tracker.withdraw: the lines of the description that are one of the phrases, quoted or not."""
        path, asked = f"/cards/{quote(remote_id)}", {"fields": "desc"}
        card = self._wire.read("GET", path, f"card {key}", params=asked)
        lines = str((card or {}).get("desc") or "").split("\n")
        wanted = {escaped(phrase) for phrase in phrases}
        said = [line.strip().removeprefix(">").strip() in wanted for line in lines]
        if any(said):
            kept = [f"> {escaped(blot)}  " if is_said else line for line, is_said in zip(lines, said, strict=True)]
            self._wire.write("PUT", path, {"desc": "\n".join(kept)}, f"taking words out of {key}")
        return sum(said)

    def workspace(self) -> str:
        """See Tracker.workspace: the board's id."""
        board = self._look_around()
        if not board.get("id"):
            raise ContractError("Trello's answer names no board", next_step="Check the connection's host")
        return str(board["id"])

    def _find_start(self, draft: Draft) -> None:
        """Raises RefusedError when the board or its list is not there: Trello would refuse the card."""
        if self._start:
            return
        try:
            self._look_around()
        except ContractError as error:
            raise RefusedError(f"{draft.label} was not made: {error.message}", next_step=error.next_step) from None
        if not self._start:
            names = ", ".join(self._lists.values())
            raise RefusedError(
                f"{draft.label} was not made: Trello's board {self._board} has no open list {self._list!r}",
                next_step=f"Set `list` in the connection's extra to one of: {names}; the theme is proposed again a "
                "week later",
            )

    def _look_around(self) -> dict[str, Any]:
        """Read the board and its lists. Raises ContractError when it cannot be seen or is archived as a whole."""
        asked = {"fields": "name,closed", "lists": "all", "list_fields": "name,closed"}
        board = self._wire.read("GET", f"/boards/{quote(self._board)}", f"board {self._board}", params=asked)
        if board is None or board.get("closed"):
            told = "shows no" if board is None else "has archived the"
            raise ContractError(
                f"Trello {told} board {self._board}, so nobody can say what became of its cards",
                next_step="Check the connection's board and the token's access, or reopen the board",
            )
        lists = board.get("lists") or []
        self._lists = {str(one["id"]): str(one["name"]) for one in lists}
        opened = [one for one in lists if not one.get("closed") and self._list in (one["id"], one["name"])]
        self._start = str(opened[0]["id"]) if opened else ""
        return board

    def _cards(self) -> Iterable[dict[str, Any]]:
        before = ""
        while True:
            asked = {"filter": "all", **_ASKED, "limit": _PAGE, **({"before": before} if before else {})}
            page = self._wire.read_list(f"/boards/{quote(self._board)}/cards", "the board's cards", params=asked)
            if page is None:
                raise ContractError(f"Trello shows no cards of board {self._board}", next_step="Check the connection")
            yield from page
            if len(page) < _PAGE:
                return
            oldest = min(str(card["id"]) for card in page)
            if before and oldest >= before:
                raise ContractError("Trello gives the same page of cards for ever", next_step="Report it to Atlassian")
            before = oldest

    def _label_ids(self, names: Sequence[str]) -> list[str]:
        """Ids of the board's labels of these names; one that is missing is made (a second one would do no harm)."""
        path = f"/boards/{quote(self._board)}/labels"
        there = self._wire.read_list(path, "the board's labels", params={"limit": 1000}) or []
        ids = {str(one.get("name")): str(one["id"]) for one in reversed(there)}
        for name in names:
            if name not in ids:
                ids[name] = self._new_label(name)
        return [ids[name] for name in names]

    def _new_label(self, name: str) -> str:
        try:
            made = self._wire.write("POST", "/labels", {"name": name, "idBoard": self._board}, f"the label {name}")
        except UncertainError as error:
            # Of the label nobody knows; the card was surely not sent.
            raise UnavailableError(error.message, retry_after=error.retry_after) from None
        return str(made["id"])

    def _comments(self, path: str, key: str) -> list[dict[str, Any]]:
        asked = {"filter": "commentCard", "limit": 1000}
        return self._wire.read_list(f"{path}/actions", f"comments of {key}", params=asked) or []

    def _with_creator(self, task: RemoteTask) -> RemoteTask:
        """A copied card keeps our marker, but it was not made by us."""
        path, asked = f"/cards/{quote(task.remote_id)}/actions", {"filter": "createCard,copyCard", "limit": 1}
        born = (self._wire.read_list(path, f"the origin of {task.key}", params=asked) or [{}])[0]
        creator = str(born.get("idMemberCreator") or "") if born.get("type") == "createCard" else ""
        return RemoteTask(**{**vars(task), "creator": creator})

    def _is_own(self, url: str) -> bool:
        return bool(_OWN.match(url)) or url.startswith(f"{self._wire.site}/c/")

    def _task(self, card: dict[str, Any]) -> RemoteTask:
        try:
            return self._shown(card)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ContractError(
                "Trello's answer about a task has another shape than Trello's", next_step="Check the connection's host"
            ) from None

    def _shown(self, card: dict[str, Any]) -> RemoteTask:
        list_id = str(card.get("idList") or "")
        markers = _MARKER.findall(str(card.get("desc") or ""))
        return RemoteTask(
            remote_id=str(card["id"]),
            key=str(card.get("shortLink") or card["id"]),
            url=str(card.get("shortUrl") or ""),
            status_name=str((card.get("list") or {}).get("name") or self._lists.get(list_id, "")),
            status_id=list_id,
            status_category="new" if list_id == self._start else "",
            created_at=datetime.fromtimestamp(int(str(card["id"])[:8], 16), UTC),
            creator="",
            task_id=markers[-1] if markers else "",
            is_archived=bool(card.get("closed")),
            assignee=_assignee(card),
        )


def _assignee(card: dict[str, Any]) -> str | None:
    """A card may have several members; an answer to a write names none of them."""
    members = card.get("members")
    return None if members is None else named([str(one.get("fullName") or "") for one in members])


def _time(value: Any) -> datetime:
    """Trello's `2026-10-03T12:00:00.000Z`. A time it does not give sorts first."""
    if not value:
        return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        raise ContractError(f"Trello gave {str(value)[:40]!r} as a time", next_step="Report it to Atlassian") from None
