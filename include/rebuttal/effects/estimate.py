"""An estimate as every estimator gives it: a log ratio with its standard error, read as a relative change.

Intervals are of Student's t with the degrees of freedom that the estimator states (scipy).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf

from scipy import stats


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
    where nothing can be compared, and `why_none` says why.
    """

    metric: str
    estimator: str
    treated: Group
    other: Group
    estimate: Estimate | None
    why_none: str = ""
