"""Spelling variants of tags and what people decide about them: suggested with evidence, applied only when accepted.

A decision is stored once: the latest in the state store's `tag_alias`, each in the journal (kind `tag_alias`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality.utm_registry import Registry, folded, load_registry
from rebuttal.quality.utm_suggestions import Suggestion, find_suggestions
from rebuttal.settings import Settings
from rebuttal.state import TagAlias, open_state, record_decision
from rebuttal.warehouse import open_warehouse

ACCEPTED, REJECTED = "accepted", "rejected"


@dataclass(frozen=True)
class Decided:
    """What holds after a decision; `is_new` is False when the same had been decided before."""

    alias_id: str
    field: str
    written: str
    registered: str
    decision: str
    decided_by: str
    is_new: bool


def registry(settings: Settings) -> Registry:
    """The registered links together with what people decided. Raises ConfigError when `utm.yml` is wrong."""
    links = load_registry(settings.config)
    with open_state(settings) as sessions, sessions() as session:
        rows = session.scalars(select(TagAlias)).all()
    return replace(
        links,
        aliases={(row.field, row.written): row.registered for row in rows if row.decision == ACCEPTED},
        rejected=frozenset((row.field, row.written, row.registered) for row in rows if row.decision == REJECTED),
    )


def suggestions(context: Context) -> list[Suggestion]:
    """The variants in `core.visit` that wait for a person, and those that are refused with the reason.

    Nothing that was decided is among them.
    """
    known = registry(context.settings)
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        return find_suggestions(connection, known)


def decide(context: Context, variant: str, decision: str, by: str, reason: str | None = None) -> Decided:
    """Accept or reject the variant of this id, in the name of `by`. Twice the same is once.

    The gate and history follow with the next admission. Raises ConfigError when nobody is named, when the variant is
    neither suggested nor decided before, or when the written value already has another accepted meaning.
    """
    if not by.strip():
        raise ConfigError("An alias is decided by a named person", next_step="Say who decides")
    if decision not in (ACCEPTED, REJECTED):
        raise ValueError(f"no decision {decision!r}")
    found = {one.suggestion_id: one for one in suggestions(context) if one.is_open}
    with open_state(context.settings) as sessions, sessions.begin() as session:
        return _decide(
            session, found.get(variant), variant, decision, (by.strip(), reason or None), context.clock.now()
        )


def _decide(
    session: Session,
    suggestion: Suggestion | None,
    variant: str,
    decision: str,
    who: tuple[str, str | None],
    now: datetime,
) -> Decided:
    by, reason = who
    alias = session.get(TagAlias, variant)
    if alias is None and suggestion is None:
        raise ConfigError(f"No variant {variant} is suggested", next_step="See `rebuttal utm suggestions`")
    if alias is not None and alias.decision == decision:
        return _told(alias, is_new=False)
    evidence: dict[str, Any] = {"reason": reason, **(suggestion.evidence() if suggestion else {})}
    if alias is None:
        assert suggestion is not None
        alias = TagAlias(
            alias_id=variant,
            field=suggestion.field,
            written=folded(suggestion.written),
            registered=folded(suggestion.registered),
            revision=0,
        )
    if decision == ACCEPTED:
        _only_meaning(session, alias)
    alias.decision, alias.revision = decision, alias.revision + 1
    alias.decided_at, alias.decided_by, alias.reason = now, by, reason
    session.add(alias)
    # The journal writes the same words about the same subject once; a change of mind is told apart by its number.
    again = "" if alias.revision == 1 else f" (decision {alias.revision})"
    record_decision(
        session,
        kind="tag_alias",
        subject=f"{alias.field}: {alias.written} -> {alias.registered}",
        decision=decision + again,
        evidence=evidence,
        decided_by=by,
        decided_at=now,
    )
    return _told(alias, is_new=True)


def _only_meaning(session: Session, alias: TagAlias) -> None:
    other = session.scalars(
        select(TagAlias).where(
            TagAlias.field == alias.field,
            TagAlias.written == alias.written,
            TagAlias.decision == ACCEPTED,
            TagAlias.alias_id != alias.alias_id,
        )
    ).first()
    if other:
        raise ConfigError(
            f"{alias.field} {alias.written!r} has been accepted as {other.registered!r} by {other.decided_by}",
            next_step=f"Reject {other.alias_id} first if that was a mistake",
        )


def _told(alias: TagAlias, *, is_new: bool) -> Decided:
    return Decided(
        alias.alias_id, alias.field, alias.written, alias.registered, alias.decision, alias.decided_by, is_new
    )
