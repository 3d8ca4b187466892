"""The world in the box: people with needs and doubts, what is done to them, and what the tools record of it."""

from __future__ import annotations

from datetime import date

from sandbox.parameters import DEFAULT, Parameters
from sandbox.world.simulation import Simulation

__all__ = ["Simulation", "build"]


def build(seed: int, weeks: int, until: date, scale: float = 1.0, parameters: Parameters = DEFAULT) -> Simulation:
    """A world that shows `weeks` weeks up to the end of `until` (UTC). Deterministic by its arguments; implements
    `sandbox.recorded.World`. `scale` multiplies the number of people: 1.0 is some 6,000 recorded visits in 12 weeks.
    Raises ValueError for weeks below 1 or a scale that is not above 0."""
    if weeks < 1:
        raise ValueError(f"weeks must be at least 1, not {weeks}")
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    return Simulation(seed, weeks, until, scale, parameters)
