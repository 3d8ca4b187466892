"""One verdict under the criterion fixed before publication: early only where very clear, else at the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from rebuttal.effects.estimate import Finding
from rebuttal.effects.sequence import DEADLINE_ERROR, always_valid

Word = Literal["confirmed", "rejected", "not_enough_data"]
LEAST_EVENTS = 10.0  # expected on the treated side, and seen on the other: below, a log ratio is far from normal


@dataclass(frozen=True)
class Criterion:
    """What was registered: direction, hoped-for relative change, the sample needed, last day (UTC).

    `minimum_sample`: how often the treated would have to voice it again, were the piece without effect.
    """

    direction: str
    expected_size: float
    minimum_sample: int
    deadline: date


@dataclass(frozen=True)
class Verdict:
    """The word, why in one line, and whether it will not change any more."""

    word: Word
    reason: str
    is_final: bool


def judge(criterion: Criterion, found: Finding, today: date) -> Verdict:
    """The verdict of the look on `today` (UTC).

    What is very clear is told at any look, with the interval that holds at all of them. The ordinary one is read once,
    on the deadline, and only with the sample that was registered: a smaller one would miss most effects of the
    hoped-for size, so that among its few confirmations too many would be chance.
    """
    is_last = today >= criterion.deadline
    rare = too_rare(found)
    if rare or found.estimate is None:
        return Verdict("not_enough_data", rare or found.why_none, is_last)
    if found.estimator == "exposed_vs_not":
        low, high = found.widened(*always_valid(found.estimate, criterion.expected_size))
        interval = f"interval that holds at every look {low:+.0%} to {high:+.0%}"
        if verdict := _clear(criterion, found, low, high, interval):
            return verdict
        if not is_last:
            deadline = criterion.deadline.isoformat()
            return Verdict("not_enough_data", f"{interval}; judged at the latest on {deadline}", False)
    elif not is_last:
        return Verdict("not_enough_data", f"judged on {criterion.deadline.isoformat()}", False)
    if found.expected_events < criterion.minimum_sample:
        needed = f"voiced again about {found.expected_events:.0f} times by as many others, {criterion.minimum_sample}"
        return Verdict("not_enough_data", f"{needed} were needed to see {criterion.expected_size:.0%}", True)
    low, high = found.widened(*found.estimate.interval(DEADLINE_ERROR))
    interval = f"{1 - DEADLINE_ERROR:.0%} interval {low:+.0%} to {high:+.0%}"
    if verdict := _clear(criterion, found, low, high, interval):
        return verdict
    hoped = low > -criterion.expected_size if criterion.direction == "decrease" else high < criterion.expected_size
    if hoped:
        return Verdict("rejected", f"{interval}: the hoped-for {criterion.expected_size:.0%} is ruled out", True)
    return Verdict("not_enough_data", f"{interval} holds no change and the hoped-for change alike", True)


def _clear(criterion: Criterion, found: Finding, low: float, high: float, interval: str) -> Verdict | None:
    is_better, is_worse = (high < 0, low > 0) if criterion.direction == "decrease" else (low > 0, high < 0)
    if is_better:
        return Verdict("confirmed", f"{interval}, {association(found)}", True)
    return Verdict("rejected", f"{interval}: it went the other way", True) if is_worse else None


def too_rare(found: Finding) -> str:
    """Why nothing at all can be compared yet, in words; empty when it can."""
    names = ("after", "before") if found.estimator == "before_after" else ("exposed", "not exposed")
    sides = (found.treated, names[0]), (found.other, names[1])
    for side, name in sides:
        if not side.deal_count:
            return f"no deal is {name}" if found.estimator == "exposed_vs_not" else f"no deals {name} the publication"
    if min(found.other.event_count, found.expected_events) < LEAST_EVENTS:
        return f"voiced too rarely to compare: {found.other.event_count} times among {found.other.deal_count} deals"
    return ""


def association(found: Finding) -> str:
    """What the comparison can say, never more: readers were not chosen by lot."""
    if found.estimator == "before_after":
        return "associated with the publication"
    return "associated with having read or been sent it"
