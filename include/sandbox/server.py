"""The sandbox on HTTP: the vendors' faces under their prefixes, and `/_sandbox` for those who run and judge it.

| path | what |
|---|---|
| GET /_sandbox/health | what is served: seed, weeks, until, scale, now, faults |
| GET /_sandbox/truth | the hidden truth, with the faulty rows (`bad_rows`) and wire faults (`faults`) so far |
| POST /_sandbox/advance {"days": n} | the world moves on; the content team works the tasks |
| GET, POST /_sandbox/faults | the switches: {"profile", "values": {name: number}, "next": [{"face", "kind", ...}]} |
| POST /_sandbox/lose-deal {"deal", "doubt", "words"} | an open deal is lost now, with a note; all keys are optional |
| GET, POST /_sandbox/webhooks {"url": base} | what was sent and how it was answered; where to (`<base>/<vendor>`) |
| GET /_sandbox/requests | calls so far: {"hubspot": {"GET /crm/v3/owners": 3}, "_sandbox": {...}} |

The truth is for judges: the pipeline never reads it. `?counterfactuals=false` leaves its costly what-if runs out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox import happening
from sandbox.brand_site import routes as brand_routes
from sandbox.faces import all_faces
from sandbox.faces.hubspot import HubSpotFace
from sandbox.faces.wire import Face, Site, Tracker, answer
from sandbox.faults import UnknownFault
from sandbox.gate import Gate

MAX_DAYS = 366.0


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 that hands its transport to the application: faults cut and reset connections."""

    def on_message_begin(self) -> None:
        """Called for each request, before its headers are read."""
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.transport": self.transport}  # type: ignore[dict-item]


