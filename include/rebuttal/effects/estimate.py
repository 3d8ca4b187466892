"""An estimate as every estimator gives it: a log ratio with its standard error, read as a relative change.

Intervals are of Student's t with the degrees of freedom that the estimator states (scipy).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf

from scipy import stats

from rebuttal.effects.unseen import middle, reach


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
    where nothing can be compared, and `why_none` says why. `has_unseen`: some of `other` met the piece unseen.
    """

    metric: str
    estimator: str
    treated: Group
    other: Group
    estimate: Estimate | None
    why_none: str = ""
    has_unseen: bool = False

    @property
    def expected_events(self) -> float:
        """How often the treated would have voiced it, had they done as the others: what a comparison can build on."""
        return (self.other.rate or 0.0) * self.treated.occasion_count

    @property
    def effect(self) -> float | None:
        """The relative change, unseen readers allowed for; None without an estimate."""
        if self.estimate is None or not self.has_unseen:
            return self.estimate.effect if self.estimate else None
        return middle(1 + self.estimate.effect, *self._sides) - 1

    def interval(self, error: float = 0.05) -> tuple[float, float] | None:
        """The interval of the relative change, unseen readers allowed for; None without an estimate."""
        return self.widened(*self.estimate.interval(error)) if self.estimate else None

    def widened(self, low: float, high: float) -> tuple[float, float]:
        """An interval of the relative change as seen, unseen readers allowed for."""
        if not self.has_unseen:
            return low, high
        ends = reach(1 + low, 1 + high, *self._sides)
        return ends[0] - 1, ends[1] - 1

    @property
    def _sides(self) -> tuple[int, int]:
        return self.treated.occasion_count, self.other.occasion_count
