"""`rebuttal quarantine`: what was kept out, and putting it through the gate again."""

from __future__ import annotations

from collections.abc import Callable
from getpass import getuser
from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until, finish, print_report
from rebuttal.display import as_json_text, print_table


@click.group()
def quarantine() -> None:
    """Rows that were kept out: list them, show one, release them after a fix."""


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, told in (("check", "Only rows that broke this check."), ("stream", ""), ("source", "")):
        function = click.option(f"--{name}", help=told or f"Only rows of this {name}.")(function)
    return function


@quarantine.command("list")
@_filters
@click.option("--rows", "each_row", is_flag=True, help="One line a row instead of one line a reason.")
@click.option("--summary", is_flag=True, help="With --json: one object a reason instead of one a row.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="At most so many rows.")
@JSON
def quarantine_list(
    source: str | None,
    stream: str | None,
    check: str | None,
    each_row: bool,
    summary: bool,
    limit: int,
    as_json: bool,
) -> None:
    """What is quarantined: by reason with counts, or row by row (JSON: row by row unless --summary)."""
    from rebuttal.quality.quarantine import list_reasons, list_rows

    chosen = {"source": source, "stream": stream, "check": check}
    by_row = each_row or (as_json and not summary)
    rows = list_rows(context_until(), limit, **chosen) if by_row else list_reasons(context_until(), **chosen)
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
@click.argument("batch_id", required=False)
@click.argument("row_number", type=int, required=False)
@_filters
@click.option("--by", default=getuser, help="Who asks for it; default: the user of this command.")
@click.option("--reason", default="after a fix", show_default=True, help="Why; both go to the decision journal.")
def quarantine_release(
    batch_id: str | None,
    row_number: int | None,
    source: str | None,
    stream: str | None,
    check: str | None,
    by: str,
    reason: str,
) -> None:
    """Put rows of a batch, or all that broke a check, through the gate again; what passes is admitted once."""
    from rebuttal.quality.quarantine import release

    result = release(
        context_until(), batch_id, row_number, source=source, stream=stream, check=check, by=by, reason=reason
    )
    print_report(result)
    finish([result])
