"""Did the objection get rarer, against what the other objections did meanwhile: a ratio of two ratios, with interval.

    effect = (rate after / rate before) / (control after / control before) - 1

The rates are shares of deals. On the log scale the four are taken as independent and each ratio has the variance of
Katz, Baptista, Azen and Pike (Biometrics 34, 1978): 1/a - 1/n of each rate; two ratios are compared as in Altman and
Bland (BMJ 326, 2003): variances add. Where a count is zero, 0.5 is added to all counts and 1 to all deals (Haldane,
Anscombe). It is an association: who read what is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Side:
    """Deals of one side of a publication: all, and those that voiced the theme or a theme of the control."""

    deal_count: int
    theme_count: int
    control_count: int

    @property
    def rate(self) -> float | None:
        """Share of deals that voiced the theme; None without deals."""
        return self.theme_count / self.deal_count if self.deal_count else None

    @property
    def control_rate(self) -> float | None:
        """Share of deals that voiced a theme of the control; None without deals."""
        return self.control_count / self.deal_count if self.deal_count else None


@dataclass(frozen=True)
class Estimate:
    """Relative change against the control and its 95 % interval: -0.25 = a quarter rarer."""

    effect: float
    low: float
    high: float


def estimate(before: Side, after: Side) -> Estimate | None:
    """The estimate, or None when a side has no deals or nothing was ever voiced of theme or control."""
    if not (before.deal_count and after.deal_count):
        return None
    if not (before.theme_count + after.theme_count and before.control_count + after.control_count):
        return None
    counts = (after.theme_count, before.theme_count, after.control_count, before.control_count)
    is_corrected = 0 in counts
    add, more = (0.5, 1.0) if is_corrected else (0.0, 0.0)
    deals = (after.deal_count, before.deal_count, after.deal_count, before.deal_count)
    a1, a0, b1, b0 = (count + add for count in counts)
    n1, n0, m1, m0 = (count + more for count in deals)
    centre = log(a1 / n1) - log(a0 / n0) - log(b1 / m1) + log(b0 / m0)
    variance = sum(1 / a - 1 / n for a, n in ((a1, n1), (a0, n0), (b1, m1), (b0, m0)))
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * sqrt(max(variance, 0.0))
    return Estimate(exp(centre) - 1, exp(centre - reach) - 1, exp(centre + reach) - 1)
