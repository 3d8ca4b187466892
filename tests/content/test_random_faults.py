"""Random faults between outbox and tracker: the short form of `python -m bench.tracker_faults`, which can fail."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from rebuttal.settings import PROJECT_ROOT

SEED = 3


def storm(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "bench.tracker_faults", *arguments, "--seed", str(SEED)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("tracker", ["jira", "trello"])
def test_after_a_storm_each_theme_has_exactly_one_open_task(tracker: str) -> None:
    code, told = storm("40", "--tracker", tracker)
    total = re.search(rf"{tracker}, seed {SEED}: (\d+) faults", told)
    assert total is not None
    assert int(total[1]) >= 40
    kinds = re.findall(r"(\w+) \d+", told.partition("faults: ")[2].splitlines()[0])
    assert len(kinds) >= 6
    assert "kills" in told
    assert (code, "  0 violations" in told) == (0, True), told


def test_without_waits_and_sweeps_there_are_doubles() -> None:
    """The judge sees what it is there to see."""
    code, told = storm("80", "--tracker", "jira", "--careless")
    wrong = re.search(r"(\d+) violations", told)
    assert wrong is not None
    assert (code, int(wrong[1]) > 0) == (1, True), told
