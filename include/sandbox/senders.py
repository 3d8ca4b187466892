"""How each vendor writes, signs and repeats its webhooks (sources: the vendors' own documentation).

HubSpot: up to 100 events in a request, v1 and v3 signatures, up to ten more tries within 24 hours. Typeform: one
response; 404 and 410 end the webhook. Jira: one change; five more tries, after some statuses only. Trello: one action.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from sandbox.webhooks import Attempt, Event, Sender

_MINUTE, _HOUR = 60.0, 3600.0
_HUBSPOT_PAUSES = (1, 5, 15, 30, 60, 120, 180, 240, 360, 420)  # minutes, 24 hours in all
_JIRA_AGAIN = frozenset((0, 408, 409, 425, 429, *range(500, 600)))


def _mac(secret: str, message: bytes, kind: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, kind).digest()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _hubspot_body(events: Sequence[Event], attempt: Attempt) -> bytes:
    return _json([{**event, "attemptNumber": attempt.number} for event in events])


def _hubspot_headers(body: bytes, attempt: Attempt) -> dict[str, str]:
    signed = b"POST" + attempt.url.encode() + body + str(attempt.sent_at_ms).encode()
    return {
        "X-HubSpot-Request-Timestamp": str(attempt.sent_at_ms),
        "X-HubSpot-Signature-v3": base64.b64encode(_mac(attempt.secret, signed)).decode(),
        "X-HubSpot-Signature": hashlib.sha256(attempt.secret.encode() + body).hexdigest(),
        "X-HubSpot-Signature-Version": "v1",
        "User-Agent": "HubSpot Connect 2.0 (sandbox)",
    }


def _one(events: Sequence[Event], _: Attempt) -> bytes:
    return _json(events[0])


def _typeform_headers(body: bytes, attempt: Attempt) -> dict[str, str]:
    return {"Typeform-Signature": "sha256=" + base64.b64encode(_mac(attempt.secret, body)).decode()}


def _jira_headers(body: bytes, attempt: Attempt) -> dict[str, str]:
    repeated = {"X-Atlassian-Webhook-Retry": str(attempt.number)} if attempt.number else {}
    return {
        "X-Atlassian-Webhook-Identifier": f"sandbox-{attempt.delivery}",
        "X-Hub-Signature": "sha256=" + _mac(attempt.secret, body).hex(),
        **repeated,
    }


def _trello_headers(body: bytes, attempt: Attempt) -> dict[str, str]:
    signed = body + attempt.url.encode()
    return {"X-Trello-Webhook": base64.b64encode(_mac(attempt.secret, signed, "sha1")).decode()}


SENDERS = {
    "hubspot": Sender(tuple(_MINUTE * pause for pause in _HUBSPOT_PAUSES), 5.0, 100, _hubspot_body, _hubspot_headers),
    "typeform": Sender(
        (*(_MINUTE * pause for pause in (5, 10, 20)), *(_HOUR * pause for pause in (1, 2, 3, 4))),
        30.0,
        1,
        _one,
        _typeform_headers,
        ends_at=frozenset((404, 410)),
    ),
    "jira": Sender((10 * _MINUTE,) * 5, 20.0, 1, _one, _jira_headers, tries_again=_JIRA_AGAIN.__contains__),
    "trello": Sender((30.0, 60.0, 120.0), 10.0, 1, _one, _trello_headers, ends_at=frozenset((410,))),
}
