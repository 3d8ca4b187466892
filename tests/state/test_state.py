"""The state store on SQLite and on Postgres: schema versions, rules the database keeps, the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from rebuttal.errors import StoreError
from rebuttal.settings import Settings
from rebuttal.state import (
    SCHEMA_VERSION,
    ContentTask,
    Decision,
    DigestDelivery,
    Hypothesis,
    Outbox,
    open_state,
    record_decision,
)
from rebuttal.state import engine as engine_module
from rebuttal.state.failpoint import FailpointReached, failpoint
from rebuttal.state.model import Base

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def state_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose state store is SQLite, then Postgres."""
    url = settings.state_url if request.param == "sqlite" else request.getfixturevalue("postgres_url")()
    return Settings(settings.home, settings.config, settings.sandbox_url, settings.warehouse_url, url)


def a_task(task_id: str, theme: str = "price", *, status: str = "open", generation: int = 1) -> ContentTask:
    return ContentTask(
        task_id=task_id,
        theme=theme,
        category=theme,
        generation=generation,
        status=status,
        title="Answer the price doubt",
        brief={},
        score=1.0,
        score_parts={},
        subject_count=3,
        money_at_risk_base=100.0,
        currency="EUR",
        created_at=NOW,
    )


def decide(session: Session, decision: str = "confirmed") -> bool:
    return record_decision(
        session,
        kind="verdict",
        subject="t1",
        decision=decision,
        evidence={"deals": 40},
        decided_by="rule:test",
        decided_at=NOW,
    )


def test_opening_twice_makes_the_schema_once(state_settings: Settings) -> None:
    with open_state(state_settings) as sessions, sessions.begin() as session:
        session.add(a_task("t1"))
    with open_state(state_settings) as sessions, sessions() as session:
        assert session.scalars(select(ContentTask.task_id)).all() == ["t1"]
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == SCHEMA_VERSION


def test_migrations_make_exactly_the_tables_of_the_model(state_settings: Settings) -> None:
    with open_state(state_settings):
        pass
    engine = create_engine(state_settings.state_url)
    found = inspect(engine)
    assert set(found.get_table_names()) == set(Base.metadata.tables) | {"alembic_version"}
    for name, table in Base.metadata.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert columns == {column.name: column.nullable for column in table.columns}, name
    engine.dispose()


def test_schema_version_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(engine_module.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION


def test_a_store_of_a_newer_version_is_refused_in_plain_words(state_settings: Settings) -> None:
    with open_state(state_settings) as sessions, sessions.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="schema version 9999, which this version of Rebuttal does not know") as caught:
        open_state(state_settings).__enter__()
    assert "Upgrade Rebuttal" in str(caught.value)


def test_a_file_that_is_no_database_is_a_store_error(settings: Settings) -> None:
    Path(settings.state_url.removeprefix("sqlite:///")).write_bytes(b"this is not a database at all" * 50)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_state(settings).__enter__()


