"""A server's lock time-out or deadlock is a LockedError that says what to do, not an exception of a driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from landed import context, land, row
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from rebuttal import quality
from rebuttal.errors import LockedError
from rebuttal.quality import admit
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import account


@pytest.fixture
def server(settings: Settings, postgres_url: Callable[[], str]) -> Settings:
    return replace(settings, warehouse_url=postgres_url())


@pytest.fixture
def other(server: Settings) -> Iterator[Engine]:
    engine = create_engine(server.warehouse_url)
    yield engine
    engine.dispose()


def test_an_admission_that_waits_too_long_for_a_lock_says_so_and_has_written_nothing(
    server: Settings, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admit, "_LOCK_SECONDS", 1)
    land(server, "hubspot.owners", [row("hubspot.owners")])
    with other.begin() as theirs:
        theirs.execute(text("lock table ops.check_result in access exclusive mode"))
        with pytest.raises(LockedError, match="held a table or row for longer") as raised:
            quality.run(context(server))
    assert "run this again" in raised.value.next_step
    with open_warehouse(server) as engine:
        assert [one["status"] for one in account(engine)] == ["landed"]
    assert quality.run(context(server)).counts["new"] == 1


def test_a_deadlock_is_named(server: Settings, other: Engine) -> None:
    for number in (1, 2):
        land(server, "hubspot.owners", [row("hubspot.owners", owner_id=str(number))])
    touch = text("update ops.batch set row_count = row_count where sequence = :sequence")
    raised: list[Exception] = []
    with open_warehouse(server) as ours:
        both_have_one = threading.Barrier(2, timeout=30)

        def cross(engine: Engine, first: int, second: int) -> None:
            try:
                with engine.begin() as connection:
                    connection.execute(touch, {"sequence": first})
                    both_have_one.wait()
                    connection.execute(touch, {"sequence": second})
            except (LockedError, DBAPIError) as error:
                raised.append(error)

        with open_warehouse(server) as theirs:
            threads = [threading.Thread(target=cross, args=args) for args in ((ours, 1, 2), (theirs, 2, 1))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
    assert len(raised) == 1
    assert isinstance(raised[0], LockedError)
    assert "waited for each other" in str(raised[0])


def test_other_errors_of_the_server_stay_what_they_are(server: Settings) -> None:
    with (
        open_warehouse(server) as engine,
        engine.connect() as connection,
        pytest.raises(ProgrammingError, match="nothing_here"),
    ):
        connection.execute(text("select * from nothing_here"))
