"""Exactly one task, whatever is lost, refused, limited or raced on the way to the tracker."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from rebuttal import content
from rebuttal.content.outbox import ClaimLostError, claim_next, settle
from rebuttal.settings import Settings
from rebuttal.state import ContentTask, Decision, Outbox, open_state

LEASE = timedelta(seconds=60)


def outbox(settings: Settings) -> list[Outbox]:
    with open_state(settings) as sessions, sessions() as session:
        return list(session.scalars(select(Outbox).order_by(Outbox.outbox_id)))


def ledger(settings: Settings) -> list[ContentTask]:
    with open_state(settings) as sessions, sessions() as session:
        return list(session.scalars(select(ContentTask).order_by(ContentTask.score.desc())))


def tasks_by_label(company: Any) -> list[int]:
    """How many issues carry each of our labels."""
    labels = {
        label for issue in company.jira.issues.values() for label in issue.fields["labels"] if "rebuttal-" in label
    }
    return [len(company.jira.task_of(label)) for label in sorted(labels)]


@pytest.fixture
def one_theme(company: Any, objections_of: Any) -> Any:
    """A company with one theme, so with one task."""
    company.fill(objections_of("price", "too_high", 9))
    return company


def test_an_answer_lost_after_the_write_is_adopted(one_theme: Any) -> None:
    one_theme.jira.lose = ["after"]
    report = content.run(one_theme.context())
    assert (report.problems, report.counts["answer_lost"], report.counts["adopted"]) == ([], 1, 1)
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (1, [1])
    assert [(row.state, row.remote_key, row.post_count) for row in outbox(one_theme.settings)] == [
        ("adopted", "MKT-1", 1)
    ]
    assert ledger(one_theme.settings)[0].task_key == "MKT-1"


def test_an_answer_lost_before_the_write_is_sent_again_after_two_searches(one_theme: Any) -> None:
    one_theme.jira.lose = ["before"]
    report = content.run(one_theme.context())
    assert (report.counts["sent_again"], report.counts["sent"], report.problems) == (1, 1, [])
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (2, [1])
    assert one_theme.jira.searches >= 2


@pytest.mark.parametrize("body", ["<html>We'll be right back</html>", "", '{"id":', {"self": "x"}])
def test_a_success_that_cannot_be_read_is_an_answer_lost(one_theme: Any, body: Any) -> None:
    one_theme.jira.answers = [(200, {}, body)]
    report = content.run(one_theme.context())
    assert report.counts["answer_lost"] == 1
    assert tasks_by_label(one_theme) == [1]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_failing_server_may_have_done_it(one_theme: Any, status: int) -> None:
    one_theme.jira.answers = [(status, {}, "upstream error")]
    report = content.run(one_theme.context())
    assert report.counts["answer_lost"] == 1
    assert tasks_by_label(one_theme) == [1]


def test_an_index_that_lags_less_than_we_wait_hides_nothing(one_theme: Any) -> None:
    one_theme.configure("tracker", index_wait_seconds=0.8)
    one_theme.jira.lose, one_theme.jira.index_lag = ["after"], 0.6
    content.run(one_theme.context())
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (1, [1])


def test_an_index_that_lags_longer_leaves_a_twin_that_the_sweep_closes(one_theme: Any) -> None:
    one_theme.jira.lose, one_theme.jira.index_lag = ["after"], 3600.0
    content.run(one_theme.context())
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (2, [2])

    one_theme.jira.index_lag = 0.0
    report = content.run(one_theme.context())

    older, younger = one_theme.jira.issues[10000], one_theme.jira.issues[10001]
    assert (older.status, younger.status, report.counts["twins_closed"]) == ("To Do", "Won't do", 1)
    assert f"{one_theme.jira.url}/browse/MKT-1" in str(younger.comments)
    assert ledger(one_theme.settings)[0].task_key == "MKT-1"
    with open_state(one_theme.settings) as sessions, sessions() as session:
        assert "twin MKT-2 closed" in session.scalars(select(Decision.decision)).all()
    writes = list(one_theme.jira.writes)
    assert content.run(one_theme.context()).changed is False
    assert one_theme.jira.writes == writes


def test_of_twins_the_one_that_people_have_begun_is_kept(one_theme: Any) -> None:
    one_theme.jira.lose, one_theme.jira.index_lag = ["after"], 3600.0
    content.run(one_theme.context())
    one_theme.jira.index_lag = 0.0
    one_theme.jira.issues[10001].status = "In Progress"
    content.run(one_theme.context())
    assert [issue.status for issue in one_theme.jira.issues.values()] == ["Won't do", "In Progress"]
    assert ledger(one_theme.settings)[0].task_key == "MKT-2"


def test_a_copy_that_a_person_made_is_theirs(one_theme: Any) -> None:
    one_theme.jira.lose, one_theme.jira.index_lag = ["after"], 3600.0
    content.run(one_theme.context())
    original = one_theme.jira.issues[10000]
    copy = one_theme.jira.add(dict(original.fields), dict(original.properties), creator="person-account")
    one_theme.jira.index_lag = 0.0
    content.run(one_theme.context())
    assert copy.status == "To Do"
    assert one_theme.jira.issues[10001].status == "Won't do"


@pytest.mark.parametrize(("status", "body"), [(302, ""), (404, "<html>Not found</html>"), (404, "")])
def test_what_is_no_jira_buries_nothing(company: Any, status: int, body: str) -> None:
    company.jira.answers = [(status, {"Location": "https://elsewhere.example/"}, body)]
    report = content.run(company.context())
    assert len(report.problems) == 1
    assert f"answered {status} to creating the task" in report.problems[0]
    assert [(row.state, row.post_count) for row in outbox(company.settings)] == [("pending", 0), ("pending", 0)]
    assert company.jira.posts == 1


def test_a_search_that_is_refused_leaves_the_doubt_for_later(one_theme: Any) -> None:
    one_theme.jira.lose = ["after"]
    refused = (400, {}, {"errorMessages": ["The value 'MKT' does not exist."]})
    one_theme.jira.search_answers = [refused, refused]  # before it is sent, and when the answer is lost
    report = content.run(one_theme.context())
    assert [problem for problem in report.problems if "The value 'MKT' does not exist." in problem]
    assert [row.state for row in outbox(one_theme.settings)] == ["unknown"]
    row_later(one_theme)
    content.run(one_theme.context())
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (1, [1])


def test_what_the_tracker_says_is_shown_without_personal_data(one_theme: Any) -> None:
    one_theme.jira.answers = [(400, {}, {"errorMessages": ["User anna@brand.example may not."]})]
    report = content.run(one_theme.context())
    assert "(not shown: it holds personal data)" in report.problems[0]
    assert "anna" not in str(report.as_dict())


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"errors": {"customfield_1": "Team is required."}}, "field customfield_1: Team is required."),
        (
            404,
            {"errorMessages": ["No project could be found with key 'MKT'."]},
            "No project could be found with key 'MKT'.",
        ),
        (403, {"errorMessages": ["You may not create issues here."]}, "You may not create issues here."),
        (413, "<html>too large</html>", "status 413): no explanation"),
    ],
)
def test_a_refusal_is_final_and_told_in_the_trackers_words(company: Any, status: int, body: Any, words: str) -> None:
    company.jira.answers = [(status, {"Location": "https://elsewhere.example/"}, body)]
    report = content.run(company.context())
    assert [problem for problem in report.problems if words in problem]
    assert "project MKT" in report.problems[0]
    assert [row.state for row in outbox(company.settings)] == ["dead", "sent"]
    assert sorted(task.status for task in ledger(company.settings)) == ["dead", "open"]
    assert content.run(company.context()).counts["proposed"] == 0
    assert company.jira.posts == 2


def test_what_was_refused_is_proposed_again_a_week_later(one_theme: Any) -> None:
    one_theme.jira.answers = [(400, {}, {"errorMessages": ["Team is required."]})]
    content.run(one_theme.context())
    content.run(one_theme.context(one_theme.now + timedelta(days=6)))
    assert one_theme.jira.posts == 1
    content.run(one_theme.context(one_theme.now + timedelta(days=8)))
    assert tasks_by_label(one_theme) == [1]
    assert [task.generation for task in ledger(one_theme.settings) if task.status == "open"] == [2]


def test_a_limit_is_waited_for_and_costs_no_second_task(one_theme: Any) -> None:
    one_theme.jira.answers = [(429, {"Retry-After": "1"}, {"errorMessages": ["Rate limit exceeded."]})]
    report = content.run(one_theme.context())
    assert (report.problems, report.counts["sent"], one_theme.jira.posts) == ([], 1, 2)
    assert outbox(one_theme.settings)[0].post_count == 1


def test_a_limit_longer_than_the_run_is_left_to_the_next_one(one_theme: Any) -> None:
    one_theme.configure("tracker", run_budget_seconds=1)
    one_theme.jira.answers = [(429, {"Retry-After": "3600"}, "")]
    report = content.run(one_theme.context())
    assert report.problems == ["Some tasks wait for the tracker; the next run goes on with them"]
    row = outbox(one_theme.settings)[0]
    assert row.state == "pending"
    assert row.not_before is not None
    assert row.not_before > datetime.now(UTC) + timedelta(minutes=59)


def test_a_conflict_is_tried_again(one_theme: Any) -> None:
    one_theme.jira.answers = [(409, {}, "")]
    report = content.run(one_theme.context())
    assert (report.counts["sent"], tasks_by_label(one_theme)) == (1, [1])


def test_a_wrong_token_stops_at_once_and_is_never_shown(one_theme: Any) -> None:
    report = content.run(one_theme.context(token="wrong-token-of-the-test"))
    assert len([problem for problem in report.problems if "Check e-mail and API token" in problem]) == 1
    assert "wrong-token-of-the-test" not in str(report.as_dict())
    assert [row.state for row in outbox(one_theme.settings)] == ["pending"]
    row_later(one_theme)
    content.run(one_theme.context())
    assert tasks_by_label(one_theme) == [1]


def row_later(company: Any) -> None:
    """Let the waiting row be due now."""
    with open_state(company.settings) as sessions, sessions.begin() as session:
        session.execute(update(Outbox).values(not_before=None))


def test_a_tracker_that_is_down_keeps_the_task_for_later(one_theme: Any) -> None:
    one_theme.configure("tracker", run_budget_seconds=2)
    report = content.run(one_theme.context(host="http://127.0.0.1:9"))
    assert len(report.problems) == 1
    assert [(row.state, row.post_count) for row in outbox(one_theme.settings)] == [("pending", 0)]
    row_later(one_theme)
    assert content.run(one_theme.context()).counts["sent"] == 1
    assert tasks_by_label(one_theme) == [1]


def test_eight_workers_at_once_make_one_task_each_theme(company: Any) -> None:
    from rebuttal.content.delivery import Delivery
    from rebuttal.content.rules import load_rules
    from rebuttal.content.trackers.jira import JiraTracker

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            content.run(company.context())
    rules = load_rules(company.settings.config)

    def work() -> None:
        with open_state(company.settings) as sessions:
            tracker = JiraTracker(company.context().resolve("jira"), "Task")
            Delivery(sessions, tracker, rules.tracker, company.now).drain()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert company.jira.posts == 2
    assert tasks_by_label(company) == [1, 1]


def test_a_result_that_comes_after_the_lease_was_lost_changes_nothing(company: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            content.run(company.context())
    now = datetime.now(UTC)
    with open_state(company.settings) as sessions:
        slow = claim_next(sessions, "elsewhere:1:1", LEASE, now)
        assert slow is not None
        later = claim_next(sessions, "elsewhere:2:2", LEASE, now + timedelta(seconds=61))
        assert later is not None
        assert (later.row.outbox_id, later.was, later.token) == (slow.row.outbox_id, "sending", slow.token + 1)
        with pytest.raises(ClaimLostError):
            settle(sessions, slow, state="sent", remote_key="MKT-99")
        settle(sessions, later, state="unknown")
    assert [(row.state, row.remote_key) for row in outbox(company.settings)] == [("unknown", None), ("pending", None)]


def test_a_living_worker_on_another_host_is_waited_for(company: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            content.run(company.context())
    with open_state(company.settings) as sessions:
        first = claim_next(sessions, "elsewhere:1:1", LEASE)
        second = claim_next(sessions, "elsewhere:2:2", LEASE)
        assert first is not None
        assert second is not None
        assert first.row.outbox_id != second.row.outbox_id
        assert claim_next(sessions, "elsewhere:3:3", LEASE) is None


class HeldUp:
    """A clock on which the worker stands still for a quarter of an hour between its claim and its call."""

    def __init__(self) -> None:
        self.looks, self.passed = 0, timedelta()

    def now(self) -> datetime:
        self.looks += 1
        if self.looks == 3:  # the run's end, the claim, and then the last look before the call
            self.passed += timedelta(minutes=15)
        return datetime(2026, 11, 16, 9, tzinfo=UTC) + self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)


def test_a_worker_that_was_held_up_beyond_its_lease_sends_nothing(one_theme: Any) -> None:
    from rebuttal.content.delivery import Delivery
    from rebuttal.content.rules import load_rules
    from rebuttal.content.trackers.jira import JiraTracker

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            content.run(one_theme.context())
    rule = load_rules(one_theme.settings.config).tracker.model_copy(update={"run_budget_seconds": 5000})
    tracker = JiraTracker(one_theme.context().resolve("jira"), "Task")
    with open_state(one_theme.settings) as sessions:
        done = Delivery(sessions, tracker, rule, one_theme.now, HeldUp()).drain()
    assert done.counts == {"lease_lost": 1, "answer_lost": 1, "sent_again": 1, "sent": 1}
    assert (one_theme.jira.posts, tasks_by_label(one_theme)) == (1, [1])
