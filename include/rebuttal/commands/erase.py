"""`rebuttal erase`: forget a person everywhere."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table


@click.command()
@click.argument("subject", required=False)
@click.option("--by", default="operator", show_default=True, help="Who decided it; kept with the receipt.")
@click.option(
    "--list", "is_list", is_flag=True, help="Show the erasures so far, by keyed hash, and whether each is done."
)
@JSON
def erase(subject: str | None, by: str, is_list: bool, as_json: bool) -> None:
    """Erase the person SUBJECT names from every store: an e-mail address, a phone number, or `hubspot:CONTACT_ID`.

    Without SUBJECT it is asked for (or read from a pipe), so that it stands in no shell history. Killed or failed on
    the way, the same command goes on. What was sent by mail already cannot be called back.
    """
    from rebuttal.erasure import erase as run
    from rebuttal.erasure.run import list_erasures

    context = context_until()
    if is_list:
        rows = list_erasures(context)
        columns = ["subject_hash", "subject_kind", "requested_at", "requested_by", "finished_at"]
        click.echo(as_json_text(rows)) if as_json else print_table(
            columns, [[row[one] for one in columns] for row in rows]
        )
        return
    report = run(context, subject or click.prompt("E-mail, phone or contact id", err=True), by)
    if as_json:
        click.echo(as_json_text(report.as_dict()))
        return
    columns = ["store", "removed", "erased_at"]
    print_table(columns, [[row[one] for one in columns] for row in report.details])
