"""Is a delivery from whom it says: each vendor's signature over the very bytes that came, compared in constant time.

| vendor | signature | over | time |
|---|---|---|---|
| hubspot | X-HubSpot-Signature-v3, base64 of HMAC-SHA256 | method, address, body, timestamp | 5 minutes |
| typeform | Typeform-Signature, `sha256=` and base64 of HMAC-SHA256 | body | |
| jira | X-Hub-Signature, `sha256=` and hex of HMAC-SHA256 | body | |
| trello | X-Trello-Webhook, base64 of HMAC-SHA1 | body, address | |
| standard | webhook-signature, `v1,` and base64 of HMAC-SHA256, several | id, timestamp, body | 5 minutes |
| yclients | none: the secret is the last part of the address | | |

The address is the configured one; no header can change it. Sources: the vendors' documentation of webhooks, and
github.com/standard-webhooks/standard-webhooks. A time must be near both ways: what is dated ahead would stay valid for
longer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from rebuttal.inbox.hooks import Hook

WINDOW = timedelta(minutes=5)
_LONGEST_HEADER = 2048
_HUBSPOT_DECODES = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class Refused(Exception):
    """The delivery is not believed. `why` is one word for the counters; the sender is told nothing but 401."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Delivery:
    """One request as it came: header names in lower case, the body's raw bytes, and what follows the hook's name in the
    path (decoded; empty for those who sign)."""

    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)
    path_secret: bytes = field(default=b"", repr=False)
    method: str = "POST"

    def header(self, name: bytes) -> bytes:
        """The only value of a header. Raises Refused when it is missing, comes twice or is too long."""
        found = [value for key, value in self.headers if key == name]
        if len(found) != 1 or not found[0] or len(found[0]) > _LONGEST_HEADER:
            raise Refused("unsigned" if not found else "malformed")
        return found[0]


def verify(hook: Hook, delivery: Delivery, now: datetime) -> None:
    """Raise Refused unless the delivery is signed with a secret of the hook that counts at `now` (UTC)."""
    _CHECKS[hook.vendor](hook, delivery, now)


def is_signed(hook: Hook, delivery: Delivery) -> bool:
    """Whether there is a signature at all, which can be said before the body is read."""
    name = SIGNATURES.get(hook.vendor)
    return bool(delivery.path_secret) if name is None else any(key == name for key, _ in delivery.headers)


def _hubspot(hook: Hook, delivery: Delivery, now: datetime) -> None:
    given, stamp = delivery.header(SIGNATURES["hubspot"]), delivery.header(b"x-hubspot-request-timestamp")
    address = _HUBSPOT_DECODES.sub(lambda found: unquote(found.group()), hook.url).encode()
    signed = b"".join((delivery.method.encode(), address, delivery.body, stamp))
    _require([given], (base64.b64encode(_mac(key, signed)) for key in hook.keys(now)))
    _require_recent(stamp, 1000, now)


def _typeform(hook: Hook, delivery: Delivery, now: datetime) -> None:
    given = delivery.header(SIGNATURES["typeform"])
    _require([given], (b"sha256=" + base64.b64encode(_mac(key, delivery.body)) for key in hook.keys(now)))


def _jira(hook: Hook, delivery: Delivery, now: datetime) -> None:
    given = delivery.header(SIGNATURES["jira"])
    _require([given], (b"sha256=" + _mac(key, delivery.body).hex().encode() for key in hook.keys(now)))


def _trello(hook: Hook, delivery: Delivery, now: datetime) -> None:
    given, signed = delivery.header(SIGNATURES["trello"]), delivery.body + hook.url.encode()
    _require([given], (base64.b64encode(_mac(key, signed, hashlib.sha1)) for key in hook.keys(now)))


def _standard(hook: Hook, delivery: Delivery, now: datetime) -> None:
    given, event_id, stamp = (
        delivery.header(name) for name in (SIGNATURES["standard"], b"webhook-id", b"webhook-timestamp")
    )
    signed = b".".join((event_id, stamp, delivery.body))
    versioned = [part.partition(b",") for part in given.split(b" ")]
    offered = [signature for version, _, signature in versioned if version == b"v1"]
    _require(offered, (base64.b64encode(_mac(key, signed)) for key in hook.keys(now)))
    _require_recent(stamp, 1, now)


def _yclients(hook: Hook, delivery: Delivery, now: datetime) -> None:
    if not delivery.path_secret:
        raise Refused("unsigned")
    _require([delivery.path_secret], hook.keys(now))


SIGNATURES = {
    "hubspot": b"x-hubspot-signature-v3",
    "typeform": b"typeform-signature",
    "jira": b"x-hub-signature",
    "trello": b"x-trello-webhook",
    "standard": b"webhook-signature",
}
_CHECKS: dict[str, Callable[[Hook, Delivery, datetime], None]] = {
    "hubspot": _hubspot,
    "typeform": _typeform,
    "jira": _jira,
    "trello": _trello,
    "standard": _standard,
    "yclients": _yclients,
}


def _mac(key: bytes, message: bytes, kind: Callable[..., object] = hashlib.sha256) -> bytes:
    return hmac.new(key, message, kind).digest()  # type: ignore[arg-type]


def _require(given: Iterable[bytes], valid: Iterable[bytes]) -> None:
    """Every pair is compared, so that the time taken does not tell which one was near."""
    signatures, found = list(given), False
    for wanted in valid:
        for signature in signatures:
            found |= hmac.compare_digest(wanted, signature)
    if not found:
        raise Refused("forged")


def _require_recent(stamp: bytes, per_second: int, now: datetime) -> None:
    """After the signature, so that nobody learns what we think of an unsigned time."""
    if not stamp.isdigit() or len(stamp) > 14:
        raise Refused("malformed")
    if abs(now.timestamp() - int(stamp) / per_second) > WINDOW.total_seconds():
        raise Refused("stale")
