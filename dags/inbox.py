"""The fast way: what a webhook told becomes a task in the tracker within seconds, without waiting for the marts.

**Starts** when events wait in the inbox: a trigger looks five times a second and only says so. One run takes everything
that waits, and what comes while it works. By hand at any time.
**Writes** what `pull`, `admit`, `listen` and `answer` write, with their own functions: `landing.*`, `core.*`,
objections, the task ledger and the outbox; creates tasks in the tracker; publishes. The marts follow with the next
`model`, which `upkeep` asks for within the hour.
**When it fails** no event is lost: an event is acknowledged after all that came of it is committed. One that fails is
tried again after 5 s, 30 s, 2 min, 10 min and an hour, then it is dead (`rebuttal inbox dead` shows it, `rebuttal inbox
replay` tries it again); the others go on. What a webhook missed is found by the scheduled pull.
**Rerun** at any time: an event that is done is not done again, and a theme has at most one open task.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from rebuttal_airflow.assets import INBOX
from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="inbox",
    description="From a webhook to a task in the tracker, in seconds",
    doc_md=__doc__,
    schedule=[INBOX],
    start_date=None,
    catchup=False,
    max_active_runs=1,
    # What is not done waits in the inbox with its own tries: the task need not be patient.
    default_args=default_args("inbox") | {"retries": 1, "retry_delay": timedelta(seconds=5)},
    tags=["rebuttal", "inbox"],
):

    @task(task_id="work")
    def work() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("inbox")

    work()
