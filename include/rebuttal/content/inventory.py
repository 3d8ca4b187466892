"""What is already published, which doubts it answers, and how much of a doubt it takes.

Who may say what a piece answers: `content.yml`, a column of an imported CSV, a person on the command line (all `told`),
a person who confirmed the classifier's proposal (`confirmed`), and our own tasks once published (`told`: it was their
purpose). What the classifier alone proposes covers nothing and is shown to the writer as a question. A piece of ours
whose verdict is "rejected" did not help: it takes nothing of its doubt.

A piece covers share x reach: the share of the doubt that it takes of a reader, by people's judgement, times the share
of people with this doubt who read it, among those whose browsers are known. What nobody reads covers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import prod
from typing import Any

from rebuttal.content.address import canonical, host_and_path
from rebuttal.content.rules import ContentRules
from rebuttal.state import ContentAnswer, ContentItem, ContentTask

CERTAIN = ("told", "confirmed")


@dataclass(frozen=True)
class Answers:
    """That a piece answers `key` (category, or category/theme). `share`: 0..1, None while nobody has confirmed it."""

    key: str
    status: str  # told | confirmed | proposed
    share: float | None = None
    confidence: float | None = None

    @property
    def is_certain(self) -> bool:
        """Whether a person said so."""
        return self.status in CERTAIN


@dataclass(frozen=True)
class Piece:
    """One piece of content. `did_not_help`: themes for which its own verdict was rejected."""

    item_id: str
    url: str
    title: str
    kind: str
    source: str
    role: str | None = None
    published_at: datetime | None = None
    answers: tuple[Answers, ...] = ()
    did_not_help: tuple[str, ...] = ()

    def answering(self, category: str, key: str) -> Answers | None:
        """What this piece says to the theme `key` of `category`: certain before proposed, theme before category."""
        fits = [one for one in self.answers if one.key in (key, category)]
        return min(fits, key=lambda one: (not one.is_certain, one.key != key), default=None)

    def row(self) -> dict[str, Any]:
        """The row of `core.content_item`."""
        host, path = host_and_path(self.url)
        names = ("item_id", "url", "title", "kind", "source", "role", "published_at")
        return {**{name: getattr(self, name) for name in names}, "host": host, "path": path}


@dataclass(frozen=True)
class Reading:
    """Of the people with a doubt whose browser is known, how many there are and how many read a piece."""

    doubter_count: int
    reader_count: int

    @property
    def share(self) -> float | None:
        """None when nobody with this doubt is known to analytics."""
        return self.reader_count / self.doubter_count if self.doubter_count else None


@dataclass(frozen=True)
class Covering:
    """How far one piece answers one theme. `reading` is None when its reading cannot be known."""

    piece: Piece
    answer: Answers
    reading: Reading | None

    @property
    def coverage(self) -> float:
        """Share of the doubt that it takes, 0..1."""
        reach = self.reading.share if self.reading else None
        return (self.answer.share or 0.0) * (reach or 0.0) if self.answer.is_certain else 0.0


# (item_id, category, theme or '' for the whole category) -> reading
Readings = Mapping[tuple[str, str, str], Reading]


def covering(category: str, theme: str, pieces: Iterable[Piece], readings: Readings) -> list[Covering]:
    """The pieces that answer a theme, the one to update first: said by people, of this very theme, most read, by id."""
    key = f"{category}/{theme}"
    found = [
        Covering(piece, answer, readings.get((piece.item_id, category, theme)))
        for piece in pieces
        for answer in [piece.answering(category, key)]
        if answer is not None and key not in piece.did_not_help
    ]
    return sorted(
        found,
        key=lambda one: (
            not one.answer.is_certain,
            one.answer.key != key,
            -(one.reading.reader_count if one.reading else 0),
            -(one.answer.confidence or 0.0),
            one.piece.item_id,
        ),
    )


def covered(found: Iterable[Covering]) -> float:
    """What these pieces take of a doubt together: 1 - product of (1 - each)."""
    return 1.0 - prod(1.0 - one.coverage for one in found)


def gather_pieces(
    rules: ContentRules,
    items: Sequence[tuple[ContentItem, Sequence[ContentAnswer]]],
    published: Iterable[tuple[ContentTask, Sequence[str]]],
    rejected_tasks: frozenset[str],
) -> list[Piece]:
    """All pieces, one per address, by id. `content.yml` comes before imports, imports before our own tasks' pieces.

    `published`: tasks whose piece is out, each with the themes that people merged into it. `rejected_tasks`: ids of
    tasks whose verdict was that they did not help; of merged themes nothing was measured.
    """
    pieces: dict[str, Piece] = {}
    for told in rules.inventory:
        answers = tuple(Answers(key, "told", told.coverage) for key in told.answers)
        _add(pieces, Piece(told.id, str(told.url), told.title, "page", "content.yml", told.role, None, answers))
    for item, stored in items:
        answers = tuple(_stored_answer(one, rules.choose.assumed_share) for one in stored if one.status != "rejected")
        names = ("item_id", "url", "title", "kind", "source", "role", "published_at")
        _add(pieces, Piece(**{name: getattr(item, name) for name in names}, answers=answers))
    for task, merged in published:
        failed = task.task_id in rejected_tasks
        themes = merged if failed else (task.theme, *merged)
        answers = tuple(Answers(theme, "told", rules.choose.assumed_share) for theme in themes)
        _add(
            pieces,
            Piece(
                f"task-{task.task_id[:12]}", str(task.published_url), task.title, "article", "task", task.role,
                task.published_at, answers, (task.theme,) if failed else (),
            ),
        )  # fmt: skip
    return sorted(pieces.values(), key=lambda piece: piece.item_id)


def _stored_answer(stored: ContentAnswer, assumed: float) -> Answers:
    if stored.status not in CERTAIN:
        return Answers(stored.answer, stored.status, None, stored.confidence)
    return Answers(stored.answer, stored.status, stored.share if stored.share is not None else assumed)


def _add(pieces: dict[str, Piece], piece: Piece) -> None:
    address = canonical(piece.url)
    known = pieces.get(address)
    if known is None:
        pieces[address] = piece
        return
    said = {one.key for one in known.answers if one.is_certain}
    more = tuple(one for one in piece.answers if one.key not in said)
    kept = tuple(one for one in known.answers if one.is_certain or one.key not in {m.key for m in more})
    pieces[address] = replace(
        known,
        answers=kept + more,
        did_not_help=known.did_not_help + piece.did_not_help,
        role=known.role or piece.role,
        published_at=known.published_at or piece.published_at,
    )


def coverage_rows(
    pieces: Iterable[Piece], readings: Readings, views: Mapping[str, tuple[int, int]]
) -> list[dict[str, Any]]:
    """Rows of `marts.content_coverage`; `views` gives (page views, browsers) of pieces whose reading can be known."""
    rows = []
    for piece in pieces:
        _, path = host_and_path(piece.url)
        seen = views.get(piece.item_id, (0, 0)) if path is not None else (None, None)
        for answer in piece.answers:
            category, _, theme = answer.key.partition("/")
            reading = readings.get((piece.item_id, category, theme))
            rows.append(
                {
                    **{name: getattr(piece, name) for name in ("item_id", "url", "title", "role")},
                    "category": category,
                    "theme": theme,
                    "answer": answer.key,
                    "status": answer.status,
                    "confidence": answer.confidence,
                    "share": answer.share,
                    "page_view_count": seen[0],
                    "visitor_count": seen[1],
                    "doubter_count": reading.doubter_count if reading else None,
                    "reader_count": reading.reader_count if reading else None,
                    "coverage": Covering(piece, answer, reading).coverage,
                }
            )
    return rows
