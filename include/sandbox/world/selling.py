"""From a lead to money: owners, stages, doubts that are voiced or not, and what becomes of deals."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sandbox.parameters import DOUBTS, EUR_PER_UNIT, OWNERS, PRODUCTS, Product
from sandbox.world.journeys import Circumstances, sigmoid
from sandbox.world.life import STAGES, Deal, Exposure, Life, Talk
from sandbox.world.population import DEALS, Person, pick
from sandbox.world.streams import DAY, mixed, number

_OPEN = STAGES[:5]
_BY_CODE = {product.code: product for product in PRODUCTS}
_CODES = tuple(DOUBTS)


def left_at(owner: str, start: int) -> int:
    """When an owner leaves the company (Unix seconds), 0 if never."""
    day = OWNERS[owner][5]
    return start + day * DAY if day is not None else 0


def owner_of(world: Circumstances, who: Person, at: int) -> str:
    """The owner who gets this person's lead: one who speaks the language and is there."""
    able = [key for key, owner in OWNERS.items() if who.language in owner[2]]
    there = [key for key in able if not left_at(key, world.start) or at < left_at(key, world.start)]
    return there[number(world.seed, "owner", who.key) % len(there)]


def owner_at(owner: str, at: int, start: int) -> str:
    """Who has this owner's work at an instant: the one themselves, or who took it over."""
    left = left_at(owner, start)
    if not left or at < left:
        return owner
    language = OWNERS[owner][2][0]
    return next(key for key, other in OWNERS.items() if language in other[2] and other[5] is None)


def _product(who: Person, u: float) -> Product:
    return PRODUCTS[pick(u, tuple(product.weight.get(who.segment, 0.0) for product in PRODUCTS))]


def _currency(who: Person, u: float) -> str:
    if who.written_language == "uk" and u < 0.35:
        return "UAH"
    return "USD" if who.country in ("United States", "Kazakhstan") and u < 0.8 else "EUR"


def sell(life: Life, world: Circumstances) -> None:
    """What sales does with the lead of this life: fills its talks, deals and texts sent by sales."""
    if not life.lead_at:
        return
    who, selling = life.person, world.parameters.selling
    life.draws = who.deal_draws()
    life.owner = owner_of(world, who, life.lead_at)
    u = life.draws[0][0]
    answer = OWNERS[life.owner][4] * math.exp(1.1 * (u[0] + u[1] + u[2] - 1.5) * 2)
    at = life.lead_at + int(answer * 3600)
    intent = life.intent_at(at)
    slow = 0.012 * min(48.0, answer)
    odds = sigmoid(selling.deal + selling.deal_intent * intent - slow)
    if u[3] < min(0.97, odds + 0.35):
        life.qualified_at = at
    if u[3] < min(0.95, odds + 0.12):
        life.accepted_at = at + int(u[4] * 2 * DAY)
    if u[3] < odds:
        created = life.accepted_at + int(u[5] * 1.5 * DAY)
        _deals(life, world, created)
    elif u[6] < selling.small_talk:
        heard = _voiced(life, at, -1, 0)
        life.talks.append(_record(life, world, at + 600, -1, 0, heard, u))
    life.draws = []


def _deals(life: Life, world: Circumstances, created: int) -> None:
    selling = world.parameters.selling
    for ordinal in range(DEALS):
        deal = _deal(life, world, ordinal, created)
        life.deals.append(deal)
        u = life.draws[ordinal][0]
        wants_more = selling.repeat * (0.75 if ordinal else 1.0)
        if deal.outcome != "won" or u[7] > wants_more:
            break
        created = deal.closed_at + int(DAY * (7 - selling.repeat_days * math.log(max(1e-6, u[8]))))


def _go_on(
    life: Life, world: Circumstances, deal: Deal, times: list[int], handled: Mapping[str, float], without: str
) -> int:
    """How many gates the deal passes; `without` takes one doubt away and leaves all draws as they are."""
    who, selling = life.person, world.parameters.selling
    skill = OWNERS[deal.owner][3]
    price = math.log(_BY_CODE[deal.product].cents / 60_000) * 0.12
    for step in range(1, len(times)):
        at = times[step]
        load = sum(life.strength(code, at) * (1 - handled.get(code, 0.0)) for code in who.doubts if code != without)
        chance = selling.go_on + selling.intent * life.intent_at(at) + skill - price - selling.doubt_weight * load
        if deal.ordinal:
            chance += 0.9
        if life.draws[deal.ordinal][step][0] > sigmoid(chance):
            return step - 1
    return len(times) - 1


def _deal(life: Life, world: Circumstances, ordinal: int, created: int) -> Deal:
    who, selling = life.person, world.parameters.selling
    u = life.draws[ordinal][6]
    product = _product(who, u[0])
    currency = _currency(who, u[1])
    cents = round(product.cents * (0.85 + 0.3 * u[2]) / EUR_PER_UNIT[currency] / 100) * 100
    deal = Deal(ordinal, product.code, cents, currency, created, life.owner, [(created, "new")])
    times = [created]
    for step in range(1, 6):
        v = life.draws[ordinal][step]
        wait = selling.step_days * math.exp(selling.step_spread * 2 * (v[1] + v[2] + v[3] - 1.5))
        times.append(times[-1] + int(wait * DAY) + 1800)
    handled: dict[str, float] = {}
    before = len(life.exposures)
    reached = 0
    for step in range(5):  # each gate is passed or not after the talk of the stage before it
        heard = _voiced(life, times[step], ordinal, step)
        _talk(life, world, deal, step, times[step], heard, handled)
        reached = _go_on(life, world, deal, times[: step + 2], handled, "")
        if reached <= step:
            break
        if step < 4:
            deal.moves.append((times[step + 1], _OPEN[step + 1]))
    _close(life, world, deal, times, reached, handled)
    life.exposures[before:] = sorted(life.exposures[before:], key=lambda one: one.at)
    return deal


