"""`kill -9` at every place that has a name: the next run ends with exactly one task per theme and the same ledger."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from tests import apart

from rebuttal import content
from rebuttal.settings import PROJECT_ROOT
from rebuttal.state import Outbox, open_state
from rebuttal.warehouse import open_published

RUN = """
from datetime import datetime
from rebuttal import content
from rebuttal.clock import Clock
from rebuttal.context import Context
content.run(Context.from_environment(Clock(datetime.fromisoformat("{now}"))))
"""
SOURCES = PROJECT_ROOT / "include" / "rebuttal" / "content"
TWIN = "content.before_twin_close"


def failpoints() -> list[str]:
    """Every failpoint of the stage, read from its source so that this list cannot go stale."""
    names = {
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r'failpoint\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    return sorted(names)


def run_apart(company: Any, failpoint: str = "") -> int:
    """One run of the stage in a process of its own; its exit code."""
    connection = {"host": company.jira.url, "login": "loop@example.com", "password": "token-of-the-test"}
    settings = company.settings
    environment = {
        **os.environ,
        "REBUTTAL_HOME": str(settings.home),
        "REBUTTAL_CONFIG": str(settings.config),
        "REBUTTAL_WAREHOUSE_URL": settings.warehouse_url,
        "REBUTTAL_STATE_URL": settings.state_url,
        "REBUTTAL_IDENTITY_KEY": "0123456789abcdef",
        "AIRFLOW_CONN_JIRA": json.dumps({**connection, "extra": {"project": "MKT"}}),
        "FAILPOINT": failpoint,
    }
    code = RUN.format(now=company.now.isoformat())
    done = apart.run(code, env=environment)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def visible(company: Any) -> list[str]:
    with open_published(company.settings) as engine, engine.connect() as connection:
        query = "SELECT task_id, theme, status, tracker_status, score, created_at FROM marts.content_task"
        return sorted(map(str, connection.execute(text(query))))


def test_there_are_failpoints_to_die_at() -> None:
    assert len(failpoints()) == 11


@pytest.mark.long_form(
    "the faults of the table are three places: before the outbox row, before the tracker, after it",
    failpoint={
        *("content.before_send", "content.after_search", "content.after_unknown", "content.after_pending"),
        *("content.after_settle", "content.between_mirrors", "content.after_mirror"),
    },
)
@pytest.mark.parametrize("failpoint", [name for name in failpoints() if name != TWIN])
def test_killed_there_and_run_again_there_is_one_task_per_theme(company: Any, failpoint: str) -> None:
    # These places are passed only when the answer to a create was lost.
    if failpoint in ("content.after_search", "content.after_unknown", "content.after_pending"):
        company.jira.lose = ["before"]

    assert run_apart(company, f"{failpoint}:kill") == -signal.SIGKILL
    if failpoint == "content.after_follow":  # the objections are there, and no task has been thought of
        with open_state(company.settings) as sessions, sessions() as session:
            assert session.scalars(select(Outbox)).all() == []
    assert run_apart(company) == 0

    assert len(company.jira.issues) == 2
    assert sorted(issue.fields["labels"][2] for issue in company.jira.issues.values()) == [
        "objection-price",
        "objection-trust",
    ]
    after = visible(company)
    assert len(after) == 2
    assert all("'open', 'To Do'" in row for row in after)
    report = content.run(company.context())
    assert (report.changed, report.problems) == (False, [])
    assert visible(company) == after
    assert len(company.jira.issues) == 2


def test_killed_before_a_twin_is_closed_the_next_run_closes_it(company: Any) -> None:
    company.jira.lose, company.jira.index_lag = ["after"], 3600.0
    assert run_apart(company) == 0
    company.jira.index_lag = 0.0
    assert run_apart(company, f"{TWIN}:kill") == -signal.SIGKILL
    assert [issue.status for issue in company.jira.issues.values()] == ["To Do"] * 3
    assert run_apart(company) == 0
    assert sorted(issue.status for issue in company.jira.issues.values()) == ["To Do", "To Do", "Won't do"]
    assert len(visible(company)) == 2


def test_a_killed_run_ends_like_an_undisturbed_one(company: Any, tmp_path: Path) -> None:
    assert run_apart(company, "content.after_send:kill@2") == -signal.SIGKILL
    assert run_apart(company) == 0
    killed = visible(company)

    company.jira.issues.clear()
    for path in company.settings.home.iterdir():
        if not path.name.startswith("warehouse"):
            path.unlink()
    assert run_apart(company) == 0
    assert visible(company) == killed
    assert len(killed) == 2
