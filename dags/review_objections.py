"""Ask people what doubtful texts mean: one question each, answered with labels, kept in the name of whoever answers.

**Starts** every day and by hand (the button, or `airflow dags trigger review_objections`).
**Writes** the answers into the state store (`label_correction`) and the decision journal; nothing else. The next run of
`listen` trains with the answers and obeys them. Nothing is changed without an answer.
**Answer** under "Required Actions": one label or several (`primary`: the decisive one, when it is not the first), or
*Ask again tomorrow*, which is also what no answer within 20 hours means. Texts are shown redacted.
**When it fails** the log names the text: it was changed or deleted meanwhile, or `none` was chosen beside other labels.
`rebuttal objections review`, `correct` and `corrections import` do the same without Airflow.
**Rerun** at any time: the same answer twice is one correction.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, Param, task, task_group

from rebuttal_airflow.notify import default_args
from rebuttal_airflow.objection_review import LABELS, LATER, OPTIONS
from rebuttal_airflow.schedule import cron

with DAG(
    dag_id="review_objections",
    description="Questions about doubtful texts; the answers correct and train the classifier",
    doc_md=__doc__,
    schedule=cron("40 7 * * *"),
    start_date=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args("review"),
    tags=["rebuttal", "review"],
):

    @task(task_id="list_open")
    def list_open() -> list[dict[str, str]]:
        from rebuttal_airflow.objection_review import open_questions

        return open_questions()

    @task_group(group_id="text")
    def text(text_hash: str, subject: str, body: str) -> None:
        # A parked question holds no slot of the pool, so the warehouse stays free while people think.
        answer = HITLOperator(
            task_id="ask",
            subject=subject,
            body=body,
            options=OPTIONS,
            defaults=LATER,
            multiple=True,
            params={
                "primary": Param(
                    "", type="string", enum=["", *LABELS], description="The decisive label, if not the first"
                ),
                "reason": Param("", type="string", description="Why, for those who read the journal"),
            },
            response_timeout=timedelta(hours=20),
        )

        @task(task_id="apply")
        def apply(text_hash: str, answer: dict[str, object]) -> str:
            from rebuttal_airflow.objection_review import apply_answer

            return apply_answer(text_hash, answer)

        apply(text_hash, answer.output)

    text.expand_kwargs(list_open())
