"""A TCP proxy between any two parts, with toxics: each connection takes the next one, and is healthy without.

Kinds are those that Toxiproxy names: latency, bandwidth, slicer, limit_data (here `ends_after`), reset_peer, timeout
(here `holds_after`: nothing passes any more and nobody is told), and a server that is down. `up` is from client to
server, `down` back. Nothing is chosen by chance. Nothing is doubled: TCP doubles
nothing, clients that ask again do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

Upstream = tuple[str, int] | str  # host and port, or the path of a Unix socket
Result = TypeVar("Result")
PIECE = 16_384
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST


@dataclass(frozen=True)
class Toxic:
    """What one connection suffers. Counts are of bytes in direction `side`; None: never."""

    name: str
    side: str = "down"
    latency_s: float = 0.0  # before each piece
    piece: int = PIECE  # no more bytes than this go on at once
    bytes_per_s: float | None = None
    ends_after: int | None = None  # both ends are closed in an orderly way
    resets_after: int | None = None  # the client's end is reset, the server's closed
    holds_after: int | None = None  # a black hole from there on, both ways; nobody's end is closed
    from_up: int = 0  # bytes are counted once so many have gone up
    is_half_open: bool = False  # with `resets_after`: the client's end is gone, the server's stays open and silent

    @property
    def limit(self) -> int | None:
        """The bytes after which nothing goes through."""
        told = (self.ends_after, self.resets_after, self.holds_after)
        return min((count for count in told if count is not None), default=None)

    @property
    def is_silent(self) -> bool:
        """Whether an end is left that is not told."""
        return self.is_half_open or self.holds_after is not None


HEALTHY = Toxic("healthy")
DOWN = Toxic("down")  # accepted, and closed before a byte


@dataclass
class Passed:
    """One connection: its toxic, the bytes that went through, and whether the toxic has struck."""

    toxic: Toxic
    up: int = 0
    down: int = 0
    has_struck: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether nothing goes through any more."""
        return self.has_struck and self.toxic.limit is not None


@dataclass
class Proxy:
    """Listens on a free port of 127.0.0.1 until the end of `proxied`."""

    upstream: Upstream
    port: int = 0
    passed: list[Passed] = field(default_factory=list)
    next: deque[Toxic] = field(default_factory=deque)  # for the next connections, in turn
    always: Toxic | None = None  # for all others
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _severed: asyncio.Event = field(default_factory=asyncio.Event)  # and what waits for it is kept from the collector

    @property
    def base(self) -> str:
        """As an HTTP address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def struck(self) -> int:
        """How many connections their toxic has struck."""
        return sum(one.has_struck for one in self.passed)

    def sever(self) -> None:
        """End every connection, those in a black hole too, and heal what comes."""
        self.next.clear()
        self.always = None
        self._call(self._sever())

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _sever(self) -> None:
        self._severed.set()
        self._severed = asyncio.Event()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        toxic = self.next.popleft() if self.next else self.always or HEALTHY
        one = Passed(toxic)
        self.passed.append(one)
        self._open.add(writer)
        server: asyncio.StreamWriter | None = None
        try:
            if toxic is DOWN:
                one.has_struck = True
                return
            back, server = await self._reach()
            self._open.add(server)
            both = [self._pump(one, "up", reader, server, writer), self._pump(one, "down", back, writer, server)]
            pumping = [asyncio.ensure_future(pump) for pump in both]
            await asyncio.wait(pumping, return_when=asyncio.FIRST_COMPLETED)
            if not one.is_cut:  # a side has ended: what is still under way the other way goes through
                await asyncio.wait(pumping, timeout=5)
            for pump in pumping:
                pump.cancel()
            await asyncio.gather(*pumping, return_exceptions=True)
            if one.is_cut and toxic.is_silent:
                if toxic.is_half_open:
                    _reset(writer)
                await self._severed.wait()  # who is left is told nothing until `sever`
        except OSError:
            pass  # an end that went away: that is what is tested
        finally:
            for end in filter(None, (writer, server)):
                self._open.discard(end)
                end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.upstream, str):
            return await asyncio.open_unix_connection(self.upstream)
        return await asyncio.open_connection(*self.upstream)

    async def _pump(
        self, one: Passed, side: str, source: asyncio.StreamReader, target: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        toxic, total, done = one.toxic, 0, 0
        is_mine, limit = toxic.side == side, toxic.limit
        while piece := await source.read(toxic.piece if is_mine else PIECE):
            if is_mine and toxic.latency_s:
                await asyncio.sleep(toxic.latency_s)
            if is_mine and toxic.bytes_per_s:
                await asyncio.sleep(len(piece) / toxic.bytes_per_s)
            is_counted = one.up >= toxic.from_up
            struck = is_mine and is_counted and limit is not None and done + len(piece) > limit
            if struck:
                piece = piece[: (limit or 0) - done]
            total, done = total + len(piece), done + len(piece) * is_counted
            setattr(one, side, total)
            if not (one.is_cut and toxic.is_silent):
                target.write(piece)
                await target.drain()
            if struck:
                one.has_struck = True
                if toxic.resets_after is not None and not toxic.is_half_open:
                    _reset(other if side == "up" else target)
                elif toxic.holds_after is not None:
                    await self._severed.wait()  # until `sever`, or the end of either side's patience
                return
            if is_mine and limit is None:
                one.has_struck = toxic is not HEALTHY
        if not one.is_cut and target.can_write_eof():
            target.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@contextmanager
def proxied(upstream: Upstream) -> Iterator[Proxy]:
    """A proxy before `upstream`, on a thread of its own."""
    proxy = Proxy(upstream)
    loop = proxy._loop
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(proxy._serve, "127.0.0.1", 0)

    server = proxy._call(listen())
    proxy.port = server.sockets[0].getsockname()[1]

    async def close() -> None:
        server.close()
        await proxy._sever()
        working = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in working:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*working, return_exceptions=True)

    try:
        yield proxy
    finally:
        proxy._call(close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
