"""What a task asks for: which piece to update or which format to write, in which role, and what not to repeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rebuttal.configuration import Vocabulary
from rebuttal.content.inventory import Covering, Piece, covered, covering
from rebuttal.content.learning import UPDATE, Draw, Tally, draw_formats
from rebuttal.content.reading import Analytics
from rebuttal.content.rules import Answering, ContentRules
from rebuttal.content.scoring import Score, score_themes
from rebuttal.content.themes import Heard, Theme

_ANYTHING = Answering(formats=["article", "answer in the FAQ"], role="explain")


@dataclass(frozen=True)
class Plan:
    """`existing`: pieces that people say answer it, the one to update first; empty when a new one is to be written.

    `unconfirmed` are pieces that only the classifier takes for an answer; `failed` are those that did not help.
    """

    draw: Draw
    formats: tuple[str, ...]  # what usually answers it, the suggested one first
    role: str
    existing: tuple[Covering, ...]
    unconfirmed: tuple[Covering, ...]
    failed: tuple[Piece, ...]

    @property
    def update(self) -> Piece | None:
        """The piece to update instead of writing a new one."""
        return self.existing[0].piece if self.existing else None

    def change(self, theme_name: str) -> str:
        """The sentence that the hypothesis registers."""
        if self.update is not None:
            return f"Update “{self.update.title}” so that it answers “{theme_name}”"
        return f"Publish content that answers “{theme_name}” ({self.draw.chosen.format})"


def answering(category: str, rules: ContentRules, vocabulary: Vocabulary) -> Answering:
    """Formats from the taxonomy, role from `content.yml`; a plain answer for a category that neither names."""
    own = rules.formats.get(category, _ANYTHING)
    formats = vocabulary.formats(category)
    return Answering(formats=formats, role=own.role) if formats else own


def rank(
    heard: Heard,
    pieces: Iterable[Piece],
    analytics: Analytics,
    tally: Tally,
    week: str,
    rules: ContentRules,
    vocabulary: Vocabulary,
) -> list[tuple[Theme, Score, Plan]]:
    """Every theme with its score and plan, best first. Pure: the same input gives the same list."""
    inventory = list(pieces)
    plans, coverage = {}, {}
    for theme in heard.themes:
        found = covering(theme.category, theme.theme, inventory, analytics.readings)
        coverage[theme.key] = covered(found)
        plans[theme.key] = _plan(theme, found, inventory, tally, week, rules, vocabulary)
    scored = score_themes(heard, coverage, {key: plan.draw for key, plan in plans.items()})
    return [(theme, score, plans[theme.key]) for theme, score in scored]


def _plan(
    theme: Theme,
    found: list[Covering],
    inventory: list[Piece],
    tally: Tally,
    week: str,
    rules: ContentRules,
    vocabulary: Vocabulary,
) -> Plan:
    existing = tuple(one for one in found if one.answer.is_certain)
    usual = answering(theme.category, rules, vocabulary)
    arms = [UPDATE] if existing else usual.formats
    draw = draw_formats(theme.key, theme.category, arms, tally, rules.choose.seed, week)
    return Plan(
        draw=draw,
        formats=tuple(usual.formats if existing else (arm.format for arm in draw.arms)),
        role=(existing[0].piece.role if existing else None) or usual.role,
        existing=existing,
        unconfirmed=tuple(one for one in found if not one.answer.is_certain),
        failed=tuple(piece for piece in inventory if theme.key in piece.did_not_help),
    )
