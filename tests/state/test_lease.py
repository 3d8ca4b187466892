"""Leases on SQLite and Postgres: one holder, taken over in time, and whoever was taken over from writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from rebuttal.errors import BusyError, LeaseLostError
from rebuttal.settings import Settings
from rebuttal.state import Lease, Sessions, Unsubscription, alone, open_state
from rebuttal.state.lease import Held, lease
from rebuttal.state.worker import this_worker
from rebuttal.warehouse import open_warehouse

ELSEWHERE = "otherhost:1:1"
WORK = """
import sys
from pathlib import Path
from sqlalchemy import text
from rebuttal.settings import Settings
from rebuttal.state import alone
from rebuttal.warehouse import open_warehouse
home, warehouse, state = sys.argv[1:]
settings = Settings(Path(home), Path(home), "", warehouse, state, lease_seconds=1.0)
with alone(settings, "admit"):
    with open_warehouse(settings):
        pass
    print("holding", flush=True)
    sys.stdin.readline()
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("insert into ops.suppression (identifier) values ('late')"))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def any_state(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose state store is SQLite, then Postgres."""
    return settings if request.param == "sqlite" else replace(settings, state_url=_url(request))


@pytest.fixture(params=["duckdb", "postgres"])
def stores(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose stores are DuckDB and SQLite, then Postgres both."""
    if request.param == "duckdb":
        return settings
    return replace(settings, state_url=_url(request), warehouse_url=_url(request))


def _url(request: pytest.FixtureRequest) -> str:
    new: Callable[[], str] = request.getfixturevalue("postgres_url")
    return new()


def row_of(sessions: Sessions, resource: str = "model") -> tuple[int, str | None]:
    with sessions() as session:
        found = session.execute(select(Lease.token, Lease.holder).where(Lease.resource == resource)).one()
        return found.token, found.holder


def hand_over(stores: Settings) -> None:
    """What another host does when the lease has ended; run without the lease of the test."""
    with open_state(stores) as sessions, sessions.begin() as session:
        row = session.get_one(Lease, "model")
        row.token, row.holder = row.token + 1, ELSEWHERE


def raise_token(stores: Settings) -> None:
    """What another host does when it opens the warehouse then."""
    with open_warehouse(stores) as engine, engine.begin() as connection:
        connection.execute(text("update ops.fence set token = token + 1"))


def write_suppression(stores: Settings, word: str) -> None:
    with open_warehouse(stores) as engine, engine.begin() as connection:
        connection.execute(text("insert into ops.suppression (identifier) values (:word)"), {"word": word})


def write_unsubscription(stores: Settings, word: str) -> None:
    with open_state(stores) as sessions, sessions.begin() as session:
        session.add(Unsubscription(person_id=word, kind="digest", told_at=datetime.now(UTC), told_by=word))


def test_a_lease_is_held_by_one_and_a_clean_end_leaves_no_trace(any_state: Settings) -> None:
    with open_state(any_state) as sessions:
        for _ in range(2):
            with lease(sessions, "model") as held:
                assert row_of(sessions) == (1, this_worker())
                assert held.token == 1
            assert row_of(sessions) == (1, None)


def test_a_second_taker_is_told_who_holds_it_since_when(any_state: Settings) -> None:
    told: list[str] = []

    def second() -> None:
        with open_state(any_state) as sessions:
            try:
                with lease(sessions, "model"):
                    told.append("both held it")
            except BusyError as error:
                told.append(str(error))

    with open_state(any_state) as sessions, lease(sessions, "model"), lease(sessions, "model") as again:
        assert again.token == 1  # inside itself it is the same one
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        with lease(sessions, "listen"):  # other work is free
            assert row_of(sessions, "listen")[0] == 1
    assert len(told) == 1
    assert told[0].startswith("model is already running since 20")
    assert f"process {os.getpid()}" in told[0]


def test_of_many_at_once_one_gets_it(any_state: Settings) -> None:
    with open_state(any_state):
        pass
    start, end, outcomes = threading.Barrier(6), threading.Barrier(6), list[str]()

    def one() -> None:
        with open_state(any_state) as sessions:
            start.wait()
            try:
                with lease(sessions, "model"):
                    outcomes.append("held")
                    end.wait()
            except BusyError:
                outcomes.append("busy")
                end.wait()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["busy"] * 5 + ["held"]


def test_waiting_for_the_holder_gets_it_when_he_ends(any_state: Settings) -> None:
    has_it, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with open_state(any_state) as sessions, lease(sessions, "model"):
            has_it.set()
            may_end.wait()

    thread = threading.Thread(target=first)
    thread.start()
    has_it.wait()
    threading.Timer(0.3, may_end.set).start()
    with open_state(any_state) as sessions, lease(sessions, "model", wait=30):
        assert row_of(sessions) == (1, this_worker())
    thread.join()


def test_a_holder_that_died_on_this_host_is_taken_over_from_at_once(any_state: Settings) -> None:
    host = this_worker().split(":")[0]
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for holder, is_dead in ((f"{host}:{dead.pid}:17", True), (ELSEWHERE, False)):
        with open_state(any_state) as sessions:
            with lease(sessions, holder, seconds=3600):
                pass
            with sessions.begin() as session:  # as a process leaves it that was killed
                session.execute(
                    text("UPDATE lease SET holder = :me, expires_at = :late"), {"me": holder, "late": "2999-01-01"}
                )
            if is_dead:
                with lease(sessions, holder) as held:
                    assert held.token == 2
            else:
                with pytest.raises(BusyError, match="process 1 on otherhost"), lease(sessions, holder):
                    pass


def test_a_lease_that_ended_is_taken_over_with_a_higher_token(any_state: Settings) -> None:
    with open_state(any_state) as sessions:
        with lease(sessions, "model"):
            pass
        with sessions.begin() as session:
            session.execute(text("UPDATE lease SET holder = :me, expires_at = '2020-01-01'"), {"me": ELSEWHERE})
        with lease(sessions, "model") as held:
            assert (held.token, row_of(sessions)) == (2, (2, this_worker()))
        assert row_of(sessions) == (2, None)


def test_it_is_renewed_while_work_goes_on(any_state: Settings) -> None:
    def expires(sessions: Sessions) -> object:
        with sessions() as session:
            return session.get_one(Lease, "model").expires_at

    renewed = threading.Event()

    class Watched(Held):
        def renew(self, grown: int | None = None) -> bool:
            done = super().renew(grown)
            renewed.set()
            return done

    with open_state(any_state) as sessions:
        held = Watched(sessions, "model", this_worker(), 0.3)
        assert held.take() is None
        first = expires(sessions)
        thread = threading.Thread(target=held.keep)
        thread.start()
        assert renewed.wait(30)
        held.end()
        thread.join()
        assert str(expires(sessions)) > str(first)


def test_once_lost_nothing_is_committed_to_either_store(stores: Settings) -> None:
    with alone(stores, "model"):
        write_suppression(stores, "in time")
        Context().run(hand_over, stores)
        for write in (write_unsubscription, write_suppression):
            with pytest.raises(LeaseLostError, match="another one has taken over"):
                write(stores, "late")
    with open_state(stores) as sessions:
        assert row_of(sessions) == (2, ELSEWHERE)  # the lease of the other is left alone
        with sessions() as session:
            assert session.execute(text("SELECT count(*) FROM unsubscription")).scalar_one() == 0
    with open_warehouse(stores) as engine, engine.connect() as connection:
        assert connection.execute(text("select identifier from ops.suppression")).scalars().all() == ["in time"]


def test_a_transaction_that_was_open_when_another_took_over_is_rolled_back(stores: Settings) -> None:
    if stores.warehouse_url.startswith("duckdb"):
        pytest.skip("the file has one writing process: nobody else can raise the token while it is open")
    with alone(stores, "model"), open_warehouse(stores) as engine:
        connection = engine.connect()
        connection.execute(text("insert into ops.suppression (identifier) values ('late')"))
        Context().run(raise_token, stores)
        with pytest.raises(LeaseLostError):
            connection.commit()
        connection.close()
    with open_warehouse(stores) as engine, engine.connect() as connection:
        assert connection.execute(text("select count(*) from ops.suppression")).scalar_one() == 0


def test_a_state_store_made_anew_does_not_shut_the_warehouse(stores: Settings, tmp_path: Path) -> None:
    with alone(stores, "model"), open_warehouse(stores):
        pass
    with open_warehouse(stores) as engine, engine.begin() as connection:
        connection.execute(text("update ops.fence set token = 7"))
    anew = replace(stores, state_url=f"sqlite:///{tmp_path / 'anew.sqlite'}")
    with alone(anew, "model") as held:
        assert held.token == 1
        with open_warehouse(anew) as engine, engine.begin() as connection:
            connection.execute(text("insert into ops.suppression (identifier) values ('in time')"))
        assert held.token == 8
    with open_warehouse(anew) as engine, engine.connect() as connection:
        assert connection.execute(text("select token from ops.fence")).scalars().all() == [8]


def test_stopped_past_its_lease_and_woken_up_a_process_is_refused(stores: Settings) -> None:
    places = [str(stores.home), stores.warehouse_url, stores.state_url]
    first = subprocess.Popen(
        [sys.executable, "-c", WORK, *places],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    os.kill(first.pid, signal.SIGSTOP)
    try:
        with pytest.raises(BusyError, match=f"process {first.pid}"), alone(stores, "admit"):
            pass
        with alone(stores, "admit", wait=60) as held, open_warehouse(stores):
            assert held.token == 2
    finally:
        os.kill(first.pid, signal.SIGCONT)
    _, said = first.communicate("go on\n", timeout=60)
    assert first.returncode == 1
    assert "LeaseLostError: The lease on admit was lost" in said
    with open_warehouse(stores) as engine, engine.connect() as connection:
        assert connection.execute(text("select count(*) from ops.suppression")).scalar_one() == 0
