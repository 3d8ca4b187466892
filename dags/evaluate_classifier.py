"""Measure the version of the classifier that listens today, once a version.

**Starts** by hand (the button, or `airflow dags trigger evaluate_classifier`), and every Sunday once somebody has
switched it on: it comes paused, because it takes a core for minutes.
**Writes** one row of `model_evaluation` in the state store when this version has none; `rebuttal report classifier`
shows it after the next run of `listen`. Five models are trained for it, which takes minutes.
**When it fails** nothing is stored. The log says which configuration file or training text is wrong.
**Rerun** at any time: a version that has been measured is not measured again.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="evaluate_classifier",
    description="Cross-validate the classifier's version of today and store its figures",
    doc_md=__doc__,
    schedule=cron("10 4 * * 0"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=default_args("review"),
    tags=["rebuttal", "review"],
):

    @task(task_id="evaluate")
    def evaluate() -> dict[str, object]:
        from rebuttal_airflow.objection_review import evaluate_model

        return evaluate_model()

    evaluate()
