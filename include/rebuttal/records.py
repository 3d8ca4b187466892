"""Small records that stages hand to their callers: what a run did, in counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("new", "changed", "unchanged", "deduplicated", "quarantined", "suppressed")


@dataclass
class Report:
    """What one run of a stage did. `counts` are numbers of things, `details` rows for people, `problems` one line each.

    `changed` tells whether any table or the outside world is different now; a second run on the same input says False.
    `too_early`: the problem that only says that the stages before have not run yet, on an installation that is new.
    """

    stage: str
    counts: dict[str, int] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    changed: bool = False
    too_early: str = ""

    def add(self, name: str, amount: int = 1) -> None:
        """Add `amount` to the count `name`."""
        self.counts[name] = self.counts.get(name, 0) + amount

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "stage": self.stage,
            "counts": self.counts,
            "details": self.details,
            "problems": self.problems,
            "changed": self.changed,
        }
