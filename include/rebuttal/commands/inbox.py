"""`rebuttal inbox`: the receiver of webhooks, and what it kept."""

from __future__ import annotations

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table


@click.group()
def inbox() -> None:
    """Webhooks: receive them, see what came, try again what was given up."""


@inbox.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any free one.")
def inbox_serve(host: str, port: int) -> None:
    """Receive webhooks at http://HOST:PORT/hooks/<hook> until stopped; see also /hooks/health and /hooks/metrics."""
    from rebuttal.inbox.serve import serve

    context = context_until()
    serve(context.settings, context.resolve, host, port, lambda url: click.echo(f"Receiving webhooks at {url}"))


@inbox.command("work")
@JSON
def inbox_work(as_json: bool) -> None:
    """Work on everything that waits, as the DAG `inbox` does: pull what is named, admit, listen, answer."""
    from rebuttal.commands.shown import finish, print_report
    from rebuttal.fast_way import work

    report = work(context_until())
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
    finish([report])


@inbox.command("missed")
@JSON
def inbox_missed(as_json: bool) -> None:
    """What the scheduled pull found in the last week that no webhook told of."""
    from rebuttal.commands.shown import print_report
    from rebuttal.missed import missed

    report = missed(context_until())
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)


@inbox.command("list")
@click.option("--state", help="Only events in this state: new, leased, done, unhandled, dead, conflict.")
@click.option("--source", help="Only events of this source.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, newest first."
)
@JSON
def inbox_list(state: str | None, source: str | None, limit: int, as_json: bool) -> None:
    """What came, newest first."""
    _print(state, source, limit, as_json)


@inbox.command("dead")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@JSON
def inbox_dead(limit: int, as_json: bool) -> None:
    """What was given up or could not be understood, with the reason."""
    _print("dead", None, limit, as_json)


@inbox.command("show")
@click.argument("event_id", type=int)
def inbox_show(event_id: int) -> None:
    """One event: everything but what people wrote in it; of its body only names and kinds of values."""
    from rebuttal.inbox.shown import show
    from rebuttal.state import open_state

    with open_state(context_until().settings) as sessions:
        click.echo(as_json_text(show(sessions, event_id)))


@inbox.command("replay")
@click.argument("event_ids", type=int, nargs=-1)
@click.option("--dead", "all_dead", is_flag=True, help="All that are dead.")
@click.option("--source", help="With --dead: only of this source.")
def inbox_replay(event_ids: tuple[int, ...], all_dead: bool, source: str | None) -> None:
    """Let events be worked on again, those named or all that are dead."""
    from rebuttal.inbox import replay
    from rebuttal.inbox.shown import ids_of
    from rebuttal.state import open_state

    if bool(event_ids) == all_dead:
        raise click.UsageError("Name events, or say --dead")
    with open_state(context_until().settings) as sessions:
        chosen = ids_of(sessions, "dead", source) if all_dead else list(event_ids)
        count = replay(sessions, chosen)
    click.echo(f"{count} of {len(chosen)} events wait to be worked on again")


def _print(state: str | None, source: str | None, limit: int, as_json: bool) -> None:
    from rebuttal.inbox.shown import list_events
    from rebuttal.state import open_state

    with open_state(context_until().settings) as sessions:
        rows = list_events(sessions, state, source, limit)
    if as_json:
        click.echo(as_json_text(rows))
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("Nothing.")
