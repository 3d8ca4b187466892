"""Every hour: an independent count over the stored tables that every landed row is accounted for, and retention.

**Starts** every hour. Of webhook events last received 35 days ago only hashes stay.
**Writes** `ops.quarantine`: copies of quarantined rows that are too old or too many are cut to hash and head; each row
keeps its line (`quality.yml`).
**When it fails** in `account`, the log names the batches whose rows do not add up. Do not trust the marts of that
source until it is explained; the landing rows are still there.
**Rerun** at any time.
"""

from __future__ import annotations

from airflow.sdk import DAG, task
from airflow.timetables.trigger import CronTriggerTimetable

from rebuttal_airflow.notify import default_args

with DAG(
    dag_id="upkeep",
    description="Recount that every landed row is accounted for; cut old copies in quarantine",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("40 * * * *", timezone="UTC"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("upkeep"),
    tags=["rebuttal", "upkeep"],
):

    @task(task_id="forget_events")
    def forget_events() -> int:
        from rebuttal.inbox import forget_older_than
        from rebuttal.settings import load_settings
        from rebuttal.state import open_state

        with open_state(load_settings()) as sessions:
            return forget_older_than(sessions)

    forget_events()

    @task(task_id="account")
    def account() -> int:
        from rebuttal.settings import load_settings
        from rebuttal.warehouse import open_warehouse
        from rebuttal.warehouse.accounting import verify

        with open_warehouse(load_settings()) as engine:
            return verify(engine)

    @task(task_id="retention")
    def retention() -> dict[str, object]:
        from rebuttal.context import Context
        from rebuttal.quality import retention

        return retention.run(Context.from_environment()).as_dict()

    account()
    retention()
