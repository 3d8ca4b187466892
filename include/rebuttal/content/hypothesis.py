"""A hypothesis that data can confirm or reject: complete, with one metric, its criterion fixed before publication."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from math import isfinite

from rebuttal.content.rules import HypothesisRule
from rebuttal.content.sample import Sample, Traffic, needed
from rebuttal.errors import RebuttalError

METRICS = ("objection_rate",)
DIRECTIONS = ("decrease", "increase")


class IncompleteHypothesis(RebuttalError, ValueError):
    """A hypothesis lacks a part; the message names each missing one. Nothing is registered."""


@dataclass(frozen=True)
class HypothesisForm:
    """What is registered with a task.

    `expected_size` is a relative change (0.25 = by a quarter), `minimum_sample` how often those who met the piece would
    voice the theme again were it without effect, `baseline_days` days before publication that are compared with,
    `horizon_days` days that a deal has to voice a doubt before it counts, `deadline` a UTC date.
    """

    change: str
    metric: str
    direction: str
    reason: str
    expected_size: float
    success_criterion: str
    minimum_sample: int
    baseline_days: int
    horizon_days: int
    deadline: date

    def complete(self, today: date) -> HypothesisForm:
        """This form, when nothing is missing; raises IncompleteHypothesis naming what is."""
        missing = [f.name for f in fields(self) if isinstance(v := getattr(self, f.name), str) and not v.strip()]
        if self.metric and self.metric not in METRICS:
            missing.append(f"metric (one of {', '.join(METRICS)}, not {self.metric!r})")
        if self.direction and self.direction not in DIRECTIONS:
            missing.append(f"direction (one of {', '.join(DIRECTIONS)}, not {self.direction!r})")
        if not (isfinite(self.expected_size) and 0 < self.expected_size < 1):
            missing.append("expected_size (a share between 0 and 1)")
        if self.minimum_sample < 1:
            missing.append("minimum_sample (at least 1)")
        if self.baseline_days < 1:
            missing.append("baseline_days (at least 1 day)")
        if self.horizon_days < 1:
            missing.append("horizon_days (at least 1 day)")
        if self.deadline <= today:
            missing.append("deadline (a date to come)")
        if missing:
            raise IncompleteHypothesis(
                f"The hypothesis is not complete: {', '.join(missing)}", next_step="State what is missing"
            )
        return self


def draft(
    change: str, rate: float | None, rule: HypothesisRule, today: date, traffic: Traffic | None = None
) -> HypothesisForm:
    """The hypothesis of a task that makes `change` (one sentence), made on `today` (UTC date) by the company's rule.

    `rate` is today's share of new deals that voice the theme, for the reason's wording only; `traffic` what is heard of
    it again, which the sample comes from.
    """
    sample = needed(traffic or Traffic(), rule)
    deadline = today + timedelta(days=rule.publish_within_days + rule.measure_days)
    share = f"{rate:.0%} of new deals voice it today" if rate is not None else "customers voice it today"
    size = f"{rule.expected_size:.0%}"
    return HypothesisForm(
        change=change,
        metric="objection_rate",
        direction="decrease",
        reason=f"{share}; a buyer who finds the answer before talking to sales need not raise it",
        expected_size=rule.expected_size,
        success_criterion=(
            f"Until {deadline.isoformat()}, customers who surely voiced it (in their own words, or noted twice; "
            "once where notes prove right) and then read the piece, or were sent it, voice it less often again than "
            f"those who did not (expected: {size} less): the {1 - rule.error:.0%} interval of the change lies wholly "
            "below zero at the deadline, or a wider one, which holds at every weekly look, does so earlier. "
            f"{_sample_words(sample, rule)} If nobody can be seen to meet the piece: the "
            f"share of new deals that voice it within {rule.horizon_days} days, against the {rule.baseline_days} days "
            "before publication and all other objections"
        ),
        minimum_sample=sample.repeats,
        baseline_days=rule.baseline_days,
        horizon_days=rule.horizon_days,
        deadline=deadline,
    ).complete(today)


def _sample_words(sample: Sample, rule: HypothesisRule) -> str:
    """What the deadline's interval needs, and whether today's traffic brings it in time."""
    need = (
        f"At the deadline that needs about {sample.repeats} repeated voicings to be expected of those who met it "
        f"(today {sample.rate:.0%} of talks after a first voicing repeat it; {rule.power:.0%} of true changes of "
        f"{rule.expected_size:.0%} are then seen)"
    )
    weeks = rule.measure_days // 7
    if sample.weeks is None:
        return f"{need}; nobody has repeated it lately, so how long that takes is not known."
    if sample.weeks <= weeks:
        return f"{need}; at today's traffic in about {sample.weeks} weeks."
    return (
        f"{need}. Today's traffic brings them in about {sample.weeks} weeks, and measuring has {weeks}: unless the "
        "effect is much larger, or sales sends the piece to many, expect “not enough data”."
    )