def _close(
    life: Life, world: Circumstances, deal: Deal, times: list[int], reached: int, handled: Mapping[str, float]
) -> None:
    who, selling = life.person, world.parameters.selling
    u = life.draws[deal.ordinal][6]
    if reached >= 5:
        deal.outcome, deal.closed_at = "won", times[5]
        deal.moves.append((deal.closed_at, "won"))
        if u[4] < selling.refund:
            deal.refund_at = deal.closed_at + int((1 + 12 * u[5]) * DAY)
            deal.refund_cents = deal.cents if u[6] < 0.7 else deal.cents // 200 * 100
            life.talks.append(_cancellation(life, deal))
        return
    at = times[reached + 1]
    strong = {code: life.strength(code, at) * (1 - handled.get(code, 0.0)) for code in who.doubts}
    deal.main_doubt = max(strong, key=lambda code: (strong[code], code)) if strong else ""
    deal.is_ghost = bool(u[7] < selling.ghost)
    deal.outcome, deal.closed_at = "lost", at + (int((12 + 18 * u[8]) * DAY) if deal.is_ghost else 0)
    deal.moves.append((deal.closed_at, "lost"))
    deal.stopped_by = tuple(code for code in who.doubts if _go_on(life, world, deal, times, handled, code) >= 5)
    if u[9] < selling.reopened:
        deal.reopened_at = deal.closed_at + int((2 + 10 * u[10]) * DAY)
        deal.moves.append((deal.reopened_at, "proposal"))
        deal.closed_at = deal.reopened_at + int((3 + 9 * u[11]) * DAY)
        deal.moves.append((deal.closed_at, "lost"))


def _cancellation(life: Life, deal: Deal) -> Talk:
    doubts = sorted(life.person.doubts, key=lambda code: -life.strength(code, deal.refund_at))[:1]
    heard = tuple(doubts) if life.draws[deal.ordinal][6][12] < 0.7 else ()
    return Talk(deal.refund_at - 1200, deal.ordinal, 6, "note", heard, heard, "cancellation", deal.owner)


def _voiced(life: Life, at: int, ordinal: int, step: int) -> tuple[str, ...]:
    """The doubts that the buyer says in this talk; weaker doubts are said less."""
    heard = []
    for code in life.person.doubts:
        readiness = DOUBTS[code].voiced * min(1.0, life.strength(code, at) / 1.1) * 0.62
        if mixed(life.person.id, (ordinal + 2) * 1009 + step * 101 + _CODES.index(code)) < readiness:
            heard.append(code)
    return tuple(heard[:3])


def _talk(
    life: Life, world: Circumstances, deal: Deal, step: int, at: int, heard: tuple[str, ...], handled: dict[str, float]
) -> None:
    """The talk of a stage: recorded or not; what was said may be answered, by the rep or by a text that is sent."""
    selling = world.parameters.selling
    u = life.draws[deal.ordinal][step + 1]
    when = at + 1200 + int(u[4] * 20_000)
    if u[5] < selling.talk:
        life.talks.append(_record(life, world, when, deal.ordinal, step, heard, u))
    elif heard:
        life.talks.append(Talk(when, deal.ordinal, step, "", heard, (), "unrecorded", life.owner))
    for code in heard:
        skill = OWNERS[deal.owner][3]
        handled[code] = max(handled.get(code, 0.0), max(0.0, selling.handled * (1 + 2 * skill)))
        texts = [one for one in world.items if one.code == code and one.published_at <= when]
        if texts and mixed(life.person.id, 7919 + step * 31 + _CODES.index(code)) < selling.sent_by_sales:
            newest = max(texts, key=lambda one: (one.published_at, one.key))
            life.exposures.append(Exposure(when + 1800, newest.key, code, newest.effect, "sales"))
            if mixed(life.person.id, 104_729 + step * 31 + _CODES.index(code)) < world.parameters.crm.sent_noted:
                life.talks.append(Talk(when + 1800, deal.ordinal, step, "note", (), (newest.url,), "sent", life.owner))


def _record(
    life: Life, world: Circumstances, at: int, ordinal: int, step: int, heard: tuple[str, ...], u: list[float]
) -> Talk:
    """What stands in the CRM of a talk in which `heard` was voiced."""
    selling, crm = world.parameters.selling, world.parameters.crm
    owner = life.owner
    if u[9] < selling.call and u[10] < selling.transcript:
        return Talk(at, ordinal, step, "call", heard, heard, "transcript", owner)
    kind = "call" if u[9] < selling.call else "note"
    if kind == "note" and u[10] < crm.chat_note:
        return Talk(at, ordinal, step, "note", heard, heard, "chat", owner)
    if not heard:
        return Talk(at, ordinal, step, kind, (), (), "well", owner)
    bad, wrong = selling.noted_badly, selling.noted_wrongly
    if u[11] < wrong:
        blamed = "price" if u[12] < selling.blames_price else _CODES[int(u[13] * len(_CODES))]
        return Talk(at, ordinal, step, kind, heard, (blamed,), "wrongly" if blamed not in heard else "well", owner)
    if u[11] < wrong + bad:
        return Talk(at, ordinal, step, kind, heard, heard[:1], "badly", owner)
    if u[11] < wrong + bad + selling.noted_nothing:
        return Talk(at, ordinal, step, kind, heard, (), "nothing", owner)
    return Talk(at, ordinal, step, kind, heard, heard, "well", owner)
