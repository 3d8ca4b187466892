"""The questions about content tasks that people answer in Airflow, and what becomes of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from rebuttal.errors import AbortError
from rebuttal_airflow.connections import context

APPROVE, REJECT, LATER = "Approve", "Reject", "Ask again tomorrow"


def open_questions() -> list[dict[str, str]]:
    """One question per task that waits: task_id, subject and body (Markdown), the highest score first."""
    from rebuttal.content.approval import tasks

    return [_question(row) for row in tasks(context())]


def apply_answer(task: str, answer: Mapping[str, Any]) -> str:
    """Decide in the name of the person who answered; skipped when nobody did, or when the answer is to ask again.

    `answer` is what the operator returns: `chosen_options` and `responded_by_user` (id and name, or None).
    """
    from rebuttal.content.approval import approve, reject

    chosen, person = list(answer["chosen_options"]), answer.get("responded_by_user")
    if not person or chosen not in ([APPROVE], [REJECT]):
        raise AirflowSkipException(f"{task[:12]}: nobody has decided; it is asked again")
    decide = approve if chosen == [APPROVE] else reject
    by = str(person.get("name") or person["id"])
    try:
        done = decide(context(), task, by, "answered in Airflow")
    except AbortError as error:
        raise AirflowFailException(str(error)) from error
    return f"{task[:12]}: {done.decision} by {by}" + ("" if done.is_new else " (it had been before)")


def _question(row: Mapping[str, Any]) -> dict[str, str]:
    body = []
    for block in row["brief"]["blocks"]:
        if block["kind"] == "heading":
            body.append(f"**{_plain(block['text'])}**")
        elif block["kind"] == "quote":
            body.append("> " + " | ".join(_plain(item) for item in block["items"]))
        elif block["items"]:
            body.append("\n".join(f"- {_plain(item)}" for item in block["items"]))
        elif block["text"]:
            body.append(_plain(block["text"]))
    return {"task_id": row["task_id"], "subject": _plain(row["title"])[:200], "body": "\n\n".join(body)}


def _plain(value: str) -> str:
    """What customers said, for a page: no markup, template or line break of it is left; addresses stay readable."""
    return re.sub(r"(?:[`*\[\]{}<>#|\\!$~^\s]|(?<!\w)_|_(?!\w))+", " ", value).strip()
