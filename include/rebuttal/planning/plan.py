"""plan.yml: goals and budgets of the company, read as typed records and checked against what the company knows."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from rebuttal.configuration import Section, read_yaml
from rebuttal.errors import ConfigError

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
LONGEST_MONTHS = 60


@dataclass(frozen=True)
class Measured:
    """How a goal's metric is added up over days: a column, or one divided by another, of marts.goal_progress."""

    counted: str
    divided_by: str | None
    families: tuple[str, ...]  # of marts.source_window: all must be known
    direction: Literal["at_least", "at_most"]  # unless the goal says otherwise


# The metrics of metrics.yml that can be told for any period of days. Others (CAC, LTV) belong to months or cohorts.
MEASURED: dict[str, Measured] = {
    "reach": Measured("visits", None, ("visits",), "at_least"),
    "leads": Measured("leads", None, ("crm",), "at_least"),
    "deals": Measured("deals_created", None, ("crm",), "at_least"),
    "orders": Measured("deals_won", None, ("crm",), "at_least"),
    "revenue": Measured("revenue_base", None, ("crm",), "at_least"),
    "win_rate": Measured("deals_won", "deals_closed", ("crm",), "at_least"),
    "ad_cost": Measured("ad_cost_base", None, ("ads",), "at_most"),
    "cpa": Measured("ad_cost_base", "leads", ("ads", "crm"), "at_most"),
    "roas": Measured("revenue_base", "ad_cost_base", ("ads", "crm"), "at_least"),
    "landing_conversion": Measured("leads", "visits", ("crm", "visits"), "at_least"),
}


class Budget(Section):
    """A line of the budget: so much a month for one channel, and what is expected of it."""

    id: Id
    channel: str
    block: Literal["active", "experiments"] = "active"
    first_month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    last_month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    monthly: Decimal = Field(gt=0, max_digits=15, decimal_places=2)
    hypothesis: str = Field(min_length=10)
    success_criterion: str = Field(min_length=10)

    @model_validator(mode="after")
    def _in_order(self) -> Budget:
        if not 1 <= len(list(self.months)) <= LONGEST_MONTHS:
            raise ValueError(f"last_month must be within {LONGEST_MONTHS} months from first_month on")
        return self

    @property
    def months(self) -> Iterator[date]:
        """The first day of each month, the last month included."""
        first, last = (int(text[:4]) * 12 + int(text[5:]) - 1 for text in (self.first_month, self.last_month))
        return (date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1))


class Goal(Section):
    """A SMART goal: metric, target, dates, owner. Both dates belong to the period (UTC days)."""

    id: Id
    metric: str
    first_date: date
    last_date: date
    target: Decimal = Field(gt=0, max_digits=15, decimal_places=4)
    direction: Literal["at_least", "at_most"] | None = None  # the metric's own unless given
    owner: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=10)

    @model_validator(mode="after")
    def _in_order(self) -> Goal:
        if self.last_date < self.first_date:
            raise ValueError("last_date must not be before first_date")
        return self

    @field_validator("owner")
    @classmethod
    def _no_address(cls, owner: str) -> str:
        if "@" in owner:
            raise ValueError("must be an id of people.yml or a team's name, no address")
        return owner


class Plan(Section):
    """`plan.yml`."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    pacing: Literal["even", "weekday"] = "weekday"
    tolerance: float = Field(0.1, ge=0, le=1)
    budgets: tuple[Budget, ...] = ()
    goals: tuple[Goal, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Plan:
        for what, ids in (("budgets", [line.id for line in self.budgets]), ("goals", [goal.id for goal in self.goals])):
            if twice := sorted(name for name, count in Counter(ids).items() if count > 1):
                raise ValueError(f"{what}: the id {twice[0]!r} stands twice")
        return self


class _Channels(BaseModel):
    """As much of channels.yml as a plan needs."""

    channels: list[str]


class _Journey(BaseModel):
    """As much of journey.yml as a plan needs."""

    base_currency: str = "EUR"


def load_plan(config: Path) -> Plan | None:
    """Read `<config>/plan.yml`; None without the file.

    Raises ConfigError naming file and key, with the nearest valid word: for a channel that channels.yml does not have,
    a metric that cannot be told for days, and another currency than journey.yml's.
    """
    path = config / "plan.yml"
    if not path.exists():
        return None
    plan = read_yaml(path, Plan)
    base = read_yaml(config / "journey.yml", _Journey).base_currency
    if plan.currency != base:
        raise ConfigError(
            f"{path}: currency: the plan is in {plan.currency}, but figures are in {base} (journey.yml)",
            next_step=f"Write the plan's amounts in {base}",
        )
    channels = read_yaml(config / "channels.yml", _Channels).channels
    for number, line in enumerate(plan.budgets):
        _require(path, f"budgets.{number}.channel", line.channel, channels, "a channel of channels.yml")
    for number, goal in enumerate(plan.goals):
        _require(path, f"goals.{number}.metric", goal.metric, MEASURED, "a metric that a goal can be set for")
    return plan


def _require(path: Path, key: str, word: str, known: Iterable[str], kind: str) -> None:
    words = list(known)
    if word not in words:
        near = difflib.get_close_matches(word, words, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(words)}"
        raise ConfigError(f"{path}: {key}: {word!r} is not {kind}", next_step=hint)
