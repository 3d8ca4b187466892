"""An estimate as every estimator gives it: a log ratio with its standard error, read as a relative change.

Intervals are of Student's t with the degrees of freedom that the estimator states (scipy).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf

from scipy import stats

from rebuttal.effects.hidden import Hidden


@dataclass(frozen=True)
class Group:
    """Deals of one side, the occasions they had to voice the theme (or to be won), and how often they did."""

    deal_count: int
    occasion_count: int
    event_count: int

    @property
    def rate(self) -> float | None:
        """Events by occasion; None without occasions."""
        return self.event_count / self.occasion_count if self.occasion_count else None


@dataclass(frozen=True)
class Estimate:
    """Log ratio, its standard error (above 0), degrees of freedom of the interval (inf: normal)."""

    log_ratio: float
    standard_error: float
    freedom: float = inf

    @property
    def effect(self) -> float:
        """Relative change: -0.25 is a quarter less."""
        return exp(self.log_ratio) - 1

    def interval(self, error: float = 0.05) -> tuple[float, float]:
        """The two-sided interval of the relative change that misses the truth with the odds `error`."""
        reach = float(stats.t.ppf(1 - error / 2, self.freedom)) * self.standard_error
        return exp(self.log_ratio - reach) - 1, exp(self.log_ratio + reach) - 1


@dataclass(frozen=True)
class Finding:
    """What one estimator found for one metric.

    `treated`: exposed deals, or deals after publication; `other`: those they are compared with. `estimate` is None
    where nothing can be compared, and `why_none` says why. `hidden`: what the records may have kept from it.
    """

    metric: str
    estimator: str
    treated: Group
    other: Group
    estimate: Estimate | None
    why_none: str = ""
    hidden: Hidden | None = None

    @property
    def expected_events(self) -> float:
        """How often the treated would have voiced it, had they done as the others: what a comparison can build on."""
        return (self.other.rate or 0.0) * self.treated.occasion_count

    def interval(self, error: float = 0.05) -> tuple[float, float] | None:
        """The interval of the relative change, as far as the records may have hidden it; None without an estimate."""
        return self.widened(*self.estimate.interval(error)) if self.estimate else None

    def widened(self, low: float, high: float) -> tuple[float, float]:
        """An interval of the relative change as far as the records may have hidden it."""
        if self.hidden is None or not self.other.rate:
            return low, high
        sides = self.treated.occasion_count, self.other.occasion_count
        widest = self.hidden.hull(1 + low, 1 + high, self.other.rate, *sides)
        return widest[0] - 1, widest[1] - 1
