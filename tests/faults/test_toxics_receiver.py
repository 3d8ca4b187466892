"""Toxics between vendors and the receiver, and between the receiver and its store (12, 13, 36, 37, 91)."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select
from tests.faults.table import fault
from tests.faults.test_toxics_stores import server_of, through
from tests.faults.toxics import DOWN, HEALTHY, Toxic, proxied
from tests.inbox.receivers import ReceiverProcess, in_a_thread, post, signed, write_config

from rebuttal.inbox import serve, writer
from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, open_state


def stored(settings: Settings) -> dict[int, int]:
    """Object -> receipts; each object has one row."""
    with open_state(settings) as sessions, sessions() as session:
        rows = session.execute(select(InboxEvent.object_id, InboxEvent.receipt_count)).all()
    assert len({name for name, _ in rows}) == len(rows)
    return {int(str(name)): count for name, count in rows}


@fault(12, "the sender's line breaks at any byte of the delivery", "webhook", "no 2xx; sent again it is there, once")
@fault(13, "the line breaks at any byte of the answer", "webhook", "one row; the repeat is counted")
@fault(91, "deliveries that come byte by byte, or stop coming", "webhook", "taken, or 408 in time; others are served")
def test_wherever_the_senders_line_breaks_what_was_answered_is_kept_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_HEAD_S", 0.8)
    monkeypatch.setattr("rebuttal.inbox.asgi.BODY_S", 0.8)
    mine = replace(settings, config=write_config(tmp_path / "config"))
    acknowledged: set[int] = set()
    with in_a_thread(mine) as hooks:
        parts = urlsplit(hooks)
        assert parts.hostname
        assert parts.port
        with proxied((parts.hostname, parts.port)) as proxy:
            address = f"{proxy.base}{parts.path}"

            def send(number: int, toxic: Toxic) -> bool:
                proxy.next.append(toxic)
                body, headers = signed(number)
                patience = 1.5 if toxic.is_silent else 20
                try:
                    done = httpx.post(f"{address}/hubspot", content=body, headers=headers, timeout=patience).is_success
                except httpx.HTTPError:
                    done = False
                if done:
                    acknowledged.add(number)
                return done

            assert send(1, HEALTHY)
            up, down = proxy.passed[0].up, proxy.passed[0].down
            toxics = [
                DOWN,
                *(Toxic("cut on the way", "up", resets_after=up * n // 8) for n in range(8)),
                *(Toxic("ended on the way", "up", ends_after=up * n // 4) for n in range(4)),
                *(Toxic("answer cut", resets_after=down * n // 4) for n in range(4)),
                Toxic("silent on the way", "up", holds_after=up // 2),
                Toxic("answer silent", holds_after=0),
                Toxic("half open", resets_after=0, is_half_open=True),
            ]
            lost = [number for number, toxic in enumerate(toxics, 2) if not send(number, toxic)]
            assert len(lost) == len(toxics), "a toxic let its delivery through"
            kept = stored(mine)
            assert acknowledged <= set(kept)
            assert 4 <= len(set(kept) - acknowledged) <= len(lost) - 8, "answers lost after the commit, and before"
            assert all(send(number, Toxic("bytes", "up", piece=50)) for number in lost)
            assert send(100, Toxic("late", latency_s=0.1))
        assert httpx.get(f"{hooks}/health").status_code == 200
    told = stored(mine)
    assert set(told) == acknowledged == {1, *lost, 100}
    assert {number for number, count in told.items() if count == 2} == set(kept) - {1}


@fault(36, "the line to the receiver's store breaks at any byte", "webhook", "503 or 200; what is 200 is kept, once")
@fault(37, "the receiver's store is silent or away", "webhook", "503 within seconds and red health; goes on by itself")
def test_wherever_the_line_to_the_inbox_breaks_what_was_answered_is_kept_once(
    settings: Settings, tmp_path: Path, postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_PATIENCE_S", 0.6)
    monkeypatch.setattr(writer, "_REOPEN_S", 0.05)
    monkeypatch.setattr("rebuttal.inbox.asgi._PROBE_S", 0.0)
    url, config = postgres_url(), write_config(tmp_path / "config")
    direct = replace(settings, config=config, state_url=url)
    with open_state(direct):
        pass
    with proxied(server_of(url)) as proxy:
        answers: dict[int, int] = {}
        with in_a_thread(replace(direct, state_url=through(url, proxy))) as hooks:
            assert post(hooks, 1) == 200
            up, down = proxy.passed[-1].up, proxy.passed[-1].down
            toxics = [
                DOWN,
                *(Toxic("reset in a question", "up", resets_after=up * n // 6) for n in range(1, 7)),
                *(Toxic("reset in an answer", resets_after=down * n // 6) for n in range(1, 7)),
                Toxic("reset after the commit", resets_after=down - 10),
                Toxic("half open", resets_after=down - 30, is_half_open=True),
                Toxic("silent", holds_after=down - 20),
            ]
            for number, toxic in enumerate(toxics, 2):
                proxy.sever()
                proxy.next.extend([toxic, toxic])
                answers[number] = post(hooks, number)
            proxy.sever()
            proxy.always = Toxic("silent from the first byte", holds_after=0)
            begun = time.monotonic()
            assert post(hooks, 99) == 503
            assert time.monotonic() - begun < 5
            assert httpx.get(f"{hooks}/health", timeout=20).status_code == 503
            proxy.sever()
            assert set(answers.values()) == {200, 503}
            kept = stored(direct)
            assert {number for number, status in answers.items() if status == 200} <= set(kept)
            left = [number for number, status in answers.items() if status == 503]
            while left:
                left = [number for number in left if post(hooks, number) != 200]
            assert httpx.get(f"{hooks}/health", timeout=20).status_code == 200
    assert set(stored(direct)) == {1, *answers} | ({99} & set(stored(direct)))


# --- very many connections -------------------------------------------------------------------------------------------


def open_many(host: str, port: int, count: int) -> Iterator[socket.socket]:
    """Connections that begin a request and never finish its head."""
    for number in range(count):
        source = f"127.0.{1 + number // 20_000}.1"  # an address has some 28,000 ports
        begun = socket.create_connection((host, port), timeout=30, source_address=(source, 0))
        begun.sendall(b"POST /hooks/hubspot HTTP/1.1\r\nhost: x\r\nx-slow: ")
        yield begun


@fault(91, "thousands of connections that never finish their heads", "webhook", "they are closed, deliveries are taken")
def test_slow_connections_are_closed_and_good_ones_served(settings: Settings, tmp_path: Path) -> None:
    """A thousand here; `python -m bench.connections` holds ten thousand."""
    receiver = ReceiverProcess(replace(settings, config=write_config(tmp_path / "config")))
    address = receiver.start()
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port
    slow = list(open_many(parts.hostname, parts.port, 1000))
    try:
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda number: post(address, number), range(20))) == {200}
        deadline = time.monotonic() + 40
        for one in slow:
            one.settimeout(max(deadline - time.monotonic(), 0.1))
            with contextlib.suppress(ConnectionResetError):  # ended all the same
                assert one.recv(1) == b""
        assert post(address, 20) == 200
    finally:
        receiver.kill()
        for one in slow:
            one.close()
    assert set(stored(receiver.settings)) == set(range(21))