def test_an_unreachable_server_is_named_without_its_password(settings: Settings) -> None:
    url = "postgresql+psycopg://loop:s3cret-word@127.0.0.1:1/state"
    broken = Settings(settings.home, settings.config, settings.sandbox_url, settings.warehouse_url, url)
    with pytest.raises(StoreError) as caught:
        open_state(broken).__enter__()
    assert "s3cret-word" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_eight_at_once_may_open_a_new_store(state_settings: Settings) -> None:
    problems: list[BaseException] = []

    def open_once() -> None:
        try:
            with open_state(state_settings) as sessions, sessions() as session:
                session.scalars(select(Outbox)).all()
        except BaseException as error:  # noqa: BLE001 - handed to the asserting thread
            problems.append(error)

    threads = [threading.Thread(target=open_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with open_state(state_settings) as sessions, sessions() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_a_new_file_that_others_open_too_is_waited_for(tmp_path: Path) -> None:
    """SQLite says "locked" at once where somebody makes the file a written-ahead one; it was one time in twenty."""
    opened: list[int] = []

    def open_once(url: str) -> None:
        engine = engine_module._engine(url)
        with engine.begin() as connection:
            opened.append(connection.exec_driver_sql("SELECT 1").scalar_one())
        engine.dispose()

    for number in range(100):
        url = f"sqlite:///{tmp_path / f'{number}.sqlite'}"
        threads = [threading.Thread(target=open_once, args=(url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(opened) == 800


def test_a_theme_has_one_open_task_and_any_number_of_finished_ones(state_settings: Settings) -> None:
    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            session.add_all([a_task("t1", status="published"), a_task("t2", status="open", generation=2)])
            session.add(a_task("t3", "trust"))
        with pytest.raises(IntegrityError), sessions.begin() as session:
            session.add(a_task("t4", status="proposed", generation=3))
        with sessions() as session:
            assert len(session.scalars(select(ContentTask)).all()) == 3


@pytest.mark.parametrize("change", ["UPDATE decision SET decision = 'rejected'", "DELETE FROM decision"])
def test_the_journal_is_append_only_and_says_a_thing_once(state_settings: Settings, change: str) -> None:
    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            assert decide(session)
        with sessions.begin() as session:
            assert not decide(session)
            assert decide(session, "rejected")
        with pytest.raises(DBAPIError, match="append-only"), sessions.begin() as session:
            session.execute(text(change))
        with sessions() as session:
            assert sorted(session.scalars(select(Decision.decision))) == ["confirmed", "rejected"]


def test_a_person_gets_one_delivery_row_a_week_and_kind(state_settings: Settings) -> None:
    def row(kind: str) -> DigestDelivery:
        return DigestDelivery(
            person_id="anna", period="2026-W46", kind=kind, state="pending", message_id="<x@y>", created_at=NOW
        )

    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            session.add_all([row("digest"), row("brief")])
        with pytest.raises(IntegrityError), sessions.begin() as session:
            session.add(row("digest"))


def test_times_come_back_aware_and_in_utc(state_settings: Settings) -> None:
    kyiv = datetime.fromisoformat("2026-11-16T11:00:00+02:00")
    task = a_task("t1")
    task.published_at = kyiv
    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            session.add(task)
        with sessions() as session:
            found = session.get_one(ContentTask, "t1")
            assert found.published_at == kyiv
            assert found.published_at is not None
            assert found.published_at.tzinfo == UTC
            assert found.created_at.isoformat() == "2026-11-16T09:00:00+00:00"


def test_a_time_without_a_zone_is_refused(settings: Settings) -> None:
    task = a_task("t1")
    task.created_at = datetime(2026, 11, 16)  # noqa: DTZ001 - the point of the test
    with open_state(settings) as sessions, pytest.raises(StatementError, match="without a zone"), sessions.begin() as s:
        s.add(task)


def test_a_hypothesis_needs_its_task(state_settings: Settings) -> None:
    values: dict[str, Any] = dict.fromkeys(("change", "metric", "direction", "reason", "success_criterion"), "x")
    with open_state(state_settings) as sessions, pytest.raises(IntegrityError), sessions.begin() as session:
        session.add(
            Hypothesis(
                task_id="nobody",
                **values,
                expected_size=0.25,
                minimum_sample=40,
                baseline_days=56,
                horizon_days=28,
                deadline=date(2027, 2, 1),
                registered_at=NOW,
            )
        )


@pytest.mark.parametrize(("asked", "dies"), [("here:raise", [1]), ("here:raise@2", [2]), ("there:raise", []), ("", [])])
def test_a_failpoint_acts_only_where_it_was_asked_to(
    monkeypatch: pytest.MonkeyPatch, asked: str, dies: list[int]
) -> None:
    from rebuttal.state import failpoint as module

    monkeypatch.setattr(module, "_passed", {})
    monkeypatch.setenv("FAILPOINT", asked)
    reached: list[int] = []
    look: Callable[[str], None] = failpoint
    for turn in (1, 2):
        try:
            look("here")
        except FailpointReached:
            reached.append(turn)
            break
    assert reached == dies
