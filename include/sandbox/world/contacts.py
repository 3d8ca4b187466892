"""People and salons in the CRM: records made twice and merged later, test records, numbers written any way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.parameters import Parameters
from sandbox.recorded import CrmObject
from sandbox.world.life import Life
from sandbox.world.memory import source_said
from sandbox.world.population import Salon
from sandbox.world.selling import left_at, owner_at
from sandbox.world.streams import DAY, instant, iso, number, unit
from sandbox.world.trail import Step

_EPOCH = 1_704_067_200  # 2024-01-01: the portal's first day
_SOURCES = {
    "search_brand": "PAID_SEARCH",
    "search_generic": "PAID_SEARCH",
    "social": "SOCIAL_MEDIA",
    "video": "PAID_SOCIAL",
    "display": "OTHER_CAMPAIGNS",
    "remarketing": "OTHER_CAMPAIGNS",
    "messenger": "OTHER_CAMPAIGNS",
    "email": "EMAIL_MARKETING",
    "referral": "REFERRALS",
    "partner": "REFERRALS",
    "organic": "ORGANIC_SEARCH",
    "ai_assistant": "AI_REFERRALS",
}


class Numbers:
    """Ids of one object type: they grow with the time of creation and never change when later objects come."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def next(self, at: int, key: str) -> str:
        """The id of an object made at `at`; call in the order of (at, key)."""
        wanted = (at - _EPOCH) * 1000 + number(key, bits=32) % 1000
        while wanted in self._taken:
            wanted += 1
        self._taken.add(wanted)
        return str(wanted)


@dataclass
class Card:
    """A contact record to be: what it says of the person and what becomes of it."""

    key: str
    life: Life | None
    at: int
    email: str | None
    phone: str | None
    first_name: str
    last_name: str
    step: Step | None = None
    id: str = ""
    merged_into: Card | None = None
    merged_at: int = 0
    swallowed: list[Card] = field(default_factory=list)

    def living(self) -> Card:
        """The record that this one is now part of."""
        card = self
        while card.merged_into is not None:
            card = card.merged_into
        return card


def _phone_as_written(phone: str, draw: int) -> str:
    digits = phone[1:]
    if draw % 5 < 2:
        return phone
    if draw % 5 == 2:
        return f"+{digits[:-9]} {digits[-9:-7]} {digits[-7:-4]} {digits[-4:-2]} {digits[-2:]}"
    if draw % 5 == 3 and digits.startswith("380"):
        return f"0{digits[3:5]} {digits[5:8]}-{digits[8:10]}-{digits[10:]}"
    if draw % 5 == 3 and digits.startswith("79"):
        return f"8 ({digits[1:4]}) {digits[4:7]}-{digits[7:9]}-{digits[9:]}"
    return f"{digits[:-7]}-{digits[-7:]}"


def cards_of(seed: int, life: Life, steps: list[Step], now: int, parameters: Parameters) -> list[Card]:
    """The records made of one person by `now`, with the merges that have happened."""
    who, rates = life.person, parameters.crm
    if not life.lead_at or life.lead_at >= now:
        return []
    u = [unit(seed, who.key, "card", index) for index in range(12)]
    step = next((one for one in steps if one.visit.slot == life.lead_slot), None)
    is_form = life.lead_via == "form"
    email = who.email if is_form or u[0] >= rates.no_email * 3 else None
    phone = who.phone if not is_form or u[1] >= rates.no_phone or email is None else None
    first = Card(
        f"{who.key}-a", life, life.lead_at + 2, email, phone, who.first_name, who.last_name, step if is_form else None
    )
    cards = [first]
    if u[2] < rates.duplicate:
        again = life.lead_at + int((1 + 20 * u[3]) * DAY)
        own_phone = who.phone if u[4] < 0.4 else who.other_phone
        cards.append(
            Card(f"{who.key}-b", life, again, who.other_email if u[5] < 0.6 else None, own_phone, who.first_name,
                 who.last_name if u[6] < 0.7 else "", None)
        )  # fmt: skip
        merged_at = again + int((1 + 15 * u[7]) * DAY) if u[8] < rates.merged else 0
        if u[9] < rates.triplicate:
            third = again + int((1 + 9 * u[10]) * DAY)
            cards.append(Card(f"{who.key}-c", life, third, None, who.phone, who.first_name, "", None))
            if merged_at:
                merged_at = max(merged_at, third + 3600)
                _merge(cards[1], cards[2], merged_at + 7200, now)
        older, newer = (cards[0], cards[1]) if len(cards) == 3 or u[11] < 0.3 else (cards[1], cards[0])
        _merge(older, newer, merged_at, now)
    return [card for card in cards if card.at < now]


def _merge(loser: Card, winner: Card, at: int, now: int) -> None:
    if at and at < now:
        loser.merged_into, loser.merged_at = winner, at
        winner.swallowed.append(loser)


def trial_card(seed: int, life: Life, now: int, parameters: Parameters) -> Card | None:
    """A record that somebody of the company made to try the form, on the day of this lead."""
    if not life.lead_at or unit(seed, life.person.key, "test") >= parameters.crm.test_record:
        return None
    at = life.lead_at // DAY * DAY + 9 * 3600 + number(seed, life.person.key, "test") % 30_000
    name = f"test+{number(seed, life.person.key, 'test', bits=16)}@brand.example"
    return Card(f"{life.person.key}-t", None, at, name, "+380000000000", "Test", "Test") if at < now else None


