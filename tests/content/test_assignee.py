"""Who has a task is read back from the tracker by name: no address and no account comes with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from rebuttal import content
from rebuttal.content.trackers.assignee import named
from rebuttal.outgoing import is_safe
from rebuttal.state import ContentTask, open_state
from rebuttal.warehouse import open_warehouse

DARIA = {
    "accountId": "5f00000000000000000000aa",
    "displayName": "Daria  Koval",
    "emailAddress": "daria@brand.example",
    "self": "https://company.atlassian.net/rest/api/3/user?accountId=5f00000000000000000000aa",
}


@pytest.fixture
def task(company: Any, objections_of: Any) -> Any:
    """A company with one task that is in the tracker and that nobody has."""
    company.fill(objections_of("price", "too_high", 9))
    content.run(company.context())
    return company


def assignee(company: Any) -> str | None:
    """As the mart tells it, which is as the ledger has it."""
    with open_state(company.settings) as sessions, sessions() as session:
        (kept,) = session.scalars(select(ContentTask.assignee))
    with open_warehouse(company.settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT assignee FROM marts.content_task")).scalars().all() == [kept]
    return kept


def give(task: Any, person: dict[str, str] | None) -> Any:
    task.jira.issues[10000].fields["assignee"] = person
    return content.run(task.context())


def test_a_task_that_nobody_has_is_known_to_be_free(task: Any) -> None:
    assert assignee(task) == ""


def test_who_has_a_task_is_kept_by_name_and_nothing_else(task: Any) -> None:
    assert give(task, DARIA).changed
    assert assignee(task) == "Daria Koval"
    with open_state(task.settings) as sessions, sessions() as session:
        kept = [str(row) for name in ("content_task", "decision", "outbox")
                for row in session.execute(text(f"SELECT * FROM {name}"))]  # fmt: skip
    with open_warehouse(task.settings) as engine, engine.connect() as connection:
        kept += [str(row) for name in ("content_task", "decision")
                 for row in connection.execute(text(f"SELECT * FROM marts.{name}"))]  # fmt: skip
    assert sum("Daria Koval" in row for row in kept) == 2, "the journal, which forgets nothing, names no colleague"
    assert not [row for row in kept if "@brand" in row or DARIA["accountId"] in row]
    assert content.run(task.context()).changed is False


def test_a_task_that_changes_hands_is_followed(task: Any) -> None:
    give(task, DARIA)
    give(task, {**DARIA, "displayName": "Дарина Вишняк"})
    assert assignee(task) == "Дарина Вишняк"
    give(task, None)
    assert assignee(task) == ""


@pytest.mark.parametrize("shown", ["daria@brand.example", "", " ", "+380 50 123 45 67"])
def test_what_stands_in_place_of_a_name_is_not_kept_and_nobody_is_not_told(task: Any, shown: str) -> None:
    give(task, {**DARIA, "displayName": shown})
    assert assignee(task) is None


def test_a_field_that_jira_does_not_show_is_not_known(task: Any) -> None:
    give(task, DARIA)
    task.jira.issues[10000].fields["assignee"] = "a field that this account may not see"
    assert content.run(task.context()).problems == []
    assert assignee(task) is None


def test_a_name_goes_with_its_task(task: Any) -> None:
    give(task, DARIA)
    del task.jira.issues[10000]
    content.run(task.context())
    assert assignee(task) is None


def test_a_published_piece_keeps_who_made_it(task: Any) -> None:
    task.jira.publish(task.jira.issues[10000], "https://brand.example/x")
    give(task, DARIA)
    assert assignee(task) == "Daria Koval"


@given(st.lists(st.text() | st.sampled_from(["Daria Koval", "a@b.example", "\u202eKoval", "x" * 200])))
def test_a_line_of_names_is_visible_safe_and_the_same_in_any_order(shown: list[str]) -> None:
    line = named(shown)
    assert (line == "") == (not shown)
    assert line == named(shown[::-1])
    if line:
        assert line.isprintable()
        assert all(is_safe(part) for part in line.split(", "))
