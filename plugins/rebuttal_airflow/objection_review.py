"""The questions about doubtful texts that people answer in Airflow, and what becomes of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from rebuttal.errors import AbortError
from rebuttal_airflow.connections import context

LATER = "Ask again tomorrow"
# The labels of the taxonomy; they stand here too because a DAG file imports nothing heavy.
LABELS = [
    "price", "value_roi", "terms", "no_need", "timing", "authority", "no_decision", "competitor", "switching",
    "missing_feature", "integration", "implementation", "trust", "risk_security", "service", "availability", "none",
]  # fmt: skip
OPTIONS = [*LABELS, LATER]
# Texts are read one by one: those most worth asking first, the others on the following days.
_MOST = 15
_SHOWN = 900
# A buyer wrote it: no markup, no template and no link of it is left. The brackets of a redaction become round.
_PLAIN = str.maketrans({**dict.fromkeys("{}<>`*_#|\\~!%$&=^", " "), "[": "(", "]": ")"})


def open_questions() -> list[dict[str, str]]:
    """One question per doubtful text: text_hash, subject and body (Markdown, redacted)."""
    from rebuttal.objections.corrections_review import questions

    return [_question(one) for one in questions(context(), _MOST)]


def apply_answer(text_hash: str, answer: Mapping[str, Any]) -> str:
    """Keep the answer in the name of the person; skipped when nobody answered, or when it is to ask again.

    `answer` is what the operator returns: `chosen_options`, `params_input` (`primary`, `reason`) and
    `responded_by_user` (id and name, or None). The decisive label is `primary`, else the first of those chosen.
    """
    from rebuttal.objections.corrections import Answer, Outcome, correct

    chosen, person = list(answer["chosen_options"]), answer.get("responded_by_user")
    told = answer.get("params_input") or {}
    if not person or LATER in chosen or not chosen:
        raise AirflowSkipException(f"{text_hash}: nobody has decided; it is asked again")
    try:
        said = Answer.of(
            chosen,
            str(person.get("name") or person["id"]),
            primary=told.get("primary") or None,
            reason=told.get("reason") or "answered in Airflow",
            text_hash=text_hash,
        )
        [outcome] = correct(context(), [said])
        if not isinstance(outcome, Outcome):
            raise outcome
    except AbortError as error:
        raise AirflowFailException(str(error)) from error
    return f"{text_hash}: {' '.join(outcome.labels)} ({outcome.outcome}) by {said.by}"


def evaluate_model() -> dict[str, Any]:
    """Measure the classifier of today if nobody has; returns the report."""
    from rebuttal.objections.model_evaluation import evaluate

    return evaluate(context()).as_dict()


def _question(one: Any) -> dict[str, str]:
    sure = "it does not know" if one.is_unclear else f"{one.confidence:.0%} sure"
    times = f" The same words stand in {one.told_count} places." if one.told_count > 1 else ""
    words = " ".join(one.text.translate(_PLAIN).split())
    body = [
        "What holds this buyer back? Choose one label or more; `none` when it is no objection.",
        f"> {words[:_SHOWN]}",
        f"The classifier says `{' '.join(one.labels)}` ({sure}).{times}",
        "The answer trains it and stands for these words from now on.",
    ]
    return {
        "text_hash": one.text_hash,
        "subject": f"{one.source_kind} {one.text_hash[:8]}: {words[:60]}",
        "body": "\n\n".join(body),
    }
