"""Measure whether published content helped: effect, interval, sample, verdict.

**Starts** when `content_tasks` or `marts` is updated.
**Writes** `marts.effect` and, when a verdict changes, the decision journal. Updates the asset `effects`.
**When it fails** the last verdicts stay.
**Rerun** at any time: verdicts follow from the data and from the criterion that was fixed before publication.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.assets import CONTENT_TASKS, EFFECTS, MARTS
from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="prove",
    description="Measure whether published content helped",
    doc_md=__doc__,
    schedule=CONTENT_TASKS | MARTS,
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("prove"),
    tags=["rebuttal", "prove"],
):

    @task(task_id="prove", outlets=[EFFECTS])
    def prove() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("prove")

    prove()
