"""Resolve identities, build the marts with dbt, and publish them as a whole.

**Starts** when `core` is updated.
**Writes** `core.person_identifier`, `core.identity_refusal`, `marts_build.*` and, in one transaction, `marts.*`; on
DuckDB it replaces the published copy that readers use. Updates the asset `marts`.
**When it fails** the log names the dbt model or test and the path of dbt's own log. Readers keep the version before.
**Rerun** at any time: with unchanged core, configuration and models it does nothing.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.assets import CORE, MARTS
from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="model",
    description="Build identity, journeys, attribution and money, and publish the marts",
    doc_md=__doc__,
    schedule=[CORE],
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("model"),
    tags=["rebuttal", "model"],
):

    @task(task_id="model", outlets=[MARTS])
    def model() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("model")

    model()
