"""The sandbox's Jira or Trello in a storm: answers get lost, writes come late, the index lags, limits strike."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from bench.storm.simulated import SimulatedTime
from sandbox.faces.jira import JiraFace
from sandbox.faces.jira_issues import STATUSES
from sandbox.faces.trello import TrelloFace
from sandbox.faces.wire import Site
from sandbox.faults import Faults
from sandbox.gate import Gate
from sandbox.journal import Journal

LONGEST_LAG = 120.0
# Of each write and each read, this share is struck.
WRITES_STRUCK, READS_STRUCK = 0.55, 0.12
BEFORE = ("reset_before", "gateway_before", "limit", "limit_saying_when", "conflict")
AFTER = ("reset_after", "gateway_after", "cut_after", "page_after")
LATE = ("late_reset", "late_gateway")
ON_READS = ("reset_before", "gateway_before", "limit", "page_before")
_PAGE = "<!DOCTYPE html><h1>We'll be right back</h1>"
_TASK = re.compile(r"\b[0-9a-f]{32}\b")
_MARKER = re.compile(r"`rebuttal-([0-9a-f]{32})`")


class _StillWorld:
    """A world in which only the simulated clock moves."""

    def __init__(self, time: SimulatedTime) -> None:
        self._time = time

    @property
    def now(self) -> datetime:
        return self._time.now()


class Weather:
    """An ASGI application around one tracker. `/_storm` is the operator's: POST {"round", "is_calm"} sets and tells."""

    def __init__(self, kind: str, seed: int, time: SimulatedTime) -> None:
        self.kind, self.seed, self.time = kind, seed, time
        self.counts: Counter[str] = Counter()
        self._begin(0)

    def app(self) -> Weather:
        """The application itself: what `sandbox.server.Server` asks for."""
        return self

    def _begin(self, number: int) -> None:
        """A fresh tracker for a round, and faults that its number decides."""
        self.chance = random.Random(f"{self.seed}/{self.kind}/{number}")
        self.is_calm = False
        self.late: list[tuple[float, Scope, bytes]] = []
        self.late_tasks: set[str] = set()
        self.site = Site(_StillWorld(self.time), Faults(self.seed), Journal())  # type: ignore[arg-type]
        self.face: JiraFace | TrelloFace
        if self.kind == "jira":
            self.face = JiraFace(self.site)
            self.face.issues.elapsed = self.time.seconds
        else:
            self.face = TrelloFace(self.site)
            self.face.boards.elapsed = self.time.seconds
        self.inner = Starlette(routes=[Mount(f"/{self.kind}", app=Gate(self.face, 1e6))])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call: first what comes late, then the call with the fault that is drawn for it."""
        if scope["type"] != "http":
            return
        body = await _whole(receive)
        if scope["path"].startswith("/_storm"):
            await self._operate(scope, body)(scope, receive, send)
            return
        await self._let_late_ones_in()
        is_search = scope["path"].endswith("/search/jql")
        is_write = scope["method"] != "GET" and not is_search
        if is_search:
            self._lag()
        fault = self._draw(is_write)
        if fault is None:
            await self.inner(scope, _receiver(body), send)
            return
        self.counts[fault] += 1
        if fault in LATE:
            self.late_tasks.update(_TASK.findall(body.decode()))
            self.late.append((self.time.seconds() + self.chance.uniform(0, LONGEST_LAG), dict(scope), body))
        if fault in AFTER:
            done = _Kept()
            await self.inner(scope, _receiver(body), done)
        if "reset" in fault:
            await _hang_up(scope)
        elif fault == "cut_after":
            await _cut(scope, send, done)
        else:
            await _answer(fault)(scope, receive, send)

    def _draw(self, is_write: bool) -> str | None:
        if self.is_calm or self.chance.random() >= (WRITES_STRUCK if is_write else READS_STRUCK):
            return None
        return self.chance.choice(BEFORE + AFTER + LATE + AFTER + LATE if is_write else ON_READS)

    def _lag(self) -> None:
        """Each search meets a replica of its own age; it is a fault when it hides something."""
        lag = 0.0 if self.is_calm else self.chance.choice((0.0, self.chance.uniform(0, LONGEST_LAG), LONGEST_LAG))
        self.site.faults.values["jira_index_lag_s"] = lag
        if isinstance(self.face, JiraFace) and len(self.face.issues.indexed(lag)) < len(self.face.issues.all()):
            self.counts["index_lag"] += 1

    async def _let_late_ones_in(self) -> None:
        due = [entry for entry in self.late if entry[0] <= self.time.seconds()]
        self.late = [entry for entry in self.late if entry[0] > self.time.seconds()]
        for _, scope, body in sorted(due, key=lambda entry: entry[0]):
            await self.inner(scope, _receiver(body), _Kept())

    def _operate(self, scope: Scope, body: bytes) -> Response:
        if scope["method"] == "POST":
            asked = json.loads(body)
            if "round" in asked:
                self._begin(int(asked["round"]))
            self.is_calm = bool(asked.get("is_calm", False))
        told = {"faults": dict(self.counts), "late_tasks": sorted(self.late_tasks), "cards": self._cards()}
        return JSONResponse(told)

    def _cards(self) -> list[dict[str, Any]]:
        if isinstance(self.face, JiraFace):
            return [
                {
                    "id": str(issue.id),
                    "task_id": (issue.properties.get("rebuttal") or {}).get("task_id"),
                    "is_open": STATUSES[issue.status].category != "done",
                }
                for issue in self.face.issues.all()
            ]
        return [
            {
                "id": card.id,
                "task_id": (_MARKER.findall(str(card.fields["desc"])) or [None])[-1],
                "is_open": not card.fields["closed"],
            }
            for card in self.face.boards.all()
        ]


class _Kept:
    """An answer that is held back."""

    def __init__(self) -> None:
        self.messages: list[MutableMapping[str, Any]] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _receiver(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _answer(fault: str) -> Response:
    if fault == "limit":
        return JSONResponse({"errorMessages": ["Rate limit exceeded."], "message": "Rate limit exceeded"}, 429)
    if fault == "limit_saying_when":
        return JSONResponse({"message": "Rate limit exceeded"}, 429, {"Retry-After": "7"})
    if fault == "conflict":
        return PlainTextResponse("conflict", 409)
    if fault.startswith("page"):
        return Response(_PAGE, media_type="text/html")
    return PlainTextResponse("upstream request timeout", 504)


async def _hang_up(scope: Scope) -> None:
    scope["extensions"]["sandbox.transport"].abort()
    await _let_go()


async def _cut(scope: Scope, send: Send, kept: _Kept) -> None:
    start, *rest = kept.messages
    body = b"".join(message.get("body", b"") for message in rest)
    headers = [(k, v) for k, v in start.get("headers", []) if k.lower() != b"content-length"]
    headers.append((b"content-length", str(len(body) + 10).encode()))
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    scope["extensions"]["sandbox.transport"].close()
    await _let_go()


async def _let_go() -> None:
    """Until the server knows that the connection is gone: it would complain about a missing answer else."""
    for _ in range(5):
        await asyncio.sleep(0.002)
