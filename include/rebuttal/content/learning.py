"""Learning from verdicts: Thompson sampling over formats, so that what nobody has tried gets its turn.

An arm is a category with one kind of content ("price" with "price calculator"). What is known of it is a Beta
distribution, Beta(1 + confirmed, 1 + rejected); Beta(1, 1), every success rate alike, when nothing is (Thompson 1933;
Russo et al., A Tutorial on Thompson Sampling, 2018). One value is drawn of each arm of a theme; the highest names the
format, and its value moves the theme's score. An arm that failed twice still wins now and then; one that was never
tried wins often.

A draw is the quantile of the arm's distribution at a number made of (seed, ISO week, theme, format): the same all week,
whatever is run again, and never lower for one confirmation more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from scipy.stats import beta

UPDATE = "update of what exists"  # an arm of its own: whether mending old pieces helps is learned like any format
_BITS = 52
Tally = Mapping[tuple[str, str], tuple[int, int]]  # (category, format) -> (confirmed, rejected)


@dataclass(frozen=True)
class Arm:
    """What is known of one format of a category, and this week's draw of it, a success rate (0..1)."""

    format: str
    confirmed_count: int
    rejected_count: int
    draw: float


@dataclass(frozen=True)
class Draw:
    """The arms of one theme this week, the chosen one first; `week` is the ISO week (UTC) that seeds the draw."""

    seed: int
    week: str
    arms: tuple[Arm, ...]

    @property
    def chosen(self) -> Arm:
        """The arm with the highest draw."""
        return self.arms[0]

    @property
    def factor(self) -> float:
        """What the score is multiplied with: the chosen draw over what it would be on average if nothing were known.

        The highest of k even draws is k / (k + 1) on average, so a category gains nothing from having many formats.
        """
        return self.chosen.draw * (len(self.arms) + 1) / len(self.arms)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: seed, week, and per arm the posterior's two parameters with the draw."""
        arms = [
            {
                **asdict(arm),
                "draw": round(arm.draw, 6),
                "alpha": 1 + arm.confirmed_count,
                "beta": 1 + arm.rejected_count,
            }
            for arm in self.arms
        ]
        return {"seed": self.seed, "iso_week": self.week, "arms": arms}


def iso_week(now: datetime) -> str:
    """`2026-W47`, of the UTC day."""
    year, week, _ = now.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02d}"


def draw_formats(theme: str, category: str, formats: Sequence[str], tally: Tally, seed: int, week: str) -> Draw:
    """This week's draw for `theme` among `formats` (at least one). Pure; equal draws go by the formats' order."""
    everywhere = tally.get((category, ""), (0, 0))  # verdicts of tasks that named no format count for each of them
    arms = []
    for name in formats:
        own = tally.get((category, name), (0, 0))
        confirmed, rejected = own[0] + everywhere[0], own[1] + everywhere[1]
        place = _place(seed, week, theme, name)
        arms.append(Arm(name, confirmed, rejected, float(beta.ppf(place, 1 + confirmed, 1 + rejected))))
    return Draw(seed, week, tuple(sorted(arms, key=lambda arm: -arm.draw)))


def tally_verdicts(verdicts: Iterable[Mapping[str, Any]], tasks: Mapping[str, tuple[str, str | None]]) -> Tally:
    """Count verdict rows (`task_id`, `category`, `metric`, `verdict`) by category and the task's format.

    `tasks` gives each task's (registered metric, format): a verdict on another metric than the registered one teaches
    nothing, for only the registered one was promised beforehand. A task that the ledger lacks counts as of no format.
    """
    tally: dict[tuple[str, str], tuple[int, int]] = {}
    for row in verdicts:
        metric, name = tasks.get(row["task_id"], (row["metric"], None))
        if row["metric"] != metric or row["verdict"] not in ("confirmed", "rejected"):
            continue
        key = (str(row["category"]), name or "")
        confirmed, rejected = tally.get(key, (0, 0))
        is_confirmed = row["verdict"] == "confirmed"
        tally[key] = (confirmed + is_confirmed, rejected + (not is_confirmed))
    return tally


def _place(*parts: object) -> float:
    """A number strictly between 0 and 1, evenly spread and the same for the same parts on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return (float(int.from_bytes(digest[:8]) >> (64 - _BITS)) + 0.5) / float(1 << _BITS)
