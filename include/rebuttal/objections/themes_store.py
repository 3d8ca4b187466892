"""Themes in the state store: what the rule found and what people decided. Decisions are replayed on every run.

Each decision is stored once: what holds now in `theme`, every change in the journal (kind `theme`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rebuttal.errors import ConfigError
from rebuttal.objections.taxonomy import GENERAL, LANGUAGES, Taxonomy
from rebuttal.objections.themes import ACTIVE, CONFIG, MERGED, PERSON, PROPOSED, REJECTED, RULE, Known, quote_hash
from rebuttal.outgoing import is_safe, plain_line
from rebuttal.state import ObjectionTheme, Sessions, record_decision

_LONGEST_NAME = 80
_UNNAMED = {"en": "New theme", "ru": "Новая тема", "uk": "Нова тема"}


def known_themes(sessions: Sessions) -> list[Known]:
    """Every theme that the state store holds, in the order in which they came."""
    with sessions() as session:
        rows = session.scalars(select(ObjectionTheme).order_by(ObjectionTheme.position, ObjectionTheme.theme_id)).all()
    return [
        Known(
            category=row.category,
            code=row.code,
            origin=row.origin,
            status=row.status,
            names=row.names,
            merged_into=row.merged_into,
            split_from=row.split_from,
            words=tuple(row.words),
            centre=None if row.centre is None else tuple(row.centre),
            position=row.position,
        )
        for row in rows
    ]


def keep_proposals(sessions: Sessions, proposals: Sequence[Known], now: datetime) -> None:
    """Store what the rule found; a theme that stands already is left as it is."""
    for one in proposals:
        with sessions.begin() as session:
            theme_id = f"{one.category}/{one.code}"
            if session.get(ObjectionTheme, theme_id) is not None:
                continue
            names = _names(one.names)
            session.add(_row(one.category, one.code, RULE, PROPOSED, names, now, one.position, centre=one.centre))
            record_decision(
                session,
                kind="theme",
                subject=theme_id,
                decision="proposed",
                evidence={"name": names["en"]},
                decided_by="rule:objections.themes",
                decided_at=now,
            )


class Decisions:
    """What a person does with themes, each in one transaction; the same twice is once (then the answer is False).

    `by` names who decides. Themes are named `category/code`. Raises ConfigError when a theme is unknown, nobody is
    named, or the decision makes no sense.
    """

    def __init__(self, sessions: Sessions, taxonomy: Taxonomy, by: str, now: datetime, reason: str = "") -> None:
        if not by.strip():
            raise ConfigError("A theme is decided about by a named person", next_step="Say who decides")
        self._sessions, self._taxonomy, self._now = sessions, taxonomy, now
        self._by, self._reason = by.strip(), reason

    def accept(self, theme_id: str) -> bool:
        """A proposed (or refused) theme stands."""
        with self._sessions.begin() as session:
            row = self._theme(session, theme_id)
            if row.status == ACTIVE:
                return False
            row.status, row.merged_into = ACTIVE, None
            return self._decided(session, row, "accepted", {})

    def reject(self, theme_id: str) -> bool:
        """A theme that was found or made is none: its sentences are general, and it is not proposed again."""
        with self._sessions.begin() as session:
            row = self._theme(session, theme_id)
            if row.origin == CONFIG:
                raise ConfigError(f"{theme_id} is configured", next_step="Take it out of taxonomy.yml, or merge it")
            if row.status == REJECTED:
                return False
            row.status, row.merged_into = REJECTED, None
            return self._decided(session, row, "rejected", {})

    def rename(self, theme_id: str, names: Mapping[str, str]) -> bool:
        """Give a theme a name in one or more languages (en, ru, uk)."""
        for language, name in names.items():
            if language not in LANGUAGES or not name.strip() or not is_safe(name):
                raise ConfigError(
                    f"{name!r} cannot be a name in {language!r}", next_step="Give en, ru or uk words, no address"
                )
        with self._sessions.begin() as session:
            row = self._theme(session, theme_id)
            wanted = {**row.names, **{language: plain_line(name) for language, name in names.items()}}
            if wanted == row.names:
                return False
            row.names = wanted
            return self._decided(session, row, "renamed", {"names": wanted})

    def merge(self, theme_id: str, into: str) -> bool:
        """What is said of the first theme counts as the second from now on, and for the past."""
        with self._sessions.begin() as session:
            row, target = self._theme(session, theme_id), self._theme(session, into)
            if row.category != target.category:
                raise ConfigError(
                    f"{theme_id} and {into} are of two categories", next_step="Merge themes of one category"
                )
            seen, end = {row.code}, target
            while True:
                if end.code in seen:
                    raise ConfigError(f"{into} is merged into {theme_id}", next_step=f"Accept {into} again first")
                if end.status != MERGED or end.merged_into is None:
                    break
                seen.add(end.code)
                end = self._theme(session, f"{row.category}/{end.merged_into}")
            if end.status == REJECTED:
                raise ConfigError(f"{into} was rejected", next_step=f"Accept {into} first")
            if (row.status, row.merged_into) == (MERGED, target.code):
                return False
            row.status, row.merged_into = MERGED, target.code
            return self._decided(session, row, f"merged into {into}", {})

    def split(self, theme_id: str, name: str, words: Sequence[str]) -> str:
        """Sentences of the theme that have one of `words` (beginnings, any case) make a theme of their own.

        Returns its id. The rest stays. The same split again changes nothing.
        """
        listed = tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
        if not listed or not name.strip() or not is_safe(name):
            raise ConfigError("A split needs a name and at least one word", next_step="Give --name and --words")
        with self._sessions.begin() as session:
            row = self._theme(session, theme_id)
            code = self._new_code(row, name)
            if session.get(ObjectionTheme, f"{row.category}/{code}") is not None:
                return f"{row.category}/{code}"
            positions = session.scalars(select(ObjectionTheme.position)).all()
            names = dict.fromkeys(LANGUAGES, plain_line(name, _LONGEST_NAME))
            part = _row(row.category, code, PERSON, ACTIVE, names, self._now, max(positions, default=0) + 1)
            part.split_from, part.words = row.code, list(listed)
            session.add(part)
            self._decided(session, part, f"split from {theme_id}", {"words": list(listed), "name": name})
            return part.theme_id

    def _new_code(self, row: ObjectionTheme, name: str) -> str:
        code = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") if name.isascii() else ""
        configured = {theme.code for theme in self._taxonomy.categories[row.category].themes} | {GENERAL}
        return code if code and code not in configured else f"part_{quote_hash(f'{row.theme_id}|{name}')[:8]}"

    def _theme(self, session: Session, theme_id: str) -> ObjectionTheme:
        found = session.get(ObjectionTheme, theme_id)
        if found is not None:
            return found
        category, _, code = theme_id.partition("/")
        configured = {
            f"{one.code}/{theme}": names
            for one in self._taxonomy.categories.values()
            for theme, names in [(GENERAL, one.name), *((theme.code, theme.name) for theme in one.themes)]
        }
        if theme_id not in configured:
            near = difflib.get_close_matches(theme_id, [*configured, *session.scalars(select(ObjectionTheme.theme_id))])
            hint = f"Did you mean {near[0]!r}?" if near else "See `rebuttal themes list`"
            raise ConfigError(f"There is no theme {theme_id!r}", next_step=hint)
        row = _row(category, code, CONFIG, ACTIVE, dict(configured[theme_id]), self._now, 0)
        session.add(row)
        return row

    def _decided(self, session: Session, row: ObjectionTheme, decision: str, evidence: dict[str, Any]) -> bool:
        row.revision += 1
        row.decided_at, row.decided_by = self._now, self._by
        again = "" if row.revision == 1 else f" (decision {row.revision})"
        record_decision(
            session,
            kind="theme",
            subject=row.theme_id,
            decision=decision + again,
            evidence={"reason": self._reason or None, **evidence},
            decided_by=self._by,
            decided_at=self._now,
        )
        return True


def _row(
    category: str,
    code: str,
    origin: str,
    status: str,
    names: dict[str, Any],
    now: datetime,
    position: int,
    centre: Sequence[float] | None = None,
) -> ObjectionTheme:
    return ObjectionTheme(
        theme_id=f"{category}/{code}",
        category=category,
        code=code,
        origin=origin,
        status=status,
        names=names,
        words=[],
        centre=None if centre is None else list(centre),
        position=position,
        revision=0,
        created_at=now,
    )


def _names(typical: Mapping[str, str]) -> dict[str, str]:
    """The most typical sentence of each language as its name, of any language where there is none."""
    names = {}
    for language in LANGUAGES:
        line = plain_line(typical.get(language) or typical[""], _LONGEST_NAME)
        names[language] = f"“{line}”" if is_safe(line) else _UNNAMED[language]
    return names
