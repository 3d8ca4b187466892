"""The inventory in the state store: what imports and people said. Every word of a person is in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.content.inventory import Piece, gather_pieces
from rebuttal.content.inventory_rows import Found
from rebuttal.content.rules import ContentRules
from rebuttal.errors import ConfigError
from rebuttal.state import ContentAnswer, ContentItem, ContentTask, Decision, Sessions, record_decision

CONFIRMED, REJECTED, TOLD, PROPOSED = "confirmed", "rejected", "told", "proposed"
_ID_DIGITS = 12


@dataclass
class Imported:
    """What an import did: ids by outcome, and the titles of pieces of which nobody has said what they answer."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unanswered: dict[str, str] = field(default_factory=dict)


def gather(sessions: Sessions, rules: ContentRules) -> list[Piece]:
    """All pieces: of `content.yml`, imported ones that are not gone, and those that our tasks led to."""
    with sessions() as session:
        answers: dict[str, list[ContentAnswer]] = {}
        for answer in session.scalars(select(ContentAnswer).order_by(ContentAnswer.item_id, ContentAnswer.answer)):
            answers.setdefault(answer.item_id, []).append(answer)
        here = select(ContentItem).where(ContentItem.gone_at.is_(None)).order_by(ContentItem.item_id)
        items = [(item, answers.get(item.item_id, [])) for item in session.scalars(here)]
        out = select(ContentTask).where(ContentTask.published_url.is_not(None)).order_by(ContentTask.task_id)
        merged: dict[str, list[str]] = {}
        for theme, into in session.execute(
            select(ContentTask.theme, ContentTask.merged_into)
            .where(ContentTask.merged_into.is_not(None))
            .order_by(ContentTask.theme)
        ):
            merged.setdefault(str(into), []).append(theme)
        published = [(task, merged.get(task.task_id, [])) for task in session.scalars(out)]
        failed = select(Decision.subject).where(Decision.kind == "verdict", Decision.decision == "rejected")
        return gather_pieces(rules, items, published, frozenset(session.scalars(failed)))


def import_items(
    sessions: Sessions, found: Sequence[Found], source: str, by: str, now: datetime, *, is_whole: bool
) -> Imported:
    """Take over what a source lists. With `is_whole` (a sitemap) what only an earlier one of its kind listed is gone.

    A title that was made of an address gives way to a given one and never the other way round; likewise a known date or
    role is not emptied by a source that lacks it. Importing the same twice changes nothing.
    """
    done = Imported()
    with sessions.begin() as session:
        listed = set()
        for one in found:
            item_id = one.item_id or item_id_of(one.url)
            item = session.scalars(select(ContentItem).where(ContentItem.url == one.url)).first()
            if item is None:
                item = _new(session, item_id, one, source, now)
                done.new.append(item.item_id)
            elif _update(item, one, source, now):
                done.changed.append(item.item_id)
            else:
                done.unchanged.append(item.item_id)
            listed.add(item.item_id)
            session.flush()
            for key in one.answers:
                if _say(session, item, key, TOLD, by, now, share=one.share) and item.item_id in done.unchanged:
                    done.unchanged.remove(item.item_id)
                    done.changed.append(item.item_id)
            known = session.scalars(select(ContentAnswer).where(ContentAnswer.item_id == item.item_id)).first()
            if known is None:
                done.unanswered[item.item_id] = item.title
        if is_whole:
            done.gone = _leave_out(session, source, listed, now)
    return done


def propose_answers(
    sessions: Sessions, labels: Mapping[str, Sequence[tuple[str, float]]], model: str, now: datetime
) -> int:
    """Keep what the classifier takes the pieces for: item id -> (category, confidence). Returns how many are new.

    What people said of a piece stays; a proposal that they rejected is not made again.
    """
    added = 0
    with sessions.begin() as session:
        for item_id, proposals in sorted(labels.items()):
            for key, confidence in proposals:
                if session.get(ContentAnswer, (item_id, key)) is None:
                    session.add(
                        ContentAnswer(
                            item_id=item_id, answer=key, status=PROPOSED, told_by=f"model:{model}", share=None,
                            confidence=round(confidence, 4), revision=0, told_at=now,
                        )
                    )  # fmt: skip
                    added += 1
    return added


