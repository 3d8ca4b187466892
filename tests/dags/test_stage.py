"""How a task runs a stage: what a second copy of it is told, and what a backfill never does."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.context import set_current_context

from rebuttal.settings import load_settings
from rebuttal.state import alone
from rebuttal_airflow import stage

HOLD = """
import sys
from rebuttal.settings import load_settings
from rebuttal.state import alone
with alone(load_settings(), sys.argv[1]):
    print("holding", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def company_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBUTTAL_HOME", str(tmp_path))
    monkeypatch.setenv("REBUTTAL_IDENTITY_KEY", "a key of this test alone")


@pytest.mark.parametrize(
    ("arguments", "resource"),
    [
        ({"name": "admit"}, "admit"),
        ({"name": "tell", "what": "daily"}, "tell:daily"),
        ({"name": "pull", "source": "ga4"}, "pull:ga4"),
    ],
)
def test_a_second_copy_of_a_task_is_skipped_and_told_who_is_at_it(
    arguments: dict[str, str], resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "WAIT_SECONDS", 0.5)
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, resource], env=dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    with pytest.raises(AirflowSkipException, match=f"{resource} is already running since .* \\(process {first.pid} on"):
        stage.run(**arguments)
    first.communicate("go on\n", timeout=60)
    assert first.returncode == 0
    with alone(load_settings(), resource) as held:  # free again, and nobody had to be fenced off
        assert held.token == 1


@pytest.mark.parametrize(
    ("name", "words"), [("answer", "No objections were heard"), ("tell", "Nothing has been published")]
)
def test_a_schedule_that_comes_before_anything_was_heard_is_skipped(name: str, words: str) -> None:
    """Its retries would hold up the first real run: on a new installation the hour strikes before the first pull."""
    with pytest.raises(AirflowSkipException, match=words):
        stage.run(name)


@pytest.mark.parametrize("name", ["answer", "tell"])
def test_a_backfill_mails_nobody_and_makes_no_task(name: str, tmp_path: Path) -> None:
    run = SimpleNamespace(run_type="backfill", logical_date=datetime(2026, 3, 1, 3, tzinfo=UTC))
    with set_current_context({"dag_run": run}), pytest.raises(AirflowSkipException, match="a backfill mails nobody"):  # type: ignore[typeddict-item]
        stage.run(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "day"), [("backfill", date(2026, 3, 1)), ("scheduled", None), ("manual", None)])
def test_a_backfill_pulls_the_day_that_it_stands_for(kind: str, day: date | None) -> None:
    run = SimpleNamespace(run_type=kind, logical_date=datetime(2026, 3, 1, 3, tzinfo=UTC))
    with set_current_context({"dag_run": run}):  # type: ignore[typeddict-item]
        assert stage.backfilled_day() == day
    assert stage.backfilled_day() is None
