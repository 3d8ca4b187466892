"""Which theme is worth a task now: a product of five parts, each kept so that people can see why.

    score = money at risk x frequency x winnability x (1 - coverage) x learning

| part | meaning | range |
|---|---|---|
| money | at stake in deals that voiced the theme and are not won, base currency; estimated where none is known | >= 0 |
| frequency | share of all deals and people that voiced anything | 0..1 |
| winnability | win rate of deals that voiced it over that of the others, shrunk towards 1, with an interval | 0.05..1 |
| coverage | what existing content takes of the doubt: 1 - product of (1 - each piece) | 0..0.95 |
| learning | this week's draw of what its format achieves (`learning.py`); 1 on average when nothing is known | 0..2 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any

from scipy.special import digamma, polygamma

from rebuttal.content.learning import Draw
from rebuttal.content.themes import Heard, Theme

_PRIOR_DEALS = 10.0  # so many deals' worth of "this doubt changes nothing" before the data speak
_MIN_WINNABILITY, _MAX_COVERAGE = 0.05, 0.95
_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Winnability:
    """How often deals with a doubt are won next to those without it; 1 = as often. `low`, `high`: 95 % interval.

    `with_rate` and `without_rate` are plain shares of decided deals, None when there are none. Unlike `value`, the
    interval is not cut at 1: a doubt whose deals are won more often shows it.
    """

    value: float
    low: float | None
    high: float | None
    with_rate: float | None
    without_rate: float | None


@dataclass(frozen=True)
class Score:
    """The parts and, in `value`, their product."""

    money: float
    is_money_estimated: bool
    frequency: float
    winnability: Winnability
    coverage: float
    draw: Draw

    @property
    def value(self) -> float:
        """The score; comparable within one run only."""
        return self.money * self.frequency * self.winnability.value * (1 - self.coverage) * self.draw.factor

    def parts(self) -> dict[str, Any]:
        """JSON-ready parts and score, rounded to what is meaningful; `learning_draw` holds each arm's posterior."""
        win = self.winnability
        values = {
            "money": self.money,
            "is_money_estimated": self.is_money_estimated,
            "frequency": self.frequency,
            "winnability": win.value,
            "winnability_low": win.low,
            "winnability_high": win.high,
            "win_rate_with": win.with_rate,
            "win_rate_without": win.without_rate,
            "coverage": self.coverage,
            "learning": self.draw.factor,
            "score": self.value,
        }
        rounded = {name: round(v, 6) if isinstance(v, float) else v for name, v in values.items()}
        return {**rounded, "learning_draw": self.draw.as_dict()}


def score_themes(heard: Heard, coverage: Mapping[str, float], draws: Mapping[str, Draw]) -> list[tuple[Theme, Score]]:
    """Score every theme, best first, equal ones by name. Pure: the same input gives the same list.

    `coverage` (a theme that is missing has none) and `draws` (every theme's) are by theme key.
    """
    voices = sum(theme.subject_count for theme in heard.themes)
    known = [(theme.money, theme.subject_count) for theme in heard.themes if theme.money is not None]
    known_subjects = sum(count for _, count in known)
    typical = sum(money for money, _ in known) / known_subjects if known_subjects else 1.0
    scored = [
        (
            theme,
            Score(
                money=theme.money if theme.money is not None else typical * theme.subject_count,
                is_money_estimated=theme.money is None,
                frequency=theme.subject_count / voices if voices else 0.0,
                winnability=winnability(
                    theme.won_count,
                    theme.lost_count,
                    heard.won_count - theme.won_count,
                    heard.lost_count - theme.lost_count,
                ),
                coverage=min(coverage.get(theme.key, 0.0), _MAX_COVERAGE),
                draw=draws[theme.key],
            ),
        )
        for theme in heard.themes
    ]
    return sorted(scored, key=lambda pair: (-pair[1].value, pair[0].key))


def winnability(won: int, lost: int, other_won: int, other_lost: int) -> Winnability:
    """Compare decided deals with a doubt with those without it.

    Both win rates are Beta distributed given the counts: without the doubt from an even prior, with it from a prior of
    ten deals won as often as the others. The ratio's logarithm has mean psi(a) - psi(a+b) and variance psi'(a) -
    psi'(a+b) of the one less (plus) those of the other, exactly; the interval takes it for normal.
    """
    with_rate, without_rate = _rate(won, lost), _rate(other_won, other_lost)
    if not without_rate:
        return Winnability(1.0, None, None, with_rate, without_rate)
    shrunk = (won + _PRIOR_DEALS * without_rate) / (won + lost + _PRIOR_DEALS)
    # A rate of 1 would leave no weight for losing: the prior keeps a little of both.
    prior = min(max(without_rate, 0.01), 0.99)
    ours = won + _PRIOR_DEALS * prior, lost + _PRIOR_DEALS * (1 - prior)
    theirs = other_won + 1.0, other_lost + 1.0
    middle = _log_mean(*ours) - _log_mean(*theirs)
    spread = _NORMAL_95 * sqrt(_log_variance(*ours) + _log_variance(*theirs))
    value = min(max(shrunk / without_rate, _MIN_WINNABILITY), 1.0)
    return Winnability(value, exp(middle - spread), exp(middle + spread), with_rate, without_rate)


def _rate(won: int, lost: int) -> float | None:
    return won / (won + lost) if won >= 0 and lost >= 0 and won + lost > 0 else None


def _log_mean(a: float, b: float) -> float:
    return float(digamma(a) - digamma(a + b))


def _log_variance(a: float, b: float) -> float:
    return float(polygamma(1, a) - polygamma(1, a + b))
