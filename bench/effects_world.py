"""A world at any scale as the marts that PROVE reads, without vendors between, and what is true of it.

Only people with a deal are kept. What is written is what the CRM says of each talk (reps' mistakes included); reads are
those whose browser the CRM knows; a sent text is known where somebody noted it. Left out: mistakes of our own gate,
identity and classifier, which `bench.truth` measures.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from sandbox.parameters import DEFAULT, DOUBTS, EUR_PER_UNIT, Parameters
from sandbox.world.contacts import cards_of
from sandbox.world.content import Item, inventory, item
from sandbox.world.journeys import Circumstances
from sandbox.world.life import Life
from sandbox.world.market import Weather
from sandbox.world.population import people_of
from sandbox.world.simulation import live_through
from sandbox.world.streams import DAY, instant, seconds, unit
from sandbox.world.trail import follow


def dense(sent: float = DEFAULT.selling.sent_by_sales) -> Parameters:
    """A company with more leads, more of them deals in the CRM, and reps who send a text on `sent` of voiced doubts.

    Otherwise it is the same. One in two of those who come has a deal, not one in fifteen: a world with enough traffic
    for verdicts takes a fifth of the time.
    """
    selling = replace(DEFAULT.selling, deal=1.2, sent_by_sales=sent)
    return replace(DEFAULT, journey=replace(DEFAULT.journey, lead=-1.0), selling=selling)


ACCOUNT = {"source": "hubspot", "account_id": "1"}


@dataclass(frozen=True)
class Plan:
    """Which world: `every_weeks` a text is published for the next doubt, from `first_week` to `last_week`."""

    seed: int
    weeks: int = 52
    until: date = date(2026, 11, 15)
    scale: float = 11.0
    first_week: int = 10
    last_week: int = 39
    every_weeks: int = 4
    doubts: int = 3
    sent: float = DEFAULT.selling.sent_by_sales


@dataclass
class Seen:
    """Lives with deals by person, texts that the loop had published, and the frames of what tools recorded."""

    plan: Plan
    start: int
    now: int
    texts: list[Item]
    lives: dict[str, Life]
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    with_loop: dict[str, int] = field(default_factory=dict)  # deals, won, cents (EUR) since the first publication
    without_loop: dict[str, int] = field(default_factory=dict)  # the same people and draws without the loop's texts


def published(plan: Plan, parameters: Parameters) -> list[Item]:
    """The loop's texts: one every few weeks, for that of the most voiced `doubts` which has waited longest.

    So each comes again when the last text about it was judged.
    """
    start = seconds(plan.until + timedelta(days=1)) - plan.weeks * 7 * DAY
    codes = sorted(
        (code for code in DOUBTS if code != "no_decision"), key=lambda code: -DOUBTS[code].odds * DOUBTS[code].voiced
    )
    codes = codes[: plan.doubts]
    texts = []
    for index, week in enumerate(range(plan.first_week, plan.last_week + 1, plan.every_weeks)):
        code = codes[index % len(codes)]
        at = start + week * 7 * DAY + 10 * 3600 + int(unit(plan.seed, "loop", index) * 5 * DAY)
        key = f"loop-{index:02d}-{code}"
        texts.append(item(plan.seed, key, key, code, at, parameters, f"CM-{index}"))
    return texts


def see(plan: Plan) -> Seen:
    """Live the world once and write down what its tools recorded."""
    parameters = dense(plan.sent)
    now = seconds(plan.until + timedelta(days=1))
    start = now - plan.weeks * 7 * DAY
    weather = Weather(plan.seed, parameters.market)
    first = instant(start).date() - timedelta(days=parameters.market.history_days)
    texts = published(plan, parameters)
    own = inventory(plan.seed, first, plan.until, parameters)
    items = tuple(sorted([*own, *texts], key=lambda one: (one.published_at, one.key)))
    world = Circumstances(plan.seed, parameters, weather, start, items)
    lives: dict[str, Life] = {}
    day = first
    while seconds(day) < now:
        for who in people_of(plan.seed, day, parameters, weather, plan.scale):
            life = live_through(who, world)
            if life.deals:
                lives[who.key] = life
        day += timedelta(days=1)
    seen = Seen(plan, start, now, texts, lives)
    seen.frames = frames(seen, parameters)
    _count_both_worlds(seen, world)
    return seen


def _count_both_worlds(seen: Seen, world: Circumstances) -> None:
    """Only those who met a text of the loop live another life without it; all others are counted as they are."""
    loop = {text.key for text in seen.texts}
    items = tuple(one for one in world.items if one.key not in loop)
    other = replace(world, items=items)
    since = min(text.published_at for text in seen.texts)
    seen.with_loop, seen.without_loop = ({"deals": 0, "won": 0, "cents": 0} for _ in range(2))
    for life in seen.lives.values():
        met = any(one.item in loop for one in life.exposures)
        for counts, lived in (
            (seen.with_loop, life),
            (seen.without_loop, live_through(life.person, other) if met else life),
        ):
            for deal in lived.deals:
                if since <= deal.created_at and deal.closed_at < seen.now:
                    counts["deals"] += 1
                    counts["won"] += deal.outcome == "won"
                    counts["cents"] += round(deal.cents * EUR_PER_UNIT[deal.currency]) * (deal.outcome == "won")


def frames(seen: Seen, parameters: Parameters) -> dict[str, pd.DataFrame]:
    """Rows as core and marts have them: deal, conversation, objection, objection_evidence, hit, person_identifier."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, life in sorted(seen.lives.items()):
        _deals(rows, seen, key, life)
        _talks(rows, key, life, seen)
        _reads(rows, seen, key, life, parameters)
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def _deals(rows: dict[str, list[dict[str, Any]]], seen: Seen, key: str, life: Life) -> None:
    rows["person_identifier"].append(
        {"identifier_kind": "contact_id", **ACCOUNT, "identifier": key, "person_id": key, "rule": "own"}
    )
    for deal in life.deals:
        if deal.created_at < seen.now:
            rows["deal"].append({
                "deal_id": f"{key}-{deal.ordinal}", **ACCOUNT, "person_id": key, "created_at": instant(deal.created_at),
                "closed_at": instant(deal.closed_at), "outcome": deal.outcome, "owner_id": deal.owner,
                "segment": life.person.segment, "channel": life.first_channel,
            })  # fmt: skip


