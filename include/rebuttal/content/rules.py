"""What the company decided about answering: `content.yml` as typed records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from rebuttal.configuration import Section, read_yaml

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]
Meaning = Literal["open", "published", "wont_do", "finished"]
Role = Literal["introduce", "explain", "relieve a worry", "help decide", "stay in memory"]


class Choose(Section):
    """Which themes are worth a task now."""

    lookback_weeks: Count
    minimum_subjects: Count
    skip_categories: tuple[str, ...] = ()
    max_open: Count
    new_per_week: Count
    extra_for_events: Annotated[int, Field(ge=0)] = 0  # more in a week, for what webhooks tell of
    cool_down_days: Count
    quotes: Annotated[int, Field(ge=1, le=10)]
    seed: int = 1  # of the weekly draws
    assumed_share: Annotated[float, Field(ge=0, le=1)] = 0.3  # of a doubt, for a piece of which nobody said how much


class HypothesisRule(Section):
    """How a hypothesis is made before publication. `expected_size` is a share of today's rate.

    `power`: odds that a change of this size is seen; `error`: that nothing at all is taken for a change, either way.
    """

    expected_size: Share
    power: Share = 0.8
    error: Share = 0.04  # the deadline's part of five per cent, see rebuttal.effects.sequence
    least_sample: Count = 40
    exposed_share: Share = 0.2
    assumed_repeat: Share = 0.2
    baseline_days: Count
    horizon_days: Count
    publish_within_days: Count
    measure_days: Count


class TrackerRule(Section):
    """How the outbox speaks with the tracker. All times in seconds but `twin_sweep_hours`."""

    kind: Literal["jira", "trello"] = "jira"
    connection: str
    workspace: str = ""  # when named, a connection that leads elsewhere is refused
    issue_type: str = "Task"
    lease_seconds: Annotated[float, Field(ge=30)]
    run_budget_seconds: Seconds
    index_wait_seconds: Seconds
    search_spacing_seconds: Seconds
    twin_sweep_hours: Seconds


class StatusRule(Section):
    """What the tracker's statuses mean: by name or id first, then by category key."""

    names: dict[str, Meaning]
    categories: dict[str, Meaning]

    def meaning(self, name: str, status_id: str, category: str) -> Meaning | None:
        """None when nobody said what the status means."""
        return self.names.get(name) or self.names.get(status_id) or self.categories.get(category)


class Answering(Section):
    """What a category is usually answered with."""

    formats: list[str] = Field(min_length=1)
    role: Role


class Item(Section):
    """A piece that exists. `coverage`: the share of the doubt that it takes of a reader, by the company's judgement."""

    id: str
    title: str
    url: HttpUrl
    answers: list[str] = Field(min_length=1)  # category, or category/theme
    coverage: Annotated[float, Field(ge=0, le=1)]
    role: Role | None = None


class ContentRules(Section):
    """`content.yml`. With `approval: required` a task waits for a person, at most `approval_wait_days`."""

    approval: Literal["none", "required"] = "none"
    approval_wait_days: Count = 14
    choose: Choose
    hypothesis: HypothesisRule
    tracker: TrackerRule
    status: StatusRule
    formats: dict[str, Answering] = Field(default_factory=dict)
    inventory: tuple[Item, ...] = ()


def load_rules(config: Path) -> ContentRules:
    """Read `<config>/content.yml`. Raises ConfigError naming file, key and the nearest valid word."""
    return read_yaml(config / "content.yml", ContentRules)
