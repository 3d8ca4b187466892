"""The market: how many people come on a day, shocks, and how the doubts of the day drift. All by calendar date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from sandbox.parameters import DOUBTS, Market
from sandbox.world.streams import between, stream, unit

_EPOCH = date(2024, 1, 1)


@dataclass(frozen=True)
class Shock:
    """Something that moves the market from `first` to `last`, both included."""

    kind: str
    first: date
    last: date


class Weather:
    """What the market is like on a day."""

    def __init__(self, seed: int, market: Market) -> None:
        self._seed, self._market = seed, market
        self.shocks_of_month = lru_cache(maxsize=None)(self._shocks_of_month)
        self.doubt_factors = lru_cache(maxsize=None)(self._doubt_factors)
        self.channel_factors = lru_cache(maxsize=None)(self._channel_factors)

    def _shocks_of_month(self, year: int, month: int) -> tuple[Shock, ...]:
        name = (self._seed, "shock", year, month)
        if unit(*name) >= self._market.shock_a_month:
            return ()
        kinds = sorted(self._market.shocks)
        first = date(year, month, 1) + timedelta(days=int(unit(*name, "day") * 24))
        days = int(between(unit(*name, "days"), self._market.shock_days))
        return (Shock(kinds[int(unit(*name, "kind") * len(kinds))], first, first + timedelta(days=days)),)

    def shocks(self, day: date) -> list[Shock]:
        """The shocks that are on, on this day."""
        before = day.replace(day=1) - timedelta(days=1)
        months = ((before.year, before.month), (day.year, day.month))
        return [shock for month in months for shock in self.shocks_of_month(*month) if shock.first <= day <= shock.last]

    def arrivals(self, day: date, scale: float) -> int:
        """How many people have their first touch on this day (UTC)."""
        market = self._market
        rate = market.people_a_day * scale * market.month[day.month - 1] * market.weekday[day.weekday()]
        rate *= market.holidays.get((day.month, day.day), 1.0)
        rate *= (1 + market.growth_a_year) ** ((day - _EPOCH).days / 365 - 2)
        for shock in self.shocks(day):
            rate *= market.shocks[shock.kind][0]
        return int(stream(self._seed, "arrivals", day.isoformat()).poisson(rate))

    def _doubt_factors(self, day: date) -> dict[str, float]:
        """How much more common than usual each doubt is among those who come on this day."""
        factors = {}
        height = self._market.doubt_wave_height
        for code in DOUBTS:
            name = (self._seed, "wave", code)
            period = between(unit(*name, "period"), self._market.doubt_wave_days)
            turn = (day - _EPOCH).days / period + unit(*name, "phase")
            slow = (day - _EPOCH).days / (2.7 * period) + unit(*name, "slow")
            wave = height * (0.75 * math.sin(2 * math.pi * turn) + 0.45 * math.sin(2 * math.pi * slow))
            factors[code] = math.exp(wave - height**2 / 4)
        if day.month in (1, 7):
            factors["timing"] *= 1.3
        for shock in self.shocks(day):
            _, _, _, code, factor = self._market.shocks[shock.kind]
            factors[code] *= factor
        return factors

    def _channel_factors(self, day: date) -> dict[str, float]:
        """How much more than usual each channel brings on this day; AI assistants grow through the years."""
        factors = {"ai_assistant": 1.0 + max(0.0, (day - _EPOCH).days / 365 - 1.5) * 0.5}
        for shock in self.shocks(day):
            _, channel, factor, _, _ = self._market.shocks[shock.kind]
            factors[channel] = factors.get(channel, 1.0) * factor
        return factors
