"""Send the weekly objection digest.

**Starts** on Mondays at 06:00 UTC, or by hand.
**Writes** the table of deliveries (state store); sends mails through the connection `smtp`.
**When it fails** the log names the recipients' ids that were refused. A mail whose fate is unknown is not sent again.
**Rerun** at any time: nobody gets the digest of a week twice.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="tell",
    description="Send the weekly objection digest, once per person and week",
    doc_md=__doc__,
    schedule=cron("0 6 * * 1"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("tell"),
    tags=["rebuttal", "tell"],
):

    @task(task_id="tell")
    def tell() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("tell")

    tell()
