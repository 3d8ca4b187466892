"""A cheap sender of signed webhooks: a few keep-alive connections on one event loop, bytes made beforehand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PATH = "/hooks/hubspot"
URL = "http://hooks.example" + PATH
SECRET = "bench-hubspot-client-secret"  # noqa: S105 - signs what only this measure receives


def event_key(number: int) -> str:
    """What the inbox calls the event of that number."""
    return f"62515:{number}:1759491000123:12:deal.propertyChange:{number}:"


def request(number: int) -> bytes:
    """A whole HTTP request: one event of a deal, signed as HubSpot signs."""
    event = {
        "eventId": number, "subscriptionId": 12, "portalId": 62515, "appId": 54321, "occurredAt": 1759491000123,
        "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": number, "changeSource": "CRM_UI",
        "propertyName": "dealstage", "propertyValue": "closedlost", "sourceId": "userId:5",
    }  # fmt: skip
    body, stamp = json.dumps([event]).encode(), str(time.time_ns() // 1_000_000)
    mac = hmac.new(SECRET.encode(), b"POST" + URL.encode() + body + stamp.encode(), hashlib.sha256).digest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: hooks.example\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-hubspot-request-timestamp: {stamp}\r\n"
        f"x-hubspot-signature-v3: {base64.b64encode(mac).decode()}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Sent:
    """What became of the requests: by number, status and seconds from when it was due to its answer."""

    seconds: float = 0.0
    answers: dict[int, tuple[int, float]] = field(default_factory=dict)

    def acknowledged(self) -> list[int]:
        """Numbers of those answered 200."""
        return [number for number, (status, _) in self.answers.items() if status == 200]

    def percentile_ms(self, share: float) -> float:
        """Latency of the acknowledged ones, milliseconds."""
        times = sorted(seconds for status, seconds in self.answers.values() if status == 200)
        return round(1000 * times[min(len(times) - 1, int(share * len(times)))], 1) if times else float("nan")


class _Line(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, answered: Callable[[_Line, int], None]) -> None:
        self._answered, self._held, self.due, self.number = answered, b"", 0.0, -1
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def ask(self, number: int, data: bytes, due: float) -> None:
        self.number, self.due = number, due
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, rest = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) >= length:
            self._held = rest[length:]
            self._answered(self, int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self._answered(self, 0)


async def _lines(port: int, count: int, answered: Callable[[_Line, int], None]) -> list[_Line]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: _Line(answered), "127.0.0.1", port))[1] for _ in range(count)]


async def as_fast_as_possible(port: int, numbers: list[int], connections: int) -> Sent:
    """Every connection sends its next request when it has the answer to its last one."""
    requests: Iterator[tuple[int, bytes]] = iter([(number, request(number)) for number in numbers])
    sent, ended, left = Sent(), asyncio.Event(), len(numbers)

    def answered(line: _Line, status: int) -> None:
        nonlocal left
        if line.number not in sent.answers and line.number >= 0:
            sent.answers[line.number] = status, time.perf_counter() - line.due
            left -= 1
        if not left:
            ended.set()
        elif status and (following := next(requests, None)):
            line.ask(*following, time.perf_counter())

    lines = await _lines(port, connections, answered)
    begun = time.perf_counter()
    for line in lines:
        line.ask(*next(requests), time.perf_counter())
    await asyncio.wait_for(ended.wait(), 300)
    sent.seconds = time.perf_counter() - begun
    _hang_up(lines)
    return sent


async def at_a_rate(port: int, first: int, per_second: float, seconds: float, connections: int = 128) -> Sent:
    """So many requests a second whatever the answers; one that finds no free connection waits, and its wait counts."""
    sent, free, waiting = Sent(), deque[_Line](), deque[tuple[int, float]]()

    def answered(line: _Line, status: int) -> None:
        if line.number >= 0 and line.number not in sent.answers:
            sent.answers[line.number] = status, time.perf_counter() - line.due
        if not status:
            if line in free:
                free.remove(line)
            return
        if waiting:
            number, due = waiting.popleft()
            line.ask(number, request(number), due)
        else:
            free.append(line)

    # In turn, so that none is idle until the receiver closes it.
    free.extend(await _lines(port, connections, answered))
    lines, begun, number = list(free), time.perf_counter(), 0
    total = int(per_second * seconds)
    while number < total:
        now = time.perf_counter()
        while number < total and begun + number / per_second <= now:
            due = begun + number / per_second
            if free:
                free.popleft().ask(first + number, request(first + number), due)
            else:
                waiting.append((first + number, due))
            number += 1
        await asyncio.sleep(0.002)
    deadline = time.perf_counter() + 60
    while len(sent.answers) < total and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    sent.seconds = time.perf_counter() - begun
    _hang_up(lines)
    return sent


def _hang_up(lines: list[_Line]) -> None:
    for line in lines:
        line.number = -1
        line.transport.abort()
