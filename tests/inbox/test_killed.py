"""A receiver as a process that is killed, starved and restarted: what it acknowledged is there, once."""

from __future__ import annotations

import random
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select
from tests.faults.table import fault
from tests.inbox.receivers import ReceiverProcess, post, write_config

from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, open_state


@pytest.fixture
def receiver(state_settings: Settings, tmp_path: Path) -> Iterator[ReceiverProcess]:
    """A receiver process that is not started yet."""
    found = ReceiverProcess(replace(state_settings, config=write_config(tmp_path / "config")))
    yield found
    if found.process.poll() is None:
        found.kill()


def stored(settings: Settings) -> dict[str, int]:
    """Object id -> receipts; every row is its object's only one."""
    with open_state(settings) as sessions, sessions() as session:
        rows = session.execute(select(InboxEvent.object_id, InboxEvent.receipt_count)).all()
        assert len(rows) == session.scalar(select(func.count()).select_from(InboxEvent))
    assert len(dict(rows)) == len(rows)  # type: ignore[arg-type]
    return {str(object_id): count for object_id, count in rows}


@fault(12, "killed before the commit", "webhook", "no answer; sent again it is kept once")
@fault(13, "killed after the commit and before the answer", "webhook", "one row; sent again it counts two receipts")
def test_killed_on_either_side_of_the_commit(receiver: ReceiverProcess) -> None:
    sides = (("inbox.before_commit", {}, 1), ("inbox.after_commit", {"2": 1}, 2))
    for number, (place, rows, receipts) in enumerate(sides, 1):
        address = receiver.start(f"{place}:kill")
        assert post(address, number) == 0
        receiver.process.wait()
        assert {name: count for name, count in stored(receiver.settings).items() if name == str(number)} == rows
        receiver.start()
        assert post(address, number) == 200
        assert stored(receiver.settings)[str(number)] == receipts
        receiver.kill()


@fault(14, "kill -9 again and again while events come on eight connections", "webhook", "what was answered 200 is kept")
def test_what_was_acknowledged_is_kept_whenever_it_is_killed(receiver: ReceiverProcess) -> None:
    seed = 20261122
    chance, total, kills = random.Random(seed), 80, 1
    address, acknowledged, lock = receiver.start(), set[int](), threading.Lock()
    deaths = sorted(chance.sample(range(10, total - 30), kills))
    up = threading.Event()
    up.set()

    def send(number: int) -> None:
        with httpx.Client() as client:
            while post(address, number, client) != 200:
                up.wait(60)
        with lock:
            acknowledged.add(number)

    with ThreadPoolExecutor(8) as threads:
        sending = [threads.submit(send, number) for number in range(total)]
        for death in deaths:
            while len(acknowledged) < death:
                threading.Event().wait(0.002)
            up.clear()
            receiver.kill()
            with lock:
                seen = set(acknowledged)
            assert {str(number) for number in seen} <= set(stored(receiver.settings)), f"seed {seed}"
            receiver.start()
            up.set()
        for one in sending:
            one.result()
    assert set(stored(receiver.settings)) == {str(number) for number in range(total)}


@fault(32, "a full disk under the inbox", "webhook", "503, never 200 for what is not kept; goes on when there is room")
def test_a_full_disk(settings: Settings, tmp_path: Path) -> None:
    receiver = ReceiverProcess(replace(settings, config=write_config(tmp_path / "config")))
    address = receiver.start()
    try:
        assert post(address, 1) == 200
        limit = max(path.stat().st_size for path in settings.home.iterdir()) + 40_000
        resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        answers = {number: post(address, number) for number in range(2, 40)}
        assert set(answers.values()) == {200, 503}
        kept = {str(number) for number, status in answers.items() if status == 200}
        assert kept < set(stored(settings)) <= kept | {"1"}
        resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        again = [number for number, status in answers.items() if status == 503]
        while again:
            again = [number for number in again if post(address, number) != 200]
        assert set(stored(settings)) == {str(number) for number in range(1, 40)}
    finally:
        receiver.kill()
