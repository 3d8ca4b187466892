"""The whole stage against the sandbox's Trello: cards made once, people's work respected, hostile texts inert."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from sqlalchemy import select, update
from tests.content.conftest import Hours

from rebuttal import content
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.content.brief import Block
from rebuttal.content.trackers.markdown import document, escaped
from rebuttal.context import Context
from rebuttal.outgoing import plain_line
from rebuttal.state import ContentTask, Decision, Outbox, open_state

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))

from serving import Served, start

BOARD, OTHER_BOARD = "5f5f5f5f0000000000000001", "5f5f5f5f0000000000000002"
KEY, TOKEN, TEAM = "sandbox-trello-key", "sandbox-trello-token", "sandbox-trello-team-token"


@dataclass(frozen=True)
class Desk:
    """A company that uses Trello, and what people do to its board."""

    company: Any
    served: Served
    hours: Hours = field(default_factory=Hours)  # what waits for the tracker go by

    @property
    def now(self) -> datetime:
        return self.company.now  # type: ignore[no-any-return]

    def context(self, now: datetime | None = None, token: str = TOKEN, **extra: str) -> Context:
        def resolve(name: str) -> Connection:
            options = {"board": BOARD, "list": "To Do", **extra}
            return Connection(name, f"{self.served.url}/trello", KEY, token, extra=options)

        return Context(self.company.settings, Clock(now or self.now), resolve, b"0123456789abcdef")

    def run(self, now: datetime | None = None) -> Any:
        return content.run(self.context(now), wall=self.hours)

    def call(self, method: str, path: str, data: Any = None, token: str = TEAM, **query: Any) -> Any:
        login = {"key": KEY, "token": token}
        reply = requests.request(
            method, f"{self.served.url}/trello/1{path}", json=data, params={**login, **query}, timeout=30
        )
        assert reply.status_code == 200, reply.text
        return reply.json()

    def cards(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/boards/{BOARD}/cards", filter="all", **query))[::-1]

    def card(self) -> dict[str, Any]:
        (card,) = self.cards()
        return card

    def move(self, card: dict[str, Any], column: str) -> None:
        lists = {one["name"]: one["id"] for one in self.call("GET", f"/boards/{BOARD}/lists")}
        self.call("PUT", f"/cards/{card['id']}", {"idList": lists[column]})

    def writes(self) -> int:
        """How many writes the face has taken, people's included."""
        counts = self.served.operate("requests")["trello"]
        return sum(count for call, count in counts.items() if not call.startswith("GET"))

    def fault(self, kind: str, times: int = 1) -> None:
        fault = {"face": "trello", "kind": kind, "times": times, "path": "/1/cards", "method": "POST"}
        self.served.operate("faults", {"next": [fault]})

    def ledger(self) -> list[ContentTask]:
        with open_state(self.company.settings) as sessions, sessions() as session:
            return list(session.scalars(select(ContentTask).order_by(ContentTask.generation)))

    def outbox(self) -> list[Outbox]:
        with open_state(self.company.settings) as sessions, sessions() as session:
            return list(session.scalars(select(Outbox).order_by(Outbox.outbox_id)))

    def decisions(self) -> list[str]:
        with open_state(self.company.settings) as sessions, sessions() as session:
            return sorted(session.scalars(select(Decision.decision)))


@pytest.fixture
def desk(company: Any, objections_of: Callable[..., Any]) -> Iterator[Desk]:
    """One theme is heard; nothing was sent yet."""
    served = start()
    company.configure("tracker", kind="trello", connection="trello", run_budget_seconds=15)
    company.fill(objections_of("price", "too_high", 9))
    yield Desk(company, served)
    served.stop()


def test_a_card_is_made_once_and_a_second_run_changes_nothing(desk: Desk) -> None:
    report = desk.run()
    assert (report.problems, report.counts["sent"]) == ([], 1)
    card, (task,) = desk.card(), desk.ledger()
    assert (task.remote_id, task.task_key, task.task_url) == (card["id"], card["shortLink"], card["shortUrl"])
    assert (task.status, task.tracker_status) == ("open", "To Do")
    assert [label["name"] for label in card["labels"]] == ["rebuttal", "objection-price"]
    assert card["desc"].endswith(f"`rebuttal-{task.task_id}`")
    assert "### Hypothesis" in card["desc"]
    writes = desk.writes()
    assert desk.run().changed is False
    assert desk.writes() == writes
    assert requests.get(str(task.task_url), timeout=30).status_code == 200


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "error_500", "error_502", "error_503", "error_page", "empty",
                                  "cut_length", "cut_chunk", "throttle"])  # fmt: skip
