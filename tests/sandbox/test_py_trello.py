"""Trello's face, judged by the `py-trello` client: what a client of others' making reads and writes there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from serving import Served

trello = pytest.importorskip("trello", reason="py-trello is not in this environment's lock yet")

BOARD = "5f5f5f5f0000000000000001"


class Nearby(requests.Session):
    """The client knows one address only: what it sends there goes to the face."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        assert url.startswith("https://api.trello.com/1/"), url
        path = url.removeprefix("https://api.trello.com")
        return super().request(method, f"{self._base}/trello{path}", *args, timeout=30, **kwargs)


def client(served: Served, token: str = "sandbox-trello-token") -> Any:
    return trello.TrelloClient("sandbox-trello-key", token, http_service=Nearby(served.url))


def lists(board: Any) -> dict[str, Any]:
    return {one.name: one for one in board.list_lists("open")}


def test_boards_lists_and_labels(served: Served) -> None:
    ours = client(served)
    assert BOARD in [board.id for board in ours.list_boards("open")]
    board = ours.get_board(BOARD)
    assert (board.id, board.closed) == (BOARD, False)
    assert list(lists(board)) == ["To Do", "In Progress", "In Review", "Published", "Won't do"]
    label = board.add_label("objection-price", "red")
    assert [(one.id, one.name, one.color) for one in board.get_labels()] == [(label.id, "objection-price", "red")]
    made = board.add_list("Ideas")
    assert lists(board)["Ideas"].id == made.id
    made.close()
    assert "Ideas" not in lists(board)


def test_a_card_from_its_making_to_its_end(served: Served) -> None:
    board = client(served).get_board(BOARD)
    columns = lists(board)
    label = board.add_label("objection-price", "red")
    card = columns["To Do"].add_card("Ответ: дорого", desc="Why", labels=[label])
    assert (card.name, card.desc, card.closed, card.list_id) == ("Ответ: дорого", "Why", False, columns["To Do"].id)
    assert card.created_date == datetime(2026, 10, 12, tzinfo=UTC), "world time"
    card.set_name("Ответ: слишком дорого")
    card.set_description("Why now")
    card.change_list(columns["Published"].id)
    card.attach(url="https://brand.example/blog/answer")
    card.comment("Готово: https://brand.example/blog/answer")

    seen = client(served).get_card(card.id)
    assert (seen.name, seen.desc, seen.get_list().name) == ("Ответ: слишком дорого", "Why now", "Published")
    assert [one.name for one in seen.labels] == ["objection-price"]
    assert [one.url for one in seen.get_attachments()] == ["https://brand.example/blog/answer"]
    assert [one["data"]["text"] for one in seen.get_comments()] == ["Готово: https://brand.example/blog/answer"]
    assert [one.id for one in columns["Published"].list_cards(query={})] == [card.id]

    seen.set_closed(True)
    assert columns["Published"].list_cards(query={}) == []
    assert [one.id for one in board.closed_cards()] == [card.id]
    seen.delete()
    with pytest.raises(trello.ResourceUnavailable, match="requested resource was not found"):
        client(served).get_card(card.id)


def test_what_happened_is_told_as_actions(served: Served) -> None:
    board = client(served).get_board(BOARD)
    columns = lists(board)
    card = columns["To Do"].add_card("Ours")
    card.change_list(columns["In Progress"].id)
    card.fetch_actions("updateCard:idList")
    (moved,) = card.actions
    assert (moved["data"]["listBefore"]["name"], moved["data"]["listAfter"]["name"]) == ("To Do", "In Progress")
    board.fetch_actions("createCard")
    assert [one["data"]["card"]["id"] for one in board.actions] == [card.id]


def test_a_wrong_token_is_told_apart_from_a_missing_card(served: Served) -> None:
    with pytest.raises(trello.Unauthorized, match="invalid token"):
        client(served, "nobody").list_boards()
    with pytest.raises(trello.ResourceUnavailable):
        client(served).get_card("5f5f5f5f00000000000000ff")
