"""Ask people about spelling variants of tags: one approval for each, applied in the name of whoever answers.

**Starts** every day and by hand (the button, or `airflow dags trigger review_tags`).
**Writes** the person's answer into the state store (`tag_alias`) and the decision journal; nothing else. The next
admission judges history again. Nothing is applied without an answer.
**Answer** under "Required Actions": *Accept* (the variant means the registered value), *Reject* (it does not; it is
never asked again), or *Ask again tomorrow*, which is also what no answer within 20 hours means.
**When it fails** the log names the variant: it was decided meanwhile with another meaning, or `utm.yml` changed and it
is no longer suggested. `rebuttal utm suggestions` shows what is open; `rebuttal utm accept` and `reject` do the same.
**Rerun** at any time: the same answer twice is one decision.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, task, task_group

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.schedule import cron
from rebuttal_airflow.tag_review import ACCEPT, LATER, REJECT

with DAG(
    dag_id="review_tags",
    description="One approval per spelling variant of a tag, applied in the name of the person who answers",
    doc_md=__doc__,
    schedule=cron("30 7 * * *"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("review"),
    tags=["rebuttal", "review"],
):

    @task(task_id="list_open")
    def list_open() -> list[dict[str, str]]:
        from rebuttal_airflow.tag_review import open_questions

        return open_questions()

    @task_group(group_id="variant")
    def variant(suggestion_id: str, subject: str, body: str) -> None:
        # A parked question holds no slot of the pool, so the warehouse stays free while people think.
        answer = HITLOperator(
            task_id="ask",
            subject=subject,
            body=body,
            options=[ACCEPT, REJECT, LATER],
            defaults=LATER,
            response_timeout=timedelta(hours=20),
        )

        @task(task_id="apply")
        def apply(suggestion_id: str, answer: dict[str, object]) -> str:
            from rebuttal_airflow.tag_review import apply_answer

            return apply_answer(suggestion_id, answer)

        apply(suggestion_id, answer.output)

    variant.expand_kwargs(list_open())