@dataclass
class Sandbox:
    """One served world: its site, its faces, and what it is called."""

    site: Site
    about: dict[str, Any] = field(default_factory=dict)
    rate_factor: float = 1.0

    def __post_init__(self) -> None:
        """Make the faces and bring them to where the journal left them."""
        self.faces: list[Face] = all_faces(self.site)
        self.gates = {face.prefix: Gate(face, self.rate_factor) for face in self.faces}
        self.counts: dict[str, int] = {}
        self._moving = asyncio.Lock()  # the truth is told by a thread: the world must stand still meanwhile
        by_prefix = {face.prefix: face for face in self.faces}
        crm = by_prefix["hubspot"]
        assert isinstance(crm, HubSpotFace)
        self.losses = happening.Losses(self.site, crm)
        for entry in self.site.journal.replay():
            if entry.kind == "advance":
                self._move(float(entry.data["days"]))
            elif entry.face == "_sandbox":
                self.losses.apply(entry.at, entry.data)
            else:
                by_prefix[entry.face].replay(entry)

    def advance(self, days: float) -> list[dict[str, Any]]:
        """Journal the move and move on; returns what the content team did meanwhile."""
        before = self.site.recorded() if self.site.hooks.addresses else None
        self.site.write("_sandbox", "advance", {"days": days})
        actions = self._move(days)
        if before is not None:
            for face in self.faces:
                face.moved(before)
        return actions

    def go_on(self, until: datetime) -> None:
        """Move on to `until`, journaled, where the world is behind it: vendors know no day after its last one."""
        while (behind := (until - self.site.world.now) / timedelta(days=1)) > 0:
            self.advance(min(behind, MAX_DAYS))

    async def go_on_alone(self, until: datetime) -> None:
        """The same while others ask: on the loop itself, as they may not look while the world moves."""
        async with self._moving:
            self.go_on(until)

    def app(self) -> Starlette:
        """The ASGI application."""
        routes: list[BaseRoute] = [
            Route("/", self._index),
            *brand_routes(self.site),
            *self._operator_routes(),
            *(Mount(f"/{prefix}", app=gate) for prefix, gate in self.gates.items()),
        ]
        return Starlette(routes=routes)

    def _move(self, days: float) -> list[dict[str, Any]]:
        trackers = [face for face in self.faces if isinstance(face, Tracker)]
        actions = self.site.world.advance(days, [card for tracker in trackers for card in tracker.cards()])
        for tracker in trackers:
            tracker.work(actions)
        kept = ("key", "kind", "text", "url")
        return [{"at": act.at.isoformat(), **{name: getattr(act, name) for name in kept}} for act in actions]

    def _operator_routes(self) -> Sequence[Route]:
        paths: dict[str, tuple[Callable[[Request], Awaitable[Response]], list[str]]] = {
            "health": (self._health, ["GET"]),
            "truth": (self._truth, ["GET"]),
            "advance": (self._advance, ["POST"]),
            "faults": (self._faults, ["GET", "POST"]),
            "lose-deal": (self._lose_deal, ["POST"]),
            "webhooks": (self._webhooks, ["GET", "POST"]),
            "requests": (self._requests, ["GET"]),
        }
        return [
            Route(f"/_sandbox/{name}", self._counted(name, endpoint), methods=methods)
            for name, (endpoint, methods) in paths.items()
        ]

    def _counted(
        self, name: str, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def counted(request: Request) -> Response:
            key = f"{request.method} /_sandbox/{name}"
            self.counts[key] = self.counts.get(key, 0) + 1
            return await endpoint(request)

        return counted

    async def _health(self, _: Request) -> Response:
        faults = self.site.faults.profile
        now = self.site.world.now.isoformat()
        return answer({"status": "ok", **self.about, "now": now, "faults": faults, "faces": list(self.gates)})

    async def _truth(self, request: Request) -> Response:
        with_what_ifs = request.query_params.get("counterfactuals", "true") != "false"
        async with self._moving:
            truth = await run_in_threadpool(self.site.world.truth, with_what_ifs)
            bad_rows = self.site.bad_rows()
        on_demand = {"bad_rows": bad_rows, "lost_on_demand": self.losses.told}
        return answer({**truth, **on_demand, "faults": self.site.faults.told()})

    async def _advance(self, request: Request) -> Response:
        data = await _json_object(request)
        days = data.get("days") if data is not None else None
        if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= MAX_DAYS:
            return answer({"error": f'send {{"days": n}}, 0 < n <= {MAX_DAYS:g}'}, 400)
        async with self._moving:
            # On the loop itself: nobody may look while the world moves.
            actions = self.advance(float(days))
        return answer({"now": self.site.world.now.isoformat(), "actions": actions})

    async def _faults(self, request: Request) -> Response:
        faults = self.site.faults
        if request.method == "POST":
            data = await _json_object(request)
            if data is None or set(data) - {"profile", "values", "next"}:
                return answer({"error": "send a JSON object with profile, values and / or next"}, 400)
            try:
                if "profile" in data:
                    faults.set_profile(str(data["profile"]))
                faults.set_values(dict(data.get("values") or {}))
                faults.plan(list(data.get("next") or []))
            except (UnknownFault, TypeError, ValueError) as error:
                return answer({"error": str(error)}, 400)
        return answer({**faults.as_dict(), "injected": faults.told()})

    async def _lose_deal(self, request: Request) -> Response:
        data = await _json_object(request)
        if data is None or set(data) - {"deal", "doubt", "words"}:
            return answer({"error": "send a JSON object with deal, doubt and / or words"}, 400)
        async with self._moving:
            try:
                return answer(self.losses.lose(*(data.get(name) for name in ("deal", "doubt", "words"))))
            except happening.NothingToLose as error:
                return answer({"error": str(error)}, 400)

    async def _webhooks(self, request: Request) -> Response:
        hooks = self.site.hooks
        if request.method == "POST":
            data = await _json_object(request)
            if data is None or not str(data.get("url")).startswith(("http://", "https://")):
                return answer({"error": 'send {"url": base}'}, 400)
            hooks.subscribe_all(str(data["url"]))
        addresses = {face: url for face, (url, _) in hooks.addresses.items()}
        return answer({"addresses": addresses, "sent": [delivery.told() for delivery in hooks.log]})

    async def _requests(self, _: Request) -> Response:
        return answer({**{prefix: gate.counts for prefix, gate in self.gates.items()}, "_sandbox": self.counts})

    async def _index(self, _: Request) -> Response:
        rows = "".join(f"<li>/{prefix}</li>" for prefix in self.gates)
        return HTMLResponse(
            "<!DOCTYPE html><meta charset=utf-8><title>Sandbox</title>"
            "<style>body{font:16px sans-serif;margin:3rem}</style><h1>The company in a box</h1>"
            f"<p>Now: {self.site.world.now:%Y-%m-%d %H:%M} UTC. The vendors' interfaces:</p>"
            f"<ul>{rows}</ul><p><a href='/site/feed.xml'>The brand's feed</a>"
            " and its <a href='/site/sitemap.xml'>sitemap</a></p><p><a href='/jira/'>The content team's board</a>, "
            "<a href='/trello/'>and its Trello</a></p>"
        )


class Server(uvicorn.Server):
    """uvicorn over one sandbox; `on_ready` is called once it listens. With `until` the world goes on by itself, to the
    instant that it gives: looked at every `pause` seconds.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        host: str,
        port: int,
        on_ready: Callable[[], None] | None = None,
        until: Callable[[], datetime] | None = None,
        pause: float = 60.0,
    ) -> None:
        config = uvicorn.Config(
            sandbox.app(),
            host=host,
            port=port,
            http=Protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_level="error",
            log_config=None,  # complaints go where the embedding program sends them, stderr by default
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self._on_ready, self._sandbox, self._until, self._pause = on_ready, sandbox, until, pause
        self._going: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Listen, then tell so."""
        await super().startup(sockets=sockets)
        if self.started and self._until:
            self._going = asyncio.create_task(self._go_on(self._until))
        if self.started and self._on_ready:
            self._on_ready()

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Stand still, then stop."""
        if self._going:
            self._going.cancel()
        await super().shutdown(sockets=sockets)

    async def _go_on(self, until: Callable[[], datetime]) -> None:
        while True:
            await asyncio.sleep(self._pause)
            await self._sandbox.go_on_alone(until())


async def _json_object(request: Request) -> dict[str, Any] | None:
    try:
        data = json.loads(await request.body())
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
