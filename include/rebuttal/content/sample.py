"""How much has to be heard before a verdict can be worth anything, and how long that takes at today's traffic.

The verdict rests on the log ratio of two shares: of the talks after a first voicing, how many voice it again among
those who met the piece, and among the others. Its variance is that of Katz and others (Biometrics 34, 1978); the size
that shows the hoped-for change with the wanted power is statsmodels' formula for a normal estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

from statsmodels.stats.power import normal_sample_size_one_tail

from rebuttal.content.rules import HypothesisRule

_PRIOR_OCCASIONS = 20.0  # so many occasions' worth of all themes' rate before the theme's own speaks


@dataclass(frozen=True)
class Traffic:
    """Talks of deals that had voiced a theme before, in the look-back window of `weeks`, and how many voiced it again.

    `all_occasions` and `all_repeats` are the sums over all themes.
    """

    occasion_count: int = 0
    repeat_count: int = 0
    all_occasions: int = 0
    all_repeats: int = 0
    weeks: int = 0


@dataclass(frozen=True)
class Sample:
    """`repeats`: how often those who met the piece would have to voice it again, were it without effect.

    `rate`: the share of talks that do today; `weeks`: until so many are heard at today's traffic, None without any.
    """

    repeats: int
    rate: float
    weeks: int | None


def needed(traffic: Traffic, rule: HypothesisRule) -> Sample:
    """The sample that shows `rule.expected_size` with `rule.power`, at the theme's own rate."""
    rate = repeat_rate(traffic, rule.assumed_repeat)
    lower = rate * (1 - rule.expected_size)
    others = (1 - rule.exposed_share) / rule.exposed_share
    spread = sqrt((1 - lower) / lower + (1 - rate) / rate / others)
    occasions = normal_sample_size_one_tail(log(1 - rule.expected_size), rule.power, rule.error / 2, spread)
    repeats = max(ceil(float(occasions) * rate), rule.least_sample)
    a_week = traffic.occasion_count * rule.exposed_share * rate / traffic.weeks if traffic.weeks else 0.0
    return Sample(repeats, rate, ceil(repeats / a_week) if a_week else None)


def repeat_rate(traffic: Traffic, assumed: float) -> float:
    """The share of occasions that voice it again, shrunk to that of all themes, and this to `assumed`."""
    usual = (traffic.all_repeats + _PRIOR_OCCASIONS * assumed) / (traffic.all_occasions + _PRIOR_OCCASIONS)
    found = (traffic.repeat_count + _PRIOR_OCCASIONS * usual) / (traffic.occasion_count + _PRIOR_OCCASIONS)
    return min(max(found, 0.01), 0.9)
