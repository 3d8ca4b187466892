"""How a task runs a stage: the same function that the command line calls, with Airflow's words for its outcome."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from rebuttal.errors import AbortError, BusyError, RebuttalError
from rebuttal.loop import run_stage
from rebuttal.records import Report
from rebuttal_airflow.connections import context

log = logging.getLogger("rebuttal.stage")

# The fast way holds a stage for a moment only, and does not do the whole of its work: that is worth waiting for.
WAIT_SECONDS = 30.0
# What reaches people outside: never by a run that makes up for days that have passed.
OUTWARD = ("answer", "tell")


def run(
    name: str, *, source: str | None = None, window: tuple[date, date] | None = None, what: str = "digest"
) -> dict[str, Any]:
    """Run the stage `name` and return its report (it becomes the task's XCom; counts only, no rows of people).

    A run that changed nothing is skipped, so that nothing downstream runs for it; so is one that came before there was
    anything to work on, as a schedule does on a new installation: its retries would hold up the first real run. An
    AbortError fails at once, since trying again changes nothing until a person does something; everything else is
    retried as the DAG says. A stage of which a part failed fails after the other parts have done their work. A second
    copy of a task that still works (an executor's double, a retry of one that is only slow, a hand that was quicker) is
    skipped: the first one does it.

    A run of `airflow backfill create` mails nobody and makes no task; as a pull it takes the day of its logical date,
    and moves no watermark.
    """
    if day := backfilled_day():
        if name in OUTWARD:
            raise AirflowSkipException(f"{name}: a backfill mails nobody and makes no task")
        window = window or (day, day)
    try:
        report = run_stage(name, context(), source=source, window=window, what=what, wait=WAIT_SECONDS)
    except BusyError as error:
        raise AirflowSkipException(str(error)) from error
    except AbortError as error:
        raise AirflowFailException(str(error)) from error
    except RebuttalError as error:
        raise AirflowException(str(error)) from error
    _log(report)
    if report.too_early and report.problems == [report.too_early]:
        raise AirflowSkipException(report.too_early)
    if report.problems:
        raise AirflowException("; ".join(report.problems))
    if not report.changed:
        raise AirflowSkipException(f"{name}: nothing new")
    return {"stage": report.stage, "counts": report.counts}


def backfilled_day() -> date | None:
    """The day of the run's logical date (UTC), in a backfill of Airflow's; None in any other run."""
    try:
        run = get_current_context()["dag_run"]
    except RuntimeError:  # no task runs: a test, or a person in a shell
        return None
    return run.logical_date.date() if run.run_type == "backfill" and run.logical_date else None


def _log(report: Report) -> None:
    for count, value in report.counts.items():
        log.info("%s: %s %s", report.stage, count, value)
    for problem in report.problems:
        log.error("%s: %s", report.stage, problem)