def _conversation(name: str, key: str, ordinal: int, at: int, body: str, kind: str = "note") -> dict[str, Any]:
    deal = f"{key}-{ordinal}" if ordinal >= 0 else None
    return {
        "kind": kind,
        "conversation_id": name,
        **ACCOUNT,
        "occurred_at": instant(at),
        "body": body,
        "contact_id": key,
        "deal_id": deal,
    }


def _talks(rows: dict[str, list[dict[str, Any]]], key: str, life: Life, seen: Seen) -> None:
    for index, talk in enumerate(life.talks):
        if not talk.kind or talk.at >= seen.now or talk.step > 5:
            continue
        name = f"{key}-{index}"
        body = f'<p><a href="{talk.written[0]}">text</a></p>' if talk.manner == "sent" else ""
        rows["conversation"].append(_conversation(name, key, talk.deal, talk.at, body, talk.kind))
        if talk.deal < 0 or talk.manner == "sent":
            continue
        for code in talk.written:
            objection = f"{key}-{talk.deal}-{code}"
            rows["objection"].append(
                {
                    "objection_id": objection,
                    "deal_id": f"{key}-{talk.deal}",
                    "category": code,
                    "theme": "general",
                    "first_voiced_at": instant(talk.at),
                }
            )
            rows["objection_evidence"].append(
                {
                    "objection_id": objection,
                    **ACCOUNT,
                    "source_role": "buyer" if talk.manner in ("transcript", "chat") else "rep",
                    "source_kind": talk.kind,
                    "source_id": name,
                    "occurred_at": instant(talk.at),
                }
            )


def _reads(rows: dict[str, list[dict[str, Any]]], seen: Seen, key: str, life: Life, parameters: Parameters) -> None:
    paths = {f"/blog/{text.slug}": text for text in seen.texts}
    steps = follow(seen.plan.seed, life, parameters)
    known = {
        card.step.client_id
        for card in cards_of(seen.plan.seed, life, steps, seen.now, parameters)
        if card.step is not None and card.step.client_id
    }
    if unit(seen.plan.seed, key, "client id lost") < parameters.crm.client_id_lost:
        return
    for client in known:
        rows["person_identifier"].append(
            {
                "identifier_kind": "client_id",
                "source": "",
                "account_id": "",
                "identifier": client,
                "person_id": key,
                "rule": "form",
            }
        )
    for step in steps:
        if step.client_id not in known or not seen.start <= step.visit.at < seen.now:
            continue
        for offset, path in step.visit.pages:
            if path in paths:
                at = step.visit.at + offset
                rows["hit"].append(
                    {
                        "hit_id": f"{key}-{at}",
                        "source": "yandex_metrica",
                        "account_id": "1",
                        "client_id": step.client_id,
                        "occurred_at": instant(at),
                        "url": paths[path].url,
                        "page_path": path,
                        "is_page_view": True,
                    }
                )


def readiness(seen: Seen, key: str, code: str, at: datetime, without: str = "") -> float:
    """How ready the person is to voice the doubt at an instant, in [0, 1] up to a factor; `without` one text."""
    life = seen.lives[key]
    strength = life.person.doubts.get(code, 0.0)
    for one in life.exposures:
        if one.code == code and one.at <= seconds(at) and one.item != without:
            strength *= 1 - one.effect
    return min(1.0, strength / 1.1)
