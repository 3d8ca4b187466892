"""Campaigns whose advertisements lose their tags for some days: drawn for each platform and calendar month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from sandbox.parameters import TagFaults
from sandbox.world.links import LINKS, Link
from sandbox.world.streams import DAY, instant, number, seconds, unit


@dataclass(frozen=True)
class Outage:
    """From `first` until `until` (Unix seconds, the end not included) the link's ads have no tags."""

    key: str
    first: int
    until: int


@lru_cache(maxsize=4096)
def _of_month(seed: int, platform: str, year: int, month: int, rate: float, days: tuple[int, int]) -> Outage | None:
    name = (seed, "outage", platform, year, month)
    if unit(*name) >= rate:
        return None
    links = [link for link in LINKS if link.platform == platform and link.is_tagged and link.is_registered]
    first = seconds(date(year, month, 1)) + int(unit(*name, "day") * 20) * DAY
    length = days[0] + number(*name, "length") % (days[1] - days[0] + 1)
    return Outage(links[number(*name, "link") % len(links)].key, first, first + length * DAY)


def outages(seed: int, link: Link, start: int, until: int, rates: TagFaults) -> list[Outage]:
    """The link's outages that touch [start, until), in order."""
    found = []
    day = (instant(start).date() - timedelta(days=31)).replace(day=1)
    while seconds(day) < until:
        one = _of_month(seed, link.platform, day.year, day.month, rates.outage_a_month, rates.outage_days)
        if one and one.key == link.key and one.until > start and one.first < until:
            found.append(one)
        day = (day + timedelta(days=31)).replace(day=1)
    return found


def is_out(seed: int, link: Link, at: int, rates: TagFaults) -> bool:
    """Whether the link's ads have lost their tags at this instant."""
    return bool(link.platform) and bool(outages(seed, link, at, at + 1, rates))
