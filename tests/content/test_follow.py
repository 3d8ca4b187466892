"""What people do with our tasks is read back and respected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from rebuttal import content
from rebuttal.state import ContentTask, Decision, open_state


@pytest.fixture
def task(company: Any, objections_of: Any) -> Any:
    """A company with one task that is in the tracker."""
    company.fill(objections_of("price", "too_high", 9))
    content.run(company.context())
    assert company.jira.posts == 1
    return company


def ledger(company: Any) -> list[ContentTask]:
    with open_state(company.settings) as sessions, sessions() as session:
        return list(session.scalars(select(ContentTask).order_by(ContentTask.generation)))


def decisions(company: Any) -> list[str]:
    with open_state(company.settings) as sessions, sessions() as session:
        return sorted(session.scalars(select(Decision.decision)))


def test_published_with_an_address_starts_the_measurement(task: Any) -> None:
    task.jira.publish(task.jira.issues[10000], "https://brand.example/answers/price")
    report = content.run(task.context())
    (row,) = ledger(task)
    assert (row.status, row.published_url) == ("published", "https://brand.example/answers/price")
    assert row.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert report.counts["published"] == 1
    assert decisions(task) == ["proposed", "published"]
    assert content.run(task.context()).changed is False


def test_the_newest_address_counts_and_a_bare_one_in_the_text_too(task: Any) -> None:
    issue = task.jira.issues[10000]
    task.jira.publish(issue, "https://brand.example/draft")
    text = {"type": "text", "text": "Live now: https://brand.example/final."}
    body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [text]}]}
    issue.comments.append({"created": "2026-11-21T12:00:00.000+0200", "body": body})
    content.run(task.context())
    assert ledger(task)[0].published_url == "https://brand.example/final"


def test_finished_under_a_name_of_their_own_is_published_when_it_has_an_address(task: Any) -> None:
    task.jira.publish(task.jira.issues[10000], "https://brand.example/x", status="Erledigt")
    content.run(task.context())
    assert (ledger(task)[0].status, ledger(task)[0].tracker_status) == ("published", "Erledigt")


def test_an_address_among_the_remote_links_is_read_too(task: Any) -> None:
    issue = task.jira.issues[10000]
    issue.links = [
        "https://brand.example/draft",
        "https://brand.example/answers/price",
        f"{task.jira.url}/browse/MKT-7",
    ]
    issue.status, issue.fields["resolutiondate"] = "Published", "2026-11-19T08:00:00.000+0200"
    content.run(task.context())
    (row,) = ledger(task)
    assert (row.status, row.published_url) == ("published", "https://brand.example/answers/price")
    assert row.published_at == datetime(2026, 11, 19, 6, tzinfo=UTC)


def test_a_link_to_another_task_is_no_published_address(task: Any) -> None:
    task.jira.publish(task.jira.issues[10000], f"{task.jira.url}/browse/MKT-7")
    assert "MKT-1 is 'Published' but carries no address" in content.run(task.context()).problems[0]
    assert ledger(task)[0].status == "unknown"


def test_finished_without_an_address_is_asked_about(task: Any) -> None:
    task.jira.issues[10000].status = "Erledigt"
    report = content.run(task.context())
    assert len(report.problems) == 1
    assert "MKT-1 is 'Erledigt' but carries no address" in report.problems[0]
    assert ledger(task)[0].status == "unknown"
    assert content.run(task.context()).problems == report.problems
    task.jira.publish(task.jira.issues[10000], "https://brand.example/x", status="Erledigt")
    assert content.run(task.context()).problems == []
    assert ledger(task)[0].status == "published"


def test_a_status_that_nobody_mapped_is_shown_and_not_guessed(task: Any) -> None:
    task.jira.issues[10000].status = "На согласовании"
    report = content.run(task.context())
    assert len(report.problems) == 1
    assert "Nobody said what the tracker status 'На согласовании' of MKT-1 means" in report.problems[0]
    assert ledger(task)[0].status == "unknown"
    assert content.run(task.context(task.now + timedelta(weeks=2))).counts["waiting: has an open task"] == 1


def test_what_people_decline_is_never_proposed_again(task: Any, objections_of: Any) -> None:
    task.jira.issues[10000].status = "Won't do"
    assert content.run(task.context()).counts["declined"] == 1
    assert ledger(task)[0].status == "wont_do"
    assert "wont_do" in decisions(task)
    report = content.run(task.context(task.now + timedelta(weeks=2)))
    assert (report.counts["waiting: people declined it"], task.jira.posts) == (1, 1)


def test_declined_and_then_taken_up_again_is_open(task: Any) -> None:
    task.jira.issues[10000].status = "Won't do"
    content.run(task.context())
    task.jira.issues[10000].status = "In Progress"
    content.run(task.context())
    assert (ledger(task)[0].status, ledger(task)[0].closed_at) == ("open", None)


def test_a_deleted_task_is_recorded_and_not_made_again(task: Any) -> None:
    del task.jira.issues[10000]
    assert content.run(task.context()).counts["gone"] == 1
    assert ledger(task)[0].status == "deleted"
    content.run(task.context(task.now + timedelta(weeks=2)))
    assert task.jira.posts == 1


def test_a_project_that_cannot_be_seen_deletes_nothing(task: Any) -> None:
    task.jira.issues.clear()
    task.jira.is_project_visible = False
    report = content.run(task.context())
    assert "Jira shows no project MKT to this account" in report.problems[0]
    assert ledger(task)[0].status == "open"


def test_a_moved_task_is_followed_by_its_id(task: Any) -> None:
    task.jira.issues[10000].key = "BRAND-7"
    assert content.run(task.context()).counts["moved"] == 1
    (row,) = ledger(task)
    assert (row.task_key, row.task_url) == ("BRAND-7", f"{task.jira.url}/browse/BRAND-7")
    assert row.status == "open"


def test_what_people_edit_stays_and_a_removed_marker_does_not_lose_the_task(task: Any) -> None:
    issue = task.jira.issues[10000]
    issue.fields["summary"], issue.fields["description"], issue.fields["labels"] = "Our own words", None, []
    issue.properties.clear()
    issue.status = "In Progress"
    content.run(task.context())
    assert issue.fields["summary"] == "Our own words"
    assert task.jira.writes == []
    assert ledger(task)[0].tracker_status == "In Progress"


def test_a_theme_that_comes_back_gets_its_next_task_after_the_cool_down(task: Any, objections_of: Any) -> None:
    task.jira.publish(task.jira.issues[10000], "https://brand.example/x")
    content.run(task.context())
    published = datetime(2026, 11, 20, 10, tzinfo=UTC)
    fresh = [
        {**row, "last_voiced_at": row["last_voiced_at"] + timedelta(days=80)}
        for row in objections_of("price", "too_high", 9)
    ]
    task.fill(fresh)
    report = content.run(task.context(published + timedelta(days=83)))
    assert report.counts["waiting: its answer is being measured"] == 1
    assert content.run(task.context(published + timedelta(days=85))).counts["proposed"] == 1
    assert [(row.generation, row.status) for row in ledger(task)] == [(1, "published"), (2, "open")]
    assert task.jira.posts == 2


def test_what_is_published_stays_measured_when_its_card_moves_or_goes(task: Any) -> None:
    issue = task.jira.issues[10000]
    task.jira.publish(issue, "https://brand.example/x")
    content.run(task.context())
    issue.status = "In Progress"
    content.run(task.context())
    assert (ledger(task)[0].status, ledger(task)[0].tracker_status) == ("published", "In Progress")
    del task.jira.issues[10000]
    content.run(task.context())
    assert ledger(task)[0].status == "published"
