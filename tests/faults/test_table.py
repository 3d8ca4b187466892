"""The table itself: every number is in it, what is not proved yet says why, and nothing is proved twice by name."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.dags import test_routes
from tests.erasure import test_forget, test_kept_outside
from tests.faults import (
    proved_elsewhere,
    test_disk,
    test_drift,
    test_history,
    test_hostile,
    test_meaning,
    test_partners,
    test_process,
    test_tls,
    test_toxics_outgoing,
    test_toxics_receiver,
    test_toxics_stores,
    test_tracker,
    test_wire,
    test_wire_rows,
)
from tests.faults.table import NUMBERS, TABLE, WAYS
from tests.inbox import test_killed, test_store, test_store_trouble, test_verify
from tests.inbox import test_wire as test_webhooks
from tests.security import test_canaries, test_code, test_hosts

from rebuttal.settings import PROJECT_ROOT

# What nothing proves yet, and what is not ours to prove.
PENDING = [18, 19, 30, 41, 42, 51, 130, 139, 147]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_fault_is_in_the_table(number: int) -> None:
    entries = [entry for entry in TABLE if entry.number == number]
    assert entries
    proved = [entry for entry in entries if entry.pending is None]
    assert proved or number in PENDING
    assert all(entry.through in WAYS for entry in proved)


def test_what_is_not_proved_says_why() -> None:
    waiting = [entry for entry in TABLE if entry.pending is not None]
    assert sorted(entry.number for entry in waiting) == PENDING
    for entry in waiting:
        assert len(entry.pending or "") > 60, entry


def test_what_proves_a_fault_is_there() -> None:
    named = {entry.test for entry in TABLE if entry.test is not None}
    assert len(named) >= 70
    for test in named:
        path, _, function = test.partition("::")
        assert f"def {function}(" in (PROJECT_ROOT / path).read_text(encoding="utf-8"), test


def test_each_entry_is_a_fault_of_its_own() -> None:
    assert [entry for entry in TABLE if entry.number not in NUMBERS] == []
    counted = Counter((entry.number, entry.injected) for entry in TABLE)
    assert [name for name, count in counted.items() if count > 1] == []
    assert len(proved_elsewhere.ROWS) > 50
    for module in (
        test_canaries,
        test_code,
        test_disk,
        test_drift,
        test_forget,
        test_kept_outside,
        test_history,
        test_hosts,
        test_hostile,
        test_meaning,
        test_partners,
        test_process,
        test_routes,
        test_tls,
        test_toxics_outgoing,
        test_toxics_receiver,
        test_toxics_stores,
        test_tracker,
        test_wire,
        test_wire_rows,
        test_killed,
        test_store,
        test_store_trouble,
        test_verify,
        test_webhooks,
    ):  # importing them fills it
        assert any(name.startswith("test_") for name in vars(module))
    assert len(TABLE) > 100
