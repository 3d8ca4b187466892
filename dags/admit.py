"""Validate what has landed, quarantine what is wrong, merge the rest; every row is accounted for.

**Starts** when any `landing/<source>` is updated. Events that come close together become one run: it takes every
batch that waits, in the order in which they landed.
**Writes** `core.*`, `ops.check_result`, `ops.quarantine`, `ops.duplicate`, `ops.batch_outcome`; updates the asset
`core`.
**When it fails** with held batches: the log names each batch and what to look at (volume, schema drift, a column that
turned null). The last good data stays visible; the other batches have been merged. With an accounting error nothing
of that batch was merged: keep the landing rows and report it, for it is a defect of ours.
**Rerun** at any time: an admitted batch is never admitted twice.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetAny, task

from rebuttal_airflow.assets import CORE, LANDING
from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="admit",
    description="Validate landed batches and merge them into core with exact row accounting",
    doc_md=__doc__,
    schedule=AssetAny(*LANDING.values()),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("admit"),
    tags=["rebuttal", "admit"],
):

    @task(task_id="admit", outlets=[CORE])
    def admit() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("admit")

    admit()
