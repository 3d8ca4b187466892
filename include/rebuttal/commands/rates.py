"""`rebuttal rates`: exchange rates that a central bank publishes."""

from __future__ import annotations

from pathlib import Path

import click

from rebuttal.commands.shown import JSON, UNTIL, context_until, print_report
from rebuttal.display import as_json_text, print_table


@click.group()
def rates() -> None:
    """Dated exchange rates: import a published file, show what is known."""


@rates.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="ecb", show_default=True, help="Whose rates; journey.yml says which source counts.")
@UNTIL
@JSON
def rates_import(file: Path, source: str, until: object, as_json: bool) -> None:
    """Take in FILE (eurofxref CSV or XML); a corrected rate replaces the one before at the next `rebuttal model`."""
    from datetime import datetime

    from rebuttal.journeys.rates import import_rates

    report = import_rates(context_until(until if isinstance(until, datetime) else None), file, source)
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)


@rates.command("show")
@JSON
def rates_show(as_json: bool) -> None:
    """Which currencies have published rates, from when until when."""
    from rebuttal.journeys.rates import known_rates

    rows = known_rates(context_until())
    if as_json:
        click.echo(as_json_text(rows))
        return
    print_table(list(rows[0]), [list(row.values()) for row in rows]) if rows else click.echo("No rates are imported.")
