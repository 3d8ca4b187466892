"""The brief a writer can start from, as blocks that any tracker can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rebuttal.configuration import Vocabulary
from rebuttal.content.hypothesis import HypothesisForm
from rebuttal.content.rules import Answering, ContentRules, Item
from rebuttal.content.scoring import Score
from rebuttal.content.themes import Theme
from rebuttal.outgoing import plain_line

_ANYTHING = Answering(formats=["article", "answer in the FAQ"], role="explain")
_LANGUAGES = {"en": "English", "ru": "Russian", "uk": "Ukrainian", "mixed": "mixed languages"}


@dataclass(frozen=True)
class Block:
    """One piece of a brief: a heading, a paragraph (`text`), a list or a quote (`items`); all plain single lines."""

    kind: Literal["heading", "text", "bullets", "quote"]
    text: str = ""
    items: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Brief:
    """Title (one line, at most 200 characters) and blocks."""

    title: str
    blocks: list[Block]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form, for the ledger and the outbox."""
        return {"title": self.title, "blocks": [asdict(block) for block in self.blocks]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Brief:
        """The brief that `as_dict` wrote."""
        return cls(data["title"], [Block(**block) for block in data["blocks"]])

    def texts(self) -> list[str]:
        """Every text that will be read outside."""
        return [self.title, *(text for block in self.blocks for text in (block.text, *block.items) if text)]


def theme_name(theme: Theme, vocabulary: Vocabulary) -> str:
    """`Price / budget: Too expensive`, or the category alone for what has no sub-reason."""
    category = vocabulary.category_name(theme.category)
    name = vocabulary.theme_name(theme.category, theme.theme)
    return plain_line(f"{category}: {name}" if name else category, limit=120)


def answering(category: str, rules: ContentRules, vocabulary: Vocabulary) -> Answering:
    """Formats from the taxonomy, role from `content.yml`; a plain answer for a category that neither names."""
    own = rules.formats.get(category, _ANYTHING)
    formats = vocabulary.formats(category)
    return Answering(formats=formats, role=own.role) if formats else own


def items_answering(theme: Theme, inventory: Sequence[Item]) -> list[Item]:
    """Existing content about this theme or its category, the nearest first."""
    found = [item for item in inventory if theme.key in item.answers or theme.category in item.answers]
    return sorted(found, key=lambda item: (theme.key not in item.answers, item.id))


def compose(theme: Theme, score: Score, form: HypothesisForm, rules: ContentRules, vocabulary: Vocabulary) -> Brief:
    """The whole brief. Pure: the same theme, score and rules give the same words."""
    name = theme_name(theme, vocabulary)
    answer = answering(theme.category, rules, vocabulary)
    money = f", {_money(score.money, theme.currency)} at stake" if theme.money is not None else ""
    title = plain_line(f"Answer the objection “{name}” ({theme.subject_count} voices{money})", limit=200)
    existing = items_answering(theme, rules.inventory)
    blocks = [
        Block("heading", "What customers say"),
        *_quotes(theme),
        Block("heading", "Whom it stops, and where"),
        Block("bullets", items=_who(theme, score)),
        Block("heading", "What to make"),
        Block("bullets", items=_make(answer, existing)),
        Block("heading", "Hypothesis (registered before publication)"),
        Block("bullets", items=_hypothesis(form)),
        Block("heading", "Why this one now"),
        Block("bullets", items=_why(score, theme.currency)),
        Block(
            "text",
            "When it is published, move the task to Published and add its address in a comment: measuring starts "
            "there. Edit this task as you like; it will not be overwritten.",
        ),
    ]
    return Brief(title, blocks)


def _quotes(theme: Theme) -> list[Block]:
    blocks = [
        Block("quote", items=[quote.text, f"{_speaker(quote.source_role)}, told {quote.told_count}×"])
        for quote in theme.quotes
    ]
    if theme.withheld_quote_count:
        blocks.append(Block("text", f"{theme.withheld_quote_count} quotes are withheld: they hold personal data."))
    return blocks or [Block("text", "No quote can be shown.")]


def _speaker(role: str) -> str:
    return {"rep": "as the sales rep wrote it down", "buyer": "the buyer"}.get(role, "source not known")


def _who(theme: Theme, score: Score) -> list[str]:
    lines = [f"{theme.subject_count} deals or people, {theme.deal_count} of them deals"]
    lost = theme.lost_count
    lines.append(f"Of these deals {lost} were lost and {theme.won_count} won")
    if score.win_rate_with is not None and score.win_rate_without is not None:
        lines.append(f"Win rate {score.win_rate_with:.0%} with this objection, {score.win_rate_without:.0%} without")
    for label, counter in (
        ("Stage", theme.stages),
        ("Segment", theme.segments),
        ("Came by", theme.channels),
        ("Language", Counter({_LANGUAGES.get(code, code): n for code, n in theme.languages.items()})),
        ("Heard from", theme.roles),
    ):
        if counter:
            lines.append(f"{label}: {_top(counter)}")
    return lines


def _top(counter: Counter[str]) -> str:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:4]
    return ", ".join(f"{plain_line(name, 60).replace('_', ' ')} {count}" for name, count in ranked)


def _make(answer: Answering, existing: Sequence[Item]) -> list[str]:
    lines = [f"Format: {', '.join(answer.formats)}", f"Role on the customer's way: {answer.role}"]
    if not existing:
        return [*lines, "Nothing published answers this yet"]
    first, *others = existing
    lines.append(f"Update instead of writing new: {first.title}, {first.url}")
    if others:
        lines.append("Related: " + ", ".join(item.title for item in others))
    return lines


def _hypothesis(form: HypothesisForm) -> list[str]:
    return [
        f"Change: {form.change}",
        f"Metric: {form.metric.replace('_', ' ')}, expected to {form.direction} by {form.expected_size:.0%}",
        f"Reason: {form.reason}",
        f"Success criterion: {form.success_criterion}",
        f"Minimum sample: {form.minimum_sample} deals before and after publication, each",
        f"Deadline: {form.deadline.isoformat()}",
    ]


def _why(score: Score, currency: str) -> list[str]:
    estimated = " (estimated: no exchange rate or amount)" if score.is_money_estimated else ""
    return [
        f"Money at risk: {_money(score.money, currency)}{estimated}",
        f"Frequency: {score.frequency:.0%} of all that voiced a doubt",
        f"Winnability: {score.winnability:.2f} (1 = won as often as other deals)",
        f"Covered by existing content: {score.coverage:.0%}",
        f"Earlier tasks of this kind: {score.confirmed_count} confirmed, {score.rejected_count} rejected",
        f"Score, the product of these: {score.value:,.1f}",
    ]


def _money(amount: float, currency: str) -> str:
    return f"{amount:,.0f} {currency}"
