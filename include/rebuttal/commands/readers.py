"""`rebuttal readers`: who is told what, what came of it, and who does not want it any more."""

from __future__ import annotations

import getpass
from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.context import Context
from rebuttal.display import as_json_text, print_table
from rebuttal.errors import ConfigError


@click.group()
def readers() -> None:
    """Who is told what. Names and addresses stand in people.yml and are not shown."""


@readers.command("list")
@JSON
def readers_list(as_json: bool) -> None:
    """Each reader and kind of mail: the newest period told, and what came of it."""
    rows = _rows(context_until())
    if as_json:
        click.echo(as_json_text(rows))
    else:
        columns = ["reader", "kind", "is_subscribed", "period", "state"]
        print_table(columns, [[row[name] for name in columns] for row in rows])


@readers.command("unsubscribe")
@click.argument("reader")
@click.argument("kind")
def readers_unsubscribe(reader: str, kind: str) -> None:
    """Send READER no more mails of KIND."""
    _decide(reader, kind, is_subscribed=False)


@readers.command("subscribe")
@click.argument("reader")
@click.argument("kind")
def readers_subscribe(reader: str, kind: str) -> None:
    """Send READER mails of KIND again."""
    _decide(reader, kind, is_subscribed=True)


def _rows(context: Context) -> list[dict[str, Any]]:
    from sqlalchemy import select

    from rebuttal.reports.people import load_people
    from rebuttal.reports.unsubscribing import unsubscribed
    from rebuttal.state import AlertDelivery, DigestDelivery, open_state

    people = load_people(context.settings.config)
    told: list[tuple[str, str]] = [(person.id, kind) for person in people.people for kind in person.kinds]
    told += [(room.id, kind) for room in people.channels for kind in room.tells]
    with open_state(context.settings) as sessions:
        gone = unsubscribed(sessions)
        with sessions() as session:
            newest = {
                (row.person_id, row.kind): (row.period, row.state)
                for row in session.scalars(select(DigestDelivery).order_by(DigestDelivery.delivery_id))
            }
            newest |= {
                (row.channel.removeprefix("person:"), "alerts"): (row.day, row.state)
                for row in session.scalars(select(AlertDelivery).order_by(AlertDelivery.delivery_id))
            }
    return [
        {
            "reader": reader,
            "kind": kind,
            "is_subscribed": (reader, kind) not in gone,
            "period": newest.get((reader, kind), (None, None))[0],
            "state": newest.get((reader, kind), (None, None))[1],
        }
        for reader, kind in told
    ]


def _decide(reader: str, kind: str, *, is_subscribed: bool) -> None:
    from rebuttal.reports import unsubscribing
    from rebuttal.reports.people import load_people
    from rebuttal.state import open_state

    context = context_until()
    known = {person.id: person.kinds for person in load_people(context.settings.config).people}
    if reader not in known:
        raise ConfigError(f"There is no reader {reader!r} in people.yml", next_step=f"Use one of {', '.join(known)}")
    if kind not in known[reader]:
        raise ConfigError(f"{reader} does not get {kind!r}", next_step=f"Use one of {', '.join(known[reader])}")
    change = unsubscribing.subscribe if is_subscribed else unsubscribing.unsubscribe
    with open_state(context.settings) as sessions:
        is_new = change(sessions, reader, kind, f"person:{getpass.getuser()}", context.clock.now())
    word = "gets" if is_subscribed else "gets no"
    click.echo(f"{reader} {word} {kind} mails {'from now on' if is_new else 'already'}")
