"""The toxic proxy itself: what it promises of each toxic, so that the tests behind it can fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from tests.faults.toxics import DOWN, Proxy, Toxic, proxied

pytestmark = pytest.mark.long_form("proves no fault: the tool that others prove theirs with")
SAID = bytes(range(256)) * 40  # 10,240 bytes


class Echo:
    """Says everything back; `ended` counts connections whose end it has seen."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        self.ended = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connected,), daemon=True).start()

    def _answer(self, connected: socket.socket) -> None:
        with connected:
            try:
                while piece := connected.recv(65536):
                    connected.sendall(piece)
            except OSError:
                pass
        self.ended += 1


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    found = Echo()
    yield found
    found.listener.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with proxied(echo.address) as found:
        yield found


def say(proxy: Proxy, toxic: Toxic | None = None, *, is_all: bool = True) -> tuple[bytes, str, float]:
    """What came back, how it ended, and after how many seconds."""
    if toxic is not None:
        proxy.next.append(toxic)
    begun, heard = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", proxy.port)) as sender:
        sender.settimeout(0.5)
        try:
            sender.sendall(SAID)
            if is_all:
                sender.shutdown(socket.SHUT_WR)
            while piece := sender.recv(65536):
                heard += piece
            ended = "end"
        except TimeoutError:
            ended = "silence"
        except OSError:
            ended = "reset"
    return heard, ended, time.monotonic() - begun


def test_without_a_toxic_everything_passes(proxy: Proxy) -> None:
    assert say(proxy)[:2] == (SAID, "end")
    assert (proxy.passed[0].up, proxy.passed[0].down, proxy.struck) == (len(SAID), len(SAID), 0)


@pytest.mark.parametrize("side", ["up", "down"])
def test_each_toxic_does_what_it_says_once(proxy: Proxy, side: str) -> None:
    heard, ended, _ = say(proxy, Toxic("ends", side, ends_after=1000))
    assert (heard, ended) == (SAID[:1000] if side == "down" else b"", "end")
    heard, ended, _ = say(proxy, Toxic("resets", side, resets_after=1000))
    assert (SAID.startswith(heard), len(heard) <= 1000, ended) == (True, True, "reset")
    assert say(proxy, Toxic("holds", side, holds_after=1000))[1] == "silence"
    assert say(proxy, Toxic("slices", side, piece=100))[:2] == (SAID, "end")
    heard, ended, seconds = say(proxy, Toxic("slow", side, latency_s=0.2))
    assert (heard, ended) == (SAID, "end")
    assert seconds >= 0.2
    heard, ended, seconds = say(proxy, Toxic("narrow", side, bytes_per_s=50_000, piece=2000))
    assert (heard, ended) == (SAID, "end")
    assert seconds >= len(SAID) / 50_000
    assert proxy.struck == 6
    assert say(proxy)[:2] == (SAID, "end")


def test_down_is_an_end_before_a_byte(proxy: Proxy) -> None:
    heard, ended, _ = say(proxy, DOWN)
    assert heard == b""
    assert ended in ("end", "reset")


def test_half_open_leaves_the_server_in_the_dark_until_it_is_severed(proxy: Proxy, echo: Echo) -> None:
    before = echo.ended
    assert say(proxy, Toxic("half open", "down", resets_after=100, is_half_open=True), is_all=False)[1] == "reset"
    time.sleep(0.1)
    assert echo.ended == before
    proxy.sever()
    deadline = time.monotonic() + 5
    while echo.ended == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert echo.ended == before + 1
