"""`rebuttal replay`: admit again from landing after a rule changed."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until, finish, print_report
from rebuttal.display import as_json_text


@click.command()
@click.argument("what", metavar="BATCH_ID|SOURCE.STREAM")
@click.option("--account", "account_id", help="Only this account; default: every account of the stream.")
@JSON
def replay(what: str, account_id: str | None, as_json: bool) -> None:
    """Admit a stream again from landing with the rules of today, after a rule changed.

    Core is then as if the rule had always been there. Everything that feeds the same entity of the same account goes
    along. Released holds stay released. Readers see core as before until all is done.
    """
    from rebuttal.quality.replay import replay as run

    report = run(context_until(), what, account_id)
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
    finish([report])
