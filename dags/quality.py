"""Draw the data-quality pages, and tell people once a day what is wrong with the data.

**Starts** `data_docs`: whenever `core` is updated, and every hour (an admission that held everything updates nothing);
`tell_alerts`: every day at 07:00 UTC. Both by hand at any time.
**Writes** `data_docs`: the folder `data_docs` in `$REBUTTAL_HOME`, as a whole. `tell_alerts`: the table of deliveries
(state store); sends mails through the connection `smtp` and, where people.yml names one, to a webhook.
**When it fails** the pages of the last drawing stay. The log names the channels that could not be told; a message whose
fate is unknown is not sent again.
**Rerun** at any time: the same results draw nothing anew, and no channel is told twice on a day.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetOrTimeSchedule, task

from rebuttal_airflow.assets import CORE
from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="data_docs",
    description="Draw the data-quality pages from the published results",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=cron("50 * * * *"), assets=CORE),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("upkeep"),
    tags=["rebuttal", "quality"],
):

    @task(task_id="data_docs")
    def data_docs() -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from rebuttal.quality.data_docs import build
        from rebuttal.settings import load_settings

        report = build(load_settings())
        if not report.changed:
            raise AirflowSkipException("The pages show the newest results already")
        return report.counts

    data_docs()

with DAG(
    dag_id="tell_alerts",
    description="Tell people once a day what is wrong with the data",
    doc_md=__doc__,
    schedule=cron("0 7 * * *"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("tell"),
    tags=["rebuttal", "tell"],
):

    @task(task_id="tell_alerts")
    def tell_alerts() -> dict[str, object]:
        from rebuttal_airflow.stage import run

        return run("tell", what="alerts")

    tell_alerts()
