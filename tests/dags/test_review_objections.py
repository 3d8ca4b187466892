"""The questions about doubtful texts, run by Airflow itself and answered as its "Required Actions" page answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from rebuttal.objections.corrections import load_corrections, text_hash_of
from rebuttal.objections.tables import metadata as marts
from rebuttal.objections.tables import text_label
from rebuttal.objections.taxonomy import LABELS
from rebuttal.settings import Settings
from rebuttal.state import open_state
from rebuttal.state.journal import journal_rows
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.tables import metadata as core

# What a buyer wrote, and what Olena answers: options, and the fields of the form.
ANSWERS: dict[str, tuple[list[str], dict[str, str]]] = {
    "не то щоб дорого": (["price", "trust"], {"primary": "trust", "reason": "сама чула"}),
    "снегири на календаре": (["availability"], {"primary": "", "reason": ""}),
    "а ну как хвиля": (["Ask again tomorrow"], {"primary": "", "reason": ""}),
    "{{ ti }} [клік](http://x)": (["none"], {"primary": "", "reason": ""}),
}


@pytest.fixture
def heard(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A warehouse in which listening was unsure about each of the texts."""
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    monkeypatch.setenv("REBUTTAL_CONFIG", str(settings.config))
    with open_warehouse(settings) as engine, engine.begin() as connection:
        marts.create_all(connection)
        for number, said in enumerate(ANSWERS):
            where = {"source": "hubspot", "account_id": "1"}
            connection.execute(
                insert(core.tables["core.conversation"]).values(
                    **where, batch_id="b", row_number=number, row_hash="h", conversation_id=str(number), kind="note",
                    body=said, is_deleted=False,
                )
            )  # fmt: skip
            connection.execute(
                insert(text_label).values(
                    **where, source_kind="note", source_id=str(number), language="uk", labels='["timing"]',
                    primary_label="timing", confidence=0.1 + number / 100, status="unclear", decided_by="model",
                    model="m", text_hash=text_hash_of(said),
                )
            )  # fmt: skip
    return settings


def _answer(asked: list[str]) -> None:
    """Answer every question that waits, as Olena, through the function behind Airflow's API."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import select

    olena = SimpleAuthManagerUser(username="olena", role="admin")
    by_hash = {text_hash_of(said)[:8]: answer for said, answer in ANSWERS.items()}
    with create_session() as session:
        for detail in session.scalars(select(HITLDetail).where(HITLDetail.responded_at.is_(None))).unique().all():
            ti = detail.task_instance
            if ti.state != "awaiting_input":
                continue
            asked.append(f"{detail.subject} | {detail.body}")
            options, fields = by_hash[detail.subject.split()[1].rstrip(":")]
            answer = UpdateHITLDetailPayload(chosen_options=options, params_input=fields)
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
            waiting = TaskInstance.state == "awaiting_input"
            session.execute(update(TaskInstance).where(waiting).values(state="failed"))


@pytest.fixture
def answered(dags: dict[str, Any], heard: Settings) -> Iterator[tuple[Settings, list[str], Any]]:
    """The DAG's run with every question answered."""
    asked: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=_answer_all, args=(asked, stop))
    thread.start()
    try:
        yield heard, asked, dags["review_objections"].test()
    finally:
        stop.set()
        thread.join()


@pytest.mark.timeout(600)
def test_each_answer_is_kept_in_the_name_of_the_person(answered: tuple[Settings, list[str], Any]) -> None:
    settings, asked, run = answered
    assert run.state == "success"
    assert len(asked) == len(ANSWERS)
    assert not any(mark in question for question in asked for mark in ("{{", "](", "[клік]"))
    held = load_corrections(settings).by_hash
    assert {one.text_hash: (set(one.labels), one.primary, one.by) for one in held.values()} == {
        text_hash_of("не то щоб дорого"): ({"price", "trust"}, "trust", "olena"),
        text_hash_of("снегири на календаре"): ({"availability"}, "availability", "olena"),
        text_hash_of("{{ ti }} [клік](http://x)"): ({"none"}, "none", "olena"),
    }
    with open_state(settings) as sessions, sessions() as session:
        entries = [entry for entry in journal_rows(session) if entry["kind"] == "label_correction"]
    assert {entry["decided_by"] for entry in entries} == {"olena"}
    assert sorted(entry["decision"] for entry in entries) == ["availability", "none", "trust, price"]


def test_nobodys_answer_is_kept_by_nobody(heard: Settings) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from rebuttal_airflow.objection_review import LATER, apply_answer

    first = text_hash_of(next(iter(ANSWERS)))
    olena = {"id": "1", "name": "olena"}
    for options, person in [(["price"], None), ([LATER], olena), (["price", LATER], olena), ([], olena)]:
        with pytest.raises(AirflowSkipException):
            apply_answer(first, {"chosen_options": options, "responded_by_user": person})
    assert load_corrections(heard).by_hash == {}
    for text_hash, options, message in [("0" * 32, ["price"], "has been heard"), (first, ["none", "price"], "alone")]:
        with pytest.raises(AirflowFailException, match=message):
            apply_answer(text_hash, {"chosen_options": options, "responded_by_user": olena})


def test_the_options_are_the_taxonomys_labels() -> None:
    from rebuttal_airflow.objection_review import LABELS as OFFERED

    assert tuple(OFFERED) == LABELS
