"""The hidden truth, as plain data for judges. Money is text, to the cent, with its currency; instants ISO 8601 UTC.

Keys: `persons`, `contacts`, `visits`, `copies`, `injected`, `spend`, `campaigns`, `money`, `deals`, `doubts`, `texts`,
`responses`, `partners`, `bookings`, `content`, `channels`. Of copies, `id` is the copy's own id (the same as
`original_id` where a row was sent again as it is) and kind is resent, double, resubmitted or refired. Of visits, `tags`
are what they should be, `arrived` what came, `slip` what was typed wrongly and where.

Version 2 added `campaigns`, `injected` (which is also `faults`, until a served sandbox puts its wire faults there), and
`arrived`, `slip`, `referrer`, `platform`, `is_registered` of visits. Version 3 added `journey` and `is_consented` of
persons, what the CRM holds of each deal (`recorded`), `partners`, and `bookings` with their lifecycles in canonical
words. Version 4 added `recorded_mql_at` of persons. A served sandbox adds `bad_rows`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sandbox.parameters import CHANNELS, EUR_PER_UNIT
from sandbox.recorded import ACCOUNTS
from sandbox.world import counterfactual
from sandbox.world.campaigns import campaigns
from sandbox.world.contacts import truth_of
from sandbox.world.counterfactual import in_eur, signed
from sandbox.world.deals import held
from sandbox.world.identity import identities
from sandbox.world.injected import injected
from sandbox.world.life import Deal, Life
from sandbox.world.market import Shock
from sandbox.world.recording import Recording
from sandbox.world.streams import iso

if TYPE_CHECKING:
    from sandbox.world.simulation import Simulation

VERSION = 4


def tell(world: Simulation, counterfactuals: bool) -> dict[str, Any]:
    """Everything that is true by now. The what-if runs (`incremental` of channels and content) are None when they were
    not asked for."""
    look = world.recording()
    lives = [world.lives[key] for key in sorted(world.lives)]
    wrong = injected(world, look, lives)
    return {
        "version": VERSION,
        "seed": world.seed,
        "scale": world.scale,
        "from": iso(world.start),
        "now": iso(world.now_seconds),
        "eur_per_unit": EUR_PER_UNIT,
        "shocks": [_shock(shock) for shock in world.shocks()],
        "persons": identities(world.lives, look, world.now_seconds),
        "contacts": [truth_of(card) for card in look.cards],
        "visits": look.counted.visit_truth,
        "copies": look.counted.copies + look.answers.copies,
        "injected": wrong,
        "faults": wrong,
        "spend": look.media.spend,
        "campaigns": campaigns(world, look),
        "money": _money(world, look, lives),
        "deals": _deals(world, look, lives),
        "doubts": _doubts(world, look, lives),
        "texts": look.files.texts + look.answers.texts + look.reasons,
        "responses": look.answers.truth,
        "partners": look.booked.partners,
        "bookings": look.booked.truth,
        "content": _content(world, lives, counterfactuals),
        "channels": _channels(world, look, lives, counterfactuals),
    }


def _shock(shock: Shock) -> dict[str, str]:
    return {"kind": shock.kind, "first": shock.first.isoformat(), "last": shock.last.isoformat()}


def _sums(world: Simulation, lives: list[Life]) -> tuple[dict[str, int], dict[str, int], int]:
    revenue: dict[str, int] = defaultdict(int)
    refunds: dict[str, int] = defaultdict(int)
    orders = 0
    for life in lives:
        for deal in life.deals:
            if deal.outcome == "won" and world.start <= deal.closed_at < world.now_seconds:
                orders += 1
                revenue[deal.currency] += deal.cents
            if deal.refund_at and world.start <= deal.refund_at < world.now_seconds:
                refunds[deal.currency] += deal.refund_cents
    return revenue, refunds, orders


def _money(world: Simulation, look: Recording, lives: list[Life]) -> dict[str, Any]:
    revenue, refunds, orders = _sums(world, lives)
    spend: dict[str, int] = defaultdict(int)
    for row in look.media.spend:
        spend[row["platform"]] += row["cost_micros"]
    return {
        "orders": orders,
        "revenue": {currency: signed(cents) for currency, cents in sorted(revenue.items())},
        "refunds": {currency: signed(cents) for currency, cents in sorted(refunds.items())},
        "revenue_eur": signed(in_eur(revenue)),
        "spend": [
            {"platform": platform, "currency": ACCOUNTS[platform]["currency"], "amount": signed(micros // 10_000)}
            for platform, micros in sorted(spend.items())
        ],
    }


def _deals(world: Simulation, look: Recording, lives: list[Life]) -> list[dict[str, Any]]:
    rows = []
    for life in lives:
        for deal in life.deals:
            identifier = look.deal_ids.get((life.person.key, deal.ordinal))
            if identifier is not None:
                rows.append(_deal(world, life, deal, identifier))
    return rows


def _deal(world: Simulation, life: Life, deal: Deal, identifier: str) -> dict[str, Any]:
    is_over = deal.closed_at < world.now_seconds
    is_refunded = bool(deal.refund_at) and deal.refund_at < world.now_seconds
    outcome, amount, closed_at = held(world.seed, life, deal, world.now_seconds, world.parameters)
    return {
        "deal_id": identifier,
        "person": life.person.key,
        "product": deal.product,
        "created_at": iso(deal.created_at),
        "closed_at": iso(deal.closed_at) if is_over else None,
        "outcome": deal.outcome if is_over else "open",
        "amount": signed(deal.cents),
        "currency": deal.currency,
        "main_doubt": deal.main_doubt if is_over and deal.outcome == "lost" else None,
        "is_ghost": is_over and deal.is_ghost,
        "stopped_by": list(deal.stopped_by) if is_over else [],
        "refund": signed(deal.refund_cents) if is_refunded else None,
        "refunded_at": iso(deal.refund_at) if is_refunded else None,
        "recorded": {"outcome": outcome, "amount": amount, "closed_at": closed_at},
        "first_channel": life.first_channel,
    }


def _doubts(world: Simulation, look: Recording, lives: list[Life]) -> list[dict[str, Any]]:
    """Each doubt of each person who became a lead or answered: when it was voiced and where it can be read."""
    texts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in look.files.texts + look.answers.texts:
        texts[row["person"]].append(row)
    rows = []
    for life in lives:
        who, now = life.person, world.now_seconds
        if not (0 < life.lead_at < now or who.key in texts):
            continue
        for code, strength in who.doubts.items():
            voiced = [_voicing(row, code) for row in texts[who.key] if code in row["voiced"]]
            voiced += [
                {"at": iso(talk.at), "stream": None, "id": None, "start": None, "end": None, "quote": None}
                for talk in life.talks
                if talk.manner == "unrecorded" and code in talk.heard and talk.at < now
            ]
            stopped = [deal for deal in life.deals if code in deal.stopped_by and deal.closed_at < now]
            rows.append(
                {
                    "person": who.key,
                    "code": code,
                    "strength_at_first": round(strength, 4),
                    "strength_now": round(life.strength(code, now), 4),
                    "voiced": sorted(voiced, key=lambda one: str(one["at"])),
                    "stopped_deals": [look.deal_ids[who.key, deal.ordinal] for deal in stopped],
                    "money": [{"amount": signed(deal.cents), "currency": deal.currency} for deal in stopped],
                }
            )
    return rows


def _voicing(row: dict[str, Any], code: str) -> dict[str, Any]:
    span = next((one for one in row["says"] if one["code"] == code and not one["is_quoted"]), None)
    place = {key: span[key] if span else None for key in ("start", "end", "quote")}
    return {"at": row["at"], "stream": row["stream"], "id": row["id"], **place}


def _content(world: Simulation, lives: list[Life], counterfactuals: bool) -> list[dict[str, Any]]:
    seen: dict[str, list[dict[str, str]]] = defaultdict(list)
    for life in lives:
        for one in life.exposures:
            if one.at < world.now_seconds:
                seen[one.item].append({"person": life.person.key, "at": iso(one.at), "how": one.how})
    return [
        {
            "key": item.key,
            "url": item.url,
            "task_key": item.task_key or None,
            "published_at": iso(item.published_at),
            "effects": {item.code: round(item.effect, 6)},
            "reach": len({one["person"] for one in seen[item.key]}),
            "seen_by": seen[item.key],
            "incremental": counterfactual.without_item(world, item.key) if counterfactuals else None,
        }
        for item in world.items
        if item.published_at <= world.now_seconds
    ]


def _channels(world: Simulation, look: Recording, lives: list[Life], counterfactuals: bool) -> dict[str, Any]:
    visits: dict[str, int] = defaultdict(int)
    firsts: dict[str, int] = defaultdict(int)
    for life in lives:
        firsts[life.first_channel] += bool(world.start <= life.lead_at < world.now_seconds)
        for visit in life.visits:
            visits[visit.channel] += world.start <= visit.at < world.now_seconds
    spend: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in look.media.spend:
        spend[row["channel"]][row["currency"]] += row["cost_micros"] // 10_000
    return {
        channel: {
            "visits": visits[channel],
            "leads_first_touched": firsts[channel],
            "spend": {currency: signed(cents) for currency, cents in sorted(spend[channel].items())},
            "incremental": counterfactual.without_channel(world, channel) if counterfactuals else None,
        }
        for channel in CHANNELS
    }
