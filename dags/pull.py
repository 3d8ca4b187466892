"""One DAG per source, `pull__<source>`: fetch what is new and what the vendor may have restated, and land it.

**Starts** every night at 03:00 UTC, or by hand. With the parameters `date_from` and `date_to` it is a backfill: it
moves no watermark and mails nobody. A run of `airflow backfill create` is one too, of the day of its logical date.
**Writes** `landing.<source>__*` and `ops.batch`; updates the asset `landing/<source>`. Skipped when the vendor has
nothing new, and when the source is being pulled already.
**When it fails** the log's last line names the stream and what to do. Credentials: fix the Airflow connection of the
source's name. Throttled or unavailable: it is retried; what had been fetched completely is landed already.
**Rerun** at any time: what is landed already is not landed again, and a crash half-way leaves nothing behind that
counts.
"""

from __future__ import annotations

from datetime import date

from airflow.sdk import DAG, Param, task

from rebuttal_airflow.assets import LANDING
from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron


def pull_dag(source: str) -> DAG:
    """The DAG that pulls one source."""
    with DAG(
        dag_id=f"pull__{source}",
        description=f"Pull what is new from {source} into the landing tables",
        doc_md=__doc__,
        # A tick that has passed is not made up for: who starts in the daytime triggers the first pull by hand.
        schedule=cron("0 3 * * *"),
        start_date=None,
        catchup=False,
        max_active_runs=1,
        default_args=default_args("pull"),
        params={
            "date_from": Param(None, type=["null", "string"], format="date", description="Backfill: first day"),
            "date_to": Param(None, type=["null", "string"], format="date", description="Backfill: last day"),
        },
        tags=["rebuttal", "pull", source],
    ) as dag:

        @task(task_id="pull", outlets=[LANDING[source]])
        def pull(params: dict[str, str | None] | None = None) -> dict[str, object]:
            from rebuttal_airflow.stage import run

            first, last = (params or {}).get("date_from"), (params or {}).get("date_to")
            window = (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None
            return run("pull", source=source, window=window)

        pull()
    return dag


for _source in LANDING:
    globals()[f"pull__{_source}"] = pull_dag(_source)
