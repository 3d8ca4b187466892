"""A store that is away, locked, read-only or slow: senders are told to come again, nothing that was acknowledged is
lost, and the receiver goes on by itself when the store is back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from tests.faults.table import fault
from tests.inbox.receivers import in_a_thread, post, signed, write_config

from rebuttal.inbox import Arrival, acknowledge, claim, writer
from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, open_state


@pytest.fixture
def mine(state_settings: Settings, tmp_path: Path) -> Settings:
    """Settings with the hooks of these tests, on either store."""
    return replace(state_settings, config=write_config(tmp_path / "config"))


@pytest.fixture
def on_postgres(settings: Settings, tmp_path: Path, postgres_url: Callable[[], str]) -> Settings:
    """Settings with the hooks of these tests, on Postgres."""
    return replace(settings, config=write_config(tmp_path / "config"), state_url=postgres_url())


def stored(settings: Settings) -> set[int]:
    with open_state(settings) as sessions, sessions() as session:
        return {int(str(name)) for name in session.scalars(select(InboxEvent.object_id))}


def command(settings: Settings, *statements: str) -> None:
    """Run statements on the server of the state store, `{name}` being its database; then end all its connections."""
    url = make_url(settings.state_url)
    name = url.database or ""
    plain = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.format(name=name).encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def until_answered(hooks: str, numbers: list[int]) -> None:
    """What a sender does: again, until each is acknowledged."""
    left = numbers
    while left:
        left = [number for number in left if post(hooks, number) != 200]


@fault(37, "Postgres is away while events come", "webhook", "503 with Retry-After and red health; goes on by itself")
@fault(40, "the database becomes read-only", "webhook", "503 and red health; goes on by itself")
@pytest.mark.parametrize(
    ("harm", "cure"),
    [
        ('ALTER DATABASE "{name}" ALLOW_CONNECTIONS false', 'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'),
        (
            'ALTER DATABASE "{name}" SET default_transaction_read_only = on',
            'ALTER DATABASE "{name}" RESET default_transaction_read_only',
        ),
    ],
    ids=["away", "read-only"],
)
def test_the_server_is_no_help_for_a_while(
    on_postgres: Settings, harm: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rebuttal.inbox.asgi._PROBE_S", 0.0)
    with in_a_thread(on_postgres) as hooks:
        assert post(hooks, 1) == 200
        command(on_postgres, harm)
        body, headers = signed(2)
        reply = httpx.post(f"{hooks}/hubspot", content=body, headers=headers)
        assert (reply.status_code, reply.json()) == (503, {"error": "Nothing was kept; send it again"})
        assert int(reply.headers["retry-after"]) > 0
        assert httpx.get(f"{hooks}/health").status_code == 503
        assert "rebuttal_inbox_store_writable 0" in httpx.get(f"{hooks}/metrics").text
        command(on_postgres, cure)
        until_answered(hooks, [2, 3])
        assert httpx.get(f"{hooks}/health").status_code == 200
    assert stored(on_postgres) == {1, 2, 3}


@fault(36, "Postgres ends all connections again and again", "webhook", "503 at worst; what was acknowledged is kept")
def test_connections_that_end_in_the_middle(on_postgres: Settings) -> None:
    with in_a_thread(on_postgres) as hooks, ThreadPoolExecutor(4) as threads:
        acknowledged: set[int] = set()
        is_over = threading.Event()

        def harm() -> None:
            while not is_over.wait(0.05):
                command(on_postgres)

        harming = threads.submit(harm)
        try:
            for number in range(20):
                if post(hooks, number) == 200:
                    acknowledged.add(number)
        finally:
            is_over.set()
        harming.result()
        assert acknowledged <= stored(on_postgres)
        until_answered(hooks, [number for number in range(20) if number not in acknowledged])
    assert stored(on_postgres) == set(range(20))


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """The inbox as another process may hold it: nobody writes."""
    with open_state(settings) as sessions, sessions.begin() as session:
        is_postgres = session.get_bind().dialect.name == "postgresql"
        session.execute(text("LOCK TABLE inbox_event IN ACCESS EXCLUSIVE MODE" if is_postgres else "SELECT 1"))
        yield


@fault(24, "another process holds the inbox's lock", "webhook", "503 in time; goes on when it lets go")
@fault(91, "ten times what the store takes", "webhook", "200 or 503, none kept without an answer lost; recovers")
def test_a_lock_and_a_flood_behind_it(mine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(writer, "MOST_WAITING", 5)
    with in_a_thread(mine) as hooks, ThreadPoolExecutor(12) as threads:
        until_answered(hooks, [0])
        with locked(mine):
            answers = dict(
                zip(range(1, 16), threads.map(lambda number: post(hooks, number), range(1, 16)), strict=True)
            )
        assert set(answers.values()) == {503}
        assert httpx.get(f"{hooks}/metrics").status_code == 200
        monkeypatch.setattr(writer, "MOST_WAITING", 2000)
        list(threads.map(lambda number: until_answered(hooks, [number]), range(1, 16)))
    assert stored(mine) == set(range(16))


@fault(97, "work on events that takes long", "webhook", "receiving does not wait for it")
def test_a_worker_that_takes_its_time_holds_nobody_up(mine: Settings) -> None:
    with in_a_thread(mine) as hooks, open_state(mine) as sessions:
        assert post(hooks, 1) == 200
        held = claim(sessions, ttl=timedelta(hours=1))
        assert [event.object_id for event in held.events] == ["1"]
        assert post(hooks, 2) == 200
        assert post(hooks, 1) == 200
        acknowledge(sessions, held.ids, held.token)
        assert [event.object_id for event in claim(sessions).events] == ["2"]


@fault(
    39, "other processes use up their connections", "webhook", "the receiver holds one of its own, and needs no more"
)
def test_the_receiver_has_one_connection(on_postgres: Settings) -> None:
    with in_a_thread(on_postgres) as hooks:
        assert post(hooks, 1) == 200
        with open_state(on_postgres) as sessions, sessions() as session:
            used = session.execute(
                text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            ).scalar_one()
        assert used == 2  # the receiver and we who look


def test_deliveries_that_are_read_meanwhile_share_a_transaction(
    mine: Settings, arrival: Callable[[str], Arrival]
) -> None:
    async def come() -> writer.Commits:
        one = writer.Writer(mine)

        async def deliver(number: int) -> None:
            for _ in range(number):  # turns of the loop until it is read
                await asyncio.sleep(0)
            assert await one.keep([arrival(str(number))]) == ["stored"]

        await asyncio.gather(*(deliver(number) for number in range(6)))
        await one.close()
        return one.commits

    commits = asyncio.run(come())
    assert (commits.events, commits.transactions) == (6, 1)


def test_a_commit_is_on_disk_whatever_the_server_says(mine: Settings) -> None:
    if mine.state_url.startswith("postgresql"):
        command(mine, 'ALTER DATABASE "{name}" SET synchronous_commit = off')
    store = writer._Store(mine)
    with store._transaction() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        else:
            assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
            assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    store.close()
