"""The table itself: every number is in it, what is not proved yet says why, and nothing is proved twice by name."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from tests.faults.long_form import COLLECTED, unproved
from tests.faults.table import NUMBERS, WAYS, Entry, files, proofs, whole_table

from rebuttal.settings import PROJECT_ROOT

# What nothing proves yet, and what is not ours to prove.
PENDING = [18, 19, 41, 42, 51]


@pytest.fixture(scope="module")
def table() -> list[Entry]:
    return whole_table()


@pytest.mark.parametrize("number", NUMBERS)
def test_every_fault_is_in_the_table(table: list[Entry], number: int) -> None:
    entries = [entry for entry in table if entry.number == number]
    assert entries
    proved = [entry for entry in entries if entry.pending is None]
    assert proved or number in PENDING
    assert all(entry.through in WAYS for entry in proved)


def test_what_is_not_proved_says_why(table: list[Entry]) -> None:
    waiting = [entry for entry in table if entry.pending is not None]
    assert sorted(entry.number for entry in waiting) == PENDING
    for entry in waiting:
        assert len(entry.pending or "") > 60, entry


def test_what_proves_a_fault_is_there(table: list[Entry]) -> None:
    assert [entry for entry in table if (entry.test is None) != (entry.pending is not None)] == []
    named = {entry.test for entry in table if entry.test is not None}
    assert len(named) >= 70
    for test in named:
        path, _, function = test.partition("::")
        assert f"def {function}(" in (PROJECT_ROOT / path).read_text(encoding="utf-8"), test


def test_each_entry_is_a_fault_of_its_own(table: list[Entry]) -> None:
    assert [entry for entry in table if entry.number not in NUMBERS] == []
    counted = Counter((entry.number, entry.injected) for entry in table)
    assert [name for name, count in counted.items() if count > 1] == []
    assert len(table) > 100


def test_the_short_form_keeps_a_proof_of_each_fault(request: pytest.FixtureRequest) -> None:
    """Of what was collected beside this file: all of it in `make faults` and `make test`."""
    assert unproved(request.config.stash[COLLECTED], proofs()) == []


def test_no_file_that_enters_faults_is_overlooked(table: list[Entry]) -> None:
    """Whoever uses the table must do so by the import that the files are found by."""
    found = {path.relative_to(PROJECT_ROOT).as_posix() for path in files()} - {"tests/faults/test_table.py"}
    assert len(found) >= 25
    using = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "tests").rglob("*.py")
        if re.search(r"\bfaults(\.| import )table\b", path.read_text(encoding="utf-8"))
    }
    assert using - found == {"tests/faults/conftest.py", "tests/faults/table.py", "tests/faults/test_table.py"}
