"""What every vendor face shares: the site it stands on, its credentials and limits, and its vendor's way of refusing.

A face is a module of `sandbox.faces` with a function `face(site) -> Face`. The server mounts its routes under
`/<prefix>` behind a gate (`sandbox.gate`) which, for each call and in this order, counts it, plays the fault that is
due, checks the credentials, takes a token from the vendor's bucket, and lets the route answer. So a route handler is
only about data: it reads `site.recorded()` and answers as the vendor does. Handlers are `async def` and never wait for
anything, so that state needs no locks.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.faults import Faults
from sandbox.journal import Entry, Journal
from sandbox.recorded import Recorded, TaskCard, TeamAction, World
from sandbox.senders import SENDERS
from sandbox.spoil import spoil
from sandbox.webhooks import PostOffice


@dataclass(frozen=True)
class Rate:
    """A vendor's limit as a token bucket: `burst` calls at once, refilled with `per_second` calls a second."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Call:
    """One request to a face, wholly read. `path` is below the face's prefix and starts with a slash."""

    face: str
    number: int  # 1 for the first call of this face
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Headers
    body: bytes

    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer ...`, None when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class Site:
    """The world, its faults, its journal and its outgoing webhooks, as the faces see them."""

    def __init__(self, world: World, faults: Faults, journal: Journal) -> None:
        self.world = world
        self.faults = faults
        self.journal = journal
        self.hooks = PostOffice(faults, SENDERS)
        self._spoilt: tuple[Recorded, frozenset[str], Recorded, list[dict[str, Any]]] | None = None

    def recorded(self) -> Recorded:
        """What the tools show at the world's now, with the faulty rows switched on. Cached: not to be changed."""
        return self._shown()[0]

    def bad_rows(self) -> list[dict[str, Any]]:
        """The faulty rows among them, JSON-ready: told with the truth."""
        return self._shown()[1]

    def _shown(self) -> tuple[Recorded, list[dict[str, Any]]]:
        true, switches = self.world.recorded(), self.faults.data_switches()
        if self._spoilt is None or self._spoilt[0] is not true or self._spoilt[1] != switches:
            self._spoilt = (true, switches, *spoil(true, switches))
        return self._spoilt[2:]

    def now(self) -> datetime:
        """The world's instant (UTC), a millisecond later for each write that came from outside: time never repeats."""
        return self.world.now + timedelta(milliseconds=self.journal.written)

    def write(self, face: str, kind: str, data: Mapping[str, Any]) -> Entry:
        """Journal a write from outside before it is applied; `Face.replay` gets the same entry after a restart."""
        return self.journal.append(face, kind, self.now(), data)


class Face(ABC):
    """One vendor on the wire. Responses of the abstract methods are in the vendor's own words."""

    prefix: ClassVar[str]  # "google-ads": mounted at /google-ads; a key of recorded.ACCOUNTS
    rates: ClassVar[Mapping[str, Rate]] = {}  # bucket name -> limit

    def __init__(self, site: Site) -> None:
        self.site = site

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's paths, relative to the prefix."""

    @abstractmethod
    def unauthorized(self, call: Call) -> Response | None:
        """None when the call's credentials are right, else the vendor's refusal."""

    @abstractmethod
    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """The vendor's answer over its limit; tells to wait `wait_s` only if `says_when` (and the vendor ever does)."""

    @abstractmethod
    def broken(self, call: Call, status: int) -> Response:
        """The vendor's answer with status 500, 502 or 503."""

    def bucket_of(self, call: Call) -> str | None:
        """Which of `rates` the call draws from; None when the call is free."""
        return next(iter(self.rates), None)

    def is_page(self, call: Call) -> bool:
        """Whether the call is for a page that people look at: no log-in, no limits, no faults."""
        return False

    def is_write(self, call: Call) -> bool:
        """Whether the call changes something at the vendor (its answer may be lost after it was accepted)."""
        return False

    def marks(self, call: Call, headers: dict[str, str], left: Mapping[str, int]) -> None:  # noqa: B027
        """Add the vendor's headers that go with every answer (rate limits left in each bucket, trace ids)."""

    def moved(self, before: Recorded) -> None:  # noqa: B027 - most faces send no webhooks
        """The world has moved on from `before`: tell subscribers what is new."""

    def replay(self, entry: Entry) -> None:  # noqa: B027 - most faces keep no state
        """Apply a journalled write again; must lead to the same state as when it came."""


class Tracker(Face):
    """A face that holds tasks which the content team works."""

    @abstractmethod
    def cards(self) -> list[TaskCard]:
        """The tasks as they stand."""

    @abstractmethod
    def work(self, actions: Sequence[TeamAction]) -> None:
        """Do to the tasks what the content team did."""


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response, compact, in UTF-8 as it is (no \\u escapes), numbers as given."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return Response(body.encode("utf-8", "surrogatepass"), status, headers, media_type="application/json")


def face_url(request: Request) -> str:
    """The address under which the caller reaches this face, without trailing slash (for `self` and `next` links)."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def call_of(request: Request) -> Call:
    """The call that a handler's request came as."""
    call = request.scope["sandbox.call"]
    assert isinstance(call, Call)
    return call


def query_pairs(query: bytes) -> tuple[tuple[str, str], ...]:
    """A query string as pairs, in order, blank values kept."""
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def iso_ms(moment: datetime) -> str:
    """`2026-10-01T09:00:00.123Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def iso_s(moment: datetime) -> str:
    """`2026-10-01T09:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
