"""The list of what was made wrong on purpose, beside copies: kind, stream, the ids it hit, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.parameters import OWNERS
from sandbox.world.contacts import Card
from sandbox.world.deals import closings, recorded_moves
from sandbox.world.life import Deal, Life
from sandbox.world.recording import Recording
from sandbox.world.selling import left_at
from sandbox.world.streams import iso

if TYPE_CHECKING:
    from sandbox.world.simulation import Simulation

Fault = dict[str, Any]


def _fault(kind: str, stream: str, at: str, *ids: str) -> Fault:
    return {"kind": kind, "stream": stream, "at": at, "ids": list(ids)}


def injected(world: Simulation, look: Recording, lives: list[Life]) -> list[Fault]:
    """All of it, by stream."""
    faults = [fault for row in look.counted.visit_truth for fault in _visit(row)]
    faults += [fault for card in look.cards for fault in _contact(card)]
    for life in lives:
        for deal in life.deals:
            identifier = look.deal_ids.get((life.person.key, deal.ordinal))
            if identifier is not None:
                faults += _deal(world, life, deal, identifier)
    for row in look.doubled:
        faults.append(_fault("deal_made_twice", "deals", row["at"], row["deal_id"], row["original_id"]))
    for row in look.files.texts:
        if any(span["is_quoted"] for span in row["says"]):
            faults.append(_fault("quoted_mail", row["stream"], row["at"], row["id"]))
    for owner in OWNERS:
        left = left_at(owner, world.start)
        if left and left <= world.now_seconds:
            faults.append(_fault("owner_left", "owners", iso(left), owner))
    return faults


def _visit(row: dict[str, Any]) -> list[Fault]:
    happened = {
        f"tag_{row['tag_fault']}": row["tag_fault"],
        "clock_skew": row["clock_skew_s"],
        "cut_at_midnight": row["cut_at_midnight"],
        "bot_burst": row["is_bot"],
    }
    return [_fault(kind, "visits", row["at"], row["visit_id"]) for kind, is_so in happened.items() if is_so]


def _contact(card: Card) -> list[Fault]:
    if card.life is None:
        return [_fault("test_record", "contacts", iso(card.at), card.id)]
    if card.merged_into is not None:
        return [_fault("merged", "contacts", iso(card.merged_at), card.id, card.merged_into.id)]
    if not card.key.endswith("-a") and not card.swallowed:
        return [_fault("duplicate_not_merged", "contacts", iso(card.at), card.id)]
    return []


def _deal(world: Simulation, life: Life, deal: Deal, identifier: str) -> list[Fault]:
    faults, now = [], world.now_seconds
    shown = recorded_moves(world.seed, life, deal, now, world.parameters)
    faults += [
        _fault("stage_jump", "deals", iso(move[0]), identifier)
        for move in deal.moves
        if move[0] < now and move not in shown
    ]
    if deal.reopened_at and deal.reopened_at < now:
        faults.append(_fault("reopened", "deals", iso(deal.reopened_at), identifier))
    if deal.refund_at and deal.refund_at < now:
        faults.append(_fault("refund", "deals", iso(deal.refund_at), identifier))
    closed = {at for at, _ in shown} | {deal.created_at}
    edits = [at for at, _ in closings(world.seed, life, deal, shown, now, world.parameters) if at not in closed]
    faults += [_fault("back_dated", "deals", iso(at), identifier) for at in edits]
    return faults
