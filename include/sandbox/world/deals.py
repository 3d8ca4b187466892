"""Deals in the CRM: stage histories with jumps, reasons from a drop-down that people misuse, amounts that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.parameters import DOUBTS, PRODUCTS, Parameters
from sandbox.recorded import CrmObject
from sandbox.world.contacts import crm_object
from sandbox.world.life import Deal, Life
from sandbox.world.selling import left_at, owner_at
from sandbox.world.speech import Said, say
from sandbox.world.streams import DAY, iso, number, unit

PIPELINE = "default"
STAGE_IDS = {
    "new": "appointmentscheduled",
    "qualified": "qualifiedtobuy",
    "presentation": "presentationscheduled",
    "proposal": "decisionmakerboughtin",
    "negotiation": "contractsent",
    "won": "closedwon",
    "lost": "closedlost",
}
_LABELS = (
    ("new", "New request", "0.1"),
    ("qualified", "Qualified", "0.25"),
    ("presentation", "Presentation", "0.4"),
    ("proposal", "Proposal", "0.6"),
    ("negotiation", "Negotiation", "0.8"),
    ("won", "Won", "1.0"),
    ("lost", "Lost", "0.0"),
)
# The drop-down: its words, and what each says. Several doubts have no word of their own.
REASONS: dict[str, str] = {
    "Too expensive": "price",
    "No budget": "price",
    "Chose a competitor": "competitor",
    "No response": "no_decision",
    "Not now": "timing",
    "No need": "no_need",
    "Payment terms": "terms",
    "Not approved": "authority",
    "Missing function": "missing_feature",
    "Other": "",
}
_WORD = {code: word for word, code in reversed(REASONS.items()) if code}
_NAMES = {product.code: product.name for product in PRODUCTS}


@dataclass(frozen=True, slots=True)
class Reason:
    """The lost reason as recorded: its text, what it says, and how it came to be (list, text or empty)."""

    said: Said
    codes: tuple[str, ...]
    manner: str


def pipelines() -> list[dict[str, Any]]:
    """The one pipeline of the company, as HubSpot gives it."""
    made = "2024-01-01T00:00:00.000Z"
    stages = [
        {
            "id": STAGE_IDS[stage],
            "label": label,
            "displayOrder": order,
            "metadata": {"isClosed": "true" if stage in ("won", "lost") else "false", "probability": probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": made,
            "updatedAt": made,
            "archived": False,
        }
        for order, (stage, label, probability) in enumerate(_LABELS)
    ]
    pipeline = {
        "id": PIPELINE,
        "label": "Sales",
        "displayOrder": 0,
        "archived": False,
        "createdAt": made,
        "updatedAt": made,
    }
    return [{**pipeline, "stages": stages}]


def lost_reason(seed: int, life: Life, deal: Deal, parameters: Parameters) -> Reason:
    """What the rep gives as the reason of a loss; reps blame price twice as often as buyers do."""
    selling, who = parameters.selling, life.person
    u = [unit(seed, who.key, "reason", deal.ordinal, index) for index in range(4)]
    true = "no_decision" if deal.is_ghost and u[3] < 0.5 else deal.main_doubt
    code = true
    if u[1] < selling.lost_reason_wrong:
        code = "price" if u[2] < selling.blames_price else tuple(DOUBTS)[int(u[2] * 997) % len(DOUBTS)]
    if u[0] < selling.lost_reason_list:
        word = _WORD.get(code, "Other")
        if word == "Too expensive" and u[3] < 0.3:
            word = "No budget"
        meant = REASONS[word]
        return Reason(Said(word, ((meant, 0, len(word), False),) if meant else ()), (meant,) if meant else (), "list")
    if u[0] < selling.lost_reason_list + selling.lost_reason_text:
        codes = (code,) if code else ()
        return Reason(say(seed, who, "lost_reason", codes, "rep", parameters, deal.ordinal), codes, "text")
    return Reason(Said("", ()), (), "empty")


def recorded_moves(seed: int, life: Life, deal: Deal, now: int, parameters: Parameters) -> list[tuple[int, str]]:
    """The stages as the CRM has them by `now`: some are jumped over; a refunded deal ends as lost."""
    moves = [deal.moves[0]]
    for at, stage in deal.moves[1:]:
        jumped = unit(seed, life.person.key, deal.ordinal, stage, at, "jump") < parameters.crm.stage_jump
        if stage in ("won", "lost") or not jumped or deal.reopened_at == at:
            moves.append((at, stage))
    if deal.refund_at and deal.refund_cents == deal.cents:
        moves.append((deal.refund_at, "lost"))
    return [move for move in moves if move[0] < now]


def _versions(pairs: list[tuple[int, str]]) -> list[dict[str, str]]:
    return [
        {"value": value, "timestamp": iso(at), "sourceType": "CRM_UI", "sourceId": "userId:1"}
        for at, value in pairs[::-1]
    ]


def money(cents: int) -> str:
    """An amount as HubSpot writes it."""
    return f"{cents // 100}.{cents % 100:02d}"


def closings(
    seed: int, life: Life, deal: Deal, moves: list[tuple[int, str]], now: int, parameters: Parameters
) -> list[tuple[int, str]]:
    """The versions of the closing date by `now`: the forecast, the day itself, and now and then an earlier one typed in
    days after."""
    versions = [(deal.created_at, iso(deal.created_at + 30 * DAY))]
    for at, stage in moves:
        if stage not in ("won", "lost"):
            continue
        key = (seed, life.person.key, deal.ordinal, at)
        versions.append((at, iso(at)))
        edited = at + int((0.2 + 0.7 * unit(*key, "edit")) * DAY)  # before anything else can happen to the deal
        if unit(*key, "back-dated") < parameters.crm.back_dated and edited < now:
            versions.append((edited, iso(at - int((3 + 18 * unit(*key, "back")) * DAY))))
    return versions


def amounts(deal: Deal, now: int) -> list[tuple[int, str]]:
    """The versions of the amount by `now`: what is refunded in part is taken off."""
    versions = [(deal.created_at, money(deal.cents))]
    if deal.refund_at and deal.refund_at < now and deal.refund_cents < deal.cents:
        versions.append((deal.refund_at, money(deal.cents - deal.refund_cents)))
    return versions


def held(seed: int, life: Life, deal: Deal, now: int, parameters: Parameters) -> tuple[str, str, str | None]:
    """What the CRM holds by `now`: outcome (open, won, lost), amount, and the closing date as typed, if closed."""
    moves = recorded_moves(seed, life, deal, now, parameters)
    stage = moves[-1][1]
    if stage not in ("won", "lost"):
        return "open", amounts(deal, now)[-1][1], None
    return stage, amounts(deal, now)[-1][1], closings(seed, life, deal, moves, now, parameters)[-1][1]


def deal_object(
    seed: int, identifier: str, life: Life, deal: Deal, contact: str | None, company: str | None, start: int, now: int,
    parameters: Parameters, archived_at: int = 0,
) -> CrmObject:  # fmt: skip
    """The deal as HubSpot holds it at `now`."""
    who = life.person
    moves = recorded_moves(seed, life, deal, now, parameters)
    last_at, stage = moves[-1]
    is_closed = stage in ("won", "lost")
    prices = amounts(deal, now)
    closes = closings(seed, life, deal, moves, now, parameters)
    changes = [at for at, _ in (*moves, *prices, *closes)]
    owner = owner_at(life.owner, now - 1 if not is_closed else last_at, start)
    if owner != life.owner:
        changes.append(max(deal.created_at, left_at(life.owner, start)))
    properties: dict[str, str | None] = {
        "dealname": f"{_NAMES[deal.product]} | {who.salon.name if who.salon else who.last_name}",
        "amount": prices[-1][1],
        "deal_currency_code": deal.currency,
        "dealstage": STAGE_IDS[stage],
        "pipeline": PIPELINE,
        "closedate": closes[-1][1],
        "dealtype": "existingbusiness" if deal.ordinal else "newbusiness",
        "closed_lost_reason": None,
        "hs_is_closed": "true" if is_closed else "false",
        "hs_is_closed_won": "true" if stage == "won" else "false",
        "hubspot_owner_id": owner,
        "product": deal.product,
    }
    if any(move[1] == "lost" for move in moves):
        is_refund = bool(deal.refund_at) and deal.outcome == "won"
        properties["closed_lost_reason"] = (
            "Refund" if is_refund else lost_reason(seed, life, deal, parameters).said.text or None
        )
    history = {
        "dealstage": _versions([(at, STAGE_IDS[name]) for at, name in moves]),
        "amount": _versions(prices),
        "closedate": _versions(closes),
    }
    associations = {"contacts": [contact] if contact else [], "companies": [company] if company else []}
    updated = max(at for at in changes if at < now)
    return crm_object(
        identifier, deal.created_at, updated, properties, "hs_lastmodifieddate", history, archived_at, associations
    )


def doubled_at(seed: int, life: Life, deal: Deal, now: int, parameters: Parameters) -> tuple[int, int]:
    """When a rep made this deal a second time by mistake, and when that was deleted; (0, 0) if never, by `now`."""
    key = (seed, life.person.key, deal.ordinal, "doubled")
    if unit(*key) >= parameters.crm.deleted_deal:
        return 0, 0
    made = deal.created_at + 900 + number(*key) % 9000
    gone = made + DAY + number(*key, "gone") % (6 * DAY)
    return (made, gone if gone < now else 0) if made < now else (0, 0)
