"""The UTM registry: the links that the company says it uses (`utm.yml`), and what people decided about variants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import Field, model_validator

from rebuttal.configuration import Section, read_yaml
from rebuttal.quality.utm_naming import Naming

FIELDS = ("utm_source", "utm_medium", "utm_campaign")
# Tags that have registered values; a term is what somebody searched for.
NAMED = (*FIELDS, "utm_content")

# Raised whenever `judge` comes to judge otherwise: history is then judged again.
JUDGEMENT = 1

ASSISTANTS: dict[str, tuple[str, ...]] = {
    "chatgpt": ("chatgpt.com", "chat.openai.com"),
    "perplexity": ("perplexity.ai",),
    "gemini": ("gemini.google.com",),
    "copilot": ("copilot.microsoft.com", "copilot.com"),
    "claude": ("claude.ai",),
    "deepseek": ("chat.deepseek.com",),
    "grok": ("grok.com",),
    "mistral": ("chat.mistral.ai",),
    "meta_ai": ("meta.ai",),
    "you": ("you.com",),
    "alice": ("alice.yandex.ru",),
}


class Link(Section):
    """One registered link; `utm_content` empty means that any content is allowed."""

    utm_source: str = Field(min_length=1)
    utm_medium: str = Field(min_length=1)
    utm_campaign: str = Field(min_length=1)
    utm_content: list[str] = Field(default_factory=list)
    platform: str = ""
    campaign_id: str = ""
    channel: str

    @property
    def tags(self) -> tuple[str, str, str]:
        """Source, medium, campaign as registered."""
        return self.utm_source, self.utm_medium, self.utm_campaign

    def broken_rule(self, naming: Naming) -> str | None:
        """The first naming rule that the link breaks, in words; None when it keeps them all."""
        values = [*zip(FIELDS, self.tags, strict=True), *(("utm_content", one) for one in self.utm_content)]
        return next((fault for name, value in values if (fault := naming.broken_by(name, value))), None)


class SpendAudit(Section):
    """When spend without tagged visits, or tagged visits without spend, are worth telling."""

    days: int = Field(default=28, ge=1, le=366)  # back from the newest day that both sides know, in account days
    minimum_clicks: int = Field(default=20, ge=1)
    minimum_visits: int = Field(default=10, ge=1)


class UtmFile(Section):
    """All of `utm.yml`."""

    naming: Naming = Naming()
    assistants: dict[str, list[str]] = Field(default_factory=lambda: {k: list(v) for k, v in ASSISTANTS.items()})
    audit: SpendAudit = SpendAudit()
    links: list[Link] = Field(default_factory=list)

    @model_validator(mode="after")
    def _keeps_its_own_rules(self) -> UtmFile:
        seen: dict[tuple[str, ...], int] = {}
        for number, link in enumerate(self.links, 1):
            if fault := link.broken_rule(self.naming):
                raise ValueError(f"link {number}: {fault}")
            tags = tuple(folded(tag) for tag in link.tags)
            if tags in seen:
                raise ValueError(f"link {number} repeats link {seen[tags]} ({', '.join(link.tags)})")
            seen[tags] = number
        return self


def folded(value: str) -> str:
    """A value without case and outer or repeated spaces: all that may differ without meaning anything else."""
    return " ".join(value.split()).casefold()


@dataclass(frozen=True)
class Registry:
    """Registered links, looked up by folded values, with the variants that people accepted and rejected.

    `aliases`: (tag, folded value as written) -> registered value. `rejected`: (tag, folded written, folded registered).
    """

    links: tuple[Link, ...]
    naming: Naming = field(default_factory=Naming)
    assistants: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ASSISTANTS)
    audit: SpendAudit = field(default_factory=SpendAudit)
    aliases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rejected: frozenset[tuple[str, str, str]] = frozenset()

    @cached_property
    def by_tags(self) -> dict[tuple[str, ...], Link]:
        """Folded (source, medium, campaign) -> link."""
        return {tuple(folded(tag) for tag in link.tags): link for link in reversed(self.links)}

    @cached_property
    def spelled(self) -> dict[str, dict[str, str]]:
        """Tag -> folded value -> the value as registered; `utm_content` over all links."""
        values = {name: {folded(getattr(link, name)): getattr(link, name) for link in self.links} for name in FIELDS}
        return {**values, "utm_content": {folded(one): one for link in self.links for one in link.utm_content}}

    @cached_property
    def _assistant_of(self) -> dict[str, str]:
        names = {host.casefold(): name for name, hosts in self.assistants.items() for host in hosts}
        return {**{name.casefold(): name for name in self.assistants}, **names}

    def accepted(self, name: str, value: str | None) -> str | None:
        """The registered value that a person took `value` of the tag `name` for; None when nobody did.

        A value that is registered itself means itself, and an alias of a value that is no longer registered is idle.
        """
        if not value or folded(value) in self.spelled[name]:
            return None
        meant = self.aliases.get((name, folded(value)))
        return self.spelled[name].get(folded(meant)) if meant else None

    def platforms(self, source: str) -> frozenset[str]:
        """Who is paid for links of this source ('' for nobody); empty when the source is not registered."""
        return frozenset(link.platform for link in self.links if folded(link.utm_source) == folded(source))

    def assistant(self, told: str | None) -> str | None:
        """The AI assistant that a host or a `utm_source` names; None when it names none."""
        host = folded(told or "").removeprefix("www.")
        return self._assistant_of.get(host)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when, and only when, a visit may be judged otherwise than before."""
        basis = {
            "judgement": JUDGEMENT,
            "links": [link.model_dump() for link in self.links],
            "assistants": {name: sorted(hosts) for name, hosts in self.assistants.items()},
            "aliases": sorted([*key, meant] for key, meant in self.aliases.items()),
            "rejected": sorted(self.rejected),
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def load_registry(config: Path) -> Registry:
    """Read `utm.yml`; without the file nothing is registered. Raises ConfigError naming file, key and mistake.

    What people decided about variants is not in the file: see `utm_aliases.registry`.
    """
    path = config / "utm.yml"
    return registry_of(read_yaml(path, UtmFile)) if path.exists() else Registry(())


def registry_of(file: UtmFile) -> Registry:
    """The registry that the file describes."""
    assistants = {name: tuple(hosts) for name, hosts in file.assistants.items()}
    return Registry(tuple(file.links), file.naming, assistants, file.audit)
