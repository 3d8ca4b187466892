"""`rebuttal partner`: end a partnership."""

from __future__ import annotations

from pathlib import Path

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table


@click.group()
def partner() -> None:
    """Partners: end a partnership, list those that ended."""


@partner.command("end")
@click.argument("name")
@click.option("--by", required=True, help="Who decided it; kept with the receipt and in the decision journal.")
@click.option(
    "--export", type=click.Path(dir_okay=False, path_type=Path), help="Where the partner's bookings are written to."
)
@click.option("--without-export", is_flag=True, help="They are not wanted.")
@JSON
def partner_end(name: str, by: str, export: Path | None, without_export: bool, as_json: bool) -> None:
    """Stop pulling, receiving and mailing for partner NAME at once, hand out its bookings, forget its customers.

    Killed or failed on the way, the same command goes on. It cannot be undone: who comes back gets another name.
    """
    from rebuttal.erasure import end_partner
    from rebuttal.partners import still_named

    if (export is None) != without_export:
        raise click.UsageError("Give --export FILE or --without-export")
    context = context_until()
    report = end_partner(context, name, by, export)
    places = still_named(context.settings.config, name)
    if as_json:
        click.echo(as_json_text(report.as_dict() | {"still_named": places}))
        return
    columns = ["store", "removed", "erased_at"]
    print_table(columns, [[row[one] for one in columns] for row in report.details])
    for place in places:
        click.echo(f"{place} still names {name}: remove it", err=True)


@partner.command("list")
@JSON
def partner_list(as_json: bool) -> None:
    """Partners that left, when, and who decided it."""
    from rebuttal.erasure.partner import list_ended

    rows = list_ended(context_until())
    columns = ["partner", "ended_at", "ended_by"]
    click.echo(as_json_text(rows)) if as_json else print_table(columns, [[row[one] for one in columns] for row in rows])
