"""What the company decided about listening: `objections.yml` as typed records."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from rebuttal.configuration import Section, read_yaml


class LlmRules(Section):
    """A language model behind an OpenAI-compatible endpoint. Without an endpoint no text leaves this machine."""

    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    model: str = ""
    consent: bool = False
    connection: str = ""
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    most_texts: int = Field(default=500, ge=0)
    most_characters: int = Field(default=1_000_000, ge=0)
    longest_text: int = Field(default=8000, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> LlmRules:
        if self.endpoint and not self.consent:
            raise ValueError("texts may be sent to the endpoint only with `consent: true`")
        if self.endpoint and not self.model:
            raise ValueError("the endpoint needs the name of a model")
        return self

    @property
    def is_on(self) -> bool:
        """Whether texts are sent at all."""
        return bool(self.endpoint)


class ObjectionRules(Section):
    """`objections.yml`."""

    llm: LlmRules = LlmRules()


def load_objection_rules(config: Path) -> ObjectionRules:
    """Read `<config>/objections.yml`; without the file everything is as by default: local.

    Raises ConfigError naming file, key and the nearest valid word.
    """
    path = config / "objections.yml"
    return read_yaml(path, ObjectionRules) if path.exists() else ObjectionRules()
