"""Which theme is worth a task now: a product of five parts, each kept so that people can see why.

    score = money at risk x frequency x winnability x (1 - coverage) x learning

| part | meaning | range |
|---|---|---|
| money | at stake in deals that voiced the theme and are not won, base currency | >= 0 |
| frequency | share of all deals and people that voiced anything | 0..1 |
| winnability | win rate of deals that voiced it over that of the others, shrunk towards 1 | 0.05..1 |
| coverage | what existing content already takes of the doubt: 1 - product of (1 - each) | 0..0.95 |
| learning | what earlier tasks of the category achieved, (confirmed + 1) / (judged + 2), 1 = nothing known | 0..2 |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import prod

from rebuttal.content.themes import Heard, Theme

_PRIOR_DEALS = 10.0  # so many deals' worth of "this doubt changes nothing" before the data speak
_MIN_WINNABILITY, _MAX_COVERAGE = 0.05, 0.95


@dataclass(frozen=True)
class Score:
    """The parts and, in `value`, their product."""

    money: float
    is_money_estimated: bool
    frequency: float
    winnability: float
    win_rate_with: float | None
    win_rate_without: float | None
    coverage: float
    learning: float
    confirmed_count: int
    rejected_count: int

    @property
    def value(self) -> float:
        """The score; comparable within one run only."""
        return self.money * self.frequency * self.winnability * (1 - self.coverage) * self.learning

    def parts(self) -> dict[str, float | int | bool | None]:
        """JSON-ready parts and score, rounded to what is meaningful."""
        values = {name: round(v, 6) if isinstance(v, float) else v for name, v in asdict(self).items()}
        return {**values, "score": round(self.value, 6)}


def score_themes(heard: Heard, coverage: Mapping[str, Iterable[float]]) -> list[tuple[Theme, Score]]:
    """Score every theme, best first, equal ones by name. Pure: the same input gives the same list.

    `coverage` maps a category or `category/theme` to the coverage of each piece that answers it.
    """
    voices = sum(theme.subject_count for theme in heard.themes)
    known = [(theme.money, theme.subject_count) for theme in heard.themes if theme.money is not None]
    known_subjects = sum(count for _, count in known)
    typical = sum(money for money, _ in known) / known_subjects if known_subjects else 1.0
    scored = [(theme, _score(theme, heard, coverage, voices, typical)) for theme in heard.themes]
    return sorted(scored, key=lambda pair: (-pair[1].value, pair[0].key))


def _score(theme: Theme, heard: Heard, coverage: Mapping[str, Iterable[float]], voices: int, typical: float) -> Score:
    rate_with = _rate(theme.won_count, theme.lost_count)
    rate_without = _rate(heard.won_count - theme.won_count, heard.lost_count - theme.lost_count)
    confirmed, rejected = heard.verdicts.get(theme.category, (0, 0))
    pieces = [*coverage.get(theme.category, ()), *coverage.get(theme.key, ())]
    return Score(
        money=theme.money if theme.money is not None else typical * theme.subject_count,
        is_money_estimated=theme.money is None,
        frequency=theme.subject_count / voices if voices else 0.0,
        winnability=_winnability(theme, rate_without),
        win_rate_with=rate_with,
        win_rate_without=rate_without,
        coverage=min(1.0 - prod(1 - piece for piece in pieces), _MAX_COVERAGE),
        learning=2 * (confirmed + 1) / (confirmed + rejected + 2),
        confirmed_count=confirmed,
        rejected_count=rejected,
    )


def _rate(won: int, lost: int) -> float | None:
    return won / (won + lost) if won >= 0 and lost >= 0 and won + lost > 0 else None


def _winnability(theme: Theme, rate_without: float | None) -> float:
    if not rate_without:
        return 1.0
    decided = theme.won_count + theme.lost_count
    shrunk = (theme.won_count + _PRIOR_DEALS * rate_without) / (decided + _PRIOR_DEALS)
    return min(max(shrunk / rate_without, _MIN_WINNABILITY), 1.0)
