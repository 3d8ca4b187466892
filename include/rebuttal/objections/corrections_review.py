"""Which texts are worth a person's minute: the unclear and the least certain ones, as people may see them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import inspect, text

from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.objections.corrections import load_corrections
from rebuttal.objections.corrections_lookup import bodies_of, statement
from rebuttal.objections.markup import readable
from rebuttal.objections.redaction import redact
from rebuttal.warehouse.engine import open_warehouse

SURE = 0.55  # a clear label with at least this confidence is not asked about
LONGEST_SHOWN = 2000  # characters of a text that are shown


@dataclass(frozen=True)
class Question:
    """A text that a person may label. `labels` and `confidence` are the classifier's, `text` is redacted.

    `told_count`: in how many places the same words stand.
    """

    text_hash: str
    source_kind: str
    language: str
    told_count: int
    is_unclear: bool
    labels: tuple[str, ...]
    confidence: float
    text: str


def questions(context: Context, limit: int) -> list[Question]:
    """At most `limit` texts that nobody has labelled yet, the most worth asking first.

    Raises StoreError when nothing has been heard yet.
    """
    answered = load_corrections(context.settings).by_hash
    with open_warehouse(context.settings) as engine:
        if not inspect(engine).has_table("text_label", schema="marts"):
            raise StoreError("No text has been heard yet", next_step="Run `rebuttal listen` first")
        with engine.begin() as connection:
            rows = connection.execute(text(statement("doubtful")), {"sure": SURE}).mappings().all()
            chosen = [row for row in rows if row["text_hash"] not in answered][:limit]
            bodies = bodies_of(connection, {row["text_hash"] for row in chosen})
    return [
        Question(
            text_hash=row["text_hash"],
            source_kind=row["source_kind"],
            language=row["language"],
            told_count=int(row["told_count"]),
            is_unclear=bool(row["is_unclear"]),
            labels=tuple(json.loads(row["labels"])),
            confidence=round(float(row["confidence"]), 4),
            text=_shown(bodies[row["text_hash"]]),
        )
        for row in chosen
        if row["text_hash"] in bodies
    ]


def _shown(stored: str) -> str:
    # Redacted before it is cut: half a telephone number is no telephone number any more, and would stay.
    return " ".join(redact(readable(stored).text).replace("\0", " ").split())[:LONGEST_SHOWN]
