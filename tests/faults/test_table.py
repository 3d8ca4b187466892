"""The table itself: every number is in it, what is not proved yet says why, and nothing is proved twice by name."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.dags import test_routes
from tests.erasure import test_forget
from tests.faults import (
    test_drift,
    test_history,
    test_hostile,
    test_meaning,
    test_partners,
    test_tracker,
    test_wire,
    test_wire_rows,
)
from tests.faults.table import NUMBERS, TABLE, WAYS
from tests.security import test_canaries, test_code, test_hosts

# What nothing proves yet.
PENDING: list[int] = []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_fault_is_in_the_table(number: int) -> None:
    entries = [entry for entry in TABLE if entry.number == number]
    assert entries
    proved = [entry for entry in entries if entry.pending is None]
    assert proved
    assert all(entry.through in WAYS for entry in proved)


def test_what_is_not_proved_says_why() -> None:
    waiting = [entry for entry in TABLE if entry.pending is not None]
    assert sorted(entry.number for entry in waiting) == PENDING
    for entry in waiting:
        assert len(entry.pending or "") > 60, entry


def test_each_entry_is_a_fault_of_its_own() -> None:
    assert [entry for entry in TABLE if entry.number not in NUMBERS] == []
    counted = Counter((entry.number, entry.injected) for entry in TABLE)
    assert [name for name, count in counted.items() if count > 1] == []
    for module in (
        test_canaries,
        test_code,
        test_drift,
        test_forget,
        test_history,
        test_hosts,
        test_hostile,
        test_meaning,
        test_partners,
        test_routes,
        test_tracker,
        test_wire,
        test_wire_rows,
    ):  # importing them fills it
        assert any(name.startswith("test_") for name in vars(module))
    assert len(TABLE) > 100
