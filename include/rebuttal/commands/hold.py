"""`rebuttal hold`: which batches wait, for what, and letting one through."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text


@click.group()
def hold() -> None:
    """Batches that were held back as a whole: list them, release one."""


@hold.command("list")
@JSON
def hold_list(as_json: bool) -> None:
    """What is held, since when, by which checks, and what to do about it."""
    from rebuttal.quality.holds import list_held

    held = list_held(context_until())
    if as_json:
        click.echo(as_json_text(held))
        return
    for row in held:
        since = f"{row['since']:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{row['batch_id']}  {row['source']}.{row['stream']}  {row['landed']:,} rows  landed {since}")
        for check in row["checks"]:
            click.echo(f"    {check['name']}: {check['told']}")
            click.echo(f"        {check['next_step']}")
        if row["is_final"]:
            click.echo("    Nobody can release it. A later answer of the vendor that covers it closes it")
        else:
            click.echo(f"    If it is right: rebuttal hold release {row['batch_id']} --by NAME --reason TEXT")
    if not held:
        click.echo("Nothing is held.")


@hold.command("release")
@click.argument("batch_id")
@click.option("--by", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why; both go to the decision journal.")
def hold_release(batch_id: str, by: str, reason: str) -> None:
    """Let a held (or superseded) batch through; the next `rebuttal admit` merges it."""
    from rebuttal.quality.holds import release

    release(context_until(), batch_id, by=by, reason=reason)
    click.echo(f"{batch_id} is released; the next `rebuttal admit` merges it.")
