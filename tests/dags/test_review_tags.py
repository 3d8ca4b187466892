"""The approvals of spelling variants, run by Airflow itself and answered as its "Required Actions" page answers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "quality"))
from landed import context, land, row

from rebuttal import quality
from rebuttal.quality.utm_aliases import registry
from rebuttal.settings import Settings
from rebuttal.state import open_state
from rebuttal.state.journal import journal_rows

STREAM = "yandex_metrica.visits"
BRAND = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand_us_q1"}
SLIPS = {"gogle": "utm_source", "goggle": "utm_source", "brnad_us_q1": "utm_campaign"}


@pytest.fixture
def visited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    monkeypatch.setenv("REBUTTAL_CONFIG", str(settings.config))
    rows = [row(STREAM, visit_id=slip, **{**BRAND, tag: slip}) for slip, tag in SLIPS.items()]
    land(settings, STREAM, [*rows, row(STREAM, visit_id="twin", **{**BRAND, "utm_campaign": "brand_us_q3"})])
    quality.run(context(settings))
    return settings


def _answer(choices: dict[str, str], asked: list[str]) -> None:
    """Answer every question that waits, as Olena, through the function behind Airflow's API."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import select

    olena = SimpleAuthManagerUser(username="olena", role="admin")
    with create_session() as session:
        for detail in session.scalars(select(HITLDetail).where(HITLDetail.responded_at.is_(None))).unique().all():
            ti = detail.task_instance
            if ti.state != "awaiting_input":
                continue
            asked.append(detail.subject)
            choice = next(chosen for slip, chosen in choices.items() if f" {slip} " in detail.subject)
            answer = UpdateHITLDetailPayload(chosen_options=[choice])
            update_hitl_detail(ti.dag_id, ti.run_id, ti.task_id, answer, olena, session, ti.map_index)


def _answer_all(choices: dict[str, str], asked: list[str], stop: threading.Event) -> None:
    """Go on answering; what goes wrong here must not leave the run waiting for ever."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    try:
        while not stop.wait(0.2):
            _answer(choices, asked)
    finally:
        with create_session() as session:
            waiting = TaskInstance.state == "awaiting_input"
            session.execute(update(TaskInstance).where(waiting).values(state="failed"))


@pytest.fixture
def answered(dags: dict[str, Any], visited: Settings) -> Iterator[tuple[Settings, list[str], Any]]:
    """The DAG's run with one variant accepted, one rejected, one put off."""
    choices = {"gogle": "Accept", "goggle": "Reject", "brnad_us_q1": "Ask again tomorrow"}
    asked: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=_answer_all, args=(choices, asked, stop))
    thread.start()
    try:
        run = dags["review_tags"].test()
        yield visited, asked, run
    finally:
        stop.set()
        thread.join()


@pytest.mark.timeout(300)
def test_each_answer_is_applied_in_the_name_of_the_person(answered: tuple[Settings, list[str], Any]) -> None:
    settings, asked, run = answered
    assert run.state == "success"
    assert sorted(asked) == [
        "utm_campaign: brnad_us_q1 -> brand_us_q1?",
        "utm_source: goggle -> google?",
        "utm_source: gogle -> google?",
    ]
    decided = registry(settings)
    assert dict(decided.aliases) == {("utm_source", "gogle"): "google"}
    assert decided.rejected == {("utm_source", "goggle", "google")}
    with open_state(settings) as sessions, sessions() as session:
        told = {entry["subject"]: (entry["decision"], entry["decided_by"]) for entry in journal_rows(session)}
    assert told == {
        "utm_source: gogle -> google": ("accepted", "olena"),
        "utm_source: goggle -> google": ("rejected", "olena"),
    }


def test_nobodys_answer_applies_nothing(visited: Settings) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from rebuttal_airflow.tag_review import apply_answer, open_questions

    first = open_questions()[0]["suggestion_id"]
    for options, person in [(["Accept"], None), (["Ask again tomorrow"], {"id": "1", "name": "olena"})]:
        with pytest.raises(AirflowSkipException):
            apply_answer(first, {"chosen_options": options, "responded_by_user": person})
    assert registry(visited).aliases == {}
    with pytest.raises(AirflowFailException, match="No variant"):
        apply_answer("0000000000", {"chosen_options": ["Accept"], "responded_by_user": {"id": "1", "name": "olena"}})


def test_what_a_visitor_wrote_stays_text(visited: Settings) -> None:
    from rebuttal_airflow.tag_review import open_questions

    hostile = row(STREAM, visit_id="x", **{**BRAND, "utm_source": "goo{{gle"})
    land(visited, STREAM, [hostile, row(STREAM, visit_id="y", **{**BRAND, "utm_source": "googl[e](http"})])
    quality.run(context(visited))
    subjects = [question["subject"] + question["body"] for question in open_questions()]
    assert len(subjects) >= 3
    assert not any("{{" in subject or "](" in subject for subject in subjects)
