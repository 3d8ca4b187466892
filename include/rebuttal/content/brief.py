"""The brief a writer can start from, as blocks that any tracker can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rebuttal.configuration import Vocabulary
from rebuttal.content.hypothesis import HypothesisForm
from rebuttal.content.inventory import Covering
from rebuttal.content.learning import UPDATE
from rebuttal.content.plan import Plan
from rebuttal.content.scoring import Score
from rebuttal.content.themes import Theme
from rebuttal.outgoing import plain_line

_MOST_PIECES, _LONGEST_LINE = 4, 600
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


def compose(
    theme: Theme,
    score: Score,
    plan: Plan,
    form: HypothesisForm,
    vocabulary: Vocabulary,
    weeks: int,
    beside: Sequence[str] = (),
) -> Brief:
    """The whole brief. Pure: the same theme, score and plan give the same words.

    `weeks`: how far back the theme's voices were counted. `beside`: titles of open tasks that update the same piece, so
    that two writers do not work against each other.
    """
    name = theme_name(theme, vocabulary)
    money = f", {_money(score.money, theme.currency)} at stake" if theme.money is not None else ""
    title = plain_line(
        f"Answer the objection “{name}” ({theme.subject_count} voices in {weeks} weeks{money})", limit=200
    )
    blocks = [
        Block("text", _in_short(theme, plan, form)),
        Block("heading", "What customers say"),
        *_quotes(theme),
        Block("heading", "Whom it stops, and where"),
        Block("bullets", items=_who(theme, score)),
        Block("heading", "What to make"),
        Block("bullets", items=[*_make(plan), *(f"The same piece is updated by another task: {t}" for t in beside)]),
        Block("heading", "Hypothesis (registered before publication)"),
        Block("bullets", items=_hypothesis(form)),
        Block("heading", "Why this one now"),
        Block("bullets", items=_why(theme, score, plan, weeks)),
        Block(
            "text",
            "When it is published, move the task to Published and add its address in a comment: measuring starts "
            "there. Edit this task as you like; it will not be overwritten.",
        ),
    ]
    return Brief(title, blocks)


def _in_short(theme: Theme, plan: Plan, form: HypothesisForm) -> str:
    stage = min(theme.stages, key=lambda name: (-theme.stages[name], name), default="")
    where = f", for customers who stop at the stage {plain_line(stage, 60).replace('_', ' ')}" if stage else ""
    hope = f"it should make the objection {form.expected_size:.0%} rarer"
    return f"{form.change}{where}. Its role is to {plan.role}; {hope}."


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
    people = theme.subject_count - theme.deal_count
    lines = [f"{theme.deal_count} deals" + (f", and {people} people without a deal" if people else "")]
    lost = theme.lost_count
    lines.append(f"Of these deals {lost} were lost and {theme.won_count} won")
    win = score.winnability
    if win.with_rate is not None and win.without_rate is not None:
        lines.append(f"Win rate {win.with_rate:.0%} with this objection, {win.without_rate:.0%} without")
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


def _make(plan: Plan) -> list[str]:
    if plan.existing:
        lines = [f"Update instead of writing new: {_named(plan.existing[0])}"]
        lines.append(f"Formats that usually answer it, to draw on: {', '.join(plan.formats)}")
    else:
        lines = [f"Format: {plan.formats[0]}"]
        if plan.formats[1:]:
            lines.append(f"If that does not fit: {', '.join(plan.formats[1:])}")
    lines.append(f"Role on the customer's way: {plan.role}")
    lines += [f"Also answers it, link to it: {_named(one)}" for one in plan.existing[1:_MOST_PIECES]]
    if not plan.existing and not plan.unconfirmed:
        lines.append("Nothing published answers this yet")
    lines += [
        f"May answer it already, by its title (nobody has confirmed it; look before you write): {_named(one)}"
        for one in plan.unconfirmed[:_MOST_PIECES]
    ]
    lines += [f"Was tried and did not help, do something else: {one.title}, {one.url}" for one in plan.failed]
    return [plain_line(line, _LONGEST_LINE) for line in lines]


def _named(one: Covering) -> str:
    reading = one.reading
    if reading is None or not reading.doubter_count:
        read = "how many with this doubt read it is not known"
    else:
        read = f"read by {reading.reader_count} of {reading.doubter_count} with this doubt whose browser is known"
    return f"{plain_line(one.piece.title, 120)}, {one.piece.url} ({read})"


def _hypothesis(form: HypothesisForm) -> list[str]:
    return [
        f"Change: {form.change}",
        f"Metric: {form.metric.replace('_', ' ')}, expected to {form.direction} by {form.expected_size:.0%}",
        f"Reason: {form.reason}",
        f"Success criterion: {form.success_criterion}",
        f"Minimum sample: about {form.minimum_sample} repeated voicings to be expected of those who met it",
        f"Deadline: {form.deadline.isoformat()}",
    ]


def _at_risk(theme: Theme, score: Score, weeks: int) -> str:
    """The figure with what it is of: dashboards, which it is compared with, look further back and at deals as now."""
    if score.is_money_estimated:
        how = "estimated from other themes: of those that voiced it and did not buy, no amount is known"
    else:
        unwon = theme.subject_count - theme.won_count
        how = f"open and lost deals; an amount is known for {theme.money_known_count} of the {unwon} that did not buy"
    when = f"heard in the last {weeks} weeks, as of this task"
    return f"Money at risk: {_money(score.money, theme.currency)} ({how}; {when})"


def _why(theme: Theme, score: Score, plan: Plan, weeks: int) -> list[str]:
    win, arm = score.winnability, plan.draw.chosen
    interval = f", 95 % interval {win.low:.2f} to {win.high:.2f}" if win.low is not None else ", nothing decided yet"
    tried = f"{arm.confirmed_count} confirmed, {arm.rejected_count} rejected"
    kind = "updates of existing pieces" if arm.format == UPDATE else f"tasks of the format “{arm.format}”"
    return [
        _at_risk(theme, score, weeks),
        f"Frequency: {score.frequency:.0%} of all that voiced a doubt",
        f"Winnability: {win.value:.2f} (1 = won as often as other deals{interval})",
        f"Covered by existing content: {score.coverage:.0%}{_unknown_reading(plan)}",
        f"Learning: {plan.draw.factor:.2f} (1 = nothing known, on average). Earlier {kind} in this category: {tried}; "
        f"this week's draw from Beta({1 + arm.confirmed_count}, {1 + arm.rejected_count}) is {arm.draw:.2f}, so that "
        f"what was tried little gets its turn (seed {plan.draw.seed}, week {plan.draw.week})",
        f"Score, the product of these (coverage as 1 minus it): {score.value:,.1f}",
    ]


def _unknown_reading(plan: Plan) -> str:
    unknown = [one for one in plan.existing if one.reading is None or not one.reading.doubter_count]
    return " (pieces whose reading is not known count as unread)" if unknown else ""


def _money(amount: float, currency: str) -> str:
    return f"{amount:,.0f} {currency}"
