"""Ask people about content tasks before they are sent: one approval for each, applied in the name of whoever answers.

**Starts** every day and by hand (the button, or `airflow dags trigger review_tasks`). Only a company that wrote
`approval: required` into `content.yml` has tasks that wait.
**Writes** the person's answer into the task ledger, the outbox and the decision journal; nothing else. The next run of
`answer` sends what was approved. Nothing is sent without an answer.
**Answer** under "Required Actions": *Approve*, *Reject* (its theme is not proposed again within the cool-down), or *Ask
again tomorrow*, which is also what no answer within 20 hours means. Merging two tasks is done with `rebuttal tasks
merge`.
**When it fails** the log names the task: it was decided otherwise meanwhile, or waited for too long and ended.
`rebuttal tasks list` shows what waits; `rebuttal tasks approve` and `reject` do the same as the answers here.
**Rerun** at any time: the same answer twice is one decision.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, task, task_group

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron
from rebuttal_airflow.task_review import APPROVE, LATER, REJECT

with DAG(
    dag_id="review_tasks",
    description="One approval per content task that waits, applied in the name of the person who answers",
    doc_md=__doc__,
    schedule=cron("45 7 * * *"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("review"),
    tags=["rebuttal", "review"],
):

    @task(task_id="list_open")
    def list_open() -> list[dict[str, str]]:
        from rebuttal_airflow.task_review import open_questions

        return open_questions()

    @task_group(group_id="proposal")
    def proposal(task_id: str, subject: str, body: str) -> None:
        # A parked question holds no slot of the pool, so the warehouse stays free while people think.
        answer = HITLOperator(
            task_id="ask",
            subject=subject,
            body=body,
            options=[APPROVE, REJECT, LATER],
            defaults=LATER,
            response_timeout=timedelta(hours=20),
        )

        @task(task_id="apply")
        def apply(task_id: str, answer: dict[str, object]) -> str:
            from rebuttal_airflow.task_review import apply_answer

            return apply_answer(task_id, answer)

        apply(task_id, answer.output)

    proposal.expand_kwargs(list_open())
