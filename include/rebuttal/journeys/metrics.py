"""The pages that are made of the metric dictionary."""

from __future__ import annotations

from rebuttal.metrics import Metric


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
