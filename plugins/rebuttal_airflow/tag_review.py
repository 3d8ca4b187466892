"""The questions about spelling variants that people answer in Airflow, and what becomes of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from rebuttal.errors import AbortError
from rebuttal_airflow.connections import context

ACCEPT, REJECT, LATER = "Accept", "Reject", "Ask again tomorrow"
# Approvals are read one by one: the most frequent variants first, the others on the following days.
_MOST = 50


def open_questions() -> list[dict[str, str]]:
    """One question per open suggestion: suggestion_id, subject and body (Markdown)."""
    from rebuttal.quality.utm_aliases import suggestions

    return [_question(one) for one in suggestions(context()) if one.is_open][:_MOST]


def apply_answer(suggestion_id: str, answer: Mapping[str, Any]) -> str:
    """Decide in the name of the person who answered; skipped when nobody did, or when the answer is to ask again.

    `answer` is what the operator returns: `chosen_options` and `responded_by_user` (id and name, or None).
    """
    from rebuttal.quality.utm_aliases import ACCEPTED, REJECTED, decide

    chosen, person = list(answer["chosen_options"]), answer.get("responded_by_user")
    if not person or chosen not in ([ACCEPT], [REJECT]):
        raise AirflowSkipException(f"{suggestion_id}: nobody has decided; it is asked again")
    decision = ACCEPTED if chosen == [ACCEPT] else REJECTED
    try:
        done = decide(
            context(), suggestion_id, decision, str(person.get("name") or person["id"]), "answered in Airflow"
        )
    except AbortError as error:
        raise AirflowFailException(str(error)) from error
    return f"{done.field} {done.written} -> {done.registered}: {done.decision} by {done.decided_by}"


def _question(one: Any) -> dict[str, str]:
    written, registered = _plain(one.written), _plain(one.registered)
    lines = [
        f"Does `{written}` in {one.field} mean `{registered}`?",
        f"{one.visits} visits, {one.first_seen_at:%Y-%m-%d} to {one.last_seen_at:%Y-%m-%d}.",
        _share("carry the click id of the platform that pays for the link", one.click_id_share),
        _share("of those whose address names a campaign name the registered one", one.campaign_id_share),
        "Accepted, the visits count for the registered value, past ones too; what was written stays stored.",
    ]
    return {
        "suggestion_id": one.suggestion_id,
        "subject": f"{one.field}: {written} -> {registered}?",
        "body": "\n\n".join(line for line in lines if line),
    }


def _share(told: str, share: float | None) -> str:
    return "" if share is None else f"{share:.0%} {told}."


def _plain(value: str) -> str:
    """A tag for a page: a visitor wrote it, so no markup, no template and no line break of it is left."""
    return re.sub(r"[^\w.+ -]", "?", value)[:100]
