"""`rebuttal publish`: publish the marts as they stand, or go back to the version before."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until, finish, print_report
from rebuttal.display import as_json_text


@click.command()
@click.option("--back", is_flag=True, help="Put the marts back as they were before the last build, and publish that.")
@JSON
def publish(back: bool, as_json: bool) -> None:
    """Give readers the marts as they stand; does nothing when they have them.

    With --back the marts of the model become what they were before the last build. They stay so until a build finds
    something new: hold or repair what was wrong before it. What other stages wrote stays as it is.
    """
    from rebuttal.state import alone
    from rebuttal.warehouse import publish as publishing

    context = context_until()
    with alone(context.settings, "model"):
        report = publishing.publish_previous(context) if back else publishing.publish(context)
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
    finish([report])
