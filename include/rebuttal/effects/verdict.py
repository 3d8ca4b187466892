"""One verdict under the criterion fixed before publication: judged once, at the deadline, whoever looks before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from rebuttal.effects.estimate import Estimate, Side

Word = Literal["confirmed", "rejected", "not_enough_data"]


@dataclass(frozen=True)
class Criterion:
    """What was registered: direction of the metric, deals needed on each side, the day it is judged (UTC)."""

    direction: str
    minimum_sample: int
    deadline: date


@dataclass(frozen=True)
class Verdict:
    """The word, why in one line, and whether it will not change any more."""

    word: Word
    reason: str
    is_final: bool


def judge(criterion: Criterion, before: Side, after: Side, found: Estimate | None, today: date) -> Verdict:
    """Judge on `today` (UTC): never before the deadline, so that looking every week confirms nothing by chance."""
    if today < criterion.deadline:
        return Verdict("not_enough_data", f"judged on {criterion.deadline.isoformat()}", False)
    least = min(before.deal_count, after.deal_count)
    if least < criterion.minimum_sample or found is None:
        side = "before" if before.deal_count <= after.deal_count else "after"
        reason = f"{least} deals {side} publication, {criterion.minimum_sample} were needed"
        if least >= criterion.minimum_sample:
            reason = "the theme or the control was never voiced"
        return Verdict("not_enough_data", reason, True)
    is_lower, is_higher = found.high < 0, found.low > 0
    interval = f"95 % interval {found.low:+.0%} to {found.high:+.0%}"
    if is_lower if criterion.direction == "decrease" else is_higher:
        return Verdict("confirmed", f"{interval}, associated with the publication", True)
    if is_higher if criterion.direction == "decrease" else is_lower:
        return Verdict("rejected", f"{interval}: it went the other way", True)
    return Verdict("rejected", f"{interval} holds no change as well", True)
