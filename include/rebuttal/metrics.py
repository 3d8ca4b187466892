"""The metric dictionary: every metric's one definition (metrics.yml), for pages, charts and mails."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from rebuttal.configuration import Section, read_yaml


class Name(Section):
    """How people call a metric, by language."""

    en: str
    ru: str
    uk: str


class Metric(Section):
    """One metric. `columns` are `mart.column`; reports read the first."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Name
    definition: str = Field(min_length=10)
    formula: str = Field(min_length=3)
    unit: str = Field(min_length=3)
    kind: Literal["leading", "lagging"]
    columns: tuple[str, ...] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def _mart_and_column(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for column in columns:
            if column.count(".") != 1:
                raise ValueError(f"{column!r} is not mart.column")
        return columns


class Dictionary(Section):
    """metrics.yml."""

    metrics: tuple[Metric, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Dictionary:
        for kind, words in (
            ("id", [metric.id for metric in self.metrics]),
            ("column", [column for metric in self.metrics for column in metric.columns]),
        ):
            if twice := sorted({word for word in words if words.count(word) > 1}):
                raise ValueError(f"{kind} {twice[0]!r} stands twice")
        return self


def load_metrics(folder: Path) -> tuple[Metric, ...]:
    """Read and check metrics.yml; raises ConfigError that names file and key."""
    return read_yaml(folder / "metrics.yml", Dictionary).metrics
