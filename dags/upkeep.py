"""Every hour: an independent count over the stored tables that every landed row is accounted for, and retention.

**Starts** every hour. Of webhook events last received 35 days ago only hashes stay.
**Writes** `ops.quarantine`: copies of quarantined rows that are too old or too many are cut to hash and head; each row
keeps its line (`quality.yml`). `missed` counts what the scheduled pull found that no webhook told of (its result, and
`rebuttal inbox missed`). `events_to_marts` updates the asset `core` when events brought something, so that the marts
follow the fast way.
**When it fails** in `account`, the log names the batches whose rows do not add up. Do not trust the marts of that
source until it is explained; the landing rows are still there.
In `subscriptions`, a vendor does not send us webhooks any more: the log says what to set there (docs/webhooks.md).
In `erasures`, a person is not erased everywhere yet: the log says who asked and which stores are left. Ask again.
**Rerun** at any time.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from rebuttal_airflow.assets import CORE
from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="upkeep",
    description="Recount that every landed row is accounted for; cut old copies in quarantine",
    doc_md=__doc__,
    schedule=cron("40 * * * *"),
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

    @task(task_id="missed")
    def missed() -> dict[str, object]:
        from rebuttal.missed import missed as look
        from rebuttal_airflow.connections import context

        return look(context()).as_dict()

    @task(task_id="subscriptions")
    def subscriptions() -> dict[str, object]:
        from airflow.sdk.exceptions import AirflowException

        from rebuttal.missed import check_subscriptions
        from rebuttal_airflow.connections import context

        report = check_subscriptions(context())
        if report.problems:
            raise AirflowException("; ".join(report.problems))
        return report.as_dict()

    @task(task_id="erasures")
    def erasures() -> None:
        from airflow.sdk.exceptions import AirflowException

        from rebuttal.erasure import unfinished
        from rebuttal_airflow.connections import context

        if waiting := unfinished(context()):
            raise AirflowException("; ".join(waiting))

    @task(task_id="events_to_marts", outlets=[CORE])
    def events_to_marts() -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        from rebuttal.missed import waits_for_marts
        from rebuttal_airflow.connections import context

        if not waits_for_marts(context()):
            raise AirflowSkipException("No event has brought anything lately")

    for one in (forget_events, account, retention, missed, subscriptions, erasures, events_to_marts):
        one()
