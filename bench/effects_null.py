"""What weekly looks do to false confirmations: `python -m bench.effects_null --runs 4000` (part of `make effects`).

Each run draws exposed and comparable occasions week by week for twelve weeks with a true ratio of 1 (or another, for
power), and puts them through the rule that PROVE uses, look by look. Beside it: somebody who looks every week at an
ordinary 95 % interval and stops as soon as it likes what it sees, and one who waits for the deadline with it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bench.company import ROOT
from rebuttal.content.rules import load_rules
from rebuttal.content.sample import Traffic, needed
from rebuttal.effects.estimate import Estimate, Finding, Group
from rebuttal.effects.verdict import Criterion, judge

PUBLISHED = date(2026, 1, 5)
WEEKS = 12
RATE = 0.3  # of comparable occasions voice it
RULE = load_rules(ROOT / "include" / "config").hypothesis
SAMPLE = needed(Traffic(10_000, int(10_000 * RATE), 10_000, int(10_000 * RATE), WEEKS), RULE).repeats
CRITERION = Criterion("decrease", RULE.expected_size, SAMPLE, PUBLISHED + timedelta(weeks=WEEKS))


@dataclass(frozen=True)
class Outcome:
    """Shares of runs: by the rule confirmed, rejected, confirmed before the deadline; confirmed by the two others; and
    with a 95 % interval at the deadline that holds the truth."""

    confirmed: float
    rejected: float
    early: float
    weekly: float
    at_the_end: float
    covered: float


def simulate(ratio: float, exposed: int, other: int, rate: float, runs: int, seed: int) -> Outcome:
    """`runs` publications: `exposed` and `other` occasions a week, events at `rate` x ratio and `rate`."""
    draw = np.random.default_rng(seed)
    counts = np.zeros(6)
    for _ in range(runs):
        a = draw.binomial(exposed, rate * ratio, WEEKS).cumsum()
        b = draw.binomial(other, rate, WEEKS).cumsum()
        found = [_finding(int(a[w]), exposed * (w + 1), int(b[w]), other * (w + 1)) for w in range(WEEKS)]
        counts += _followed(found, ratio)
    return Outcome(*(float(count) for count in counts / runs))


def _finding(a: int, n: int, b: int, m: int) -> Finding:
    x, y = (a + 0.5, b + 0.5) if 0 in (a, b) else (float(a), float(b))
    error = float(np.sqrt(1 / x - 1 / n + 1 / y - 1 / m))
    estimate = Estimate(float(np.log(x / n) - np.log(y / m)), error)
    return Finding("objection_rate", "exposed_vs_not", Group(n, n, a), Group(m, m, b), estimate)


def _followed(found: list[Finding], ratio: float) -> list[bool]:
    looks = [judge(CRITERION, one, PUBLISHED + timedelta(weeks=week + 1)) for week, one in enumerate(found)]
    week = next((week for week, look in enumerate(looks) if look.is_final), WEEKS - 1)
    intervals = [one.estimate.interval() for one in found if one.estimate]
    last = intervals[-1]
    is_confirmed = looks[week].word == "confirmed"
    return [
        is_confirmed,
        looks[week].word == "rejected",
        is_confirmed and week < WEEKS - 1,
        any(high < 0 for _, high in intervals),
        last[1] < 0,
        last[0] <= ratio - 1 <= last[1],
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print a table: nil effects first, then what true effects give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    chosen = parser.parse_args(arguments)
    print(f"{SAMPLE} repetitions were registered as needed")
    print("ratio exposed/week  confirmed (early)  rejected   looked weekly at 95 %   once at the end   95 % covers")
    for ratio in (1.0, 0.75, 0.5):
        for exposed in (8, 25, 40, 80):
            one = simulate(ratio, exposed, exposed * 2, RATE, chosen.runs, 7)
            print(f"{ratio:<6}{exposed:>12}  {one.confirmed:>9.1%} ({one.early:.1%}) {one.rejected:>9.1%}"
                  f" {one.weekly:>22.1%} {one.at_the_end:>17.1%} {one.covered:>13.1%}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
