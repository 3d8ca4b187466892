"""From the first touch to a lead, or away: channels find people by targeting, touches change intent and saturate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.parameters import CHANNELS, SATURATION, TOUCH, Parameters
from sandbox.world import site
from sandbox.world.content import Item
from sandbox.world.life import Exposure, Life, Touch, Visit
from sandbox.world.links import ADS, LINKS, Ad, Link
from sandbox.world.market import Weather
from sandbox.world.population import Person, pick
from sandbox.world.streams import DAY, mixed

_LINKS = {
    (channel, language): tuple(one for one in LINKS if one.channel == channel and language in one.languages)
    for channel in CHANNELS
    for language in ("ru", "uk", "en", "mixed")
}
_KNOWN = ("search_brand", "direct", "remarketing", "email")  # reach only those who know the brand


@dataclass(frozen=True)
class Circumstances:
    """The circumstances of a life: what is on the site, what the market does, and which cause is taken away."""

    seed: int
    parameters: Parameters
    weather: Weather
    start: int = 0  # Unix seconds: the beginning of the shown window, from which owners' days are counted
    items: tuple[Item, ...] = ()
    without_channel: str = ""


def sigmoid(x: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-x)) if x > -40 else 0.0


def _weights(
    who: Person, intent: float, is_first: bool, is_known: bool, factors: Mapping[str, float]
) -> tuple[float, ...]:
    weights = []
    for name in CHANNELS:
        channel = TOUCH[name]
        weight, tilt = (channel.first, channel.first_tilt) if is_first else (channel.later, channel.later_tilt)
        if not is_first and name in _KNOWN and not is_known:
            weight = 0.0
        if name in ("email", "messenger") and not is_first and not who.subscribes:
            weight *= 0.12
        weights.append(weight * factors.get(name, 1.0) * math.exp(tilt * max(-2.5, min(2.5, intent))))
    return tuple(weights)


def _link(channel: str, language: str, u: float, v: float) -> tuple[Link | None, Ad | None]:
    links = _LINKS[channel, language]
    if not links:
        return None, None
    link = links[pick(u, tuple(one.weight for one in links))]
    ads = ADS.get(link.key)
    return link, ads[int(v * len(ads))] if ads else None


def _substitute(channel: str, removed: str, u: float) -> str:
    """The channel that takes the place of a removed one, or nothing."""
    if channel != removed:
        return channel
    other = TOUCH[channel]
    return other.instead if u < other.instead_share else ""


def _pages(draws: list[float], landing: str, intent: float, known: int) -> tuple[list[tuple[int, str]], int]:
    wanted = min(8, 1 + int(-math.log(max(1e-9, 1 - draws[0])) * (0.9 + 0.5 * sigmoid(intent))))
    pages, clock = [(0, landing)], 6 + int(60 * draws[9])
    for index in range(1, wanted):
        question = site.QUESTIONS[min(4, int((known + 2.2 * draws[index]) * 0.9))]
        choices = site.PAGES[question]
        pages.append((clock, choices[int(draws[9 - index] * len(choices))]))
        clock += 8 + int(-70 * math.log(max(1e-6, draws[9 + index])))
    return pages, clock


def live(who: Person, world: Circumstances) -> Life:
    """The person's journey: touches, visits, what was read, and when (if ever) they became a lead."""
    life, journey = Life(who), world.parameters.journey
    at, intent, is_known, removed = who.arrived_at, who.intent, False, world.without_channel
    counts: dict[str, int] = {}
    for slot, u in enumerate(who.slot_draws(journey.slots)):
        if slot:
            if u[0] > sigmoid(journey.stay + journey.stay_intent * intent - 0.12 * slot):
                break
            gap = journey.gap_days * math.exp(journey.gap_spread * _normal(u[1], u[2]) - 0.12 * intent)
            at += int(min(45.0, max(0.02, gap)) * DAY)
        factors = world.weather.channel_factors(datetime.fromtimestamp(at, UTC).date())
        drawn = CHANNELS[pick(u[3], _weights(who, intent, slot == 0, is_known, factors))]
        channel = _substitute(drawn, removed, u[4])
        if not channel or (channel in _KNOWN and not is_known and slot):
            continue
        link, ad = _link(channel, who.language, u[5], u[6])
        effect = min(_effect(channel, intent), _effect(drawn, intent)) * math.exp(-SATURATION * counts.get(drawn, 0))
        counts[drawn] = counts.get(drawn, 0) + 1
        intent += effect
        is_known = True
        life.intents.append((at, intent))
        if u[7] < min(TOUCH[channel].click, TOUCH[drawn].click):
            _visit(life, world, Visit(slot, at, channel, link, ad, 0, [], [], 0), intent, u)
        else:
            life.touches.append(Touch(slot, at, channel, ad))
    return life


def _effect(channel: str, intent: float) -> float:
    return TOUCH[channel].early if intent < 0 else TOUCH[channel].late


def _normal(u: float, v: float) -> float:
    return math.sqrt(-2 * math.log(max(1e-12, 1 - u))) * math.cos(2 * math.pi * v)


def _visit(life: Life, world: Circumstances, visit: Visit, intent: float, u: list[float]) -> None:
    """Fill the visit: pages, what is read, goals, and whether it makes a lead."""
    who, journey, link, at = life.person, world.parameters.journey, visit.link, visit.at
    known = min(4, len(life.visits))
    landing = link.landing if link else site.PAGES["what"][int(u[8] * 3)]
    pages, clock = _pages(u[12:30], landing, intent, known)
    for one in world.items:
        if at < one.published_at:
            continue
        most = journey.read * (journey.read_with_doubt if one.code in who.doubts else 1.0)
        draw = mixed(who.id ^ one.id, visit.slot)
        if draw >= most:  # an appeal is 1 at most: most draws need not know it
            continue
        if draw < min(0.6, most * one.appeal(at, journey.reach_days)):
            pages.append((clock, f"/blog/{one.slug}"))
            life.exposures.append(Exposure(at + clock, one.key, one.code, one.effect, "site"))
            clock += 40 + int(mixed(who.id, one.id) * 160)
    goals = [(offset, site.GOAL_PRICES) for offset, path in pages if path == "/prices"]
    if not life.lead_at and u[9] < sigmoid(journey.lead + journey.lead_intent * intent + TOUCH[visit.channel].lead):
        life.lead_slot = visit.slot
        if u[10] < journey.lead_offline:
            life.lead_via = "phone" if u[11] < 0.6 else "message"
            life.lead_at = at + clock + int(u[11] * 20_000)
            if life.lead_via == "phone":
                goals.append((clock, site.GOAL_PHONE))
        else:
            life.lead_via = "form"
            pages += [(clock, "/contacts"), (clock + 70, "/thank-you")]
            goals.append((clock + 70, site.GOAL_LEAD))
            life.lead_at = at + clock + 71
            clock += 80
    visit.device = int(u[30] ** 1.7 * len(who.devices))
    visit.pages, visit.goals = pages, goals
    visit.seconds = clock if len(pages) > 1 else min(clock, 30)
    life.visits.append(visit)
