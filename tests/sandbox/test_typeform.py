"""Typeform's face: paging by token, windows, sorting, response types and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from serving import Serve, Served
from small_world import SmallWorld, at, recorded

from sandbox.recorded import Response


def get(served: Served, path: str, token: str = "sandbox-typeform-token", **query: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{served.url}/typeform{path}", params=query, headers=headers, timeout=30)


def tokens(reply: requests.Response) -> list[int]:
    assert reply.status_code == 200, reply.text
    return [int(item["token"], 16) for item in reply.json()["items"]]


def test_forms(shared: Served) -> None:
    forms = get(shared, "/forms").json()
    assert [form["id"] for form in forms["items"]] == ["nps7Qx", "lost3Kd", "exitZ9m"]
    assert get(shared, "/forms", page=2, page_size=2).json()["items"][0]["id"] == "exitZ9m"
    form = get(shared, "/forms/lost3Kd").json()
    assert [field["ref"] for field in form["fields"]] == ["nps", "reason", "comment", "source", "email"]
    assert form["fields"][1]["properties"]["choices"][0]["label"] == "Дорого"
    assert get(shared, "/forms/nope").status_code == 404


def test_a_response_is_shown_as_typeform_does(shared: Served) -> None:
    first = get(shared, "/forms/nps7Qx/responses", sort="submitted_at,asc", page_size=4).json()["items"][3]
    assert first["submitted_at"] == "2026-10-05T12:03:00Z"
    assert first["hidden"] == {"client_id": "3"}
    answers = {answer["field"]["ref"]: answer for answer in first["answers"]}
    assert {ref: answer[answer["type"]] for ref, answer in answers.items()} == {
        "nps": 3,
        "comment": "Было полезно, но 3",
        "source": "подруга рассказала",
        "email": "person3@salon.example",
    }
    assert answers["nps"]["field"]["type"] == "opinion_scale"
    lost = get(shared, "/forms/lost3Kd/responses").json()["items"][0]
    assert lost["answers"][0]["choice"]["label"] == "Дорого"


def test_paging_by_token_meets_every_response_once(shared: Served) -> None:
    path = "/forms/nps7Qx/responses"
    page = get(shared, path, sort="submitted_at,asc", page_size=25)
    assert page.json()["total_items"] == 60
    assert page.json()["page_count"] == 3
    seen = tokens(page)
    while page.json()["items"]:
        page = get(shared, path, after=page.json()["items"][-1]["token"], page_size=25)
        seen += tokens(page)
    assert seen == list(range(60))
    newest = get(shared, path)
    assert tokens(newest) == list(range(59, 34, -1)), "the newest 25 unless told"
    assert tokens(get(shared, path, before=newest.json()["items"][-1]["token"], page_size=2)) == [34, 33]


def test_windows_search_and_chosen_fields(shared: Served) -> None:
    path = "/forms/nps7Qx/responses"
    since, until = "2026-10-05T08:03:00Z", "2026-10-05T12:03:00"
    assert tokens(get(shared, path, since=since, until=until, sort="submitted_at,asc")) == [1, 2, 3]
    seconds = int(at(5, 12, 3).timestamp())
    assert tokens(get(shared, path, since=seconds, sort="submitted_at,asc", page_size=1)) == [3]
    assert tokens(get(shared, path, query="но 41")) == [41]
    assert tokens(get(shared, path, included_response_ids=f"{7:032x},{9:032x}")) == [9, 7]
    only = get(shared, path, fields="hVONkQcnSNRj", page_size=1).json()["items"][0]["answers"]
    assert [answer["field"]["ref"] for answer in only] == ["nps"]
    assert tokens(get(shared, "/forms/exitZ9m/responses")) == []


def test_unfinished_responses_are_shown_when_asked_for(serve: Serve) -> None:
    shown = recorded()
    started = Response("exitZ9m", "f" * 32, at(9), None, {}, {})
    served = serve(SmallWorld(replace(shown, responses=[*shown.responses, started])))
    assert tokens(get(served, "/forms/exitZ9m/responses")) == []
    item = get(served, "/forms/exitZ9m/responses", response_type="started,completed").json()["items"][0]
    assert (item["response_type"], item["submitted_at"]) == ("started", "0001-01-01T00:00:00Z")
    assert "answers" not in item


@pytest.mark.parametrize(
    "query",
    [
        {"page_size": 1001},
        {"page_size": "many"},
        {"after": f"{1:032x}", "sort": "submitted_at,asc"},
        {"after": "nobody"},
        {"sort": "mood,asc"},
        {"since": "yesterday"},
        {"response_type": "half"},
    ],
)
def test_refusals(shared: Served, query: dict[str, Any]) -> None:
    refused = get(shared, "/forms/nps7Qx/responses", **query)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")


def test_log_in_and_limit(serve: Serve) -> None:
    served = serve(rate_factor=0.1)
    assert get(served, "/forms", token="wrong").json()["code"] == "AUTHENTICATION_FAILED"
    assert requests.get(f"{served.url}/typeform/forms", timeout=30).status_code == 401
    assert get(served, "/me").status_code == 200
    refused = get(served, "/me")
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