def test_every_fault_of_the_wire_ends_in_one_card(desk: Desk, kind: str) -> None:
    if kind == "throttle":
        desk.company.configure("tracker", run_budget_seconds=30)
    desk.fault(kind)
    report = desk.run()
    assert report.problems == []
    (row,) = desk.outbox()
    done = kind in ("lost_answer", "cut_length", "cut_chunk")  # in these Trello had made the card
    posts = 1 if done or kind == "throttle" else 2
    assert (row.state, row.post_count) == ("adopted" if done else "sent", posts)
    assert desk.card()["id"] == desk.ledger()[0].remote_id


def test_the_team_works_the_card_and_its_address_starts_the_measurement(desk: Desk) -> None:
    desk.run()
    card = desk.card()
    desk.served.operate("advance", {"days": 7})
    report = desk.run()
    (task,) = desk.ledger()
    assert (report.counts["published"], task.status) == (1, "published")
    assert task.published_url == f"https://brand.example/blog/{card['shortLink'].lower()}"
    assert desk.card()["name"].endswith("(ред.)"), "the team's title stays"
    assert desk.run().changed is False


def test_an_address_in_a_comment_counts_and_links_to_other_cards_do_not(desk: Desk) -> None:
    desk.run()
    card = desk.card()
    say = f"/cards/{card['id']}/actions/comments"
    desk.call("POST", say, {"text": "Live: [here](https://brand.example/a_(b)), see also"})
    desk.call("POST", say, {"text": f"Like https://trello.com/c/AbCdEf12/3-other and {card['shortUrl']}"})
    desk.move(card, "Published")
    desk.run()
    assert desk.ledger()[0].published_url == "https://brand.example/a_(b)"


def test_published_without_an_address_is_asked_about(desk: Desk) -> None:
    desk.run()
    desk.move(desk.card(), "Published")
    report = desk.run()
    assert len(report.problems) == 1
    assert "carries no address" in report.problems[0]
    assert desk.ledger()[0].status == "unknown"


def test_what_people_edit_stays_and_a_removed_marker_does_not_lose_the_card(desk: Desk) -> None:
    desk.run()
    desk.call("PUT", f"/cards/{desk.card()['id']}", {"name": "Our words", "desc": "", "idLabels": ""})
    desk.move(desk.card(), "In Progress")
    edited, writes = desk.card(), desk.writes()
    desk.run()
    desk.run(desk.now + timedelta(weeks=2))
    assert (desk.card(), desk.writes()) == (edited, writes)
    assert [(task.status, task.tracker_status) for task in desk.ledger()] == [("open", "In Progress")]


@pytest.mark.parametrize(("gesture", "status", "decision"), [
    ("delete", "deleted", "deleted"), ("archive", "wont_do", "wont_do"), ("decline", "wont_do", "wont_do"),
])  # fmt: skip
def test_what_people_give_up_is_never_made_again(desk: Desk, gesture: str, status: str, decision: str) -> None:
    desk.run()
    card = desk.card()
    if gesture == "delete":
        desk.call("DELETE", f"/cards/{card['id']}")
    elif gesture == "archive":
        desk.call("PUT", f"/cards/{card['id']}", {"closed": True})
    else:
        desk.move(card, "Won't do")
    writes = desk.writes()
    desk.run()
    assert ([task.status for task in desk.ledger()], desk.decisions()) == ([status], sorted(["proposed", decision]))
    report = desk.run(desk.now + timedelta(weeks=2))
    assert report.counts["waiting: people declined it"] == 1
    assert desk.writes() == writes
    if gesture != "delete":
        desk.call("PUT", f"/cards/{card['id']}", {"closed": False})
        desk.move(card, "In Progress")
        desk.run()
        assert [task.status for task in desk.ledger()] == ["open"], "taken up again"


def test_an_archived_board_gives_up_nothing(desk: Desk) -> None:
    desk.run()
    desk.call("PUT", f"/boards/{BOARD}", {"closed": True})
    report = desk.run()
    assert "Trello has archived the board" in report.problems[0]
    assert [task.status for task in desk.ledger()] == ["open"]


def test_a_card_on_another_board_is_followed_by_its_id(desk: Desk) -> None:
    desk.run()
    card = desk.card()
    desk.call("PUT", f"/cards/{card['id']}", {"idBoard": OTHER_BOARD})
    report = desk.run()
    assert desk.cards() == []
    assert "Nobody said what the tracker status 'Inbox'" in report.problems[0]
    assert [task.status for task in desk.ledger()] == ["unknown"]
    report = desk.run(desk.now + timedelta(weeks=2))
    assert report.counts["waiting: has an open task"] == 1
    assert desk.cards() == []


