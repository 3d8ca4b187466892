"""Disks and backups (33-35, 43, 44): a write or sync that fails, a log that is full, a byte that turned, yesterday's
state."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from landed import context, land, read, row
from sqlalchemy import func, select
from tests.faults.desks import desk_of
from tests.faults.table import fault
from tests.inbox.receivers import ReceiverProcess, post, write_config

from rebuttal import quality
from rebuttal.errors import UnavailableError
from rebuttal.inbox import Arrival, writer
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import InboxEvent, open_state


def delivery(number: int) -> list[Arrival]:
    """Three events of one delivery, of some pages of the store together."""
    body = b"x" * 6000
    return [
        Arrival("hubspot", f"{number}-{part}", "deal.creation", body, body + str(part).encode(), "deal", f"{number}")
        for part in range(3)
    ]


def kept(settings: Settings) -> dict[str, int]:
    """Delivery -> how many of its events are there."""
    with open_state(settings) as sessions, sessions() as session:
        query = select(InboxEvent.object_id, func.count()).group_by(InboxEvent.object_id)
        return {str(name): count for name, count in session.execute(query)}


@pytest.fixture
def unlimited() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@fault(34, "no room for the n-th page of a commit, for each n", "store", "the delivery is there whole or not at all")
def test_a_write_that_fails_anywhere_in_a_commit_leaves_it_whole_or_out(settings: Settings, unlimited: None) -> None:
    store = writer._Store(settings)
    assert store.keep([delivery(0)]) == [["stored"] * 3]
    log = settings.home / "state.sqlite-wal"
    hard, outcomes = resource.getrlimit(resource.RLIMIT_FSIZE)[1], []
    for number in range(1, 16):
        store.close()
        store = writer._Store(settings)
        store.probe()  # opens it, and begins the log
        room = log.stat().st_size + (number - 1) * 4120  # for one page more each time
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        (outcome,) = store.keep([delivery(number)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        outcomes.append(outcome)
        found = kept(settings)
        assert set(found.values()) == {3}
        assert (str(number) in found) == (outcome == ["stored"] * 3)
        store._not_before = 0.0
    refused = [outcome for outcome in outcomes if isinstance(outcome, UnavailableError)]
    assert 3 <= len(refused) < len(outcomes), "the limits miss the commit, or none lets it through"
    store.close()


# In a process of its own, for nothing takes such a filter off: one good commit, and then no sync to disk succeeds.
SYNC_FAILS = """
import ctypes, platform, struct, sys
from pathlib import Path
from rebuttal.inbox import writer
from rebuttal.settings import Settings
from tests.faults.test_disk import delivery, kept

home = Path(sys.argv[1])
settings = Settings(home, home, "", "", f"sqlite:///{home / 'state.sqlite'}")
store = writer._Store(settings)
assert store.keep([delivery(0)]) == [["stored"] * 3]
syncs = {"x86_64": (74, 75), "aarch64": (82, 83)}[platform.machine()]  # fsync, fdatasync
load, equal, allow, refuse = 0x20, 0x15, 0x7FFF0000, 0x00050000 | 5  # BPF on the call's number; EIO
program = [(load, 0, 0, 0), (equal, 1, 0, syncs[0]), (equal, 0, 1, syncs[1]), (6, 0, 0, refuse), (6, 0, 0, allow)]
code = b"".join(struct.pack("HBBI", *step) for step in program)
kept_code = ctypes.create_string_buffer(code)
told = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept_code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
if libc.prctl(22, 2, told, 0, 0) != 0:
    print("no filter")
    sys.exit()
for number in (1, 2):
    (outcome,) = store.keep([delivery(number)])
    store._not_before = 0.0
    print(type(outcome).__name__)
"""


@fault(35, "a sync to disk that fails (EIO)", "store", "nothing is acknowledged; the store is opened anew each time")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="its system calls have other numbers")
def test_what_could_not_be_synced_is_not_acknowledged(settings: Settings) -> None:
    paths = (PROJECT_ROOT / "include", PROJECT_ROOT, PROJECT_ROOT / "tests" / "quality")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    said = subprocess.run(
        [sys.executable, "-c", SYNC_FAILS, str(settings.home)], env=environment, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    if "no filter" in said.stdout:
        pytest.skip("this kernel lets no process filter its own system calls")
    assert said.stdout.split() == ["UnavailableError", "UnavailableError"]
    found = kept(settings)
    assert found["0"] == 3
    assert set(found.values()) == {3}
    store = writer._Store(settings)
    assert [len(outcome) for outcome in store.keep([delivery(1), delivery(2)]) if isinstance(outcome, list)] == [3, 3]
    store.close()


@fault(33, "the log's disk is full, the data's is not", "webhook", "deliveries are kept; what is acknowledged is there")
def test_a_full_log_keeps_nothing_from_being_kept(settings: Settings, tmp_path: Path) -> None:
    receiver = ReceiverProcess(replace(settings, config=write_config(tmp_path / "config")))
    with Path("/dev/full").open("w") as full:
        address = receiver.start(stderr=full)
        try:
            answers = [post(address, number) for number in range(5)]
            assert post(address.replace("/hooks", "/hooks/nobody"), 1) == 404
        finally:
            receiver.kill()
    assert answers == [200] * 5
    assert set(kept(receiver.settings)) == {str(number) for number in range(5)}


@fault(43, "bytes of a landed batch turned on the disk", "store", "the engine's checksum says so; nothing is merged")
def test_a_turned_byte_is_told_and_nothing_is_merged(settings: Settings) -> None:
    land(settings, "hubspot.deals", [row("hubspot.deals", deal_id=str(n), lost_reason=f"{n}" * 500) for n in range(99)])
    path = settings.home / "warehouse.duckdb"
    data = bytearray(path.read_bytes())
    place = data.find(b"7" * 100)
    assert place > 0
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    report = quality.run(context(settings))
    assert ["warehouse.duckdb is damaged" in line for line in report.problems] == [True]
    assert not report.changed
    assert read(settings, "select * from core.deal") == []


@fault(44, "the state store restored from before a task was made", "tracker", "found by its marker, not made again")
def test_a_restored_state_makes_no_task_twice(settings: Settings, tmp_path: Path) -> None:
    with desk_of("jira", settings, tmp_path) as desk:
        with open_state(desk.settings):
            pass
        place = desk.settings.home / "state.sqlite"
        before = place.read_bytes()
        assert desk.run().counts["sent"] == 1
        for left in desk.settings.home.glob("state.sqlite*"):
            left.unlink()
        place.write_bytes(before)
        assert desk.run(0.01).problems == []
        assert [task["is_open"] for task in desk.tasks()] == [True]
        assert desk.outbox()[0].remote_id == desk.task()["id"]
