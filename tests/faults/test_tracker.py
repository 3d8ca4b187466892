"""Faults between outbox and tracker (100-101, 108-120): one task for each theme, and people have the last word."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from markdown_it import MarkdownIt
from tests.content.test_trello import HOSTILE, rendered
from tests.faults.desks import BOARD, OTHER_BOARD, TRELLO, Desk, Gesture, Hours, desk_of, objections
from tests.faults.table import Entry, each, fault

from rebuttal.content.delivery import Delivery
from rebuttal.content.rules import load_rules
from rebuttal.content.trackers import wire
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.content.twins import sweep_twins
from rebuttal.outgoing import plain_line
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.state import Outbox, open_state


@pytest.fixture(params=["jira", "trello"])
def desk(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    """Both trackers in turn."""
    with desk_of(request.param, settings, tmp_path) as made:
        yield made


def one_kind(kind: str) -> Callable[..., Any]:
    """Only one of the trackers can have this fault."""
    return pytest.mark.parametrize("desk", [kind], indirect=True)


# --- 100, 101: what customers said ------------------------------------------------------------------------------------


@fault(100, "markup, scripts, images and links in quotes", "tracker", "shown as text; no element, no link, no load")
@fault(101, "formulas, TAB, CR, NUL and full-width = in quotes", "tracker", "shown as text, control characters gone")
def test_hostile_quotes_are_text_in_the_task(desk: Desk) -> None:
    rows = objections(count=len(HOSTILE))
    desk.hear([{**row, "quote": f"{n} {HOSTILE[n]}"} for n, row in enumerate(rows)])
    desk.configure("choose", quotes=10)
    assert desk.run().problems == []
    told = desk.task()
    if desk.kind == "trello":
        seen = rendered(told["text"])
        assert not seen.tags & {"a", "img", "script", "style", "table", "del"}
        shown = seen.text
        assert MarkdownIt("gfm-like").render("<img src=x>") != "", "the reader is one that links and lets HTML through"
    else:
        nodes = list(walk(told["text"]))
        assert {node["type"] for node in nodes} <= {
            *("doc", "heading", "paragraph", "text", "blockquote", "bulletList", "listItem"),
        }
        assert not [node for node in nodes if node.get("marks")]
        shown = " ".join(str(node.get("text", "")) for node in nodes)
    quoted = [text for n, text in enumerate(HOSTILE) if plain_line(f"{n} {text}") in shown]
    assert len(quoted) == 10
    assert not [character for character in shown if character in "\x00\t\r\u202e"]
    page = requests.get(str(desk.ledger()[0].task_url), timeout=30).text
    assert "<script" not in page
    assert "<img" not in page


def walk(node: Any) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("content", []):
        yield from walk(child)


# --- 108, 110: what the wire does -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WireFault:
    number: int
    injected: str
    kind: str  # of the sandbox's faults
    state: str  # of the outbox row in the end
    sent: int  # how often the task was sent


WIRE = [
    WireFault(108, "the connection is reset after the write", "lost_answer", "adopted", 1),
    WireFault(108, "the connection is reset before the write", "reset", "sent", 2),
    WireFault(108, "an answer cut short, with its length", "cut_length", "adopted", 1),
    WireFault(108, "an answer cut short, in chunks", "cut_chunk", "adopted", 1),
    WireFault(108, "an answer that comes after the client has gone", "slow", "adopted", 1),
    WireFault(108, "an empty success", "empty", "sent", 2),
    WireFault(110, "429 that says when", "throttle", "sent", 2),
    WireFault(110, "429 that does not", "throttle_bare", "sent", 2),
    WireFault(110, "500", "error_500", "sent", 2),
    WireFault(110, "502", "error_502", "sent", 2),
    WireFault(110, "503", "error_503", "sent", 2),
    WireFault(110, "a maintenance page with status 200", "error_page", "sent", 2),
]


@each([Entry(one.number, one.injected, "tracker", f"one task, {one.state}, sent {one.sent}×") for one in WIRE])
@pytest.mark.parametrize("struck", WIRE, ids=lambda one: one.kind)
def test_a_fault_of_the_wire_ends_in_one_task(desk: Desk, struck: WireFault, monkeypatch: pytest.MonkeyPatch) -> None:
    if struck.kind == "slow":
        monkeypatch.setattr(wire, "_TIMEOUT", (2.0, 0.5))
        desk.served.operate("faults", {"values": {"slow_s": 1.0}})
        desk.configure("tracker", index_wait_seconds=1.5)
    desk.fault(struck.kind)
    report = desk.run()
    assert report.problems == []
    (row,), task = desk.outbox(), desk.task()
    assert (row.state, desk.creates()) == (struck.state, struck.sent), "sent by us and by no client library"
    assert (row.remote_id, desk.ledger()[0].remote_id) == (task["id"], task["id"])
    searched = report.counts.get("answer_lost", 0)
    assert searched == (0 if struck.kind.startswith("throttle") else 1)
    assert desk.run().changed is False


@fault(110, "faults of two tasks", "tracker", "each sent with its own key; the first theme's task is the first made")
def test_order_is_kept(desk: Desk) -> None:
    desk.hear([*objections(), *objections("trust", "reviews", 6)])
    desk.fault("throttle_bare", 2)
    desk.configure("tracker", run_budget_seconds=60)
    assert desk.run().problems == []
    assert [row.remote_id for row in desk.outbox()] == [task["id"] for task in desk.tasks()]
    assert len({row.effect_key for row in desk.outbox()}) == 2


# --- 109: an index that lags ------------------------------------------------------------------------------------------


@fault(109, "an answer lost while the index lags 0 s", "tracker", "adopted, sent once")
@fault(109, "an answer lost while the index lags 5 s", "tracker", "adopted, sent once")
@fault(
    109, "an answer lost while the index lags 120 s, and we wait 8 s", "tracker", "the sweep closes the younger twin"
)
@fault(109, "an answer lost while the index lags 120 s, and we wait 180 s", "tracker", "adopted, sent once")
@one_kind("jira")
@pytest.mark.parametrize(("lag", "wait", "spacing"), [(0, 6, 2), (5, 6, 2), (120, 6, 2), (120, 120, 60)])
def test_lags_of_the_index(desk: Desk, lag: float, wait: float, spacing: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            desk.run()
    hours, report = Hours(), Report("sweep")
    desk.face.issues.elapsed = lambda: hours.passed
    desk.served.operate("faults", {"values": {"jira_index_lag_s": lag}})
    desk.fault("lost_answer")
    rule = load_rules(desk.settings.config).tracker.model_copy(
        update={"index_wait_seconds": wait, "search_spacing_seconds": spacing, "run_budget_seconds": 600}
    )
    tracker = open_tracker(rule, desk.connection(), hours)
    with open_state(desk.settings) as sessions:
        Delivery(sessions, tracker, rule, hours.now(), hours).drain()
        made = desk.tasks()
        assert len(made) == desk.creates() == (2 if lag > wait + spacing else 1)
        for _ in range(3):
            hours.sleep(60)
            sweep_twins(sessions, tracker, timedelta(hours=1), hours.now(), hours.now(), report)
    (row,) = desk.outbox()
    assert [task["id"] for task in desk.tasks() if task["is_open"]] == [row.remote_id] == [made[0]["id"]]
    assert row.state == ("sent" if len(made) == 2 else "adopted")
    if len(made) == 2:
        assert report.counts == {"twins_adopted": 1, "twins_closed": 1}
        assert f"twin {made[1]['key']} closed" in desk.decisions()
        said = desk.call("GET", f"/issue/{made[1]['id']}/comment")["comments"]
        assert f"/browse/{made[0]['key']}" in str(said)


@dataclass
class Meanwhile:
    """A tracker that is quick for another worker: before we read a task, it has done its whole work."""

    tracker: Any
    work: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tracker, name)

    def read(self, known: Any) -> Any:
        self.work()
        return self.tracker.read(known)


@one_kind("jira")
def test_two_sweeps_at_once_leave_one_open(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            desk.run()
    hours, report = Hours(), Report("sweep")
    desk.face.issues.elapsed = lambda: hours.passed
    desk.served.operate("faults", {"values": {"jira_index_lag_s": 120}})
    desk.fault("lost_answer")
    rule = load_rules(desk.settings.config).tracker.model_copy(
        update={"index_wait_seconds": 6, "search_spacing_seconds": 2, "run_budget_seconds": 600}
    )
    tracker = open_tracker(rule, desk.connection(), hours)
    with open_state(desk.settings) as sessions:
        Delivery(sessions, tracker, rule, hours.now(), hours).drain()
        assert len(desk.tasks()) == 2
        hours.sleep(180)

        def sweep(through: Any) -> None:
            sweep_twins(sessions, through, timedelta(hours=1), hours.now(), hours.now(), report)

        sweep(Meanwhile(tracker, lambda: sweep(tracker)))
        sweep(tracker)
    (row,) = desk.outbox()
    assert [task["id"] for task in desk.tasks() if task["is_open"]] == [row.remote_id]
    assert report.counts == {"twins_adopted": 1, "twins_closed": 1}


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
    from rebuttal import content

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


# --- 117-120: workers, workspaces, echoes -----------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def stored(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    """Trello, its outbox on both stores; the task is proposed and not yet sent."""
    if request.param == "postgres":
        settings = replace(settings, state_url=request.getfixturevalue("postgres_url")())
    with desk_of("trello", settings, tmp_path) as made:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FAILPOINT", "content.after_propose:raise")
            with pytest.raises(RuntimeError):
                made.run()
        yield made


def drain(desk: Desk) -> dict[str, int]:
    rule = load_rules(desk.settings.config).tracker
    with open_state(desk.settings) as sessions:
        return Delivery(sessions, open_tracker(rule, desk.connection()), rule, Hours().now()).drain().counts


@fault(117, "four workers on one row", "tracker", "one call, on both stores")
def test_many_workers_on_one_row_send_it_once(stored: Desk) -> None:
    done: list[dict[str, int]] = []
    threads = [threading.Thread(target=lambda: done.append(drain(stored))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), sum(counts.get("sent", 0) for counts in done)) == (4, 1)
    assert (stored.creates(), len(stored.tasks())) == (1, 1)


@fault(118, "a row whose transaction ends late", "tracker", "not sent before it stands, sent by the next look")
@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
def test_a_row_that_is_seen_late_is_sent_later(stored: Desk) -> None:
    with open_state(stored.settings) as sessions:
        with sessions.begin() as session:
            row = session.query(Outbox).one()
            values = {c.name: getattr(row, c.name) for c in Outbox.__table__.columns if c.name != "outbox_id"}
            session.delete(row)
        with sessions.begin() as session:
            session.add(Outbox(**values))
            session.flush()
            assert drain(stored) == {}
            assert stored.creates() == 0
    assert drain(stored) == {"sent": 1}
    assert len(stored.tasks()) == 1


@fault(119, "a connection that leads to another workspace", "tracker", "refused before anything is asked or sent")
def test_another_workspace_is_refused(desk: Desk) -> None:
    right = f"{desk.served.url}/jira/MKT" if desk.kind == "jira" else BOARD
    desk.configure("tracker", workspace="https://other.example/ABC")
    report = desk.run()
    assert len(report.problems) == 1
    assert f"leads to the workspace {right!r}, but content.yml names 'https://other.example/ABC'" in report.problems[0]
    assert (desk.creates(), desk.tasks(), [row.state for row in desk.outbox()]) == (0, [], ["pending"])
    desk.configure("tracker", workspace=right)
    assert (desk.run().problems, len(desk.tasks())) == ([], 1)


@fault(120, "our own writes are read back", "tracker", "ten more runs write nothing, a link of ours is no publication")
def test_what_we_wrote_ourselves_moves_nothing(desk: Desk) -> None:
    desk.fault("lost_answer")
    desk.run()
    task = desk.task()
    url = desk.ledger()[0].task_url
    if desk.kind == "jira":
        text = {
            "type": "doc",
            "version": 1,
            "content": [{"type": "paragraph", "content": [{"type": "text", "text": url}]}],
        }
        desk.call("POST", f"/issue/{task['id']}/comment", {"body": text})
    else:
        desk.call("POST", f"/cards/{task['id']}/actions/comments", {"text": url})
    desk.move("In Progress")
    desk.run()
    writes = desk.writes()
    for _ in range(10):
        assert desk.run().changed is False
    assert desk.writes() == writes
    desk.move("Published")
    assert "carries no address" in desk.run().problems[0]


assert TRELLO["token"] != "sandbox-trello-token", "people are not us"
