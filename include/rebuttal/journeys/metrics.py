"""The metric dictionary: every metric's one definition (metrics.yml) and the pages that are made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from rebuttal.configuration import Section, read_yaml
from rebuttal.journeys.questions import Names


class Metric(Section):
    """One metric. `columns` are `mart.column`; reports read the first."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Names
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


def as_markdown(metrics: tuple[Metric, ...]) -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Every metric has one definition, in `include/config/metrics.yml`; `rebuttal metrics --write` makes this page.",
        "Money is in the base currency at dated rates, weeks begin on Monday, days and months are UTC. A missing rate",
        "or a zero denominator gives an empty value, never 0. A *leading* metric moves before money does, a *lagging*",
        "one tells what has become of it.",
        "",
        "| metric | kind | unit | formula | where |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| [{metric.name.en}](#{metric.id}) | {metric.kind} | {metric.unit} | {metric.formula} |"
        f" {', '.join(f'`{column}`' for column in metric.columns)} |"
        for metric in metrics
    ]
    for metric in metrics:
        lines += [
            "",
            f'<a id="{metric.id}"></a>',
            f"## {metric.name.en}",
            "",
            f"{metric.name.ru} · {metric.name.uk}",
            "",
            metric.definition,
            "",
            f"*{metric.kind.capitalize()}*, in {metric.unit}: {metric.formula}",
        ]
    return "\n".join(lines) + "\n"


def as_dbt_docs(metrics: tuple[Metric, ...]) -> str:
    """The doc blocks that descriptions of columns refer to: `metric_<id>`."""
    blocks = [
        f"{{% docs metric_{metric.id} %}}\n{metric.definition} ({metric.formula}; {metric.kind})\n{{% enddocs %}}"
        for metric in metrics
    ]
    return "\n\n".join(blocks) + "\n"
