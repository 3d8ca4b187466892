"""Trello's face, judged by what its interface's description says, and what Trello refuses, forgets and shows late."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from serving import Serve, Served

BOARD = "5f5f5f5f0000000000000001"
LOOP = {"key": "sandbox-trello-key", "token": "sandbox-trello-token"}
TEAM = {**LOOP, "token": "sandbox-trello-team-token"}


def header(login: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f'OAuth oauth_consumer_key="{login["key"]}", oauth_token="{login["token"]}"'}


def call(
    served: Served, method: str, path: str, data: Any = None, login: dict[str, str] = LOOP, **query: Any
) -> requests.Response:
    address = f"{served.url}/trello/1{path}"
    return requests.request(method, address, json=data, params=query, headers=header(login), timeout=30)


def lists(served: Served, wanted: str = "open") -> dict[str, str]:
    found = call(served, "GET", f"/boards/{BOARD}/lists", filter=wanted).json()
    return {one["name"]: one["id"] for one in found}


def card(served: Served, name: str = "Answer: too expensive", **more: Any) -> dict[str, Any]:
    made = call(served, "POST", "/cards", {"idList": lists(served)["To Do"], "name": name, "desc": "Why", **more})
    assert made.status_code == 200, made.text
    return dict(made.json())


def test_a_card_is_made_read_moved_and_edited(served: Served) -> None:
    assert list(lists(served)) == ["To Do", "In Progress", "In Review", "Published", "Won't do"]
    made = card(served, "Ответ: дорого", pos="top", urlSource="https://brand.example/brief")
    assert (made["name"], made["desc"], made["closed"], made["idBoard"]) == ("Ответ: дорого", "Why", False, BOARD)
    assert datetime.fromtimestamp(int(made["id"][:8], 16), UTC) == datetime(2026, 10, 12, tzinfo=UTC), "world time"
    assert len(made["id"]) == 24
    assert made["shortUrl"].endswith(f"/c/{made['shortLink']}")
    assert made["dateLastActivity"] == "2026-10-12T00:00:00.000Z"
    assert made["badges"]["attachments"] == 1
    moved = call(served, "PUT", f"/cards/{made['shortLink']}", {"idList": lists(served)["In Progress"]})
    assert (moved.status_code, moved.json()["id"]) == (200, made["id"])
    call(served, "PUT", f"/cards/{made['id']}", name="Ответ: слишком дорого", login=TEAM)
    again = call(served, "GET", f"/cards/{made['id']}", list="true", fields="name,idList").json()
    assert set(again) == {"id", "name", "idList", "list"}
    assert (again["name"], again["list"]["name"]) == ("Ответ: слишком дорого", "In Progress")
    assert call(served, "DELETE", f"/cards/{made['id']}").status_code == 200
    gone = call(served, "GET", f"/cards/{made['id']}")
    assert (gone.status_code, gone.text) == (404, "The requested resource was not found.")


def test_what_happened_to_a_card_is_told_as_actions(served: Served) -> None:
    made, columns = card(served), lists(served)
    for name in ("In Progress", "Published"):
        call(served, "PUT", f"/cards/{made['id']}", {"idList": columns[name]}, login=TEAM)
    call(served, "POST", f"/cards/{made['id']}/actions/comments", text="Looks good", login=TEAM)
    query = {"filter": "updateCard:idList,commentCard", "limit": 1000}
    told = call(served, "GET", f"/boards/{BOARD}/actions", **query).json()
    assert [one["type"] for one in told] == ["commentCard", "updateCard", "updateCard"], "newest first"
    assert told[0]["data"]["text"] == "Looks good"
    assert (told[1]["data"]["listBefore"]["name"], told[1]["data"]["listAfter"]["name"]) == ("In Progress", "Published")
    assert told[1]["data"]["old"] == {"idList": columns["In Progress"]}
    assert told[0]["memberCreator"]["username"] == "contentteam"
    older = call(served, "GET", f"/boards/{BOARD}/actions", **query, before=told[1]["id"]).json()
    assert [one["id"] for one in older] == [told[2]["id"]]
    assert [one["type"] for one in call(served, "GET", f"/cards/{made['id']}/actions", filter="createCard").json()] == [
        "createCard"
    ]


def test_a_copy_is_told_from_a_card_that_was_made(served: Served) -> None:
    made = card(served)
    copy = card(served, idCardSource=made["id"], name="Copy")
    assert (copy["desc"], copy["id"] != made["id"]) == ("Why", True)
    kinds = {
        one["id"]: [
            a["type"] for a in call(served, "GET", f"/cards/{one['id']}/actions", filter="createCard,copyCard").json()
        ]
        for one in (made, copy)
    }
    assert list(kinds.values()) == [["createCard"], ["copyCard"]]


def test_custom_fields_labels_and_attachments(served: Served) -> None:
    made = card(served)
    (field,) = call(served, "GET", f"/boards/{BOARD}/customFields").json()
    assert field["type"] == "text"
    path = f"/cards/{made['id']}/customField/{field['id']}/item"
    assert call(served, "PUT", path, {"value": {"text": "7f3a"}}).status_code == 200
    (shown,) = call(served, "GET", f"/boards/{BOARD}/cards", customFieldItems="true", fields="name").json()
    assert [item["value"]["text"] for item in shown["customFieldItems"]] == ["7f3a"]
    label = call(served, "POST", "/labels", {"name": "objection-price", "color": "sky", "idBoard": BOARD}).json()
    assert call(served, "GET", f"/boards/{BOARD}/labels").json() == [label]
    labelled = call(served, "PUT", f"/cards/{made['id']}", {"idLabels": label["id"]}).json()
    assert [one["name"] for one in labelled["labels"]] == ["objection-price"]
    attached = call(served, "POST", f"/cards/{made['id']}/attachments", {"url": "https://brand.example/post"}).json()
    assert (attached["url"], attached["isUpload"]) == ("https://brand.example/post", False)
    assert [one["id"] for one in call(served, "GET", f"/cards/{made['id']}/attachments").json()] == [attached["id"]]


def test_who_has_a_card_is_shown_when_asked_and_told_as_an_action(served: Served) -> None:
    made, person = card(served), "5f5f5f5f0000000000000054"
    assert made["idMembers"] == []
    assert call(served, "PUT", f"/cards/{made['id']}", {"idMembers": "nobody"}).text == "invalid value for idMembers"
    assert call(served, "PUT", f"/cards/{made['id']}", {"idMembers": [person]}).json()["idMembers"] == [person]
    (shown,) = call(served, "GET", f"/boards/{BOARD}/cards", fields="name", members="true",
                    member_fields="fullName").json()  # fmt: skip
    assert shown["members"] == [{"id": person, "fullName": "Дарина Вишняк"}]
    assert "members" not in call(served, "GET", f"/cards/{made['id']}").json()
    call(served, "PUT", f"/cards/{made['id']}", {"idMembers": ""})
    actions = call(served, "GET", f"/cards/{made['id']}/actions", filter="all").json()
    assert [one["type"] for one in actions] == ["removeMemberFromCard", "addMemberToCard", "createCard"]
    assert actions[0]["data"]["member"] == {"id": person, "name": "Дарина Вишняк"}


def test_cards_of_a_board_come_in_pages_and_archived_ones_when_asked(served: Served) -> None:
    made = [card(served, f"Card {n}")["id"] for n in range(5)]
    call(served, "PUT", f"/cards/{made[0]}", {"closed": True})
    first = call(served, "GET", f"/boards/{BOARD}/cards", filter="all", limit=3).json()
    assert [one["id"] for one in first] == made[:1:-1]
    rest = call(served, "GET", f"/boards/{BOARD}/cards", filter="all", limit=3, before=first[-1]["id"]).json()
    assert [one["id"] for one in rest] == [made[1], made[0]]
    assert len(call(served, "GET", f"/boards/{BOARD}/cards").json()) == 4
    assert [one["closed"] for one in rest] == [False, True]


def test_search_lags_and_lists_do_not(served: Served) -> None:
    served.operate("faults", {"values": {"trello_index_lag_s": 3600}})
    made = card(served, "rebuttal-123")
    assert call(served, "GET", "/search", query="rebuttal-123", modelTypes="cards").json()["cards"] == []
    assert [one["id"] for one in call(served, "GET", f"/boards/{BOARD}/cards").json()] == [made["id"]]
    served.operate("faults", {"profile": "none"})
    found = call(served, "GET", "/search", query="rebuttal-123", modelTypes="cards").json()["cards"]
    assert [one["id"] for one in found] == [made["id"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"idList": "5f5f5f5f00000000000000ff"}, "invalid value for idList"),
        ({"idList": None}, "invalid value for idList"),
        ({"name": "x" * 16_385}, "invalid value for name"),
        ({"desc": "x" * 16_385}, "invalid value for desc"),
        ({"idLabels": "nope"}, "invalid value for idLabels"),
        ({"urlSource": "javascript:alert(1)"}, "invalid value for urlSource"),
    ],
)
def test_refusals_are_plain_text(served: Served, change: dict[str, Any], words: str) -> None:
    refused = call(served, "POST", "/cards", {"idList": lists(served)["To Do"], "name": "Task", **change})
    assert (refused.status_code, refused.text) == (400, words)
    assert refused.headers["content-type"].startswith("text/plain")
    assert call(served, "GET", f"/boards/{BOARD}/cards", filter="all").json() == []


def test_logins_ids_and_limits(serve: Serve) -> None:
    served = serve()
    assert call(served, "GET", "/members/me").json()["username"] == "loop"
    by_query = requests.get(f"{served.url}/trello/1/members/me", params=TEAM, timeout=30)
    assert by_query.json()["username"] == "contentteam"
    for login, words in (({**LOOP, "key": "x"}, "invalid key"), ({**LOOP, "token": "x"}, "invalid token")):
        refused = call(served, "GET", "/members/me", login=login)
        assert (refused.status_code, refused.text) == (401, words)
    bad = call(served, "GET", "/cards/no-such")
    assert (bad.status_code, bad.text) == (400, "invalid id")
    served.fault("trello", "unauthorized")
    assert call(served, "GET", f"/boards/{BOARD}").status_code == 401
    slow = serve(rate_factor=0.001)
    assert call(slow, "GET", f"/boards/{BOARD}").headers["x-rate-limit-api-token-max"] == "100"
    limited = call(slow, "GET", f"/boards/{BOARD}")
    assert (limited.status_code, limited.json()["error"]) == (429, "API_TOKEN_LIMIT_EXCEEDED")
    assert "Retry-After" not in limited.headers


def test_the_team_works_and_publishes(served: Served) -> None:
    label = call(served, "POST", "/labels", {"name": "objection-price", "idBoard": BOARD}).json()
    ours = card(served, "Ours", idLabels=[label["id"]])
    other = card(served, "Not ours")
    moved = served.operate("advance", {"days": 7})
    assert [(action["key"], action["kind"]) for action in moved["actions"]] == [
        (ours["shortLink"], kind) for kind in ("status", "summary", "comment", "status")
    ]
    after = call(served, "GET", f"/cards/{ours['id']}", list="true", attachments="true").json()
    assert (after["list"]["name"], after["name"]) == ("Published", "Ours (ред.)")
    url = f"https://brand.example/blog/{ours['shortLink'].lower()}"
    assert [(one["url"], one["date"]) for one in after["attachments"]] == [(url, "2026-10-12T04:00:00.000Z")]
    told = call(served, "GET", f"/cards/{ours['id']}/actions", filter="commentCard").json()
    assert [(one["data"]["text"], one["memberCreator"]["username"]) for one in told] == [
        ("Беру в работу", "contentteam")
    ]
    assert call(served, "GET", f"/cards/{other['id']}", list="true").json()["list"]["name"] == "To Do"


def test_a_restarted_sandbox_goes_on_where_it_was(serve: Serve, tmp_path: Path) -> None:
    state = tmp_path / "state" / "journal.jsonl"
    first = serve(state=state)
    kept, lost = card(first, "Kept"), card(first, "Lost")
    first.operate("advance", {"days": 7})
    call(first, "POST", f"/cards/{kept['id']}/actions/comments", text="Hm", login=TEAM)
    call(first, "PUT", f"/cards/{kept['id']}", {"closed": "true"})
    call(first, "POST", f"/cards/{kept['id']}/attachments", {"url": "https://brand.example/post"})
    call(first, "PUT", f"/lists/{lists(first)['Published']}", {"name": "Erledigt"})
    call(first, "DELETE", f"/cards/{lost['id']}")
    asked = [("/boards/" + BOARD + "/cards", {"filter": "all", "attachments": "true"}),
             (f"/boards/{BOARD}/actions", {"limit": 1000}), (f"/boards/{BOARD}/lists", {})]  # fmt: skip
    before = [call(first, "GET", path, **query).json() for path, query in asked]
    first.stop()
    second = serve(state=state)
    after = [call(second, "GET", path, **query).json() for path, query in asked]
    assert str(after).replace(second.url, first.url) == str(before)
    assert [one["name"] for one in after[0]] == ["Kept"]
    assert len(after[1]) == 6
    assert card(second)["idShort"] == 3, "numbers are never used twice"


def test_pages_escape_what_they_show(served: Served) -> None:
    hostile = "<script>alert(1)</script>"
    made = card(served, hostile, desc=f"![x](http://evil.example/?d=1) {hostile}")
    call(served, "POST", f"/cards/{made['id']}/actions/comments", text=hostile)
    for address in (f"{served.url}/trello/", made["url"]):
        page = requests.get(address, timeout=30)
        assert page.status_code == 200
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert "<img" not in page.text
