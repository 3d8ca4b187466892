"""Tasks that wait for a person: nothing leaves before the answer, each answer counts once, all of it is journalled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from rebuttal import content
from rebuttal.content import approval
from rebuttal.errors import ConfigError
from rebuttal.settings import Settings
from rebuttal.state import ContentTask, Outbox, open_state
from rebuttal.state.journal import journal_rows

DAY = timedelta(days=1)


@pytest.fixture
def careful(any_settings: Settings, request: pytest.FixtureRequest, new_company: Callable[[Settings], Any]) -> Any:
    """A company that approves first; state and warehouse on files, then both on Postgres."""
    if any_settings.warehouse_url.startswith("postgresql"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    company = new_company(any_settings)
    require(company)
    return company


def require(company: Any) -> None:
    path = company.settings.config / "content.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("approval: none", "approval: required"), encoding="utf-8")
    assert "approval: required" in path.read_text(encoding="utf-8")


def ledger(company: Any) -> dict[str, str]:
    with open_state(company.settings) as sessions, sessions() as session:
        return {task.theme: task.status for task in session.scalars(select(ContentTask))}


def waiting(company: Any) -> dict[str, str]:
    return {row["theme"]: row["task_id"] for row in approval.tasks(company.context())}


def told(company: Any, decision: str) -> list[tuple[str, str, Any]]:
    with open_state(company.settings) as sessions, sessions() as session:
        rows = [row for row in journal_rows(session) if row["decision"] == decision]
    return [(row["subject"], row["decided_by"], row["evidence"]) for row in rows]


def test_nothing_is_sent_before_a_person_approves_and_then_once(careful: Any) -> None:
    report = content.run(careful.context())
    assert (report.problems, careful.jira.posts) == ([], 0)
    assert ledger(careful) == {"price/too_high": "awaiting_approval", "trust/reviews": "awaiting_approval"}
    assert content.run(careful.context()).changed is False
    price = waiting(careful)["price/too_high"]

    done = approval.approve(careful.context(), price[:12], "olena", "this one first")
    again = approval.approve(careful.context(), price, "petro")

    assert (done.is_new, again.is_new) == (True, False)
    report = content.run(careful.context())
    assert (report.problems, careful.jira.posts) == ([], 1)
    assert ledger(careful) == {"price/too_high": "open", "trust/reviews": "awaiting_approval"}
    ((subject, by, evidence),) = told(careful, "approved")
    assert (subject, by) == (price, "olena")
    assert "this one first" in evidence
    assert approval.approve(careful.context(), price, "petro").is_new is False
    assert content.run(careful.context()).changed is False


def test_what_was_rejected_rests_for_the_cool_down_and_leaves_room_for_the_next_best(careful: Any) -> None:
    careful.configure("choose", new_per_week=1)
    content.run(careful.context())
    assert ledger(careful) == {"price/too_high": "awaiting_approval"}
    approval.reject(careful.context(), waiting(careful)["price/too_high"], "olena", "sales handles it")

    report = content.run(careful.context())

    assert ledger(careful) == {"price/too_high": "rejected", "trust/reviews": "awaiting_approval"}
    assert report.counts["waiting: people turned it down"] == 1
    approval.reject(careful.context(), waiting(careful)["trust/reviews"], "olena")
    careful.configure("choose", lookback_weeks=52)
    report = content.run(careful.context(careful.now + 83 * DAY))
    assert (waiting(careful), report.counts["waiting: people turned it down"]) == ({}, 2)
    content.run(careful.context(careful.now + 85 * DAY))
    assert list(waiting(careful)) == ["price/too_high"]
    assert careful.jira.posts == 0


def test_a_merged_task_lends_its_quotes_and_waits_for_the_other(careful: Any) -> None:
    content.run(careful.context())
    ids = waiting(careful)
    done = approval.merge(careful.context(), ids["trust/reviews"], ids["price/too_high"], "olena")
    assert (done.decision, done.is_new) == ("merged", True)
    assert approval.merge(careful.context(), ids["trust/reviews"], ids["price/too_high"], "olena").is_new is False
    blocks = approval.show(careful.context(), ids["price/too_high"])["brief"]["blocks"]
    headings = [block["text"] for block in blocks if block["kind"] == "heading"]
    other = next(n for n, text in enumerate(headings) if text.startswith("Answer this in the same piece"))
    assert headings[other + 1].startswith("Hypothesis")
    assert any(item.startswith("reviews: ") for block in blocks for item in block["items"])
    assert len(headings) == len(set(headings))

    approval.approve(careful.context(), ids["price/too_high"], "olena")
    report = content.run(careful.context())
    assert (careful.jira.posts, report.counts["waiting: another task answers it"]) == (1, 1)
    assert ledger(careful) == {"price/too_high": "open", "trust/reviews": "merged"}

    (issue,) = careful.jira.issues.values()
    issue.status = "Won't do"  # then nobody answers the merged theme any more
    content.run(careful.context(careful.now + 7 * DAY))
    assert list(waiting(careful)) == ["trust/reviews"]


def test_what_was_sent_is_not_rewritten_by_a_merge(careful: Any) -> None:
    content.run(careful.context())
    ids = waiting(careful)
    approval.approve(careful.context(), ids["price/too_high"], "olena")
    content.run(careful.context())
    before = approval.show(careful.context(), ids["price/too_high"])["brief"]
    approval.merge(careful.context(), ids["trust/reviews"], "MKT-1", "olena")
    assert approval.show(careful.context(), ids["price/too_high"])["brief"] == before
    assert careful.jira.writes == []


def test_what_nobody_answered_ends_and_may_be_proposed_with_fresh_figures(careful: Any) -> None:
    careful.configure("choose", lookback_weeks=52)
    content.run(careful.context())
    first = waiting(careful)
    content.run(careful.context(careful.now + 14 * DAY))
    assert waiting(careful) == first
    report = content.run(careful.context(careful.now + 15 * DAY))
    assert report.counts["expired"] == 2
    again = waiting(careful)
    assert set(again) == set(first)
    assert not set(again.values()) & set(first.values())
    with pytest.raises(ConfigError, match="it is expired"):
        approval.approve(careful.context(), first["price/too_high"], "olena")
    assert len(told(careful, "expired")) == 2


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c, ids: approval.approve(c, ids["price/too_high"], " "), "named person"),
        (lambda c, ids: approval.approve(c, "nosuchtask", "olena"), "no task 'nosuchtask'"),
        (lambda c, ids: approval.approve(c, "", "olena"), "no task ''"),
        (lambda c, ids: approval.merge(c, ids["price/too_high"], ids["price/too_high"], "olena"), "into itself"),
        (lambda c, ids: approval.merge(c, ids["price/too_high"], "MKT-9", "olena"), "no task 'MKT-9'"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_words_and_changes_nothing(
    company: Any, act: Callable[[Any, Any], Any], message: str
) -> None:
    require(company)
    content.run(company.context())
    before = ledger(company)
    with pytest.raises(ConfigError, match=message):
        act(company.context(), waiting(company))
    assert ledger(company) == before
    assert set(before.values()) == {"awaiting_approval"}


def test_of_people_who_answer_at_the_same_moment_one_counts(careful: Any) -> None:
    content.run(careful.context())
    task = waiting(careful)["price/too_high"]
    outcomes: list[str] = []

    def answer(decide: Any, by: str) -> None:
        try:
            outcomes.append(f"{decide.__name__} {decide(careful.context(), task, by).is_new}")
        except ConfigError:
            outcomes.append(f"{decide.__name__} refused")

    threads = [
        threading.Thread(target=answer, args=(decide, f"p{n}"))
        for n, decide in enumerate([approval.approve, approval.reject] * 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert len([outcome for outcome in outcomes if outcome.endswith("True")]) == 1
    with open_state(careful.settings) as sessions, sessions() as session:
        rows = len(session.scalars(select(Outbox)).all())
    assert rows == (1 if "approve True" in outcomes else 0)
    assert len(told(careful, "approved")) + len(told(careful, "rejected")) == 1
