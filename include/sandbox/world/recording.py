"""One look at the world: every tool's rows as of now, with the truth of each beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.parameters import OWNERS
from sandbox.recorded import CrmObject, Recorded
from sandbox.world.ads import Media, account
from sandbox.world.analytics import Counted, count
from sandbox.world.bookings import Booked, book
from sandbox.world.contacts import Card, Numbers, cards_of, companies, contact_object, trial_card
from sandbox.world.deals import deal_object, doubled_at, lost_reason, pipelines
from sandbox.world.life import Deal, Life
from sandbox.world.selling import left_at
from sandbox.world.sessions import sessions
from sandbox.world.streams import instant, iso
from sandbox.world.surveys import Answers
from sandbox.world.talks import Files, file, text_truth

if TYPE_CHECKING:
    from sandbox.world.simulation import Simulation


@dataclass(frozen=True)
class Recording:
    """What the tools show (`recorded`) and what is true of it."""

    recorded: Recorded
    counted: Counted
    media: Media
    cards: list[Card]
    deal_ids: dict[tuple[str, int], str]
    doubled: list[dict[str, Any]]
    files: Files
    answers: Answers
    booked: Booked
    reasons: list[dict[str, Any]]


def record(world: Simulation) -> Recording:
    """Look at the world now."""
    seed, now, start, parameters = world.seed, world.now_seconds, world.start, world.parameters
    lives = [world.lives[key] for key in sorted(world.lives)]
    walks = [(life, world.trails[life.person.key]) for life in lives]
    seen = [(life.person, steps) for life, steps in walks]
    counted = count(seed, seen, start, now, parameters, world.scale)
    media = account(seed, walks, start, now, parameters, world.scale)
    crm = _Crm(world, lives)
    answers = Answers(seed, start, now, parameters)
    for life, steps in walks:
        answers.ask(
            life, steps, {deal.ordinal: crm.deal_ids.get((life.person.key, deal.ordinal), "") for deal in life.deals}
        )
    booked = book(seed, lives, start, now, parameters, world.scale)
    visits, hits = counted.frames()
    ads, clicks = media.frames()
    recorded = Recorded(
        now=instant(now),
        ads=ads,
        visits=visits,
        hits=hits,
        sessions=sessions(seed, seen, start, now),
        clicks=clicks,
        crm=crm.objects(),
        owners=_owners(start, now),
        pipelines=pipelines(),
        responses=answers.finish(),
        branches=booked.branches,
        bookings=booked.bookings,
    )
    return Recording(
        recorded, counted, media, crm.cards, crm.deal_ids, crm.doubled, crm.files, answers, booked, crm.reasons
    )


class _Crm:
    """The CRM as of now: ids first, then the objects that point at each other."""

    def __init__(self, world: Simulation, lives: list[Life]) -> None:
        self._world, self._lives = world, lives
        seed, now, parameters = world.seed, world.now_seconds, world.parameters
        self.cards: list[Card] = []
        for life in lives:
            self.cards += cards_of(seed, life, world.trails[life.person.key], now, parameters)
            test = trial_card(seed, life, now, parameters)
            self.cards += [test] if test else []
        self.cards.sort(key=lambda card: (card.at, card.key))
        numbers, addresses = Numbers(), set()
        for card in self.cards:
            card.id = numbers.next(card.at, card.key)
            # The CRM keeps an address once: who comes second with the salon's role address is written down without it.
            if card.email in addresses:
                card.email = None
            addresses.add(card.email)
        self._living = {
            card.life.person.key: card.living().id for card in self.cards if card.life and card.key.endswith("-a")
        }
        self.deal_ids: dict[tuple[str, int], str] = {}
        self.doubled: list[dict[str, Any]] = []
        self._deals: list[tuple[str, Life, Deal, int]] = []
        self._number_deals()
        self.reasons: list[dict[str, Any]] = []
        self.files = file(seed, lives, self._contact_of, self._deal_of, world.start, now, parameters, world.said())

    def _contact_of(self, life: Life) -> str | None:
        return self._living.get(life.person.key)

    def _deal_of(self, life: Life, ordinal: int) -> str | None:
        return self.deal_ids.get((life.person.key, ordinal))

    def _number_deals(self) -> None:
        seed, now, parameters = self._world.seed, self._world.now_seconds, self._world.parameters
        wanted: list[tuple[int, str, Life, Deal, int]] = []
        for life in self._lives:
            for deal in life.deals:
                if deal.created_at >= now:
                    continue
                wanted.append((deal.created_at, f"{life.person.key}-{deal.ordinal}", life, deal, 0))
                made, gone = doubled_at(seed, life, deal, now, parameters)
                if made:
                    wanted.append((made, f"{life.person.key}-{deal.ordinal}-x", life, deal, gone or -1))
        numbers = Numbers()
        for at, key, life, deal, gone in sorted(wanted, key=lambda one: one[:2]):
            identifier = numbers.next(at, key)
            if gone:
                self._deals.append((identifier, life, _mistake(deal, at), max(gone, 0)))
                self.doubled.append(
                    {
                        "at": iso(at),
                        "deal_id": identifier,
                        "original_id": self.deal_ids[life.person.key, deal.ordinal],
                    }
                )
            else:
                self._deals.append((identifier, life, deal, 0))
                self.deal_ids[life.person.key, deal.ordinal] = identifier

    def objects(self) -> dict[str, list[CrmObject]]:
        """All objects, by type, in the order of their ids."""
        world = self._world
        seed, now, start, parameters = world.seed, world.now_seconds, world.start, world.parameters
        salons, ids = companies(self.cards)
        deals: list[CrmObject] = []
        of_contact: dict[str | None, list[str]] = {}
        for identifier, life, deal, gone in self._deals:
            contact = self._living.get(life.person.key)
            company = ids.get(life.person.salon.key) if life.person.salon else None
            of_contact.setdefault(contact, []).append(identifier)
            made = deal_object(seed, identifier, life, deal, contact, company, start, now, parameters, gone)
            deals.append(made)
            if made.properties["closed_lost_reason"] and deal.outcome == "lost":
                reason = lost_reason(seed, life, deal, parameters)
                true = (deal.main_doubt,) if deal.main_doubt else ()
                row = text_truth(
                    "deals", identifier, life, reason.said, reason.manner, "rep", deal.closed_at, identifier, true
                )
                self.reasons.append(row)
        contacts = []
        for card in self.cards:
            salon = card.life.person.salon if card.life else None
            deal_ids = [] if card.merged_at and card.merged_at < now else of_contact.get(card.id, [])
            contacts.append(
                contact_object(seed, card, deal_ids, ids.get(salon.key) if salon else None, start, now, parameters)
            )
        made_by_type = {
            "contacts": contacts,
            "companies": salons,
            "deals": deals,
            "notes": self.files.notes,
            "calls": self.files.calls,
        }
        return {name: sorted(made, key=lambda one: int(one.id)) for name, made in made_by_type.items()}


def _mistake(deal: Deal, at: int) -> Deal:
    """The same deal typed in twice: it never moves."""
    return Deal(deal.ordinal, deal.product, deal.cents, deal.currency, at, deal.owner, [(at, "new")])


def _owners(start: int, now: int) -> list[dict[str, Any]]:
    found = []
    for index, (key, (first, last, _, _, _, _)) in enumerate(OWNERS.items(), 1):
        left = left_at(key, start)
        is_gone = bool(left) and left <= now
        found.append(
            {
                "id": key,
                "email": f"{first}.{last}@brand.example".lower(),
                "firstName": first,
                "lastName": last,
                "userId": 9000 + index,
                "createdAt": "2024-01-01T00:00:00.000Z",
                "updatedAt": iso(left) if is_gone else "2024-01-01T00:00:00.000Z",
                "archived": is_gone,
                "teams": [{"id": "501", "name": "Sales", "primary": True}],
            }
        )
    return found
