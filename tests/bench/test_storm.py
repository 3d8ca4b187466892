"""The storm's judge sees what was lost and doubled; a storm that was stopped goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench.storm.turns import unlike
from bench.storm.weeks import Progress

from rebuttal.settings import PROJECT_ROOT


def state(**changed: Any) -> dict[str, Any]:
    usual = {
        "tables": {"core.deal": [2, "aa"]},
        "tasks": ["price", "trust"],
        "mails": ["<1>", "<2>"],
        "in_doubt": [],
        "breaches": [],
    }
    return usual | changed


def test_equal_companies_are_equal() -> None:
    assert unlike(state(), state()) == []


@pytest.mark.parametrize(
    ("disturbed", "told"),
    [
        ({"tables": {"core.deal": [2, "bb"]}}, "core.deal: [2, 'aa'] != [2, 'bb']"),
        ({"tables": {}}, "core.deal: [2, 'aa'] != None"),
        ({"tasks": ["price"]}, "tasks: lost trust"),
        ({"tasks": ["price", "trust", "trust"]}, "tasks: not in the undisturbed company, or doubled: trust"),
        ({"mails": ["<1>"]}, "mails: lost <2>"),
        ({"mails": ["<1>", "<2>", "<2>"]}, "mails: not in the undisturbed company, or doubled: <2>"),
        ({"mails": ["<1>", "<2>", "<2>"], "in_doubt": ["<2>"]}, "doubled: <2>"),
        ({"mails": ["<1>"], "in_doubt": ["<1>"]}, "mails: lost <2>"),
        ({"breaches": ["I-19 admit is held by x"]}, "I-19 admit is held by x"),
    ],
)
def test_each_difference_is_told(disturbed: dict[str, Any], told: str) -> None:
    lines = unlike(state(), state(**disturbed))
    assert len(lines) == 1
    assert told in lines[0]


def test_a_breach_of_the_undisturbed_company_is_told_too() -> None:
    assert unlike(state(breaches=["I-01 b1 landed 3"]), state()) == ["I-01 b1 landed 3"]


def test_a_mail_in_doubt_may_be_missing() -> None:
    assert unlike(state(), state(mails=["<1>"], in_doubt=["<2>"])) == []


def test_a_storm_goes_on_where_it_was(tmp_path: Path) -> None:
    began = Progress.load(tmp_path / "storm", 701)
    began.calm.append((state(), {"pull": 1.5}))
    began.hits.append("pull killed at 0.30 s")
    began.save()
    again = Progress.load(tmp_path / "storm", 701)
    assert again.ports == began.ports
    assert again.hits == ["pull killed at 0.30 s"]
    assert [tuple(one) for one in again.calm] == [(state(), {"pull": 1.5})]
    assert again.path == began.path


def test_an_undisturbed_company_that_was_stopped_in_a_turn_is_none(tmp_path: Path) -> None:
    began = Progress.load(tmp_path / "storm", 701)
    began.turning = True
    began.save()
    with pytest.raises(RuntimeError, match="begin anew"):
        Progress.load(tmp_path / "storm", 701)


def test_a_folder_of_another_seed_is_refused(tmp_path: Path) -> None:
    Progress.load(tmp_path / "storm", 701).save()
    with pytest.raises(RuntimeError, match="seed 701"):
        Progress.load(tmp_path / "storm", 702)


START = """
import os, sys, time
from pathlib import Path
from bench import apart
home = Path(sys.argv[1])
env = {**os.environ, "REBUTTAL_HOME": str(home), "REBUTTAL_IDENTITY_KEY": "a-key-of-tests-only",
       "FAILPOINT": "state.before_commit:sleep"}
print(apart.start("answer", "2026-11-15", env, home / "log").pid, flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_stage_does_not_outlive_a_bench_that_was_killed(tmp_path: Path) -> None:
    """It went on in the company that the next bench made in the same folder."""
    paths = os.pathsep.join(map(str, (PROJECT_ROOT / "include", PROJECT_ROOT)))
    bench = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert bench.stdout is not None
    stage = int(bench.stdout.readline())
    deadline = time.monotonic() + 120
    while not (tmp_path / "state.sqlite").exists():  # it works, and halts there
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert is_alive(stage)
    bench.kill()
    bench.wait()
    bench.stdout.close()
    deadline = time.monotonic() + 30  # by itself it would stay for a minute
    while is_alive(stage):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
