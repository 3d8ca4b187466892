"""The UTM registry: the links that the company says it uses (`utm.yml`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field

from rebuttal.configuration import Section, read_yaml

FIELDS = ("utm_source", "utm_medium", "utm_campaign")


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


class _File(Section):
    links: list[Link] = Field(default_factory=list)


def folded(value: str) -> str:
    """A value without case and outer or repeated spaces: all that may differ without meaning anything else."""
    return " ".join(value.split()).casefold()


@dataclass(frozen=True)
class Registry:
    """Registered links, looked up by folded values."""

    links: tuple[Link, ...]

    @cached_property
    def by_tags(self) -> dict[tuple[str, ...], Link]:
        """Folded (source, medium, campaign) -> link."""
        return {tuple(folded(tag) for tag in link.tags): link for link in reversed(self.links)}

    @cached_property
    def spelled(self) -> dict[str, dict[str, str]]:
        """Field -> folded value -> the value as registered."""
        return {field: {folded(getattr(link, field)): getattr(link, field) for link in self.links} for field in FIELDS}

    def platforms(self, source: str) -> frozenset[str]:
        """Who is paid for links of this source ('' for nobody); empty when the source is not registered."""
        return frozenset(link.platform for link in self.links if folded(link.utm_source) == folded(source))


def load_registry(config: Path) -> Registry:
    """Read `utm.yml`; without the file nothing is registered. Raises ConfigError naming file, key and mistake."""
    path = config / "utm.yml"
    return Registry(tuple(read_yaml(path, _File).links) if path.exists() else ())
