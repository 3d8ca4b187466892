"""What no webhook told: the scheduled pull reads everything again, so it shows what the fast way never heard of."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from rebuttal import sources
from rebuttal.context import Context
from rebuttal.inbox.hooks import load_hooks
from rebuttal.records import Report
from rebuttal.state import InboxEvent, Sessions, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.batches import ADMITTED, TARGETED
from rebuttal.warehouse.tables import batch

# What vendors tell of by webhook, as core knows it: source, object type -> table, its id and its version.
TOLD = {
    ("hubspot", "deal"): ("core.deal", "deal_id", "updated_at"),
    ("hubspot", "contact"): ("core.contact", "contact_id", "updated_at"),
    ("typeform", "form_response"): ("core.survey_response", "response_id", "submitted_at"),
}
# An event says when the vendor noted the change, which is not to the second when the object says it changed.
SLACK = timedelta(minutes=5)


def missed(context: Context, back: timedelta = timedelta(days=7)) -> Report:
    """Compare what live pulls brought in the last `back` with the events of that time.

    Counts, by source and object type: `pulled <source> <type>` (objects whose newest version came by a live pull) and
    of them `untold <source> <type>` (without an event of that version). Sources that never sent an event are left out,
    and what was landed before their first one. An object changed in what nobody subscribed to is untold as well.
    """
    report = Report("missed")
    since = context.clock.now() - back
    with open_state(context.settings) as sessions:
        first = _first_events(sessions)
        heard = {pair: _heard(sessions, *pair) for pair in TOLD if pair[0] in first}
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        for pair, events in heard.items():
            pulled = _pulled(connection, pair, max(since, first[pair[0]]))
            untold = [key for key, version in pulled if version is None or events.get(key, _NEVER) < version - SLACK]
            name = " ".join(pair)
            report.counts |= {f"pulled {name}": len(pulled), f"untold {name}": len(untold)}
            report.details += [{"source": pair[0], "object_type": pair[1], "object_id": key} for key in untold[:20]]
    return report


def check_subscriptions(context: Context) -> Report:
    """Whether the vendors still send us webhooks, where they can be asked. Counts `checked`; a problem line each."""
    report = Report("subscriptions")
    for hook in load_hooks(context.settings, context.resolve).values():
        found = sources.check_subscriptions(context, hook.source, hook.url)
        if found is not None:
            report.add("checked")
            report.problems += found
    return report


def waits_for_marts(context: Context, back: timedelta = timedelta(hours=3)) -> bool:
    """Whether events brought something into core lately: the marts have to be asked to follow."""
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        found = select(func.count()).where(
            batch.c.kind == TARGETED, batch.c.status == ADMITTED, batch.c.landed_at >= context.clock.now() - back
        )
        return bool(connection.execute(found).scalar_one())


_NEVER = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


def _first_events(sessions: Sessions) -> dict[str, datetime]:
    with sessions() as session:
        query = select(InboxEvent.source, func.min(InboxEvent.received_at)).group_by(InboxEvent.source)
        return {str(source): at for source, at in session.execute(query)}


def _heard(sessions: Sessions, source: str, kind: str) -> dict[str, datetime]:
    """Object id -> the newest change that an event told of."""
    with sessions() as session:
        newest = func.max(func.coalesce(InboxEvent.occurred_at, InboxEvent.received_at))
        query = (
            select(InboxEvent.object_id, newest)
            .where(InboxEvent.source == source, InboxEvent.object_type == kind, InboxEvent.object_id.is_not(None))
            .group_by(InboxEvent.object_id)
        )
        return {str(key): at for key, at in session.execute(query)}


def _pulled(connection: Connection, pair: tuple[str, str], since: datetime) -> list[tuple[str, datetime | None]]:
    table, key, version = TOLD[pair]
    query = text(
        f"SELECT told.{key}, told.{version} FROM {table} AS told"
        " INNER JOIN ops.batch AS batch ON batch.batch_id = told.batch_id"
        f" WHERE told.source = :source AND batch.kind = 'live' AND batch.landed_at >= :since ORDER BY told.{key}"
    )
    return [(str(row[0]), row[1]) for row in connection.execute(query, {"source": pair[0], "since": since})]
