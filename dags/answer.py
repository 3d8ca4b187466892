"""Score objection themes, write briefs, send them to the tracker once, and read the tasks' statuses back.

**Starts** when `objections` is updated, and every hour to read statuses.
**Writes** the task ledger and the outbox (state store), `marts.content_task`, `marts.decision`; creates tasks in Jira.
Updates the asset `content_tasks`.
**When it fails** a task whose answer was lost is in the state `unknown`: the next run looks for it in the tracker
before anything is sent again. A refused task (`dead`) names the field or permission that the tracker asked for.
**Rerun** at any time: a theme has at most one open task, whatever is rerun.
"""

from __future__ import annotations

from airflow.sdk import DAG, task
from airflow.timetables.assets import AssetOrTimeSchedule

from rebuttal_airflow.assets import CONTENT_TASKS, OBJECTIONS
from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="answer",
    description="Turn costly objections into content tasks, exactly once",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=cron("15 * * * *"), assets=[OBJECTIONS]),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("answer"),
    tags=["rebuttal", "answer"],
):

    @task(task_id="answer", outlets=[CONTENT_TASKS])
    def answer() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("answer")

    answer()
