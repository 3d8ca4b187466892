"""Who is told: `people.yml` as typed records."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field, field_validator, model_validator

from rebuttal.configuration import Section, read_yaml

Language = Literal["en", "ru", "uk"]
LANGUAGES: tuple[Language, ...] = ("en", "ru", "uk")
Role = Literal["sales", "content", "lead", "partner"]
Mail = Literal["digest", "daily", "weekly", "monthly", "quarterly"]
_READS: dict[Role, tuple[Mail, ...]] = {
    "sales": ("digest",),
    "content": ("digest",),
    "lead": ("digest", "daily", "weekly", "monthly", "quarterly"),
    "partner": ("digest",),
}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("must be an IANA time zone such as Europe/Kyiv")
    return value


class Person(Section):
    """A reader. `id` names the person in tables and logs, where the address never appears."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    name: Annotated[str, Field(max_length=80)] = ""
    email: Annotated[str, Field(max_length=254)]
    role: Role
    language: Language
    time_zone: str
    alerts: bool = False  # whether the daily data-quality alert comes too
    reads: tuple[Mail, ...] | None = None  # instead of what the role reads
    partner: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")] | None = None

    @field_validator("email")
    @classmethod
    def _is_one_plain_address(cls, value: str) -> str:
        """One address and nothing else: no list, no name, no line break, no quoting; other alphabets as xn--."""
        if not _ADDRESS.fullmatch(value) or ".." in value:
            raise ValueError("must be one plain e-mail address (other alphabets in their xn-- form)")
        return value

    @field_validator("name")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        """Nothing that could begin another header."""
        if any(ord(letter) < 32 or letter == "\x7f" for letter in value):
            raise ValueError("must be one line")
        return value

    _is_a_zone = field_validator("time_zone")(_known_zone)

    @model_validator(mode="after")
    def _a_partner_is_named(self) -> Person:
        if (self.role == "partner") != (self.partner is not None):
            raise ValueError("role partner needs the key partner, and no other role may have it")
        if self.partner is not None and (set(self.mails) - {"digest"} or self.alerts):
            raise ValueError("a partner reads the digest only: the other mails tell of the whole company")
        return self

    @property
    def mails(self) -> tuple[Mail, ...]:
        """What this person gets."""
        return _READS[self.role] if self.reads is None else self.reads

    @property
    def kinds(self) -> tuple[str, ...]:
        """Everything that this person can end: its mails, and the alerts."""
        return (*self.mails, "alerts") if self.alerts else self.mails

    @property
    def zone(self) -> ZoneInfo:
        """Where the person's week begins."""
        return ZoneInfo(self.time_zone)


class Channel(Section):
    """A room that is told beside people: a Slack (or compatible) webhook, a Telegram chat."""

    kind: Literal["webhook", "telegram"]
    connection: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
    language: Language = "en"
    time_zone: str = "UTC"
    tells: tuple[Literal["alerts", "daily", "weekly", "monthly", "quarterly"], ...] = ("alerts",)

    _is_a_zone = field_validator("time_zone")(_known_zone)

    @property
    def id(self) -> str:
        """How tables and logs call it."""
        return f"{self.kind}:{self.connection}"

    @property
    def zone(self) -> ZoneInfo:
        """Where its day begins."""
        return ZoneInfo(self.time_zone)


class DigestRule(Section):
    """Which week is told, and until when a mail is tried."""

    week: Literal["last", "current"]
    give_up_after_hours: Annotated[float, Field(gt=0)]


class AlertRule(Section):
    """What the daily data-quality alert links to, and until when it is tried."""

    page: Annotated[str, Field(pattern=r"^https?://[^\s\"<>]+$")] | None = None
    give_up_after_hours: Annotated[float, Field(gt=0)] = 20
    late_after_hours: Annotated[float, Field(gt=0)] = 48  # a source whose data end earlier than this is late
    pace_cool_down_days: Annotated[float, Field(ge=0)] = 7  # a budget that stays off its pace is told again after this


class People(Section):
    """`people.yml`."""

    digest: DigestRule
    alerts: AlertRule = AlertRule()
    unsubscribe: Annotated[str, Field(pattern=r"^https?://[^\s\"<>]+$")] | None = None  # where its page is served
    people: tuple[Person, ...]
    channels: tuple[Channel, ...] = ()

    @model_validator(mode="after")
    def _ids_and_addresses_are_unique(self) -> People:
        for what, values in (("id", [p.id for p in self.people]), ("email", [p.email.lower() for p in self.people])):
            twice = [place for place, value in enumerate(values) if Counter(values)[value] > 1]
            if twice:
                raise ValueError(f"people {twice} (counted from 0) have the same {what}")
        if len({channel.id for channel in self.channels}) < len(self.channels):
            raise ValueError("two channels have the same kind and connection")
        return self


class _Sources(BaseModel):
    """As much of `sources.yml` as readers need: which sources there should be."""

    sources: dict[str, object]


def expected_sources(config: Path) -> tuple[str, ...]:
    """The sources that `<config>/sources.yml` names: data of one that never came is missing too."""
    path = config / "sources.yml"
    return tuple(sorted(read_yaml(path, _Sources).sources)) if path.exists() else ()


def load_people(config: Path) -> People:
    """Read `<config>/people.yml`. Raises ConfigError naming file and key, without repeating an address."""
    return read_yaml(config / "people.yml", People)
