"""The approvals of content tasks, run by Airflow itself and answered as its "Required Actions" page answers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

sys.path.append(str(Path(__file__).parents[1] / "content"))
from waiting import a_waiting_task

from rebuttal.settings import Settings
from rebuttal.state import ContentTask, Outbox, open_state
from rebuttal.state.journal import journal_rows

THEMES = {"price/too_high": "Approve", "trust/reviews": "Reject", "terms/general": "Ask again tomorrow"}


@pytest.fixture
def waiting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    monkeypatch.setenv("REBUTTAL_CONFIG", str(settings.config))
    with open_state(settings) as sessions, sessions.begin() as session:
        for theme in THEMES:
            a_waiting_task(session, theme, datetime(2026, 11, 16, 9, tzinfo=UTC))
    return settings


def _answer(asked: list[str]) -> None:
    """Answer every question that waits, as Olena, through the function behind Airflow's API."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session

    olena = SimpleAuthManagerUser(username="olena", role="admin")
    with create_session() as session:
        for detail in session.scalars(select(HITLDetail).where(HITLDetail.responded_at.is_(None))).unique().all():
            ti = detail.task_instance
            if ti.state != "awaiting_input":
                continue
            asked.append(f"{detail.subject}: {detail.body}")
            choice = next(chosen for theme, chosen in THEMES.items() if theme in detail.subject)
            answer = UpdateHITLDetailPayload(chosen_options=[choice])
            update_hitl_detail(ti.dag_id, ti.run_id, ti.task_id, answer, olena, session, ti.map_index)


def _answer_all(asked: list[str], stop: threading.Event) -> None:
    """Go on answering; what goes wrong here must not leave the run waiting for ever."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    try:
        while not stop.wait(0.2):
            _answer(asked)
    finally:
        with create_session() as session:
            left = TaskInstance.state == "awaiting_input"
            session.execute(update(TaskInstance).where(left).values(state="failed"))


@pytest.fixture
def answered(dags: dict[str, Any], waiting: Settings) -> Iterator[tuple[Settings, list[str], Any]]:
    """The DAG's run with one task approved, one rejected, one put off."""
    asked: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=_answer_all, args=(asked, stop))
    thread.start()
    try:
        yield waiting, asked, dags["review_tasks"].test()
    finally:
        stop.set()
        thread.join()


@pytest.mark.timeout(300)
def test_each_answer_is_applied_in_the_name_of_the_person(answered: tuple[Settings, list[str], Any]) -> None:
    settings, asked, run = answered
    assert run.state == "success"
    assert len(asked) == 3
    assert all("Hypothesis" in question for question in asked)
    with open_state(settings) as sessions, sessions() as session:
        statuses = {task.theme: task.status for task in session.scalars(select(ContentTask))}
        sent = [session.get_one(ContentTask, row.task_id).theme for row in session.scalars(select(Outbox))]
        told = {(entry["decision"], entry["decided_by"]) for entry in journal_rows(session)}
    assert statuses == {
        "price/too_high": "proposed",
        "trust/reviews": "rejected",
        "terms/general": "awaiting_approval",
    }
    assert sent == ["price/too_high"]
    assert told == {("approved", "olena"), ("rejected", "olena")}


def test_nobodys_answer_applies_nothing_and_a_late_one_says_what_holds(waiting: Settings) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from rebuttal_airflow.task_review import apply_answer, open_questions

    olena = {"id": "1", "name": "olena"}
    first = open_questions()[0]["task_id"]
    for options, person in [(["Approve"], None), (["Ask again tomorrow"], olena)]:
        with pytest.raises(AirflowSkipException):
            apply_answer(first, {"chosen_options": options, "responded_by_user": person})
    assert len(open_questions()) == 3
    apply_answer(first, {"chosen_options": ["Reject"], "responded_by_user": olena})
    with pytest.raises(AirflowFailException, match="does not wait for approval: it is rejected"):
        apply_answer(first, {"chosen_options": ["Approve"], "responded_by_user": olena})
    assert len(open_questions()) == 2


def test_what_a_customer_said_stays_text(settings: Settings, waiting: Settings) -> None:
    from rebuttal_airflow.task_review import open_questions

    with open_state(settings) as sessions, sessions.begin() as session:
        a_waiting_task(session, "timing/x", datetime(2026, 11, 16, tzinfo=UTC), "{{ 7*7 }} [x](http://bad) <b>`#")
    text = next(q["body"] for q in open_questions() if "7 7" in q["body"])
    assert not any(
        sign in text.split("**What customers say**")[1].split("**Hyp")[0] for sign in ("{{", "](", "<b", "`")
    )
