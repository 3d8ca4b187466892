"""Whom a message goes to, whatever it tells: people by mail, rooms by webhook or Telegram."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rebuttal.context import Context
from rebuttal.reports import people
from rebuttal.reports.compose import Digest
from rebuttal.reports.mail import Outcome, Postman, build_message
from rebuttal.reports.people import Language, Person
from rebuttal.reports.telegram import Telegram
from rebuttal.reports.webhook import Webhook

Send = Callable[[Digest, str, Callable[[], bool]], tuple[Outcome, str]]


@dataclass(frozen=True)
class Channel:
    """Somebody to tell. `id` stands in tables and logs and holds no address; `name` greets, '' in a room.

    `send(message, message_id, claim)` gives the outcome and the server's code.
    """

    id: str
    language: Language
    zone: ZoneInfo
    name: str
    sender: str
    send: Send


def on_paper(person: Person) -> Channel:
    """A person who is shown a message and sent none: no connection is needed."""

    def send(_told: Digest, _message_id: str, _claim: Callable[[], bool]) -> tuple[Outcome, str]:
        raise NotImplementedError("a preview is not sent")

    return Channel(f"person:{person.id}", person.language, person.zone, person.name, "", send)


def by_mail(context: Context, person: Person, unsubscribe: str = "") -> Channel:
    """A person's mailbox. Raises CredentialsError when the mail connection names no server."""
    postman = Postman(context.resolve("smtp"))

    def send(told: Digest, message_id: str, claim: Callable[[], bool]) -> tuple[Outcome, str]:
        message = build_message(told, person, postman.sender, message_id, datetime.now(UTC), unsubscribe)
        return postman.deliver(message, person.email, claim)

    return Channel(f"person:{person.id}", person.language, person.zone, person.name, postman.sender, send)


def by_post(context: Context, room: people.Channel) -> Channel:
    """A room. Raises CredentialsError or ConfigError when its connection cannot be used."""
    connection = context.resolve(room.connection)
    post = (Webhook(connection) if room.kind == "webhook" else Telegram(connection)).post

    def send(told: Digest, _message_id: str, claim: Callable[[], bool]) -> tuple[Outcome, str]:
        return post(f"{told.subject}\n\n{told.text}", claim)

    return Channel(room.id, room.language, room.zone, "", "", send)
