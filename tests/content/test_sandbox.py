"""The whole stage against the sandbox's Jira: its wire rules, its faults, and the content team that works our tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import select
from tests.content.conftest import Hours

from rebuttal import content
from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.state import ContentTask, open_state
from sandbox.recorded import COLLEAGUES

ACCOUNT = ("loop@example.com", "sandbox-jira-token")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small world that stands still until it is told to move; its address."""
    state = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "sandbox", "serve", "--seed", "3", "--weeks", "1", "--scale", "0.02"]
    command += ["--until", "2026-11-15", "--port", "0", "--state", str(state), "--limits", "100"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
    yield url
    process.terminate()
    process.wait(30)


def operate(sandbox: str, path: str, data: dict[str, Any]) -> Any:
    reply = requests.post(f"{sandbox}/_sandbox/{path}", json=data, timeout=60)
    reply.raise_for_status()
    return reply.json()


def context(company: Any, sandbox: str, now: datetime | None = None) -> Context:
    def resolve(name: str) -> Connection:
        return Connection(name, f"{sandbox}/jira", *ACCOUNT, extra={"project": "MKT"})

    return Context(company.settings, Clock(now or company.now), resolve, b"0123456789abcdef")


def ledger(company: Any) -> list[ContentTask]:
    with open_state(company.settings) as sessions, sessions() as session:
        return list(session.scalars(select(ContentTask).order_by(ContentTask.task_id)))


def in_jira(sandbox: str, task: ContentTask) -> list[Any]:
    body = {"jql": f'labels = "rebuttal-{task.task_id[:12]}"', "fields": ["summary", "status", "labels", "assignee"]}
    reply = requests.post(f"{sandbox}/jira/rest/api/3/search/jql", json=body, auth=ACCOUNT, timeout=30)
    reply.raise_for_status()
    return list(reply.json()["issues"])


def test_tasks_are_made_worked_by_people_and_published(company: Any, objections_of: Any, sandbox: str) -> None:
    company.fill([*objections_of("price", "too_high", 9), *objections_of("trust", "reviews", 6)])
    report = content.run(context(company, sandbox))
    assert (report.problems, report.counts["sent"]) == ([], 2)
    tasks = ledger(company)
    assert [len(in_jira(sandbox, task)) for task in tasks] == [1, 1]
    for task in tasks:
        page = requests.get(str(task.task_url), timeout=30)
        assert page.status_code == 200
        assert "Hypothesis (registered before publication)" in page.text
    assert content.run(context(company, sandbox)).changed is False

    for _ in range(10):
        operate(sandbox, "advance", {"days": 7})
        report = content.run(context(company, sandbox))
        assert report.problems == []
        if all(task.status in ("published", "wont_do") for task in ledger(company)):
            break
    done = ledger(company)
    assert len(done) == 2
    assert {task.status for task in done} <= {"published", "wont_do"}
    published = [task for task in done if task.status == "published"]
    assert published
    assert {"", *COLLEAGUES.values()} >= {task.assignee for task in done} != {""}
    for task in done:
        ((issue,),) = [in_jira(sandbox, task)]
        assert task.assignee == (issue["fields"]["assignee"] or {"displayName": ""})["displayName"]
    for task in published:
        assert str(task.published_url).startswith("http")
        assert task.published_at is not None
        assert company.now <= task.published_at.astimezone(UTC) < company.now + timedelta(days=71)


def test_a_lost_answer_and_a_lagging_index_make_one_task(company: Any, objections_of: Any, sandbox: str) -> None:
    company.fill(objections_of("terms", "prepayment", 9))
    company.configure("tracker", index_wait_seconds=2.5)
    lost = {"face": "jira", "kind": "lost_answer", "times": 1, "path": "/rest/api/3/issue", "method": "POST"}
    operate(sandbox, "faults", {"values": {"jira_index_lag_s": 1.5}, "next": [lost]})
    try:
        report = content.run(context(company, sandbox))
    finally:
        operate(sandbox, "faults", {"values": {"jira_index_lag_s": 0.0}})
    assert (report.problems, report.counts["answer_lost"], report.counts["adopted"]) == ([], 1, 1)
    (task,) = ledger(company)
    assert [issue["key"] for issue in in_jira(sandbox, task)] == [task.task_key]


@pytest.mark.parametrize("kind", ["reset", "error_500", "error_502", "error_503", "error_page", "empty", "cut_length",
                                  "cut_chunk", "throttle", "throttle_bare", "lost_answer"])  # fmt: skip
def test_every_fault_of_the_wire_ends_in_one_task(company: Any, objections_of: Any, sandbox: str, kind: str) -> None:
    company.fill(objections_of("service", kind, 9))
    fault = {"face": "jira", "kind": kind, "times": 2, "path": "/rest/api/3/issue", "method": "POST"}
    operate(sandbox, "faults", {"next": [fault]})
    report = content.run(context(company, sandbox), wall=Hours())
    assert report.problems == []
    (task,) = ledger(company)
    assert task.status == "open"
    assert [issue["key"] for issue in in_jira(sandbox, task)] == [task.task_key]


def test_under_hostile_faults_for_a_long_time_there_is_one_task_each(
    company: Any, objections_of: Any, sandbox: str
) -> None:
    codes = ("switching", "timing", "authority", "competitor")
    company.fill([row for code in codes for row in objections_of(code, "general", 6)])
    company.configure("choose", new_per_week=4)
    company.configure("tracker", index_wait_seconds=0.6, search_spacing_seconds=0.3, run_budget_seconds=40)
    rates = dict.fromkeys(("throttle", "error_502", "error_page", "cut_length", "reset", "lost_answer"), 0.08)
    operate(sandbox, "faults", {"values": {**rates, "jira_index_lag_s": 0.4}})
    try:
        for _ in range(3):
            content.run(context(company, sandbox))
    finally:
        operate(sandbox, "faults", {"profile": "none"})
    report = content.run(context(company, sandbox))
    assert report.problems == []
    tasks = ledger(company)
    assert len(tasks) == 4
    for task in tasks:
        open_issues = [i for i in in_jira(sandbox, task) if i["fields"]["status"]["name"] != "Won't do"]
        assert [issue["key"] for issue in open_issues] == [task.task_key], json.dumps(in_jira(sandbox, task))


def test_a_wrong_token_is_refused_and_nothing_is_made(company: Any, objections_of: Any, sandbox: str) -> None:
    company.fill(objections_of("integration", "general", 9))
    wrong = replace(
        context(company, sandbox),
        resolve=lambda name: Connection(name, f"{sandbox}/jira", ACCOUNT[0], "wrong", extra={"project": "MKT"}),
    )
    report = content.run(wrong)
    assert len(report.problems) == 1
    assert "Check e-mail and API token" in report.problems[0]
    (task,) = ledger(company)
    assert (task.status, in_jira(sandbox, task)) == ("proposed", [])


def test_a_project_that_does_not_exist_is_told_in_jiras_words(company: Any, objections_of: Any, sandbox: str) -> None:
    company.fill(objections_of("no_need", "general", 9))
    elsewhere = replace(
        context(company, sandbox),
        resolve=lambda name: Connection(name, f"{sandbox}/jira", *ACCOUNT, extra={"project": "NOPE"}),
    )
    report = content.run(elsewhere)
    assert len(report.problems) == 1
    assert "project NOPE" in report.problems[0]
    assert [task.status for task in ledger(company)] == ["dead"]
