"""Worlds that several tests look at: each is made once."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from sandbox.world import Simulation, build

UNTIL = date(2026, 11, 15)


@cache
def world(seed: int = 1, weeks: int = 12, scale: float = 1.0) -> Simulation:
    """A world that nobody moves on."""
    return build(seed, weeks, UNTIL, scale)


@cache
def truth(seed: int = 1, weeks: int = 12, scale: float = 1.0, counterfactuals: bool = False) -> dict[str, Any]:
    """Its truth."""
    return world(seed, weeks, scale).truth(counterfactuals)
