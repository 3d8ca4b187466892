"""The stores of the state database and of the tracker, each a function that takes a person out of it.

A new store is one function here or beside: `@STORES.store("inbox")`. What needs the person's own words comes first,
while the warehouse still has them; `warehouse.py` holds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from rebuttal.content.rules import load_rules
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.erasure.work import STORES, Work
from rebuttal.outgoing import plain_line
from rebuttal.personal import BLOT
from rebuttal.state import ContentTask, LabelCorrection, ObjectionTheme, Outbox, open_state

_LONG = 20  # characters from which on a phrase is blotted out of the middle of a text, too


@STORES.store("tracker")
def from_tracker(work: Work) -> int:
    """Blot the person's words out of the tasks that quote them, in the company's tracker. Everything else there stays.

    Raises what the tracker raises: then the words are still known here, and the command goes on when it can be reached.
    """
    quoting = _quoting_tasks(work)
    if not quoting:
        return 0
    rule = load_rules(work.context.settings.config).tracker
    tracker = open_tracker(rule, work.context.resolve(rule.connection))
    return sum(tracker.withdraw(remote_id, key, work.phrases, BLOT) for remote_id, key in quoting)


def _quoting_tasks(work: Work) -> list[tuple[str, str]]:
    with open_state(work.context.settings) as sessions, sessions() as session:
        tasks = session.scalars(select(ContentTask).where(ContentTask.remote_id.is_not(None))).all()
        sent = {row.task_id: row.payload for row in session.scalars(select(Outbox))}
        return [
            (task.remote_id or "", task.task_key or task.remote_id or "")
            for task in tasks
            if blotted([task.brief, sent.get(task.task_id)], work.phrases)[1]
        ]


@STORES.store("ledger")
def from_ledger(work: Work) -> int:
    """The same words in our own copy of the tasks, in what is still to be sent, and in the names of themes."""
    count = 0
    with open_state(work.context.settings) as sessions, sessions.begin() as session:
        places: list[tuple[type[Any], str]] = [(ContentTask, "brief"), (Outbox, "payload"), (ObjectionTheme, "names")]
        for table, column in places:
            for row in session.scalars(select(table)):
                kept, found = blotted(getattr(row, column), work.phrases)
                if found:
                    setattr(row, column, kept)
                    count += found
    return count


@STORES.store("corrections")
def from_corrections(work: Work) -> int:
    """What people said about the meaning of the person's texts, those texts as training examples, and every model that
    may have learned from them: the next `listen` trains anew, from what is left.
    """
    with open_state(work.context.settings) as sessions, sessions.begin() as session:
        chosen = select(LabelCorrection).where(LabelCorrection.text_hash.in_(list(work.text_hashes)))
        rows = session.scalars(chosen).all()
        if any(row.text for row in rows):  # first: killed after it, the rows still say that models have to go
            forget_models(work.context.settings.models)
        for row in rows:
            session.delete(row)
        return len(rows)


def forget_models(folder: Path) -> int:
    """Remove all trained models: a file does not say what it learned from, and costs half a minute to make again."""
    count = 0
    for path in sorted(folder.glob("*.npz")):
        path.unlink()
        count += 1
    return count


def blotted(data: Any, phrases: Sequence[str]) -> tuple[Any, int]:
    """JSON data without the phrases, and how often they were there: whole texts, and long phrases inside of texts."""
    lines = sorted({plain_line(phrase, 400) for phrase in phrases} - {""}, key=len, reverse=True)
    count = 0

    def without(text: str) -> str:
        nonlocal count
        for line in lines:
            if text == line or (len(line) >= _LONG and line in text):
                count += 1
                text = text.replace(line, BLOT)
        return text

    return _walked(data, without), count


def _walked(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, list):
        return [_walked(one, change) for one in data]
    if isinstance(data, dict):
        return {name: _walked(one, change) for name, one in data.items()}
    return data
