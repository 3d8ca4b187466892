"""Bookings at the salons: lifecycles that can happen, books kept by habit, and a past that stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from worlds import UNTIL, truth, world

from sandbox.world import build
from sandbox.world.salons import company_id, currency_of, key_of, partners

ENDS = {"cancelled_by_client", "cancelled_by_partner", "no_show", "lost_without_answer"}
ORDER = ("requested", "confirmed", "reminded", "arrived", "served", "paid")


def test_every_lifecycle_can_happen() -> None:
    rows = truth()["bookings"]
    assert len(rows) > 3_000
    for row in rows:
        steps = [one["step"] for one in row["lifecycle"]]
        times = [one["at"] for one in row["lifecycle"]]
        assert steps[0] == "requested"
        assert times == sorted(times)
        assert times[-1] < truth()["now"]
        assert row["outcome"] == steps[-1]
        assert not set(steps[:-1]) & ENDS
        walked = [step for step in steps if step not in ENDS]
        assert walked == [step for step in ORDER if step in walked]
        assert ("served" in steps) <= ("arrived" in steps)
    outcomes = Counter(row["outcome"] for row in rows)
    assert set(outcomes) >= {*ENDS, "served", "paid", "confirmed", "requested"}
    assert 0.6 < outcomes["paid"] / len(rows) < 0.85


def test_a_master_has_one_client_at_a_time_and_a_full_day_turns_people_away() -> None:
    booked = world().recorded().bookings
    taken = Counter((one.staff[0], one.starts_at) for one in booked)
    assert len(taken) > 1_000
    assert max(taken.values()) == 1
    crowded = {row["key"]: row["occupancy"] for row in truth()["partners"]}
    away = defaultdict[bool, Counter[bool]](Counter)
    for row in truth()["bookings"]:
        away[crowded[row["partner"]] > 0.8][row["starts_at"] is None] += 1
    share = {is_full: counts[True] / counts.total() for is_full, counts in away.items()}
    assert share[True] > 5 * share[False]


def test_reminders_keep_people_from_staying_away() -> None:
    due = defaultdict[bool, Counter[bool]](Counter)
    for row in truth()["bookings"]:
        steps = {one["step"] for one in row["lifecycle"]}
        if steps & {"no_show", "arrived"}:
            due["reminded" in steps]["no_show" in steps] += 1
    away = {told: counts[True] / counts.total() for told, counts in due.items()}
    assert min(counts.total() for counts in due.values()) > 300
    assert away[True] < away[False]


def test_books_say_what_their_salon_is_used_to_saying() -> None:
    told = {row["booking_id"]: row for row in truth()["bookings"]}
    habits = {row["company_id"]: row for row in truth()["partners"] if row["is_online"]}
    assert {row["habit"] for row in habits.values()} >= {"exact", "words"}
    new_words = 0
    for one in world().recorded().bookings:
        row, partner = told[str(one.id)], habits[one.company_id]
        steps = {move["step"] for move in row["lifecycle"]}
        if partner["habit"] == "words":
            assert one.attendance == 0
            assert not one.is_deleted
            new_words += bool(one.label) and one.label not in partner["words"].values()
            if one.label in partner["words"].values():
                assert one.label == partner["words"][row["outcome"]]
        else:
            assert not one.label
        if partner["habit"] == "exact":
            assert (one.attendance == 1) == bool(steps & {"arrived", "served"})
            assert (one.attendance == -1) == ("no_show" in steps)
            assert one.is_deleted == bool(steps & {"cancelled_by_client", "cancelled_by_partner"})
    assert new_words > 0


def test_the_past_of_the_books_stays_when_the_world_moves_on() -> None:
    simulation = build(4, 3, UNTIL, 0.5)
    before = {row["booking_id"]: row for row in simulation.truth(False)["bookings"]}
    lines = {one.id: one for one in simulation.recorded().bookings}
    simulation.advance(9.5, [])
    after = {row["booking_id"]: row for row in simulation.truth(False)["bookings"]}
    assert len(before) > 200
    assert len(after) > len(before)
    for key, row in before.items():
        assert after[key]["lifecycle"][: len(row["lifecycle"])] == row["lifecycle"]
        assert after[key]["starts_at"] == row["starts_at"]
    now = simulation.recorded()
    changed = {one.id for one in now.bookings if one.id in lines and one != lines[one.id]}
    assert changed
    since = datetime.fromisoformat(f"{UNTIL.isoformat()}T21:00:00+00:00")
    assert all(one.changed_at >= since for one in now.bookings if one.id in changed)


def test_branches_are_the_same_in_every_world_so_that_they_can_be_configured() -> None:
    for seed in (1, 101):
        found = [(one.company_id, one.key, one.currency) for one in partners(seed, world().parameters.bookings)]
        assert found == [(company_id(index), key_of(index), currency_of(index)) for index in range(40)]
    assert len({row["name"] for row in truth()["partners"]}) > 30
