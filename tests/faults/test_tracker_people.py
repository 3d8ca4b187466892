"""Refusals of the tracker, and what people do to our tasks (111-116): they have the last word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tests.faults.desks import BOARD, OTHER_BOARD, Desk, Gesture, objections, one_kind
from tests.faults.table import Entry, each, fault

from rebuttal import content

# --- 111: refusals ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    kind: str
    injected: str
    extra: dict[str, str]
    words: str


REFUSALS = [
    Refusal("jira", "a project that is gone (400)", {"project": "GONE"}, "project GONE (status 400): field project:"),
    Refusal("jira", "an issue type that is gone (400)", {"issue_type": "Epic"}, "field issuetype: Specify a valid"),
    Refusal("trello", "a board that is gone (404)", {"board": "5f5f5f5f00000000000000ff"}, "shows no board 5f5f5f5f00"),
    Refusal("trello", "a list that is gone", {"list": "Backlog"}, "has no open list 'Backlog'"),
]


@each([Entry(111, one.injected, "tracker", "dead, told in clear words; comes again a week later") for one in REFUSALS])
@pytest.mark.parametrize(("desk", "refusal"), [(one.kind, one) for one in REFUSALS], indirect=["desk"])
def test_a_refusal_is_final_and_clear(desk: Desk, refusal: Refusal) -> None:
    report = desk.run(**refusal.extra)
    assert len(report.problems) == 1
    assert refusal.words in report.problems[0]
    (row,) = desk.outbox()
    assert (row.state, desk.ledger()[0].status, desk.tasks()) == ("dead", "dead", [])
    assert refusal.words in str(row.last_error)
    assert desk.run(0.5).counts["waiting: the tracker refused it"] == 1
    assert desk.run(1.2).counts["sent"] == 1
    assert [task["is_open"] for task in desk.tasks()] == [True]


@fault(111, "403 for one project", "tracker", "dead with its words; the task of the other theme is made")
def test_what_one_task_meets_does_not_stop_the_others(company: Any) -> None:
    company.jira.answers = [(403, {}, {"errorMessages": ["You may not create issues here."]})]
    report = content.run(company.context())
    assert "You may not create issues here." in report.problems[0]
    assert (report.counts["dead"], report.counts["sent"]) == (1, 1)


# --- 112-116: people --------------------------------------------------------------------------------------------------


def _archive_board(desk: Desk) -> None:
    desk.call("PUT", f"/boards/{BOARD}", {"closed": True})


def _to_other_board(desk: Desk) -> None:
    desk.call("PUT", f"/cards/{desk.task()['id']}", {"idBoard": OTHER_BOARD})


@dataclass(frozen=True)
class Deed:
    number: int
    injected: str
    kinds: str
    do: Gesture
    status: str  # of the ledger afterwards
    problem: str = ""


DEEDS = [
    Deed(112, "a person edits title, text and labels", "jira trello", lambda desk: desk.edit("Our words"), "open"),
    Deed(113, "a person deletes the task", "jira trello", Desk.delete, "deleted"),
    Deed(113, "a person closes it as won't do", "jira trello", lambda desk: desk.move("Won't do"), "wont_do"),
    Deed(113, "a person archives the card", "trello",
         lambda desk: desk.call("PUT", f"/cards/{desk.task()['id']}", {"closed": True}), "wont_do"),
    Deed(113, "a person archives the board", "trello", _archive_board, "open", "has archived the board"),
    Deed(113, "a person moves the card to another board", "trello", _to_other_board, "unknown", "status 'Inbox'"),
    Deed(114, "a person copies the task, marker and all", "jira trello", Desk.copy, "open"),
    Deed(116, "a list is renamed", "trello",
         lambda desk: desk.call("PUT", f"/lists/{desk.start_list()}", {"name": "Черга"}), "open"),
]  # fmt: skip


@each([Entry(one.number, one.injected, "tracker", f"{one.status}; nothing overwritten or made again") for one in DEEDS])
@pytest.mark.long_form("the ledger's rules know no tracker; Jira has the faults of the wire", desk="jira")
@pytest.mark.parametrize(
    ("desk", "deed"), [(kind, deed) for deed in DEEDS for kind in deed.kinds.split()], indirect=["desk"]
)
def test_what_people_do_stays(desk: Desk, deed: Deed) -> None:
    assert desk.run().problems == []
    extra = {"list": desk.start_list()} if deed.number == 116 else {}
    ours = desk.task()["id"]
    deed.do(desk)
    writes, tasks = desk.writes(), desk.tasks()
    report = desk.run(0.1, **extra)
    assert deed.problem in " ".join(report.problems)
    assert bool(report.problems) == bool(deed.problem)
    (task,) = desk.ledger()
    assert (task.status, task.remote_id) == (deed.status, ours)
    desk.run(2, **extra)
    assert (desk.writes(), desk.tasks(), len(desk.ledger())) == (writes, tasks, 1)


@fault(114, "a person removes our marker", "tracker", "followed by its id to publication")
@pytest.mark.long_form("the ledger's rules know no tracker", desk="jira")
def test_without_its_marker_a_task_is_followed_by_its_id(desk: Desk) -> None:
    desk.run()
    desk.edit("Our words")
    desk.move("Published", "https://brand.example/answers/price")
    assert desk.run().problems == []
    (task,) = desk.ledger()
    assert (task.status, task.published_url) == ("published", "https://brand.example/answers/price")
    assert len(desk.tasks()) == 1


def later(weeks: float) -> list[dict[str, Any]]:
    """The usual objections, voiced so many weeks later."""
    by = timedelta(weeks=weeks)
    times = ("first_voiced_at", "last_voiced_at")
    return [{**row, **{name: row[name] + by for name in times}} for row in objections()]


@fault(115, "a theme is silent for weeks and comes back", "tracker", "its open task stays the only one")
@fault(115, "a theme comes back after its answer was measured", "tracker", "a task of the next generation, one open")
@pytest.mark.long_form("generations of a task know no tracker", desk="trello")
def test_a_theme_that_comes_back_has_one_open_task(desk: Desk) -> None:
    desk.run()
    desk.hear(objections("trust", "reviews", 2))
    desk.run(3)
    desk.hear(later(14))
    assert desk.run(14.1).counts["waiting: has an open task"] == 1
    assert (len(desk.tasks()), len(desk.ledger())) == (1, 1)
    desk.move("Published", "https://brand.example/answers/price")
    # The sandbox's calendar says October: by now the twelve weeks of measuring are over.
    assert desk.run(14.2).counts["sent"] == 1
    assert desk.run(14.3).counts["waiting: has an open task"] == 1
    assert sorted((task.generation, task.status) for task in desk.ledger()) == [(1, "published"), (2, "open")]


@fault(116, "a new status that nobody mapped", "tracker", "unknown and told; by id it is mapped without its name")
@one_kind("trello")
def test_a_new_status_is_unknown_until_it_is_mapped(desk: Desk) -> None:
    desk.run()
    new = desk.call("POST", "/lists", {"name": "Erledigt", "idBoard": BOARD})
    desk.move("Erledigt", "https://brand.example/answers/price")
    report = desk.run()
    assert [problem for problem in report.problems if "status 'Erledigt'" in problem]
    assert (desk.ledger()[0].status, desk.ledger()[0].published_url) == ("unknown", None), "measuring has not begun"
    desk.configure("status", names={new["id"]: "published"})
    assert desk.run().problems == []
    assert desk.ledger()[0].status == "published"
