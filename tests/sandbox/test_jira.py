"""Jira's face, judged by the `jira` client, and what Jira refuses, forgets and shows late."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from jira import JIRA, JIRAError
from serving import Serve, Served

AUTH = ("loop@example.com", "sandbox-jira-token")
API = "/jira/rest/api/3"


def official(served: Served, token: str = AUTH[1]) -> JIRA:
    options = {"server": f"{served.url}/jira", "rest_api_version": "3"}
    return JIRA(options=options, basic_auth=(AUTH[0], token), max_retries=0)


def call(served: Served, method: str, path: str, data: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, served.url + API + path, json=data, params=query, auth=AUTH, timeout=30)


def document(*texts: str) -> dict[str, Any]:
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts]
    return {"type": "doc", "version": 1, "content": paragraphs}


def task(summary: str = "Answer: too expensive", *labels: str, **more: Any) -> dict[str, Any]:
    fields = {"project": {"key": "MKT"}, "issuetype": {"name": "Task"}, "summary": summary}
    return {**fields, "labels": list(labels), "description": document("Why", "How"), **more}


def keys(served: Served, jql: str, **query: Any) -> list[str]:
    found = call(served, "GET", "/search/jql", jql=jql, fields="summary", maxResults=100, **query)
    assert found.status_code == 200, found.text
    return [issue["key"] for issue in found.json()["issues"]]


def test_the_client_creates_moves_and_finds(served: Served) -> None:
    client = official(served)
    issue = client.create_issue(fields=task("Ответ: дорого", "rebuttal", "objection-price", priority={"name": "High"}))
    assert issue.key == "MKT-1"
    assert issue.fields.status.name == "To Do"
    assert issue.fields.labels == ["rebuttal", "objection-price"]
    assert issue.fields.created == "2026-10-12T03:00:00.000+0300", "world time, in the user's zone"
    names = {transition["name"]: transition["id"] for transition in client.transitions(issue)}
    assert set(names) == {"In Progress", "In Review", "Published", "Won't do"}
    client.transition_issue(issue, names["In Progress"])
    issue.update(fields={"summary": "Ответ: слишком дорого"})
    again = client.issue("MKT-1", expand="changelog")
    assert (again.fields.status.name, again.fields.status.statusCategory.key) == ("In Progress", "indeterminate")
    changes = [(item.field, item.toString) for history in again.changelog.histories for item in history.items]
    assert changes == [("summary", "Ответ: слишком дорого"), ("status", "In Progress")]
    client.create_issue(fields=task("Another", "other"))
    found = client.enhanced_search_issues('project = MKT AND labels = "rebuttal" ORDER BY updated ASC')
    assert [one.key for one in found] == ["MKT-1"]
    assert found[0].fields.summary == "Ответ: слишком дорого"
    assert client.approximate_issue_count('labels in (rebuttal, "other")') == 2


def test_search_pages_by_token_without_a_total(served: Served) -> None:
    client = official(served)
    for number in range(7):
        client.create_issue(fields=task(f"Task {number}", "rebuttal"))
    everything = client.enhanced_search_issues("labels = rebuttal ORDER BY created ASC", maxResults=0)
    assert [issue.key for issue in everything] == [f"MKT-{n}" for n in range(1, 8)]
    body = {"jql": "labels = rebuttal ORDER BY key ASC", "maxResults": 3}
    pages, token = [], None
    while True:
        page = call(served, "POST", "/search/jql", {**body, **({"nextPageToken": token} if token else {})}).json()
        assert "total" not in page
        pages.append([issue["id"] for issue in page["issues"]])
        if page["isLast"]:
            assert "nextPageToken" not in page
            break
        token = page["nextPageToken"]
    assert pages == [["10000", "10001", "10002"], ["10003", "10004", "10005"], ["10006"]]
    assert set(page["issues"][0]) == {"id"}, "ids only unless fields are asked for"
    other = call(served, "POST", "/search/jql", {"jql": "project = MKT", "nextPageToken": token})
    assert other.status_code == 400


def test_properties_comments_and_links(served: Served) -> None:
    client = official(served)
    made = call(
        served, "POST", "/issue", {"fields": task(), "properties": [{"key": "task", "value": {"id": "7f3a", "n": [1]}}]}
    )
    assert made.status_code == 201
    assert made.json() == {"id": "10000", "key": "MKT-1", "self": f"{served.url}{API}/issue/10000"}
    assert client.issue_property("MKT-1", "task").value.id == "7f3a"
    before = client.issue("MKT-1").fields.updated
    assert call(served, "PUT", "/issue/MKT-1/properties/other", "x").status_code == 201
    assert call(served, "PUT", "/issue/MKT-1/properties/other", {"a": 1}).status_code == 200
    assert sorted(one.key for one in client.issue_properties("MKT-1")) == ["other", "task"]
    assert client.issue("MKT-1").fields.updated == before, "a property is no change of the issue"
    shown = call(served, "GET", "/search/jql", jql="key = MKT-1", properties="task").json()["issues"][0]
    assert shown["properties"]["task"]["id"] == "7f3a"
    assert call(served, "PUT", "/issue/MKT-1/properties/big", "x" * 40_000).status_code == 400
    assert call(served, "DELETE", "/issue/MKT-1/properties/other").status_code == 204
    assert call(served, "GET", "/issue/MKT-1/properties/other").status_code == 404
    comment = client.add_comment("MKT-1", document("Looks good"))
    assert [one.id for one in client.comments("MKT-1")] == [comment.id]
    client.add_simple_link("MKT-1", {"url": "https://brand.example/post", "title": "Post"})
    assert [link.object.url for link in client.remote_links("MKT-1")] == ["https://brand.example/post"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"labels": ["two words"]}, "labels"),
        ({"project": {"key": "NOPE"}}, "project"),
        ({"issuetype": {"name": "Epic"}}, "issuetype"),
        ({"priority": {"name": "Urgent"}}, "priority"),
        ({"customfield_10001": "x"}, "customfield_10001"),
        ({"description": "plain text"}, "description"),
        ({"description": document("")}, "description"),
        ({"description": document("two\nlines")}, "description"),
        ({"description": {"type": "doc", "version": 2, "content": []}}, "description"),
        ({"description": {"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]}}, "description"),
        ({"description": {"type": "doc", "version": 1, "content": [{"type": "bulletList"}]}}, "description"),
        ({"description": document("x" * 33_000)}, "description"),
    ],
)
def test_create_refuses_by_field(shared: Served, change: dict[str, Any], field: str) -> None:
    refused = call(shared, "POST", "/issue", {"fields": task() | change})
    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == [field]


def test_bulk_makes_what_it_can(served: Served) -> None:
    updates = [{"fields": task("One")}, {"fields": task("")}, {"fields": task("Three")}]
    made = call(served, "POST", "/issue/bulk", {"issueUpdates": updates})
    assert made.status_code == 201
    assert [issue["key"] for issue in made.json()["issues"]] == ["MKT-1", "MKT-2"]
    assert made.json()["errors"][0]["failedElementNumber"] == 1
    assert call(served, "POST", "/issue/bulk", {"issueUpdates": updates * 17}).status_code == 400


def test_edits_set_add_and_remove(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task("One", "a", "b")})
    update = {"labels": [{"add": "c"}, {"remove": "a"}], "comment": [{"add": {"body": document("Edited")}}]}
    assert call(served, "PUT", "/issue/MKT-1", {"update": update}).status_code == 204
    issue = call(served, "GET", "/issue/MKT-1").json()
    assert issue["fields"]["labels"] == ["b", "c"]
    assert issue["fields"]["comment"]["total"] == 1
    assert call(served, "PUT", "/issue/MKT-1", {"fields": {"summary": "One"}}).status_code == 204
    log = call(served, "GET", "/issue/MKT-1/changelog").json()
    assert log["total"] == 1, "an edit that changes nothing leaves no trace"
    assert call(served, "PUT", "/issue/MKT-9", {"fields": {"summary": "x"}}).status_code == 404
    assert call(served, "POST", "/issue/MKT-1/transitions", {"transition": {"id": "99"}}).status_code == 400


def test_an_issue_is_given_to_somebody_and_taken_back(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task("One")})
    assert call(served, "GET", "/issue/MKT-1").json()["fields"]["assignee"] is None
    nobody = call(served, "PUT", "/issue/MKT-1", {"fields": {"assignee": {"accountId": "nobody"}}})
    assert (nobody.status_code, list(nobody.json()["errors"])) == (400, ["assignee"])
    person = {"accountId": "5f0000000000000000000004"}
    assert call(served, "PUT", "/issue/MKT-1", {"fields": {"assignee": person}}).status_code == 204
    issue = official(served).issue("MKT-1", expand="changelog")
    assert (issue.fields.assignee.displayName, issue.fields.assignee.accountId) == ("Дарина Вишняк", *person.values())
    ((item,),) = [history.items for history in issue.changelog.histories]
    assert (item.field, item.fromString, item.toString, item.to) == (
        "assignee",
        None,
        "Дарина Вишняк",
        *person.values(),
    )
    assert call(served, "PUT", "/issue/MKT-1", {"fields": {"assignee": {"accountId": None}}}).status_code == 204
    assert call(served, "GET", "/issue/MKT-1").json()["fields"]["assignee"] is None


def test_search_sees_changes_late_unless_reconciled(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task("Old", "rebuttal")})
    served.operate("faults", {"values": {"jira_index_lag_s": 600}})
    assert keys(served, "labels = rebuttal") == []
    assert keys(served, "labels = rebuttal", reconcileIssues=10000) == ["MKT-1"]
    assert call(served, "GET", "/issue/MKT-1").status_code == 200
    served.operate("faults", {"values": {"jira_index_lag_s": 0}})
    assert keys(served, "labels = rebuttal") == ["MKT-1"]


JQL = [
    ("project = MKT", [4, 3, 2, 1]),
    ("project = MKT ORDER BY key ASC", [1, 2, 3, 4]),
    ("labels = a", [2, 1]),
    ("labels in (b, 'c')", [3, 2]),
    ("labels not in (a) AND labels is not EMPTY", [3]),
    ("labels is EMPTY", [4]),
    ("status = Published", [3]),
    ('status != "to do"', [3]),
    ("statusCategory = Done", [3]),
    ("statusCategory != Done AND (labels = a OR labels = c)", [2, 1]),
    ("NOT labels = a", [4, 3]),
    ("key in (MKT-1, mkt-3) ORDER BY key DESC", [3, 1]),
    ("id = 10001", [2]),
    ("issuekey = MKT-4", [4]),
    ("resolution is EMPTY AND labels = a", [2, 1]),
    ('summary ~ "дорого"', [1]),
    ('text ~ "how" AND labels = c', [3]),
    ('summary ~ "дор*"', [1]),
    ('updated >= "2026-10-12 03:00" AND labels = a', [2, 1]),
    ('updated >= "2026-10-12 03:01"', []),
    ("updated >= -1d ORDER BY updated ASC, key ASC", [1, 2, 4, 3]),
    ("created <= now() AND issuetype = Task AND labels = c", [3]),
]


@pytest.fixture(scope="module")
def filled(shared: Served) -> Served:
    for fields in (task("Слишком дорого", "a"), task("Two", "a", "b"), task("Three", "c"), task("Four")):
        assert call(shared, "POST", "/issue", {"fields": fields}).status_code == 201
    moved = call(shared, "POST", "/issue/MKT-3/transitions", {"transition": {"id": "41"}})
    assert moved.status_code == 204
    return shared


@pytest.mark.parametrize(("jql", "expected"), JQL)
def test_jql(filled: Served, jql: str, expected: list[int]) -> None:
    assert keys(filled, jql) == [f"MKT-{number}" for number in expected]
    count = call(filled, "POST", "/search/approximate-count", {"jql": jql}).json()["count"]
    assert count == len(expected)


@pytest.mark.parametrize(
    "jql",
    [
        "",
        "ORDER BY created",
        "nonsense = 1",
        "project = NOPE",
        "status = Nonsense",
        "key = MKT-99",
        "labels = ",
        "labels = a AND",
        "labels ~ a",
        "labels > a",
        'summary = "x"',
        "updated >= yesterday",
        "(labels = a",
        "labels = a labels = b",
        'labels = "a',
        'issue.property[task].id = "7f3a"',
    ],
)
def test_jql_that_jira_refuses(filled: Served, jql: str) -> None:
    refused = call(filled, "GET", "/search/jql", jql=jql)
    assert refused.status_code == 400
    assert refused.json()["errorMessages"]


def test_old_search_is_gone(shared: Served) -> None:
    assert call(shared, "GET", "/search", jql="project = MKT").status_code == 410


def test_who_asks_matters(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task()})
    with pytest.raises(JIRAError) as refused:
        official(served, "wrong").issue("MKT-1")
    assert refused.value.status_code == 401
    wrong = requests.get(f"{served.url}{API}/myself", auth=(AUTH[0], "wrong"), timeout=30)
    assert wrong.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    nobody = requests.get(f"{served.url}{API}/search/jql", params={"jql": "project = MKT"}, timeout=30)
    assert (nobody.status_code, nobody.json()) == (200, {"issues": [], "isLast": True})
    assert requests.get(f"{served.url}{API}/issue/MKT-1", timeout=30).status_code == 404
    assert requests.post(f"{served.url}{API}/issue", json={"fields": task()}, timeout=30).status_code == 401
    assert call(served, "GET", "/myself").json()["timeZone"] == "Europe/Kyiv"
    assert call(served, "GET", "/issue/createmeta/MKT/issuetypes").json()["issueTypes"][0]["name"] == "Task"
    fields = call(served, "GET", "/issue/createmeta/MKT/issuetypes/10001").json()["fields"]
    assert [field["fieldId"] for field in fields if field["required"]] == ["project", "issuetype", "summary"]
    assert call(served, "GET", "/project/NOPE").status_code == 404


def test_throttled_as_jira_does(serve: Serve) -> None:
    served = serve(rate_factor=0.001)
    assert call(served, "GET", "/myself").status_code == 200
    refused = call(served, "GET", "/myself")
    assert refused.status_code == 429
    assert refused.headers["RateLimit-Reason"] == "jira-burst-based"
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_team_works_and_publishes(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task("Ours", "rebuttal", "objection-price")})
    call(served, "POST", "/issue", {"fields": task("Not ours")})
    moved = served.operate("advance", {"days": 7})
    assert moved["now"] == "2026-10-19T00:00:00+00:00"
    assert [action["kind"] for action in moved["actions"]] == ["status", "summary", "comment", "status"]
    issue = official(served).issue("MKT-1", expand="changelog")
    assert issue.fields.status.name == "Published"
    assert issue.fields.summary == "Ours (ред.)"
    assert issue.fields.resolutiondate == "2026-10-12T07:00:00.000+0300"
    assert [history.author.displayName for history in issue.changelog.histories] == ["Content team"] * 3
    url = "https://brand.example/blog/mkt-1"
    body = issue.fields.comment.comments[-1].raw["body"]
    assert body["content"][-1]["content"][0]["text"] == url
    assert [link["object"]["url"] for link in call(served, "GET", "/issue/MKT-1/remotelink").json()] == [url]
    assert official(served).issue("MKT-2").fields.status.name == "To Do"
    assert keys(served, 'updated >= "2026-10-12 04:00"') == ["MKT-1"]


def test_a_restarted_sandbox_goes_on_where_it_was(serve: Serve, tmp_path: Path) -> None:
    state = tmp_path / "state" / "journal.jsonl"
    first = serve(state=state)
    call(first, "POST", "/issue", {"fields": task("Ours", "rebuttal", "objection-price")})
    first.operate("advance", {"days": 7})
    call(first, "POST", "/issue", {"fields": task("Second", "rebuttal")})
    call(first, "POST", "/issue/MKT-2/comment", {"body": document("Hm")})
    call(first, "POST", "/issue/MKT-2/transitions", {"transition": {"id": "51"}})
    call(first, "PUT", "/issue/MKT-2/properties/task", {"id": 1})
    call(first, "DELETE", "/issue/MKT-1")
    before = [call(first, "GET", f"/issue/MKT-{n}", expand="changelog", properties="task").json() for n in (1, 2)]
    first.stop()
    with state.open("ab") as journal:
        journal.write(b'{"face":"jira","kind":"crea')  # killed while writing: it was never answered
    second = serve(state=state)
    assert second.operate("health")["now"] == "2026-10-19T00:00:00+00:00"
    after = [call(second, "GET", f"/issue/MKT-{n}", expand="changelog", properties="task").json() for n in (1, 2)]
    assert str(after).replace(second.url, first.url) == str(before)
    assert after[0]["errorMessages"]
    assert after[1]["fields"]["status"]["name"] == "Won't do"
    made = call(second, "POST", "/issue", {"fields": task("Third")}).json()
    assert made["key"] == "MKT-3", "keys are never used twice"


def test_pages_escape_what_they_show(served: Served) -> None:
    hostile = "<script>alert(1)</script>"
    link = {"type": "text", "text": "click", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]}
    good = {"type": "text", "text": "site", "marks": [{"type": "link", "attrs": {"href": 'https://a.example/?"><b>'}}]}
    description = document(hostile)
    description["content"].append({"type": "paragraph", "content": [link, good]})
    call(served, "POST", "/issue", {"fields": task(f"Дорого {hostile}", '"><img/src=x>', description=description)})
    call(served, "POST", "/issue/MKT-1/comment", {"body": document(hostile)})
    call(served, "PUT", "/issue/MKT-1", {"fields": {"summary": f"{hostile} 2"}})
    for path in ("/jira/", "/jira/browse/MKT-1"):
        page = requests.get(served.url + path, timeout=30)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "&lt;script&gt;" in page.text
        for raw in ("<script", "<img", "javascript:", '"><b>'):
            assert raw not in page.text
    issue_page = requests.get(f"{served.url}/jira/browse/MKT-1", timeout=30).text
    assert 'href="https://a.example/?&quot;&gt;&lt;b&gt;"' in issue_page
    assert "To Do" in issue_page
    assert f"{served.url}/jira/browse/MKT-1" in requests.get(f"{served.url}/jira", timeout=30).text
    assert requests.get(f"{served.url}/jira/browse/MKT-7", timeout=30).status_code == 404


def test_times_are_the_worlds(served: Served) -> None:
    call(served, "POST", "/issue", {"fields": task()})
    call(served, "POST", "/issue", {"fields": task()})
    stamps = [call(served, "GET", f"/issue/MKT-{n}").json()["fields"]["created"] for n in (1, 2)]
    instants = [datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z") for stamp in stamps]
    assert instants[0] == datetime(2026, 10, 12, tzinfo=UTC)
    assert instants[1] > instants[0]
