"""`rebuttal quarantine`: what was kept out, and putting it through the gate again."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until, finish, print_report
from rebuttal.display import as_json_text, print_table


@click.group()
def quarantine() -> None:
    """Rows that were not admitted, with their reasons."""


@quarantine.command("list")
@JSON
def quarantine_list(as_json: bool) -> None:
    """All quarantined rows, grouped by reason."""
    from rebuttal.quality.quarantine import list_rows

    rows = list_rows(context_until())
    if as_json:
        click.echo(as_json_text(rows))
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("Nothing is quarantined.")


@quarantine.command("show")
@click.argument("batch_id")
@click.argument("row_number", type=int)
def quarantine_show(batch_id: str, row_number: int) -> None:
    """One quarantined row with its raw values."""
    from rebuttal.quality.quarantine import show

    click.echo(as_json_text(show(context_until(), batch_id, row_number)))


@quarantine.command("release")
@click.argument("batch_id")
@click.argument("row_number", type=int, required=False)
def quarantine_release(batch_id: str, row_number: int | None) -> None:
    """Put quarantined rows through the gate again after a fix; what passes is admitted once."""
    from rebuttal.quality.quarantine import release

    result = release(context_until(), batch_id, row_number)
    print_report(result)
    finish([result])