def test_who_has_a_card_is_read_by_name_wherever_the_card_is(desk: Desk) -> None:
    desk.run()
    assert [task.assignee for task in desk.ledger()] == [""]
    card, people = desk.card(), ["5f5f5f5f0000000000000054", "5f5f5f5f0000000000000055"]
    desk.call("PUT", f"/cards/{card['id']}", {"idMembers": people})
    desk.run()
    assert [task.assignee for task in desk.ledger()] == ["Gareth Pryce, Дарина Вишняк"]
    desk.call("PUT", f"/cards/{card['id']}", {"idBoard": OTHER_BOARD, "idMembers": people[:1]})
    desk.run()
    assert [task.assignee for task in desk.ledger()] == ["Дарина Вишняк"]
    assert desk.run().changed is False


def test_a_list_that_was_renamed_or_is_new_is_shown_and_not_guessed(desk: Desk) -> None:
    desk.run()
    lists = {one["name"]: one["id"] for one in desk.call("GET", f"/boards/{BOARD}/lists")}
    desk.call("PUT", f"/lists/{lists['Published']}", {"name": "Erledigt"})
    desk.call("POST", f"/cards/{desk.card()['id']}/attachments", {"url": "https://brand.example/x"})
    desk.move(desk.card(), "Erledigt")
    report = desk.run()
    assert "Nobody said what the tracker status 'Erledigt'" in report.problems[0]
    assert desk.ledger()[0].status == "unknown"
    desk.company.configure("status", names={lists["Published"]: "published"})
    assert desk.run().problems == []
    assert desk.ledger()[0].status == "published"


def test_the_list_that_cards_are_put_into_may_be_named_by_its_id(desk: Desk) -> None:
    lists = {one["name"]: one["id"] for one in desk.call("GET", f"/boards/{BOARD}/lists")}
    desk.call("PUT", f"/lists/{lists['To Do']}", {"name": "Черга"})
    report = content.run(desk.context(list=lists["To Do"]))
    assert (report.problems, desk.ledger()[0].tracker_status) == ([], "Черга")


@pytest.mark.parametrize(("extra", "words"), [
    ({"list": "Backlog"}, "has no open list 'Backlog'. Set `list` in the connection's extra to one of: To Do, In Pro"),
    ({"board": "5f5f5f5f00000000000000ff"}, "Trello shows no board 5f5f5f5f00000000000000ff"),
])  # fmt: skip
def test_a_board_or_list_that_is_not_there_is_told_and_the_task_comes_again(
    desk: Desk, extra: dict[str, str], words: str
) -> None:
    report = content.run(desk.context(**extra))
    assert words in report.problems[0]
    assert [row.state for row in desk.outbox()] == ["dead"]
    assert desk.run(desk.now + timedelta(days=8)).counts["sent"] == 1
    assert len(desk.cards()) == 1


def test_a_twin_is_put_away_with_a_link_and_a_persons_copy_is_theirs(desk: Desk) -> None:
    desk.run()
    ours, (task,) = desk.card(), desk.ledger()
    same = {"idList": ours["idList"], "name": ours["name"], "desc": ours["desc"]}
    twin = desk.call("POST", "/cards", same, token=TOKEN)  # as a request that came late makes it
    copy = desk.call("POST", "/cards", {"idList": ours["idList"], "idCardSource": ours["id"]}, token=TOKEN)
    theirs = desk.call("POST", "/cards", same, token=TEAM)
    with open_state(desk.company.settings) as sessions, sessions.begin() as session:
        session.execute(update(Outbox).values(post_count=2))
    report = desk.run()
    assert report.counts["twins_closed"] == 1
    closed = {card["id"]: card["closed"] for card in desk.cards()}
    assert closed == {ours["id"]: False, twin["id"]: True, copy["id"]: False, theirs["id"]: False}
    (said,) = desk.call("GET", f"/cards/{twin['id']}/actions", filter="commentCard")
    assert ours["shortUrl"] in said["data"]["text"]
    assert f"twin {twin['shortLink']} closed" in desk.decisions()
    writes = desk.writes()
    assert desk.run().changed is False
    assert (desk.writes(), desk.ledger()[0].remote_id) == (writes, task.remote_id)


def test_of_twins_the_one_that_people_did_not_put_away_goes_on(desk: Desk) -> None:
    desk.run()
    ours = desk.card()
    same = {"idList": ours["idList"], "name": ours["name"], "desc": ours["desc"]}
    twin = desk.call("POST", "/cards", same, token=TOKEN)
    with open_state(desk.company.settings) as sessions, sessions.begin() as session:
        session.execute(update(Outbox).values(post_count=2))
    desk.call("PUT", f"/cards/{ours['id']}", {"closed": True})
    desk.run()
    desk.run()
    assert [(task.status, task.remote_id) for task in desk.ledger()] == [("open", twin["id"])]
    assert [card["closed"] for card in desk.cards()] == [True, False]


