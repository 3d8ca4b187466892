"""What a cause truly did: the world lived again without it.

Every person and event has a stream of its own, so only those whom the cause touched live another life; all others need
not be lived again at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.parameters import EUR_PER_UNIT
from sandbox.world.deals import money
from sandbox.world.journeys import Circumstances, live
from sandbox.world.life import Life
from sandbox.world.selling import sell

if TYPE_CHECKING:
    from sandbox.world.simulation import Simulation


@dataclass
class Outcome:
    """What came of some lives between two instants. `cents` by currency, refunds taken off."""

    leads: int = 0
    deals: int = 0
    won: int = 0
    cents: dict[str, int] = field(default_factory=dict)

    def add(self, life: Life, start: int, now: int) -> Outcome:
        """Count one more life."""
        self.leads += bool(start <= life.lead_at < now)
        for deal in life.deals:
            self.deals += bool(start <= deal.created_at < now)
            if deal.outcome == "won" and start <= deal.closed_at < now:
                self.won += 1
                refund = deal.refund_cents if deal.refund_at and deal.refund_at < now else 0
                self.cents[deal.currency] = self.cents.get(deal.currency, 0) + deal.cents - refund
        return self

    def minus(self, other: Outcome) -> dict[str, Any]:
        """This outcome less another, JSON-ready."""
        currencies = sorted({*self.cents, *other.cents})
        cents = {currency: self.cents.get(currency, 0) - other.cents.get(currency, 0) for currency in currencies}
        return {
            "leads": self.leads - other.leads,
            "deals_created": self.deals - other.deals,
            "deals_won": self.won - other.won,
            "revenue": {currency: signed(amount) for currency, amount in cents.items()},
            "revenue_eur": signed(in_eur(cents)),
        }


def in_eur(cents: dict[str, int]) -> int:
    """Cents of EUR at the world's own rates."""
    return round(sum(amount * EUR_PER_UNIT[currency] for currency, amount in cents.items()))


def signed(cents: int) -> str:
    """An amount with its sign."""
    return ("-" if cents < 0 else "") + money(abs(cents))


def outcome(lives: Iterable[Life], start: int, now: int) -> Outcome:
    """What came of these lives."""
    total = Outcome()
    for life in lives:
        total.add(life, start, now)
    return total


def _again(lives: list[Life], circumstances: Circumstances) -> Iterable[Life]:
    for life in lives:
        other = live(life.person, circumstances)
        sell(other, circumstances)
        yield other


def without_channel(world: Simulation, channel: str) -> dict[str, Any]:
    """What the channel added: outcomes as they were, less those of the world without it."""
    met = [life for life in world.lives.values() if life.met(channel)]
    circumstances = world.circumstances(without_channel=channel)
    window = (world.start, world.now_seconds)
    added = outcome(met, *window).minus(outcome(_again(met, circumstances), *window))
    return {**added, "people_touched": len(met)}


def without_item(world: Simulation, key: str) -> dict[str, Any]:
    """What a text added, in the same way."""
    readers = [life for life in world.lives.values() if any(one.item == key for one in life.exposures)]
    circumstances = world.circumstances(without_item=key)
    window = (world.start, world.now_seconds)
    return outcome(readers, *window).minus(outcome(_again(readers, circumstances), *window))
