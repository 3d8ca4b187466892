"""Themes: objections that the same content would answer, gathered from `marts.objection` over the look-back window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Engine, inspect, text

from rebuttal.content.rules import Choose
from rebuttal.content.sample import Traffic
from rebuttal.outgoing import are_alike, is_safe, plain_line

_SPARE_QUOTES = 20  # read more than are shown: a quote that must not leave or is alike gives way to the next one


@dataclass(frozen=True)
class Quote:
    """A redacted sentence in the customer's words, and how many deals or people it stands for."""

    text: str
    language: str
    source_role: str
    told_count: int


@dataclass
class Theme:
    """One theme of one category. Counts are deals or people.

    money: amounts of its open and lost deals, base `currency`; None while none is known of those that are not won, 0
    when all are won. `money_known_count`: how many voices it is of.
    """

    category: str
    theme: str
    subject_count: int = 0
    deal_count: int = 0
    won_count: int = 0
    lost_count: int = 0
    money: float | None = None
    money_known_count: int = 0
    currency: str = "EUR"
    stages: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    quotes: list[Quote] = field(default_factory=list)
    withheld_quote_count: int = 0

    @property
    def key(self) -> str:
        """`category/theme`, the name that ledger, labels and effects use."""
        return f"{self.category}/{self.theme}"


@dataclass(frozen=True)
class Heard:
    """Everything that choosing needs to know of the marts; counts of deals are of the look-back window."""

    themes: list[Theme]
    won_count: int
    lost_count: int
    created_deal_count: int
    verdicts: Sequence[Mapping[str, Any]]  # task_id, category, metric, verdict of everything judged so far
    traffic: Mapping[str, Traffic] = field(default_factory=dict)  # by theme key; "" holds all themes, where it is known

    def traffic_of(self, theme: str) -> Traffic:
        """How often the theme is voiced again, or what all themes together say when it never was."""
        return self.traffic.get(theme) or self.traffic.get("", Traffic())


def hear(engine: Engine, rules: Choose, now: datetime, quoted: frozenset[str] | None = None) -> Heard | None:
    """Read the themes of the weeks before `now` (exclusive). None when nothing has listened or modelled yet.

    `quoted` are the themes (keys) that may be written about, None all: choosing quotes is most of the work.
    """
    known = inspect(engine)
    if not (known.has_table("objection", schema="marts") and known.has_table("deal", schema="marts")):
        return None
    window = {"since": now - timedelta(weeks=rules.lookback_weeks), "until": now}
    with engine.connect() as connection:

        def rows(name: str, **extra: Any) -> list[Mapping[str, Any]]:
            return [dict(row) for row in connection.execute(text(_query(name)), {**window, **extra}).mappings()]

        cube = rows("theme_cube")
        quotes = rows("theme_quotes", places=rules.quotes + _SPARE_QUOTES)
        decided = rows("deal_outcomes")[0]
        created = rows("deal_base")[0]
        verdicts = rows("verdicts") if known.has_table("effect", schema="marts") else []
        told = known.has_table("objection_evidence", schema="marts")
        repeats = rows("theme_repeats") if told else []
    themes = [theme for theme in gather(cube) if theme.category not in rules.skip_categories]
    add_quotes([one for one in themes if quoted is None or one.key in quoted], quotes, rules.quotes)
    return Heard(
        themes=themes,
        won_count=int(decided["won_count"]),
        lost_count=int(decided["lost_count"]),
        created_deal_count=int(created["deal_count"]),
        verdicts=verdicts,
        traffic=traffic(repeats, rules.lookback_weeks) if told else {},
    )


def traffic(repeats: Iterable[Mapping[str, Any]], weeks: int) -> dict[str, Traffic]:
    """The rows of `theme_repeats.sql` by theme, and under "" what holds for a theme that is not among them."""
    counts = {row["theme"]: (int(row["occasion_count"]), int(row["repeat_count"])) for row in repeats}
    occasions, repeated = (sum(count[place] for count in counts.values()) for place in (0, 1))
    return {
        theme: Traffic(n, again, occasions, repeated, weeks) for theme, (n, again) in {"": (0, 0), **counts}.items()
    }


def gather(cube: Iterable[Mapping[str, Any]]) -> list[Theme]:
    """Roll the cube of `theme_cube.sql` up to themes, ordered by key."""
    themes: dict[tuple[str, str], Theme] = {}
    for row in cube:
        key = (row["category"], row["theme"])
        theme = themes.setdefault(key, Theme(*key))
        count = int(row["subject_count"])
        theme.subject_count += count
        theme.deal_count += int(row["deal_count"])
        theme.won_count += int(row["deal_count"]) if row["outcome"] == "won" else 0
        theme.lost_count += int(row["deal_count"]) if row["outcome"] == "lost" else 0
        if known := int(row["money_known_count"]):
            theme.money_known_count += known
            theme.money = (theme.money or 0.0) + float(row["money"])
        theme.currency = row["currency"] or theme.currency
        for name, counter in (
            ("stage", theme.stages),
            ("segment", theme.segments),
            ("channel", theme.channels),
            ("language", theme.languages),
            ("source_role", theme.roles),
        ):
            # A deal that was won stands at its end: its stage says nothing of where the doubt stops people.
            if row[name] and not (name == "stage" and row["outcome"] == "won"):
                counter[row[name]] += count
    for theme in themes.values():
        if theme.won_count == theme.subject_count:
            theme.money = 0.0
    return [themes[key] for key in sorted(themes)]


def add_quotes(themes: Iterable[Theme], quotes: Iterable[Mapping[str, Any]], wanted: int) -> None:
    """Give each theme its best quotes, each thing said once with how often it was said.

    A quote that carries an address or a number of a person is withheld and counted.
    """
    by_key = {(theme.category, theme.theme): theme for theme in themes}
    for row in quotes:
        theme = by_key.get((row["category"], row["theme"]))
        if theme is None:
            continue
        line = plain_line(row["quote"], limit=400)
        if not line:
            continue
        if not is_safe(line):
            theme.withheld_quote_count += 1
            continue
        _add_quote(theme, Quote(line, row["language"] or "", row["source_role"] or "", int(row["told_count"])), wanted)


def _add_quote(theme: Theme, quote: Quote, wanted: int) -> None:
    for place, known in enumerate(theme.quotes):
        if are_alike(known.text, quote.text):
            theme.quotes[place] = replace(known, told_count=known.told_count + quote.told_count)
            return
    if len(theme.quotes) < wanted:
        theme.quotes.append(quote)


def _query(name: str) -> str:
    return (files("rebuttal.content") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