def _stage_history(life: Life, now: int) -> list[tuple[int, str]]:
    won = [deal.closed_at for deal in life.deals if deal.outcome == "won"]
    steps = [
        (life.lead_at + 2, "lead"),
        (life.qualified_at, "marketingqualifiedlead"),
        (life.accepted_at, "salesqualifiedlead"),
    ]
    if life.deals:
        steps.append((life.deals[0].created_at, "opportunity"))
    if won:
        steps.append((won[0], "customer"))
    return sorted(step for step in steps if 0 < step[0] < now)


def contact_object(
    seed: int, card: Card, ids_of_deals: list[str], company: str | None, start: int, now: int, parameters: Parameters
) -> CrmObject:
    """The record as HubSpot holds it at `now`. A merged-away record is archived with its last values."""
    until = card.merged_at or now
    life = card.life
    properties: dict[str, str | None] = {
        "email": card.email,
        "phone": card.phone and _phone_as_written(card.phone, number(seed, card.key, "phone")),
        "firstname": card.first_name,
        "lastname": card.last_name or None,
        "lifecyclestage": "lead",
        "hs_merged_object_ids": ";".join(one.id for one in card.swallowed) or None,
        "associatedcompanyid": company,
    }
    history: dict[str, list[dict[str, str]]] = {}
    changes = [card.at, *(one.merged_at for one in card.swallowed)]
    if life is not None:
        who = life.person
        stages = _stage_history(life, until)
        if card.key.endswith("-a") and stages:
            properties["lifecyclestage"] = stages[-1][1]
            changes += [at for at, _ in stages]
            history["lifecyclestage"] = [
                {"value": stage, "timestamp": iso(at), "sourceType": "CRM_UI", "sourceId": "userId:1"}
                for at, stage in stages[::-1]
            ]
        owner = owner_at(life.owner, until - 1, start) if unit(seed, card.key, "handed") < 0.7 else life.owner
        if owner != life.owner:
            changes.append(max(card.at, left_at(life.owner, start)))
        properties |= {"hubspot_owner_id": owner, "hs_language": who.written_language, "segment": who.segment}
        properties["hs_analytics_source"] = "OFFLINE"
        properties |= _web(seed, card, parameters)
        if unit(seed, card.key, "asked") < parameters.crm.asks_source:
            properties["self_reported_source"] = source_said(
                who, life.first_channel, parameters.surveys.wrong_source, "crm"
            )[0]
    updated = max(at for at in changes if at < now)
    return crm_object(card.id, card.at, updated, properties, "lastmodifieddate", history, card.merged_at, {
        "deals": ids_of_deals, "companies": [company] if company else []})  # fmt: skip


def _web(seed: int, card: Card, parameters: Parameters) -> dict[str, str | None]:
    """What the form's hidden fields carried over from the site."""
    if card.step is None:
        return {}
    arrival, visit = card.step.arrival, card.step.visit
    found: dict[str, str | None] = {"hs_analytics_source": _SOURCES.get(visit.channel, "DIRECT_TRAFFIC")}
    if card.step.client_id and unit(seed, card.key, "client") >= parameters.crm.client_id_lost:
        found["ym_client_id"] = card.step.client_id
    if arrival.has_click_id:
        found["hs_google_click_id" if arrival.click == "gclid" else "yclid"] = arrival.click_id
    return found


def crm_object(
    identifier: str, created: int, updated: int, properties: dict[str, str | None], modified_name: str,
    history: dict[str, list[dict[str, str]]], archived_at: int, associations: dict[str, list[str]],
) -> CrmObject:  # fmt: skip
    own = {"hs_object_id": identifier, "createdate": iso(created), modified_name: iso(max(updated, archived_at))}
    return CrmObject(
        id=identifier,
        created_at=instant(created),
        updated_at=instant(max(updated, archived_at)),
        properties={**own, **properties},
        history=history,
        is_archived=bool(archived_at),
        archived_at=instant(archived_at) if archived_at else None,
        associations=associations,
    )


def companies(cards: Iterable[Card]) -> tuple[list[CrmObject], dict[str, str]]:
    """The salons in the CRM, and their ids by the salon's key: made with the first record of one of their people."""
    first: dict[str, tuple[int, Salon]] = {}
    for card in cards:
        salon = card.life.person.salon if card.life else None
        if salon is not None and (salon.key not in first or card.at < first[salon.key][0]):
            first[salon.key] = (card.at, salon)
    numbers, found, ids = Numbers(), [], {}
    for key, (at, salon) in sorted(first.items(), key=lambda pair: (pair[1][0], pair[0])):
        ids[key] = numbers.next(at, key)
        properties: dict[str, str | None] = {
            "name": salon.name,
            "domain": salon.domain,
            "type": "RESELLER" if salon.is_chain else "PROSPECT",
            "city": salon.city,
            "country": salon.country,
        }
        found.append(crm_object(ids[key], at, at, properties, "hs_lastmodifieddate", {}, 0, {}))
    return found, ids


def truth_of(card: Card) -> dict[str, Any]:
    """What is true of a record."""
    return {
        "contact_id": card.id,
        "person": card.life.person.key if card.life else None,
        "is_test": card.life is None,
        "merged_into": card.merged_into.id if card.merged_into else None,
        "email": card.email,
        "phone": card.phone,
    }
