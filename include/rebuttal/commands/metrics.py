"""`rebuttal metrics`: what every number means."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON
from rebuttal.display import as_json_text, print_table
from rebuttal.settings import PROJECT_ROOT, load_settings


@click.command()
@click.option("--markdown", is_flag=True, help="Print docs/metrics.md.")
@click.option("--write", is_flag=True, help="Bring docs/metrics.md and the descriptions in the dbt docs up to date.")
@JSON
def metrics(markdown: bool, write: bool, as_json: bool) -> None:
    """Every metric: definition, formula, unit, leading or lagging, and where it stands."""
    from rebuttal.journeys.metrics import as_dbt_docs, as_markdown
    from rebuttal.metrics import load_metrics
    from rebuttal.warehouse.dbt import PROJECT

    known = load_metrics(load_settings().config)
    if write:
        pages = ((PROJECT_ROOT / "docs" / "metrics.md", as_markdown), (PROJECT / "models" / "metrics.md", as_dbt_docs))
        for path, made in pages:
            path.write_text(made(known), encoding="utf-8")
            click.echo(f"{path} is up to date")
    elif markdown:
        click.echo(as_markdown(known), nl=False)
    elif as_json:
        click.echo(as_json_text([metric.model_dump() for metric in known]))
    else:
        columns = ["id", "name", "kind", "unit", "formula", "columns"]
        rows = [[m.id, m.name.en, m.kind, m.unit, m.formula, ", ".join(m.columns)] for m in known]
        print_table(columns, rows)
