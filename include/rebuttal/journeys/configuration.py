"""What a company says about channels, rates and journeys, read from the configuration folder and checked at once.

| file | what |
|---|---|
| journey.yml | look-back, attribution weights, lifecycle and deal stage thresholds, identity guards |
| channels.yml | which visit, advertisement or answer belongs to which channel |
| utm.yml | the links the company says it uses; a link's `channel` goes before the rules |
| rates.csv | dated exchange rates to the base currency |
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rebuttal.errors import ConfigError
from rebuttal.journeys.declared_rates import read_declared_rates
from rebuttal.journeys.questions import Question, Role, evidence_rows
from rebuttal.warehouse.model_tables import CHANNEL_RULE_FIELDS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PositionWeights(_Strict):
    """Credit of the first and the last touch of a path with three touches and more; the rest is shared between."""

    first: float = Field(0.4, ge=0, le=1)
    last: float = Field(0.4, ge=0, le=1)

    @model_validator(mode="after")
    def _at_most_one(self) -> PositionWeights:
        if self.first + self.last > 1:
            raise ValueError("first and last together are more than 1")
        return self


class Lifecycle(_Strict):
    """The CRM's lifecycle words, lowest first; MQL from `mql_from` on."""

    order: tuple[str, ...]
    mql_from: str

    @model_validator(mode="after")
    def _known(self) -> Lifecycle:
        if self.mql_from not in self.order:
            raise ValueError(f"mql_from {self.mql_from!r} is not in order{_nearest(self.mql_from, self.order)}")
        return self


class DealStages(_Strict):
    """From which win probability (0 to 1) of its stage a deal counts as SQL and as proposal."""

    sql_min_probability: float = Field(0.2, ge=0, le=1)
    proposal_min_probability: float = Field(0.6, ge=0, le=1)


class IdentityGuards(_Strict):
    """Above these numbers an identifier is shared by people and glues nobody together."""

    max_contacts_per_email: int = Field(5, ge=1)
    max_contacts_per_phone: int = Field(3, ge=1)
    max_contacts_per_device: int = Field(3, ge=1)
    max_contacts_per_click: int = Field(3, ge=1)
    max_records_per_identifier: int = Field(200, ge=2)
    max_records_per_hour: int = Field(20, ge=2)
    company_phone_days: int = Field(30, ge=0)


class RatesConfig(_Strict):
    """Which published rates count, and for how many days after their own the last one stands in."""

    source: str = Field("ecb", min_length=1)
    max_age_days: int = Field(7, ge=0, le=366)


class Acquisition(_Strict):
    """Which advertising cost new customers are held against, and what share of revenue pays it back."""

    spend_excludes_channels: tuple[str, ...] = ()
    spend_lag_days: int = Field(0, ge=0, le=365)
    gross_margin: float = Field(1, gt=0, le=1)


class JourneyConfig(_Strict):
    """journey.yml."""

    base_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    rates: RatesConfig = RatesConfig.model_construct()
    lookback_days: int = Field(90, ge=1, le=3650)
    session_pause_minutes: int = Field(30, ge=1, le=720)
    time_decay_half_life_days: float = Field(7, gt=0)
    position_weights: PositionWeights = PositionWeights(first=0.4, last=0.4)
    sales_touches_earn_credit: bool = False
    booking_served_statuses: tuple[str, ...] = ("served", "paid")
    lifecycle: Lifecycle
    deal_stages: DealStages = DealStages(sql_min_probability=0.2, proposal_min_probability=0.6)
    acquisition: Acquisition = Acquisition.model_construct()
    repeat_window_days: int = Field(90, ge=1, le=3650)
    roles_min_touches: int = Field(30, ge=1)
    questions: tuple[Question, ...] = ()
    question_wait_days: int = Field(30, ge=1, le=365)
    identity: IdentityGuards = IdentityGuards.model_construct()


Words = str | list[str]
Model = TypeVar("Model", bound=BaseModel)


class ChannelRule(_Strict):
    """One rule of channels.yml: all fields that are given must fit."""

    channel: str
    click: Words | None = None
    campaign_id: Words | None = None
    utm_source: Words | None = None
    utm_medium: Words | None = None
    utm_campaign: Words | None = None
    referrer: Words | None = None
    traffic_source: Words | None = None
    answer: Words | None = None

    @model_validator(mode="after")
    def _has_a_field(self) -> ChannelRule:
        if all(getattr(self, name) is None for name in CHANNEL_RULE_FIELDS):
            raise ValueError("a rule needs at least one field beside channel")
        return self


class ChannelConfig(_Strict):
    """channels.yml."""

    channels: tuple[str, ...]
    roles: dict[str, Role] = {}
    rules: tuple[ChannelRule, ...]

    @model_validator(mode="after")
    def _known(self) -> ChannelConfig:
        for number, rule in enumerate(self.rules, 1):
            if rule.channel not in self.channels:
                raise ValueError(f"rule {number}: channel {rule.channel!r}{_nearest(rule.channel, self.channels)}")
        for name in self.roles:
            if name not in self.channels:
                raise ValueError(f"roles: channel {name!r}{_nearest(name, self.channels)}")
        if "unknown" not in self.channels or "direct" not in self.channels:
            raise ValueError("channels must hold `direct` and `unknown`")
        return self


