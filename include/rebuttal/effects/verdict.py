"""One verdict under the criterion fixed before publication: early only where very clear, else at the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from rebuttal.effects.estimate import Finding
from rebuttal.effects.sequence import DEADLINE_ERROR, always_valid

Word = Literal["confirmed", "rejected", "not_enough_data"]
LEAST_EVENTS = 5.0  # expected on the treated side, and seen on the other: below, a log ratio is far from normal


@dataclass(frozen=True)
class Criterion:
    """What was registered: direction, hoped-for relative change, deals needed on each side, last day (UTC)."""

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
    """The verdict of the look on `today` (UTC)."""
    is_last = today >= criterion.deadline
    short = lacks(criterion, found)
    if short or found.estimate is None:
        return Verdict("not_enough_data", short or found.why_none, is_last)
    if is_last:
        low, high = found.estimate.interval(DEADLINE_ERROR)
        interval = f"{1 - DEADLINE_ERROR:.0%} interval {low:+.0%} to {high:+.0%}"
    else:
        low, high = always_valid(found.estimate, criterion.expected_size)
        interval = f"interval that holds at every look {low:+.0%} to {high:+.0%}"
    is_better, is_worse = (high < 0, low > 0) if criterion.direction == "decrease" else (low > 0, high < 0)
    if is_better:
        return Verdict("confirmed", f"{interval}, {association(found)}", True)
    if is_worse:
        return Verdict("rejected", f"{interval}: it went the other way", True)
    if not is_last:
        return Verdict(
            "not_enough_data", f"{interval}; judged at the latest on {criterion.deadline.isoformat()}", False
        )
    hoped = low > -criterion.expected_size if criterion.direction == "decrease" else high < criterion.expected_size
    if hoped:
        return Verdict("rejected", f"{interval}: the hoped-for {criterion.expected_size:.0%} is ruled out", True)
    return Verdict("not_enough_data", f"{interval} holds no change and the hoped-for change alike", True)


def lacks(criterion: Criterion, found: Finding) -> str:
    """What the minimum sample lacks, in words; empty when it is there."""
    treated, other = found.treated, found.other
    names = ("after", "before") if found.estimator == "before_after" else ("exposed", "not exposed")
    least, name = min((treated.deal_count, names[0]), (other.deal_count, names[1]), key=lambda pair: pair[0])
    if least < criterion.minimum_sample:
        return f"{least} deals {name}, {criterion.minimum_sample} were needed"
    if other.event_count < LEAST_EVENTS or (other.rate or 0.0) * treated.occasion_count < LEAST_EVENTS:
        return f"voiced too rarely to compare: {other.event_count} times among the {names[1]}"
    return ""


def association(found: Finding) -> str:
    """What the comparison can say, never more: readers were not chosen by lot."""
    if found.estimator == "before_after":
        return "associated with the publication"
    return "associated with having read or been sent it"