def test_a_wrong_token_stops_at_once_and_is_never_shown(desk: Desk) -> None:
    report = content.run(desk.context(token="wrong-token-of-the-test"))
    assert len(report.problems) == 1
    assert "Check API key (login) and token (password)" in report.problems[0]
    assert "wrong-token-of-the-test" not in str(report.as_dict())
    assert desk.cards() == []


def test_a_task_of_another_tracker_is_told_and_not_lost(desk: Desk) -> None:
    desk.company.configure("tracker", kind="jira", connection="jira")
    content.run(desk.company.context())
    assert [task.assignee for task in desk.ledger()] == [""]
    desk.company.configure("tracker", kind="trello", connection="trello")
    report = desk.run(desk.now + timedelta(weeks=2))
    assert [task.assignee for task in desk.ledger()] == [None], "nobody can say any more who has it"
    assert [p for p in report.problems if "The task MKT-1 was made in another tracker" in p]
    assert ([task.status for task in desk.ledger()], desk.cards()) == (["open"], [])


# --- hostile texts ---

HOSTILE = (
    "<script>alert(1)</script>", "<img src=http://evil.example/?d=1>", "![x](http://evil.example/?d=1)",
    "[click](javascript:alert(1))", "[click]: http://evil.example", "http://evil.example/?d=1", "www.evil.example",
    "<http://evil.example>", "evil.example", "//evil.example/x", "# head", "> quote", "- item", "1. item", "---", "===",
    "`code` **bold** _it_ ~~no~~ | a | b |", "&lt;img src=x&gt; &#60;script&#62;", "=HYPERLINK(\"http://evil.example\")",
    "＝HYPERLINK(1)", "+1", "-1", "\t=1", "a\r\n# b", "a\x00b", "@team", ":smile:", "\\", "\\[x](http://evil.example)",
    "<style>*{background:url(http://evil.example)}</style>", "$$x$$", "\u202e)x(]x[",
)  # fmt: skip


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(markdown: str) -> _Seen:
    """As a reader of Markdown that knows tables, strikes and bare addresses, and lets HTML through, shows it."""
    seen = _Seen()
    seen.feed(MarkdownIt("gfm-like", {"html": True, "linkify": True}).render(markdown))
    return seen


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["text", "quote", "bullets", "heading"])
def test_hostile_texts_are_shown_as_text(kind: Any, text: str) -> None:
    block = Block(kind, text=text) if kind in ("text", "heading") else Block(kind, items=[text, text])
    seen = rendered(document([block], 10_000))
    allowed = {"text": {"p"}, "quote": {"blockquote", "p", "br"}, "bullets": {"ul", "li"}, "heading": {"h3"}}[kind]
    assert seen.tags <= allowed
    assert plain_line(text) in seen.text


@given(st.text(max_size=60))
def test_any_text_survives_as_it_is(text: str) -> None:
    seen = rendered(f"x {escaped(text)}")
    assert seen.tags == {"p"}
    assert seen.text.strip() == f"x {plain_line(text) or '-'}".strip()


def test_a_description_is_never_longer_than_trello_takes(desk: Desk) -> None:
    blocks = [Block("quote", items=["*" * 900] * 40), Block("text", text="end")]
    text = document(blocks, 16_000)
    assert 14_000 < len(text) <= 16_000
    assert text.endswith("\n…")
    assert rendered(text).tags == {"blockquote", "p", "br"}


def test_hostile_quotes_reach_the_board_inert_and_personal_data_never(
    desk: Desk, objections_of: Callable[..., Any]
) -> None:
    texts = [*HOSTILE[:8], "пишіть на anna@brand.example", "call +380 67 123 45 67", "card 4111 1111 1111 1111"]
    rows = [
        {**row, "quote": f"{n} {texts[n % len(texts)]}"}
        for n, row in enumerate(objections_of("price", "too_high", len(texts)))
    ]
    desk.company.configure("choose", quotes=10)
    desk.company.fill(rows)
    report = desk.run()
    assert report.problems == []
    card = desk.card()
    seen = rendered(card["desc"])
    assert not seen.tags & {"a", "img", "script", "style", "table"}
    assert "![x](http://evil.example/?d=1)" in seen.text
    for secret in ("anna@", "67 123", "4111"):
        assert secret not in str(card)
    assert re.search(r"\d+ quotes are withheld", card["desc"].replace("\\", ""))
