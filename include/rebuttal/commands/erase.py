"""`rebuttal erase`: forget a person everywhere."""

from __future__ import annotations

from pathlib import Path

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("subject", required=False)
@click.option("--by", default="operator", show_default=True, help="Who decided it; kept with the receipt.")
@click.option(
    "--list", "is_list", is_flag=True, help="Show the erasures so far, by keyed hash, and whether each is done."
)
@click.option("--export", type=_FILE, help="Write the list of the erased (keyed hashes) to FILE, to be kept outside.")
@click.option("--from", "kept", type=_FILE, help="Erase again whoever FILE lists: both stores were restored.")
@JSON
def erase(subject: str | None, by: str, is_list: bool, export: Path | None, kept: Path | None, as_json: bool) -> None:
    """Erase the person SUBJECT names from every store: an e-mail address, a phone number, or `hubspot:CONTACT_ID`.

    Without SUBJECT it is asked for (or read from a pipe), so that it stands in no shell history. Killed or failed on
    the way, the same command goes on. What was sent by mail already cannot be called back.
    """
    from rebuttal.erasure import apply_erased, export_erased
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
    if export is not None:
        count = export_erased(context, export)
        click.echo(as_json_text({"listed": count}) if as_json else f"{count} keyed hashes written to {export.name}")
        return
    if kept is not None:
        done = apply_erased(context, kept)
        listed, new = done.counts["listed"], done.counts["new"]
        click.echo(as_json_text(done.as_dict()) if as_json else f"{listed} listed, {new} of them had been lost")
        return
    report = run(context, subject or click.prompt("E-mail, phone or contact id", err=True), by)
    if as_json:
        click.echo(as_json_text(report.as_dict()))
        return
    columns = ["store", "removed", "erased_at"]
    print_table(columns, [[row[one] for one in columns] for row in report.details])
