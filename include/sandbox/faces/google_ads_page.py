"""Page tokens of the Google Ads face: opaque, bound to one query and one state of the account, and perishable."""

from __future__ import annotations

import base64
import hashlib
import json

_SEAL = b"the sandbox's page tokens"


class Unknown(Exception):
    """Not a token, or the token of another query."""


class Expired(Exception):
    """A token of this query that is too old, or of an account that has changed since."""


def seal_token(start: int, binding: tuple[str, str], issued: float) -> str:
    """A token for the page from row `start` on; `binding` is (query, state), `issued` seconds since the epoch."""
    payload = json.dumps([start, *binding, issued]).encode()
    return base64.urlsafe_b64encode(_digest(payload) + payload).decode().rstrip("=")


def open_token(token: object, binding: tuple[str, str], now: float, seconds: float) -> int:
    """The row that the page starts with; raises Unknown or Expired."""
    try:
        raw = base64.urlsafe_b64decode(str(token) + "=" * (-len(str(token)) % 4))
    except ValueError:
        raise Unknown from None
    if _digest(raw[8:]) != raw[:8]:
        raise Unknown
    start, query, state, issued = json.loads(raw[8:])
    if query != binding[0]:
        raise Unknown
    if state != binding[1] or now - issued > seconds:
        raise Expired
    return int(start)


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=_SEAL, digest_size=8).digest()
