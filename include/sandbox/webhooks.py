"""Webhooks as the vendors send them: in the vendor's shape, signed, and again by the vendor's schedule until a 2xx.

A face tells what happened (`PostOffice.tell`); whoever subscribed gets it a moment later, in one request where the
vendor puts several events into one. Schedules are the vendors' own, shortened by the setting `hook_hour_s`. What was
sent, and how it was answered, stands in `PostOffice.log`. Nothing waits for the receiver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.faults import Faults

GATHER_S = 0.02  # what happens within it is told in one request
# What the vendors sign with; dummy values, the same ones as in the default configuration.
SECRETS = {
    "hubspot": "sandbox-hubspot-client-secret",
    "typeform": "sandbox-typeform-webhook-secret",
    "jira": "sandbox-jira-webhook-secret",
    "trello": "sandbox-trello-api-secret",
}
Event = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One try to deliver: what signing and writing may need to know."""

    url: str
    secret: str
    number: int  # 0 for the first
    delivery: int  # of this vendor, from 1
    sent_at_ms: int  # wall clock


@dataclass(frozen=True)
class Sender:
    """What is a vendor's own in sending. `pauses_s` stand before each further try."""

    pauses_s: tuple[float, ...]
    timeout_s: float
    at_most: int  # events in one request
    body: Callable[[Sequence[Event], Attempt], bytes]
    headers: Callable[[bytes, Attempt], dict[str, str]]
    tries_again: Callable[[int], bool] = lambda _: True  # after this status; 0 is no answer
    ends_at: frozenset[int] = frozenset()  # statuses after which the vendor sends no more at all


@dataclass
class Delivery:
    """One request to a receiver, with the status of each try (0: no answer), oldest first."""

    face: str
    number: int
    url: str
    events: list[Event]
    faults: list[str]
    sent_at: float = 0.0  # wall clock, seconds since 1970: the first try
    answered_at: float = 0.0  # of the last try
    statuses: list[int] = field(default_factory=list)
    is_over: bool = False

    def told(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(vars(self))


class PostOffice:
    """All webhooks of one sandbox. Used on the server's event loop only."""

    def __init__(self, faults: Faults, senders: Mapping[str, Sender]) -> None:
        self.faults, self.senders = faults, senders
        self.addresses: dict[str, tuple[str, str]] = {}  # face -> address, secret
        self.log: list[Delivery] = []
        self._waiting: dict[str, list[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def subscribe(self, face: str, url: str | None, secret: str = "") -> None:
        """Send what `face` tells to `url` from now on; None ends it."""
        if url is None:
            self.addresses.pop(face, None)
        else:
            self.addresses[face] = (url, secret or SECRETS[face])

    def subscribe_all(self, base: str) -> None:
        """Every vendor that sends webhooks sends them to `<base>/<vendor>`."""
        for face in self.senders:
            self.subscribe(face, f"{base.rstrip('/')}/{face}")

    def tell(self, face: str, events: Sequence[Event]) -> None:
        """Something happened at this vendor. Without a subscription nobody hears of it."""
        if not events or face not in self.addresses:
            return
        if not self._waiting.get(face):
            self._start(self._gather(face))
        self._waiting.setdefault(face, []).extend(events)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gather(self, face: str) -> None:
        await asyncio.sleep(GATHER_S)
        events, sender = self._waiting.pop(face, []), self.senders[face]
        for start in range(0, len(events), sender.at_most):
            if face not in self.addresses:
                return
            number = 1 + sum(one.face == face for one in self.log)
            url = self.addresses[face][0]
            struck = self.faults.draw_hook(face, number, url)
            delivery = Delivery(face, number, url, events[start : start + sender.at_most], struck)
            self.log.append(delivery)
            self._start(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        if "hook_dropped" in delivery.faults:
            delivery.is_over = True
            return
        if "hook_out_of_order" in delivery.faults:
            await asyncio.sleep(self.faults.values["hook_late_s"])
        if "hook_forged" in delivery.faults:
            await self._send(delivery, 0, "a secret of somebody else")
        sender, hour = self.senders[delivery.face], self.faults.values["hook_hour_s"]
        for number, pause in enumerate((0.0, *sender.pauses_s)):
            await asyncio.sleep(pause * hour / 3600)
            delivery.sent_at = delivery.sent_at or time.time()
            status = await self._send(delivery, number)
            delivery.statuses.append(status)
            delivery.answered_at = time.time()
            if 200 <= status < 300 and "hook_duplicate" in delivery.faults:
                await self._send(delivery, number)
            if status in sender.ends_at:
                self.subscribe(delivery.face, None)
            if 200 <= status < 300 or status in sender.ends_at or not sender.tries_again(status):
                break
        delivery.is_over = True

    async def _send(self, delivery: Delivery, number: int, secret: str = "") -> int:
        sender = self.senders[delivery.face]
        known = self.addresses.get(delivery.face, ("", ""))[1]
        attempt = Attempt(delivery.url, secret or known, number, delivery.number, time.time_ns() // 1_000_000)
        body = sender.body(delivery.events, attempt)
        headers = {"Content-Type": "application/json", **sender.headers(body, attempt)}
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        try:
            reply = await self._client.post(delivery.url, content=body, headers=headers, timeout=sender.timeout_s)
        except httpx.HTTPError:
            return 0
        return reply.status_code
