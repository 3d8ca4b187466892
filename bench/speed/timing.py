"""Taking times that a noisy neighbour cannot bend much: ways in turn, and the median of the ratios of each round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

Figures = dict[str, float]


class Unmeasured(Exception):
    """Something that the measure needs is not here; the message says what."""


def seconds(way: Callable[[], object]) -> float:
    """How long `way` takes once, wall time."""
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def timed(way: Callable[[], object]) -> tuple[float, float]:
    """The same, and the CPU time that all threads of this process took meanwhile."""
    begun = time.process_time()
    return seconds(way), time.process_time() - begun


def in_turn(rounds: int, ways: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Call every way once a round, every other round backwards: name -> what it gave (seconds), by round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            found[name].append(ways[name]())
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of each round: noise that lasts longer than a round falls out."""
    return median(one / other for one, other in zip(above, below, strict=True))