def judge(
    sessions: Sessions, item: str, answer: str, verdict: str, by: str, now: datetime, share: float | None = None
) -> bool:
    """A person says that a piece answers (CONFIRMED, TOLD) or does not answer (REJECTED) a category or theme.

    False when the same stands already. Raises ConfigError when nobody is named, the piece is unknown or `share` is not
    within 0..1.
    """
    if not by.strip():
        raise ConfigError("What a piece answers is said by a named person", next_step="Say who says it")
    if share is not None and not 0 <= share <= 1:
        raise ConfigError(f"A share of {share:g} is not between 0 and 1", next_step="Write 0.3 for 30 %")
    with sessions.begin() as session:
        found = session.get(ContentItem, item)
        if found is None:
            raise ConfigError(f"There is no imported piece {item!r}", next_step="See `rebuttal content list`")
        return _say(session, found, answer, verdict, by.strip(), now, share)


def item_id_of(url: str) -> str:
    """The id of an address: the same page has it in every store."""
    return hashlib.sha256(url.encode()).hexdigest()[:_ID_DIGITS]


def _new(session: Session, item_id: str, one: Found, source: str, now: datetime) -> ContentItem:
    if session.get(ContentItem, item_id) is not None:
        raise ConfigError(f"Two pieces have the id {item_id!r}", next_step="Give each its own id, or leave ids out")
    item = ContentItem(
        item_id=item_id, url=one.url, title=one.title, kind=one.kind or "page", source=source,
        is_title_given=one.is_title_given, role=one.role, published_at=one.published_at, updated_at=one.updated_at,
        gone_at=None, first_imported_at=now, changed_at=now,
    )  # fmt: skip
    session.add(item)
    return item


def _update(item: ContentItem, one: Found, source: str, now: datetime) -> bool:
    wanted: dict[str, Any] = {
        "title": one.title if one.is_title_given else item.title,
        "is_title_given": item.is_title_given or one.is_title_given,
        "kind": one.kind or item.kind,
        "role": one.role or item.role,
        "published_at": one.published_at or item.published_at,
        "updated_at": one.updated_at or item.updated_at,
        "gone_at": None,
        # A sitemap may say that a piece is gone only if it was a sitemap that told of it.
        "source": "sitemap" if source == "sitemap" else item.source,
    }
    if all(getattr(item, name) == value for name, value in wanted.items()):
        return False
    for name, value in wanted.items():
        setattr(item, name, value)
    item.changed_at = now
    return True


def _leave_out(session: Session, source: str, listed: Collection[str], now: datetime) -> list[str]:
    query = select(ContentItem).where(ContentItem.source == source, ContentItem.gone_at.is_(None))
    gone = [item for item in session.scalars(query.order_by(ContentItem.item_id)) if item.item_id not in listed]
    for item in gone:
        item.gone_at = item.changed_at = now
    return [item.item_id for item in gone]


def _say(
    session: Session, item: ContentItem, key: str, status: str, by: str, now: datetime, share: float | None
) -> bool:
    stored = session.get(ContentAnswer, (item.item_id, key))
    if stored is not None and stored.status == status and share in (None, stored.share):
        return False
    if stored is None:
        stored = ContentAnswer(item_id=item.item_id, answer=key, confidence=None, share=None, revision=0)
        session.add(stored)
    stored.status, stored.told_by, stored.told_at = status, by, now
    stored.share = share if share is not None else stored.share
    stored.revision += 1
    again = "" if stored.revision == 1 else f" (decision {stored.revision})"
    record_decision(
        session,
        kind="content",
        subject=f"{item.item_id} answers {key}",
        decision=status + again,
        evidence={"url": item.url, "title": item.title, "share": stored.share, "classifier": stored.confidence},
        decided_by=by,
        decided_at=now,
    )
    return True
