"""What happens to a person: the records that a simulated life is made of. Instants are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.world.links import Ad, Link
from sandbox.world.population import Person

STAGES = ("new", "qualified", "presentation", "proposal", "negotiation", "won", "lost")


@dataclass(slots=True)
class Visit:
    """A visit as it truly was. `pages` and `goals`: (seconds from its beginning, path / goal id)."""

    slot: int
    at: int
    channel: str
    link: Link | None
    ad: Ad | None
    device: int
    pages: list[tuple[int, str]]
    goals: list[tuple[int, str]]
    seconds: int

    @property
    def ends_at(self) -> int:
        """The end of the last page view."""
        return self.at + self.seconds


@dataclass(slots=True)
class Touch:
    """A touch that was seen or heard and led to no visit (word of mouth, an ad looked at)."""

    slot: int
    at: int
    channel: str
    ad: Ad | None


@dataclass(slots=True)
class Exposure:
    """A text that a person has read. how: site or sales."""

    at: int
    item: str
    code: str
    effect: float
    how: str


@dataclass(slots=True)
class Talk:
    """A talk with a rep. `heard` is what the buyer voiced, `written` what the record says.

    manner: well, badly, wrongly, nothing (recorded without the doubt), transcript, chat, cancellation, unrecorded, or
    sent: a rep note that a text was sent, whose `written` is its address.
    """

    at: int
    deal: int  # ordinal of the deal, -1 without one
    step: int
    kind: str  # note, call, or empty where nobody wrote it down
    heard: tuple[str, ...]
    written: tuple[str, ...]
    manner: str
    owner: str


@dataclass(slots=True)
class Deal:
    """One deal. `moves`: (instant, stage); `stopped_by`: doubts without which the same draws would have won it."""

    ordinal: int
    product: str
    cents: int
    currency: str
    created_at: int
    owner: str
    moves: list[tuple[int, str]]
    outcome: str = "open"  # won, lost
    closed_at: int = 0
    main_doubt: str = ""
    is_ghost: bool = False
    stopped_by: tuple[str, ...] = ()
    refund_at: int = 0
    refund_cents: int = 0
    reopened_at: int = 0


@dataclass(slots=True)
class Life:
    """One simulated life, from the first touch to the last thing that can happen."""

    person: Person
    touches: list[Touch] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    intents: list[tuple[int, float]] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    lead_at: int = 0  # 0: never
    lead_via: str = ""  # form, phone, message
    lead_slot: int = -1
    qualified_at: int = 0
    accepted_at: int = 0
    owner: str = ""
    talks: list[Talk] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    draws: list[list[list[float]]] = field(default_factory=list)  # of selling, only while it goes on

    @property
    def first_channel(self) -> str:
        """The channel of the very first touch; empty if none reached the person."""
        both: list[Touch | Visit] = [*self.touches, *self.visits]
        return min(both, key=lambda one: one.slot).channel if both else ""

    @property
    def last_at(self) -> int:
        """The last instant at which anything happens in this life."""
        ends = [self.person.arrived_at, self.lead_at]
        ends += [visit.ends_at for visit in self.visits[-1:]] + [talk.at for talk in self.talks]
        ends += [max(deal.closed_at, deal.refund_at) for deal in self.deals]
        return max(ends)

    def met(self, channel: str) -> bool:
        """Whether the channel ever touched this person."""
        return any(one.channel == channel for one in self.visits) or any(one.channel == channel for one in self.touches)

    def intent_at(self, at: int) -> float:
        """The intent at an instant."""
        value = self.person.intent
        for when, level in self.intents:
            if when > at:
                break
            value = level
        return value

    def strength(self, code: str, at: int) -> float:
        """How strong a doubt is at an instant, after what was read by then."""
        strength = self.person.doubts.get(code, 0.0)
        for exposure in self.exposures:
            if exposure.code == code and exposure.at <= at:
                strength *= 1 - exposure.effect
        return strength
