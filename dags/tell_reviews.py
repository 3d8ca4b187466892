"""Send the daily brief and the weekly, monthly and quarterly review, each once per reader and period.

**Starts** every day at 05:30 UTC, or by hand. Each task asks which period has ended last where the reader lives: most
days only the daily brief is news. A late review is still sent for some days (three for a week, ten for a month).
**Writes** the table of deliveries (state store); sends mails through the connection `smtp`, and to rooms of people.yml.
**When it fails** the log names the readers' ids that were refused. A message whose fate is unknown is not sent again.
**Rerun** at any time: nobody gets the review of a period twice.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="tell_reviews",
    description="Send the daily brief and the weekly, monthly and quarterly review",
    doc_md=__doc__,
    schedule=cron("30 5 * * *"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("tell"),
    tags=["rebuttal", "tell"],
):

    @task
    def tell(what: str) -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("tell", what=what)

    for kind in ("daily", "weekly", "monthly", "quarterly"):
        tell.override(task_id=f"tell_{kind}")(kind)
