"""How vendors sign, as their own documentation says, written here once more."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime

from bench.speed.posting import SECRET

PUBLIC = "http://hooks.example/hooks"
Headers = dict[bytes, bytes]


def mac(key: bytes, message: bytes, kind: str = "sha256") -> bytes:
    """HMAC."""
    return hmac.new(key, message, kind).digest()


def sign(vendor: str, body: bytes, key: bytes, at: datetime, url: str) -> Headers:
    """The headers with which this vendor would send this body."""
    if vendor == "hubspot":
        stamp = str(int(at.timestamp() * 1000)).encode()
        signature = base64.b64encode(mac(key, b"POST" + url.encode() + body + stamp))
        return {b"x-hubspot-signature-v3": signature, b"x-hubspot-request-timestamp": stamp}
    if vendor == "typeform":
        return {b"typeform-signature": b"sha256=" + base64.b64encode(mac(key, body))}
    if vendor == "jira":
        return {b"x-hub-signature": b"sha256=" + mac(key, body).hex().encode()}
    if vendor == "trello":
        return {b"x-trello-webhook": base64.b64encode(mac(key, body + url.encode(), "sha1"))}
    stamp = str(int(at.timestamp())).encode()
    signature = b"v1," + base64.b64encode(mac(key, b"msg_1." + stamp + b"." + body))
    return {b"webhook-id": b"msg_1", b"webhook-timestamp": stamp, b"webhook-signature": signature}


def signed_now(vendor: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """The same for a receiver of these tests, as text, with a content type."""
    told = sign(vendor, body, SECRET.encode(), at or datetime.now(UTC), f"{PUBLIC}/{vendor}")
    return {name.decode(): value.decode() for name, value in told.items()} | {"content-type": "application/json"}
