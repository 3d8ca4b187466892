"""Lost answers, a lagging index and failures between outbox and tracker (108-110): one task for each theme."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.content.conftest import Hours
from tests.faults.desks import Desk, objections, one_kind
from tests.faults.table import Entry, each, fault

from rebuttal.content.delivery import Delivery
from rebuttal.content.rules import load_rules
from rebuttal.content.trackers import wire
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.content.twins import sweep_twins
from rebuttal.records import Report
from rebuttal.state import open_state

# --- 108, 110: what the wire does -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WireFault:
    number: int
    injected: str
    kind: str  # of the sandbox's faults
    state: str  # of the outbox row in the end
    sent: int  # how often the task was sent


WIRE = [
    WireFault(108, "the connection is reset after the write", "lost_answer", "adopted", 1),
    WireFault(108, "the connection is reset before the write", "reset", "sent", 2),
    WireFault(108, "an answer cut short, with its length", "cut_length", "adopted", 1),
    WireFault(108, "an answer cut short, in chunks", "cut_chunk", "adopted", 1),
    WireFault(108, "an answer that comes after the client has gone", "slow", "adopted", 1),
    WireFault(108, "an empty success", "empty", "sent", 2),
    WireFault(110, "429 that says when", "throttle", "sent", 2),
    WireFault(110, "429 that does not", "throttle_bare", "sent", 2),
    WireFault(110, "500", "error_500", "sent", 2),
    WireFault(110, "502", "error_502", "sent", 2),
    WireFault(110, "503", "error_503", "sent", 2),
    WireFault(110, "a maintenance page with status 200", "error_page", "sent", 2),
]


class UntilWritten(Hours):
    """Whoever waits comes back when the tracker has made the task, however slow the machine is."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        deadline = time.monotonic() + 60
        while not self.desk.tasks():
            assert time.monotonic() < deadline, "the task was never made"
            time.sleep(0.02)


@each([Entry(one.number, one.injected, "tracker", f"one task, {one.state}, sent {one.sent}×") for one in WIRE])
@pytest.mark.long_form("what breaks is before any tracker's own words; Trello has people's deeds", desk="trello")
@pytest.mark.parametrize("struck", WIRE, ids=lambda one: one.kind)
def test_a_fault_of_the_wire_ends_in_one_task(desk: Desk, struck: WireFault, monkeypatch: pytest.MonkeyPatch) -> None:
    if struck.kind == "slow":
        monkeypatch.setattr(wire, "_TIMEOUT", (2.0, 0.5))
        desk.served.operate("faults", {"values": {"slow_s": 1.0}})
        desk = replace(desk, hours=UntilWritten(desk))
    desk.fault(struck.kind)
    report = desk.run()
    assert report.problems == []
    (row,), task = desk.outbox(), desk.task()
    assert (row.state, desk.creates()) == (struck.state, struck.sent), "sent by us and by no client library"
    assert (row.remote_id, desk.ledger()[0].remote_id) == (task["id"], task["id"])
    searched = report.counts.get("answer_lost", 0)
    assert searched == (0 if struck.kind.startswith("throttle") else 1)
    assert desk.run().changed is False


@fault(110, "faults of two tasks", "tracker", "each sent with its own key; the first theme's task is the first made")
def test_order_is_kept(desk: Desk) -> None:
    desk.hear([*objections(), *objections("trust", "reviews", 6)])
    desk.fault("throttle_bare", 2)
    desk.configure("tracker", run_budget_seconds=60)
    assert desk.run().problems == []
    assert [row.remote_id for row in desk.outbox()] == [task["id"] for task in desk.tasks()]
    assert len({row.effect_key for row in desk.outbox()}) == 2


# --- 109: an index that lags ------------------------------------------------------------------------------------------


@fault(109, "an answer lost while the index lags 0 s", "tracker", "adopted, sent once")
@fault(109, "an answer lost while the index lags 5 s", "tracker", "adopted, sent once")
@fault(
    109, "an answer lost while the index lags 120 s, and we wait 8 s", "tracker", "the sweep closes the younger twin"
)
@fault(109, "an answer lost while the index lags 120 s, and we wait 180 s", "tracker", "adopted, sent once")
@one_kind("jira")
@pytest.mark.parametrize(("lag", "wait", "spacing"), [(0, 6, 2), (5, 6, 2), (120, 6, 2), (120, 120, 60)])
def test_lags_of_the_index(desk: Desk, lag: float, wait: float, spacing: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            desk.run()
    hours, report = Hours(), Report("sweep")
    desk.face.issues.elapsed = lambda: hours.passed
    desk.served.operate("faults", {"values": {"jira_index_lag_s": lag}})
    desk.fault("lost_answer")
    rule = load_rules(desk.settings.config).tracker.model_copy(
        update={"index_wait_seconds": wait, "search_spacing_seconds": spacing, "run_budget_seconds": 600}
    )
    tracker = open_tracker(rule, desk.connection(), hours)
    with open_state(desk.settings) as sessions:
        Delivery(sessions, tracker, rule, hours.now(), hours).drain()
        made = desk.tasks()
        assert len(made) == desk.creates() == (2 if lag > wait + spacing else 1)
        for _ in range(3):
            hours.sleep(60)
            sweep_twins(sessions, tracker, timedelta(hours=1), hours.now(), hours.now(), report)
    (row,) = desk.outbox()
    assert [task["id"] for task in desk.tasks() if task["is_open"]] == [row.remote_id] == [made[0]["id"]]
    assert row.state == ("sent" if len(made) == 2 else "adopted")
    if len(made) == 2:
        assert report.counts == {"twins_adopted": 1, "twins_closed": 1}
        assert f"twin {made[1]['key']} closed" in desk.decisions()
        said = desk.call("GET", f"/issue/{made[1]['id']}/comment")["comments"]
        assert f"/browse/{made[0]['key']}" in str(said)


@dataclass
class Meanwhile:
    """A tracker that is quick for another worker: before we read a task, it has done its whole work."""

    tracker: Any
    work: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tracker, name)

    def read(self, known: Any) -> Any:
        self.work()
        return self.tracker.read(known)


@one_kind("jira")
def test_two_sweeps_at_once_leave_one_open(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(RuntimeError):
            desk.run()
    hours, report = Hours(), Report("sweep")
    desk.face.issues.elapsed = lambda: hours.passed
    desk.served.operate("faults", {"values": {"jira_index_lag_s": 120}})
    desk.fault("lost_answer")
    rule = load_rules(desk.settings.config).tracker.model_copy(
        update={"index_wait_seconds": 6, "search_spacing_seconds": 2, "run_budget_seconds": 600}
    )
    tracker = open_tracker(rule, desk.connection(), hours)
    with open_state(desk.settings) as sessions:
        Delivery(sessions, tracker, rule, hours.now(), hours).drain()
        assert len(desk.tasks()) == 2
        hours.sleep(180)

        def sweep(through: Any) -> None:
            sweep_twins(sessions, through, timedelta(hours=1), hours.now(), hours.now(), report)

        sweep(Meanwhile(tracker, lambda: sweep(tracker)))
        sweep(tracker)
    (row,) = desk.outbox()
    assert [task["id"] for task in desk.tasks() if task["is_open"]] == [row.remote_id]
    assert report.counts == {"twins_adopted": 1, "twins_closed": 1}
