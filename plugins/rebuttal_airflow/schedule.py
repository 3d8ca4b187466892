"""When scheduled DAGs run."""

from __future__ import annotations

from datetime import timedelta

from airflow.timetables.trigger import CronTriggerTimetable


def cron(expression: str) -> CronTriggerTimetable:
    """By this cron expression, UTC, from the next time on.

    Airflow would make up for a time that has just passed when it first sees a DAG (a tenth of the interval: of a weekly
    one all Monday): on a new installation the digest would go out, once and for the whole week, before the first pull.
    """
    return CronTriggerTimetable(expression, timezone="UTC", run_immediately=timedelta(0))
