"""What customers said, workers, workspaces and echoes between outbox and tracker (100-101, 117-120)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from markdown_it import MarkdownIt
from tests.content.conftest import Hours
from tests.content.test_trello import HOSTILE, rendered
from tests.faults.desks import BOARD, TRELLO, Desk, desk_of, objections
from tests.faults.table import fault

from rebuttal.content.delivery import Delivery
from rebuttal.content.rules import load_rules
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.outgoing import plain_line
from rebuttal.settings import Settings
from rebuttal.state import Outbox, open_state

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
@pytest.mark.long_form("a run that changes nothing is told by the ledger, which knows no tracker", desk="trello")
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