@dataclass(frozen=True)
class ModelConfig:
    """All of it. `channel_rules` are rows of ops.channel_rule, `rates` of ops.exchange_rate, `declared_channels` of
    ops.channel_declared, `question_evidence` of ops.journey_question_evidence.
    """

    journey: JourneyConfig
    channels: ChannelConfig
    channel_rules: list[dict[str, Any]]
    rates: list[dict[str, Any]]
    declared_channels: list[dict[str, Any]]
    question_evidence: list[dict[str, Any]]


def load_model_config(folder: Path) -> ModelConfig:
    """Read and check the files; raises ConfigError that names file, key and the nearest valid word."""
    journey = _parse(folder / "journey.yml", JourneyConfig)
    channels = _parse(folder / "channels.yml", ChannelConfig)
    links = _registered_links(folder / "utm.yml", channels.channels)
    rules = _rule_rows([*links, *channels.rules])
    for name in journey.acquisition.spend_excludes_channels:
        if name not in channels.channels:
            raise ConfigError(
                f"{folder / 'journey.yml'}: acquisition.spend_excludes_channels: {name!r}"
                f"{_nearest(name, channels.channels)}",
                next_step="Use a channel of channels.yml",
            )
    return ModelConfig(
        journey,
        channels,
        rules,
        read_declared_rates(folder / "rates.csv", journey.base_currency),
        [{"channel": name, "declared_role": channels.roles.get(name)} for name in channels.channels],
        evidence_rows(journey.questions, folder / "content.yml"),
    )


def _parse(path: Path, model: type[Model]) -> Model:
    data = _yaml(path)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = list(model.model_fields)
        hint = _nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" else ""
        raise ConfigError(f"{path}: {where or 'the file'}: {first['msg']}{hint}", next_step="Mend the key") from None


def _yaml(path: Path) -> Any:
    if not path.is_file():
        raise ConfigError(f"{path} does not exist", next_step=f"Copy {path.name} from the default configuration")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", next_step="Mend the file") from None


def _registered_links(path: Path, channels: tuple[str, ...]) -> list[ChannelRule]:
    """Rules from utm.yml: by campaign id, then by all three tags, then by campaign and by source where they have one
    channel only."""
    data = _yaml(path) if path.is_file() else {}
    by_id: list[ChannelRule] = []
    by_tags: dict[tuple[str, ...], ChannelRule] = {}
    alone: dict[str, dict[str, set[str]]] = {"utm_campaign": {}, "utm_source": {}}
    for number, link in enumerate((data or {}).get("links") or [], 1):
        channel = str(link.get("channel") or "")
        if not channel:
            continue
        if channel not in channels:
            raise ConfigError(
                f"{path}: link {number}: channel {channel!r}{_nearest(channel, channels)}",
                next_step="Use a channel of channels.yml, or add it there",
            )
        source, medium, name = (str(link.get(f"utm_{part}") or "none") for part in ("source", "medium", "campaign"))
        if link.get("platform") and link.get("campaign_id"):
            by_id.append(
                ChannelRule(channel=channel, click=_click_of(link["platform"]), campaign_id=str(link["campaign_id"]))
            )
        tagged = ChannelRule(channel=channel, utm_source=source, utm_medium=medium, utm_campaign=name)
        by_tags.setdefault((source, medium, name), tagged)
        for field, value in (("utm_campaign", name), ("utm_source", source)):
            if value != "none":
                alone[field].setdefault(value, set()).add(channel)
    by_one = [
        ChannelRule.model_validate({"channel": min(found), field: value})
        for field, values in alone.items()
        for value, found in values.items()
        if len(found) == 1
    ]
    return [*by_id, *by_tags.values(), *by_one]


def _click_of(platform: str) -> str:
    return "google" if platform.startswith("google") else "yandex"


def _rule_rows(rules: Iterable[ChannelRule]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for rule in rules:
        choices = [_patterns(name, getattr(rule, name)) for name in CHANNEL_RULE_FIELDS]
        for values in itertools.product(*choices):
            rows.append(
                {
                    "rule_order": len(rows),
                    "channel": rule.channel,
                    **dict(zip(CHANNEL_RULE_FIELDS, values, strict=True)),
                }
            )
    return rows


def _patterns(field: str, words: Words | None) -> list[str | None]:
    if words is None:
        return [None]
    patterns: list[str | None] = []
    for word in [words] if isinstance(words, str) else words:
        pattern = _like(str(word).strip().lower())
        patterns.append(pattern)
        if field == "referrer" and pattern and "%" not in pattern:
            patterns.append(f"%.{pattern}")
    return patterns


def _like(word: str) -> str:
    if word == "none":
        return ""
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%")


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" is not known; did you mean {close[0]!r}?" if close else " is not known"
