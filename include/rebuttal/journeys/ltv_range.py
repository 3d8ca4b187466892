"""Between what a predicted lifetime value lies: eight of ten times, by 4,000 futures drawn from the fitted model.

A future draws the model's coefficients (normal, with the covariance of the fit), then purchases (Poisson, or negative
binomial where purchases scatter more than Poisson says), then what each is worth (gamma, with the scatter of revenue
around the fit). The draws are the same for the same data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

DRAWS = 4_000
LOW, HIGH = 0.1, 0.9
SEED = 20_261_123
_SMALL = 1e-9
_LEAST_SCATTER = 0.05  # of the worth of purchases: squared coefficient of variation

Draws = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Spread:
    """What the fit does not know. `shifts`: (DRAWS, coefficients), each draw less the fitted coefficient."""

    names: tuple[str, ...]
    shifts: Draws
    overdispersion: float  # variance of the number of purchases over its mean, at least 1
    scatter: float  # squared coefficient of variation of the worth of a purchase
    worth: Draws  # (DRAWS,): drawn mean worth of a purchase over the fitted one

    @classmethod
    def of(cls, result: Any, names: Sequence[str], seen: pd.DataFrame, expected_revenue: Draws) -> Spread:
        """From a fitted GLM of `seen` (rows of sql/ltv_months.sql) and the revenue that it expects of each row."""
        freedom = max(len(seen) - len(names), 1)
        overdispersion = max(1.0, float(result.pearson_chi2) / freedom)
        orders = float(seen["repeat_orders"].sum())
        mean_worth = float(seen["repeat_revenue"].sum()) / orders
        noise = float(((seen["repeat_revenue"] - expected_revenue) ** 2 / expected_revenue).sum()) / freedom
        # Of a compound Poisson sum, variance / mean = E[worth^2] / E[worth].
        scatter = max(_LEAST_SCATTER, noise / mean_worth / overdispersion - 1) if mean_worth > 0 else _LEAST_SCATTER
        random = np.random.default_rng(SEED)
        covariance = np.asarray(result.cov_params(), dtype="float64") * overdispersion
        shifts = random.multivariate_normal(np.zeros(len(names)), covariance, size=DRAWS)
        shape = orders / scatter
        return cls(tuple(names), shifts, overdispersion, scatter, random.gamma(shape, 1 / shape, size=DRAWS))

    def revenue(self, key: str, orders: Draws, decay: Draws, level: str, worth: float) -> Draws:
        """Drawn revenue (DRAWS,) of a row whose coming months have these expected `orders` and values of the decay.

        `key` names the row: its draws depend on nothing else.
        """
        shift = self.shifts[:, [self.names.index("const")]] + self.shifts[:, [self.names.index("decay")]] * decay
        if level in self.names:
            shift = shift + self.shifts[:, [self.names.index(level)]]
        mean = (orders * np.exp(shift)).sum(axis=1) + _SMALL
        random = np.random.default_rng([SEED, crc32(key.encode())])
        if self.overdispersion > 1:
            count = random.negative_binomial(mean / (self.overdispersion - 1), 1 / self.overdispersion)
        else:
            count = random.poisson(mean)
        drawn = random.gamma(np.maximum(count, _SMALL) / self.scatter, worth * self.scatter)
        return np.where(count > 0, drawn, 0.0) * self.worth


def bounds(draws: Draws) -> tuple[float, float]:
    """The LOW and the HIGH quantile."""
    low, high = np.quantile(draws, [LOW, HIGH])
    return float(low), float(high)
