"""What a request at the door gets: bytes in, an answer out. Nothing here knows a web framework or a socket.

| answer | when |
|---|---|
| 200 | every event of the delivery is on disk, now or since an earlier receipt |
| 401 | not signed, signed with another secret, changed on the way, or signed too long ago |
| 404, 405 | no such hook, or not how a hook is called |
| 408, 413, 415 | the body comes too slowly, is too large, is compressed or is not JSON |
| 429 | the hook or the partner brings more than its share; come again |
| 503 | the store did not take the events in time, or too much is under way; come again |
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs

from rebuttal.errors import UnavailableError
from rebuttal.inbox.arrivals import Arrival
from rebuttal.inbox.hooks import Hook
from rebuttal.inbox.limits import Shares
from rebuttal.inbox.unpack import unpack
from rebuttal.inbox.verify import Delivery, Refused, is_signed, verify
from rebuttal.inbox.writer import Writer

_LONGEST_CHALLENGE = 256
_MOST_WARNINGS = 1000
_log = logging.getLogger(__name__)
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Answer:
    """Status, body and headers of an answer. `closes`: the rest of the request is not read."""

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: Headers = ()
    closes: bool = False

    @classmethod
    def error(cls, status: int, told: str, *, retry_after: int = 0, closes: bool = False) -> Answer:
        """One sentence as JSON."""
        headers: Headers = ((b"retry-after", str(retry_after).encode()),) if retry_after else ()
        return cls(status, json.dumps({"error": told}).encode(), headers=headers, closes=closes)


NO_HOOK = Answer.error(404, "There is no such hook", closes=True)


@dataclass
class Counts:
    """Since this process began; labels are names of our configuration and words of ours only."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)


class Door:
    """All hooks, what they may bring, and the writer behind them."""

    def __init__(
        self, hooks: Mapping[str, Hook], writer: Writer, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.hooks, self.writer, self.counts = hooks, writer, Counts()
        self._now, self._shares = now, Shares()
        self._warned: set[tuple[str, str, str]] = set()

    def find(self, path: str) -> tuple[Hook, bytes] | None:
        """The hook of `/<hook>` or, for those who sign nothing, `/<hook>/<secret>`, and that secret."""
        name, _, secret = path.removeprefix("/").partition("/")
        hook = self.hooks.get(name)
        if hook is None or (secret and hook.vendor != "yclients"):
            return None
        return hook, secret.encode("utf-8", "surrogateescape")

    def refuse_unread(self, hook: Hook, delivery: Delivery) -> Answer | None:
        """What is refused before a byte of its body is read; None to read on."""
        headers = dict(delivery.headers)
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return Answer.error(415, "Compressed bodies are not taken", closes=True)
        kind = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            return Answer.error(415, "Only application/json is taken", closes=True)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12:
            return Answer.error(400, "Content-Length is no number", closes=True)
        if int(length) > hook.limits.body_bytes:
            return self.too_large(hook)
        return None if is_signed(hook, delivery) else self._refuse(hook, "unsigned")

    def too_large(self, hook: Hook) -> Answer:
        """413 with what is allowed."""
        return Answer.error(413, f"A body has at most {hook.limits.body_bytes} bytes", closes=True)

    async def deliver(self, hook: Hook, delivery: Delivery) -> Answer:
        """Judge a whole delivery and keep its events."""
        now = self._now()
        try:
            verify(hook, delivery, now)
        except Refused as refused:
            return self._refuse(hook, refused.why)
        if hook.challenge == "body" and (echo := _challenge_within(delivery.body)):
            return echo
        arrivals = unpack(hook, delivery)
        share = Counter(arrival.partner for arrival in arrivals)
        if wait := self._shares.admit(hook, share, time.monotonic()):
            return Answer.error(429, "More events than their share; send them again later", retry_after=wait)
        try:
            outcomes = await self.writer.keep(arrivals)
        except UnavailableError as error:
            return Answer.error(503, "Nothing was kept; send it again", retry_after=int(error.retry_after or 5))
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            became = outcome if arrival.state == "new" else arrival.state
            self.counts.events[hook.name, became] += 1
            if became not in ("stored", "repeated"):
                self._warn(hook, arrival, became)
        return Answer(200, b'{"events":%d}' % len(arrivals))

    def _warn(self, hook: Hook, arrival: Arrival, became: str) -> None:
        """Once for each kind: what people should look at with `rebuttal inbox list`."""
        kind = (hook.name, arrival.event_type, became)
        if kind not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(kind)
            _log.warning("hook %s: an event of kind %r is %s", *kind)

    def greet(self, hook: Hook, method: str, query: bytes) -> Answer:
        """HEAD and GET: the handshakes by which a vendor sees that the address is meant."""
        if method == "HEAD" and hook.vendor == "trello":
            return Answer(200)
        if method == "GET" and hook.challenge == "hub":
            return self._hub(hook, query)
        return Answer(405, headers=((b"allow", b"POST"),), closes=True)

    def _hub(self, hook: Hook, query: bytes) -> Answer:
        told = {name: values for name, values in parse_qs(query, max_num_fields=20).items() if len(values) == 1}
        token = told.get(b"hub.verify_token", [b""])[0]
        if told.get(b"hub.mode") != [b"subscribe"] or not hmac.compare_digest(token, hook.verify_token):
            return self._refuse(hook, "forged")
        return _echo(told.get(b"hub.challenge", [b""])[0]) or Answer.error(400, "hub.challenge is no plain word")

    def _refuse(self, hook: Hook, why: str) -> Answer:
        self.counts.refused[hook.name, why] += 1
        return Answer.error(401, "The signature is not valid", closes=True)


def _challenge_within(body: bytes) -> Answer | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("type") != "url_verification":
        return None
    return _echo(str(told.get("challenge", "")).encode("utf-8", "replace"))


def _echo(challenge: bytes) -> Answer | None:
    """As text that no browser takes for anything else; a plain word, or nothing."""
    is_plain = 0 < len(challenge) <= _LONGEST_CHALLENGE and all(33 <= byte <= 126 for byte in challenge)
    return Answer(200, challenge, b"text/plain; charset=us-ascii") if is_plain else None
