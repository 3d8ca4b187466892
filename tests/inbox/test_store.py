"""The inbox on SQLite and on Postgres: one row per delivery, leases that end, and nothing that a worker can lose."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from tests.faults.table import fault

from rebuttal.errors import LeaseLostError
from rebuttal.inbox import (
    KEPT,
    TRIES,
    Arrival,
    acknowledge,
    claim,
    extend,
    fail,
    forget_older_than,
    pending_count,
    receive,
    replay,
)
from rebuttal.state import InboxEvent, Sessions

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
TTL = timedelta(minutes=5)
MakeArrival = Callable[..., Arrival]


def rows(sessions: Sessions) -> list[InboxEvent]:
    with sessions() as session:
        return list(session.scalars(select(InboxEvent).order_by(InboxEvent.event_id)))


def only(sessions: Sessions) -> InboxEvent:
    (row,) = rows(sessions)
    return row


def test_a_repeat_is_counted_and_not_kept_again(sessions: Sessions, arrival: MakeArrival) -> None:
    assert receive(sessions, [arrival("1"), arrival("1")], NOW) == ["stored", "repeated"]
    assert receive(sessions, [arrival("1")], NOW + timedelta(days=3)) == ["repeated"]
    row = only(sessions)
    assert (row.receipt_count, row.received_at, row.last_received_at) == (3, NOW, NOW + timedelta(days=3))


def test_the_same_key_of_another_source_is_another_event(sessions: Sessions, arrival: MakeArrival) -> None:
    assert receive(sessions, [arrival("1"), arrival("1", source="jira")], NOW) == ["stored", "stored"]
    assert {row.source for row in rows(sessions)} == {"hubspot", "jira"}


def test_another_content_under_a_known_key_is_a_conflict_and_the_first_counts(
    sessions: Sessions, arrival: MakeArrival
) -> None:
    receive(sessions, [arrival("1", b"first")], NOW)
    assert receive(sessions, [arrival("1", b"second")], NOW) == ["conflict"]
    assert receive(sessions, [arrival("1", b"second"), arrival("1", b"first")], NOW) == ["conflict", "repeated"]
    first, second = rows(sessions)
    assert (first.body, first.state, first.receipt_count) == (b"first", "new", 2)
    assert (second.body, second.state, second.receipt_count) == (b"second", "conflict", 2)
    assert second.reason is not None
    assert claim(sessions, now=NOW).ids == [first.event_id]


CALLS = st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([b"x", b"y"])), max_size=6), max_size=4)


@limits(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([b"x", b"y"])), max_size=6), max_size=5)
)
def test_whatever_comes_in_whatever_order(
    sessions: Sessions, arrival: MakeArrival, calls: list[list[tuple[str, bytes]]]
) -> None:
    with sessions.begin() as session:
        session.execute(delete(InboxEvent))
    told = [out for call in calls for out in receive(sessions, [arrival(key, body) for key, body in call], NOW)]
    came = [pair for call in calls for pair in call]
    first: dict[str, bytes] = {}
    expected = []
    for place, (key, body) in enumerate(came):
        if first.setdefault(key, body) != body:
            expected.append("conflict")
        else:
            expected.append("repeated" if (key, body) in came[:place] else "stored")
    assert told == expected
    kept = {(row.delivery_key, row.body): (row.state, row.receipt_count) for row in rows(sessions)}
    assert kept == {
        (key, body): ("new" if first[key] == body else "conflict", came.count((key, body))) for key, body in set(came)
    }


def test_a_thousand_copies_at_once_on_eight_threads_are_one_row(sessions: Sessions, arrival: MakeArrival) -> None:
    problems: list[BaseException] = []

    def send() -> None:
        try:
            for _ in range(5):
                receive(sessions, [arrival("1") for _ in range(25)])
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert only(sessions).receipt_count == 1000


def test_an_acknowledged_event_is_never_handed_out_again(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival(str(number)) for number in range(5)], NOW)
    assert pending_count(sessions, NOW) == 5
    first = claim(sessions, 3, TTL, now=NOW)
    assert len(first.ids) == 3
    assert pending_count(sessions, NOW) == 2
    acknowledge(sessions, first.ids, first.token, NOW)
    rest = claim(sessions, 10, TTL, now=NOW)
    assert len(rest.ids) == 2
    assert set(first.ids).isdisjoint(rest.ids)
    assert [row.state for row in rows(sessions)].count("done") == 3


def test_workers_at_once_never_hold_the_same_event(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival(str(number)) for number in range(60)])
    held: list[int] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while (found := claim(sessions, 7)).ids:
                held.extend(found.ids)
                acknowledge(sessions, found.ids, found.token)
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(held) == len(set(held)) == 60


@fault(
    15, "a worker that stops, and comes back after its lease", "inbox", "another does the work; its result is refused"
)
def test_a_lease_that_ran_out_goes_to_another_and_the_first_result_does_not_count(
    sessions: Sessions, arrival: MakeArrival
) -> None:
    receive(sessions, [arrival("1")], NOW)
    slow = claim(sessions, ttl=TTL, now=NOW)
    assert claim(sessions, now=NOW + TTL - timedelta(seconds=1)).ids == []
    later = NOW + TTL + timedelta(minutes=1)
    assert claim(sessions, now=NOW + TTL).ids == []  # it waits a little first
    quick = claim(sessions, ttl=TTL, now=later)
    assert quick.ids == slow.ids
    for result in (
        lambda: acknowledge(sessions, slow.ids, slow.token, later),
        lambda: fail(sessions, slow.ids[0], slow.token, "too late", now=later),
        lambda: extend(sessions, slow.token, TTL, later),
    ):
        with pytest.raises(LeaseLostError):
            result()
    assert only(sessions).state == "leased"
    acknowledge(sessions, quick.ids, quick.token, later)
    assert (only(sessions).state, only(sessions).attempts) == ("done", 2)


def test_a_lease_can_be_held_longer(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival("1")], NOW)
    held = claim(sessions, ttl=TTL, now=NOW)
    extend(sessions, held.token, TTL, NOW + timedelta(minutes=4))
    assert claim(sessions, now=NOW + timedelta(minutes=8)).ids == []
    acknowledge(sessions, held.ids, held.token, NOW + timedelta(minutes=8))
    assert only(sessions).state == "done"


def test_an_acknowledgement_that_does_not_hold_for_all_counts_for_none(
    sessions: Sessions, arrival: MakeArrival
) -> None:
    receive(sessions, [arrival("1"), arrival("2")], NOW)
    one, other = claim(sessions, 1, now=NOW), claim(sessions, 1, now=NOW)
    with pytest.raises(LeaseLostError):
        acknowledge(sessions, [*one.ids, *other.ids], one.token, NOW)
    assert [row.state for row in rows(sessions)] == ["leased", "leased"]


@fault(98, "an event that fails every time", "inbox", "longer pauses, then dead with its reason; replay tries again")
def test_what_fails_waits_longer_each_time_and_then_is_dead_until_a_person_says_again(
    sessions: Sessions, arrival: MakeArrival
) -> None:
    receive(sessions, [arrival("1"), arrival("2")], NOW)
    now, waits = NOW, []
    for _ in range(TRIES):
        held = claim(sessions, 1, now=now)
        assert (
            not fail(sessions, held.ids[0], held.token, "HubSpot answers 503", now=now) or held.events[0].attempts == 6
        )
        row = rows(sessions)[0]
        waits.append(row.next_try_at - now)
        assert claim(sessions, 1, now=now).ids != held.ids  # the queue behind moves on
        with sessions.begin() as session:  # the other one is put back for the next round
            session.execute(update(InboxEvent).where(InboxEvent.event_id != row.event_id).values(state="done"))
        now = row.next_try_at
    row = rows(sessions)[0]
    assert (row.state, row.reason, row.attempts) == ("dead", "HubSpot answers 503", TRIES)
    assert waits[:-1] == sorted(waits[:-1])
    assert waits[0] > timedelta()
    assert pending_count(sessions, now + timedelta(days=9)) == 0
    assert replay(sessions, [row.event_id]) == 1
    assert replay(sessions, [row.event_id]) == 0
    assert claim(sessions, now=now).ids == [row.event_id]


def test_what_can_never_succeed_is_dead_at_once(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival("1")], NOW)
    held = claim(sessions, now=NOW)
    assert fail(sessions, held.ids[0], held.token, "Object 1 is of an account that is not ours", for_good=True, now=NOW)
    assert only(sessions).state == "dead"


@fault(98, "an event that kills whoever works on it", "inbox", "dead after six tries; the others are done")
def test_an_event_that_kills_its_worker_takes_no_other_along(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival(str(number)) for number in range(4)], NOW)
    now, done = NOW, set()
    for _ in range(60):
        now += TTL + timedelta(minutes=1)
        held = claim(sessions, 10, TTL, now=now)
        if "2" not in {event.object_id for event in held.events}:
            done.update(event.object_id for event in held.events)
            acknowledge(sessions, held.ids, held.token, now)
    assert done == {"0", "1", "3"}
    states = {row.object_id: (row.state, row.attempts) for row in rows(sessions)}
    assert states["2"] == ("dead", TRIES)
    assert all(states[key][0] == "done" for key in done)


@fault(15, "a worker that was killed", "inbox", "its lease ends at once; another takes the event")
def test_the_lease_of_a_process_that_is_gone_ends_at_once(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival("1")], NOW)
    held = claim(sessions, now=NOW)
    code = "from rebuttal.state.worker import this_worker; print(this_worker())"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    with sessions.begin() as session:
        session.execute(update(InboxEvent).values(lease_owner=gone))
    claim(sessions, now=NOW + timedelta(seconds=1))
    again = claim(sessions, now=NOW + timedelta(seconds=30))
    assert again.ids == held.ids


def test_what_is_old_is_forgotten_and_still_known_for_a_repeat(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival("done", b"words"), arrival("waits", b"words")], NOW)
    held = claim(sessions, 1, now=NOW)
    acknowledge(sessions, held.ids, held.token, NOW)
    assert forget_older_than(sessions, KEPT, NOW + KEPT) == 0
    late = NOW + KEPT + timedelta(seconds=1)
    assert forget_older_than(sessions, KEPT, late) == 1
    assert forget_older_than(sessions, KEPT, late) == 0
    done, waits = rows(sessions)
    assert (done.body, done.delivery_key, done.object_id, waits.body) == (None, None, None, b"words")
    assert receive(sessions, [arrival("done", b"words")], late) == ["repeated"]
    assert replay(sessions, [done.event_id]) == 0


def test_arrivals_of_unknown_kinds_wait_for_nobody(sessions: Sessions, arrival: MakeArrival) -> None:
    receive(sessions, [arrival("1", state="unhandled", reason="A kind that we do not know")], NOW)
    assert pending_count(sessions, NOW) == 0
    assert replay(sessions, [only(sessions).event_id]) == 1
    assert pending_count(sessions, NOW) == 1
