"""What vendors' webhooks told of a person: bodies hold addresses and words as they came, until they are forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from rebuttal.erasure.stores import blotted
from rebuttal.erasure.subject import Person
from rebuttal.erasure.work import STORES, Work
from rebuttal.personal import email_identity, phone_identity
from rebuttal.state import InboxEvent, open_state

_ADDRESS = re.compile(r"[^@\s\"'<>(),;]+@[^@\s\"'<>(),;]+")
_NUMBER = re.compile(r"\+?\d[\d\s().-]{6,}\d")


@STORES.store("inbox")
def from_inbox(work: Work) -> int:
    """Forget events that are about the person, or in which the person's address, number or words stand.

    Their hashes stay, so that a repeat is known for one. An event that still waits is done with: what it would have
    brought is suppressed anyway.
    """
    if work.person is None:
        return 0
    count, now = 0, work.context.clock.now()
    with open_state(work.context.settings) as sessions, sessions.begin() as session:
        for event in session.scalars(select(InboxEvent).where(InboxEvent.body.is_not(None))):
            if not _tells_of(event, work, work.person):
                continue
            event.body = event.delivery_key = event.object_id = None
            if event.state in ("new", "leased"):
                event.state, event.finished_at, event.reason = "done", now, "Whom it tells of was erased"
                event.lease_owner = event.lease_until = event.lease_token = None
            count += 1
    return count


def _tells_of(event: InboxEvent, work: Work, person: Person) -> bool:
    if event.partner is not None and event.partner in person.values("partner_id"):
        return True
    ids = {one.value for one in person.identifiers if one.kind.endswith("_id") and one.kind != "partner_id"}
    if event.object_id in ids:
        return True
    said = list(_texts(_read(event.body or b"")))
    if ids & set(said) or blotted(said, work.phrases)[1]:
        return True
    key, emails, phones = work.context.identity_key, person.values("email_hash"), person.values("phone_hash")
    text = "\n".join(said)
    return any(email_identity(found, key)[0] in emails for found in _ADDRESS.findall(text)) or any(
        phone_identity(found, key, work.regions)[0] in phones for found in _NUMBER.findall(text)
    )


def _read(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _texts(data: Any) -> Iterator[str]:
    """Every scalar as text."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _texts(one)
    elif data is not None:
        yield str(data)
