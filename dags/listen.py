"""Hear objections in notes, calls, surveys and lost reasons.

**Starts** when `marts` is updated: an objection carries the money and the stage of its deal, which the marts know.
**Writes** `marts.text_label`, `marts.objection_evidence`, `marts.objection`; updates the asset `objections`.
**When it fails** nothing of this run is visible. A missing embedding package is no failure: the simpler model works on
and says so in the column `model`.
**Rerun** at any time: a text that this model version has labelled is not labelled again.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.assets import MARTS, OBJECTIONS
from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="listen",
    description="Extract and classify objections",
    doc_md=__doc__,
    schedule=[MARTS],
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("listen"),
    tags=["rebuttal", "listen"],
):

    @task(task_id="listen", outlets=[OBJECTIONS])
    def listen() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("listen")

    listen()
