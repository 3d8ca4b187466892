"""The receiver over real sockets: what gets in, what is turned away, and that nothing holds it up."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from bench.speed.posting import SECRET
from sqlalchemy import select
from tests.faults.table import fault
from tests.inbox.receivers import YCLIENTS_SECRET, in_a_thread, post, signed, write_config
from tests.inbox.signing import signed_now
from tests.inbox.test_unpack import HUBSPOT

from rebuttal.inbox import serve as serve_module
from rebuttal.settings import Settings
from rebuttal.state import InboxEvent, open_state


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of one receiver for the whole file."""
    folder = tmp_path_factory.mktemp("receiver")
    state = f"sqlite:///{folder / 'state.sqlite'}"
    return Settings(folder, write_config(folder / "config"), "", f"duckdb:///{folder / 'w.duckdb'}", state)


@pytest.fixture(scope="module")
def hooks(home: Settings) -> Iterator[str]:
    """The address of a receiver."""
    with in_a_thread(home) as address:
        yield address


def kept(settings: Settings) -> dict[str, InboxEvent]:
    with open_state(settings) as sessions, sessions() as session:
        return {str(row.object_id): row for row in session.scalars(select(InboxEvent))}


def raw(address: str, data: bytes, *, must_close: bool = False) -> bytes:
    """What the receiver answers to these bytes, until it closes the connection or, unless it must, says no more."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(data)
        connection.settimeout(20 if must_close else 2)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except ConnectionResetError:
            pass
        except TimeoutError:
            assert not must_close, found
    return found


def update_of(name: str) -> dict[str, object]:
    card = {"card": {"id": f"card-{name}"}}
    return {"id": f"action-{name}", "type": "updateCard", "date": "2025-10-03T11:30:00Z", "data": card}


def refused(hooks: str, why: str) -> int:
    """How many deliveries of HubSpot's hook the receiver says it has refused so far."""
    told = httpx.get(f"{hooks}/metrics").text
    found = re.search(rf'rebuttal_inbox_refused_total{{hook="hubspot",why="{why}"}} (\d+)', told)
    return int(found[1]) if found else 0


@fault(81, "the same delivery 1,000 times on 8 connections", "webhook", "one row, 1,000 receipts, every answer 200")
def test_a_thousand_copies_at_once_are_one_event(hooks: str, home: Settings) -> None:
    body, headers = signed(81)
    with httpx.Client() as client, ThreadPoolExecutor(8) as threads:
        send = lambda _: client.post(f"{hooks}/hubspot", content=body, headers=headers).status_code  # noqa: E731
        assert set(threads.map(send, range(1000))) == {200}
    assert kept(home)["81"].receipt_count == 1000


@fault(82, "the same id with another body, signed", "webhook", "the first counts, the second is kept as a conflict")
def test_another_content_under_the_same_id(hooks: str, home: Settings) -> None:
    for name in ("one", "another"):
        body = json.dumps({"action": update_of("82"), "model": {"name": name}}).encode()
        assert httpx.post(f"{hooks}/trello", content=body, headers=signed_now("trello", body)).status_code == 200
    with open_state(home) as sessions, sessions() as session:
        rows = session.scalars(select(InboxEvent).where(InboxEvent.delivery_key == "action-82")).all()
    assert sorted(row.state for row in rows) == ["conflict", "new"]
    assert 'trello",outcome="conflict"} 1' in httpx.get(f"{hooks}/metrics").text


@fault(83, "another id with the same content", "webhook", "both are kept; the object is asked for once more, no more")
def test_the_same_content_under_two_ids_is_two_events(hooks: str, home: Settings) -> None:
    for name in ("83", "83b"):
        body = json.dumps({"action": update_of(name)}).encode()
        assert httpx.post(f"{hooks}/trello", content=body, headers=signed_now("trello", body)).status_code == 200
    assert {"card-83", "card-83b"} <= set(kept(home))


@fault(86, "a forged delivery over the wire", "webhook", "401 with one sentence; nothing kept but a count")
@fault(87, "a body written anew by a proxy", "webhook", "401")
@fault(90, "Host and X-Forwarded-* of somebody else", "webhook", "the configured address counts: believed")
def test_what_is_not_believed_leaves_only_a_count(hooks: str, home: Settings) -> None:
    body, headers = signed(86)
    forged = headers | {"x-hubspot-signature-v3": "A" * 44}
    respaced = json.dumps(json.loads(body), separators=(",", ":")).encode()
    before = {why: refused(hooks, why) for why in ("forged", "unsigned")}
    for content, told in ((body, forged), (respaced, headers), (body, {"content-type": "application/json"})):
        reply = httpx.post(f"{hooks}/hubspot", content=content, headers=told)
        assert (reply.status_code, reply.json()) == (401, {"error": "The signature is not valid"})
    assert "86" not in kept(home)
    assert refused(hooks, "forged") - before["forged"] == 2
    assert refused(hooks, "unsigned") - before["unsigned"] == 1
    spoofed = headers | {"host": "evil.example", "x-forwarded-proto": "gopher", "x-forwarded-host": "evil.example"}
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=spoofed).status_code == 200
    assert "86" in kept(home)


@fault(92, "a body of one byte too many, and one without end", "webhook", "413; memory stays where it was")
def test_a_body_that_is_too_large(hooks: str) -> None:
    _, headers = signed(1)
    reply = httpx.post(f"{hooks}/hubspot", content=b"x" * 1_000_001, headers=headers)
    assert reply.status_code == 413
    parts, sent = urlsplit(hooks), 0
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    before = resident_bytes()
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as endless:
        endless.sendall(f"POST /hooks/hubspot HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{head}\r\n".encode())
        try:
            while sent < 20_000_000:
                endless.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        except ConnectionError:
            pass
    assert sent < 20_000_000
    assert resident_bytes() - before < 30_000_000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@fault(92, "an empty body, signed", "webhook", "kept as not understood")
def test_an_empty_body(hooks: str, home: Settings) -> None:
    assert httpx.post(f"{hooks}/trello", content=b"", headers=signed_now("trello", b"")).status_code == 200
    with open_state(home) as sessions, sessions() as session:
        of_trello = select(InboxEvent).where(InboxEvent.source == "trello", InboxEvent.event_type == "unreadable")
        (row,) = session.scalars(of_trello).all()
    assert (row.state, row.body) == ("dead", b"")


@fault(92, "a compressed body", "webhook", "415 before it is read")
def test_a_compressed_body(hooks: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    _, headers = signed(1)
    for encoding in ("gzip", "deflate", "br"):
        reply = httpx.post(f"{hooks}/hubspot", content=bomb[:1000], headers=headers | {"content-encoding": encoding})
        assert reply.status_code == 415


@fault(93, "a hundred events, one of them bad", "webhook", "99 wait, one is dead with a reason; one answer for all")
def test_a_batch_with_one_bad_item(hooks: str, home: Settings) -> None:
    items = [HUBSPOT | {"objectId": 93_000 + number} for number in range(100)]
    items[7] = HUBSPOT | {"objectId": ["93"]}
    body = json.dumps(items).encode()
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=signed_now("hubspot", body)).json() == {"events": 100}
    found = kept(home)
    assert sum(93_000 <= int(name) < 93_100 for name in found if name.isdigit()) == 99
    with open_state(home) as sessions, sessions() as session:
        dead = session.scalars(select(InboxEvent).where(InboxEvent.reason.contains("objectId"))).all()
    assert [row.state for row in dead] == ["dead"]


@fault(94, "a kind of event that nothing works on", "webhook", "kept as unhandled, 200, counted, told once")
def test_a_new_kind_of_event(hooks: str, home: Settings, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"action": {"id": "a94", "type": "addMemberToBoard"}}).encode()
    for _ in range(3):
        assert httpx.post(f"{hooks}/trello", content=body, headers=signed_now("trello", body)).status_code == 200
    assert [line for line in caplog.messages if "addMember" in line] == [
        "hook trello: an event of kind 'addMemberToBoard' is unhandled"
    ]
    with open_state(home) as sessions, sessions() as session:
        (row,) = session.scalars(select(InboxEvent).where(InboxEvent.delivery_key == "a94")).all()
    assert row.state == "unhandled"
    assert 'outcome="unhandled"} 3' in httpx.get(f"{hooks}/metrics").text


@fault(95, "other methods, paths and content types", "webhook", "404, 405 or 415, a sentence and no more")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *((method, "/hubspot", 405) for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH")),
        ("POST", "/health", 405),
        ("POST", "/nobody", 404),
        ("POST", "", 404),
        ("POST", "/hubspot/", 401),
        ("POST", "/hubspot/more", 404),
        ("POST", "/../hubspot", 404),
        ("POST", "/%2e%2e/hubspot", 404),
        ("POST", "/..%2f..%2fetc/passwd", 404),
        ("POST", "/hubspot%00", 404),
        ("POST", "/hubspot?x=1", 401),
    ],
)
def test_other_ways_to_ask(hooks: str, method: str, path: str, status: int) -> None:
    data = f"{method} /hooks{path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    reply = raw(hooks, data.encode())
    assert reply.startswith(f"HTTP/1.1 {status} ".encode()), reply[:200]
    assert b"Traceback" not in reply
    assert len(reply) < 500


@fault(95, "a body of another type", "webhook", "415")
def test_other_content_types(hooks: str) -> None:
    body, headers = signed(1)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"):
        sent = httpx.post(f"{hooks}/hubspot", content=body, headers=headers | {"content-type": kind})
        assert sent.status_code == 415
    assert httpx.post(
        f"{hooks}/hubspot", content=body, headers=headers | {"content-type": "application/json; charset=utf-8"}
    ).is_success


@fault(95, "HTTP/1.0", "webhook", "answered like any other")
def test_http_1_0(hooks: str, home: Settings) -> None:
    body, headers = signed(9510)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sent = f"POST /hooks/hubspot HTTP/1.0\r\ncontent-length: {len(body)}\r\n{head}\r\n".encode() + body
    assert b" 200 OK" in raw(hooks, sent)
    assert "9510" in kept(home)


@fault(95, "two lengths, or a length and chunks: a smuggled request", "webhook", "400 and the end of the connection")
@pytest.mark.parametrize(
    "lengths",
    ["content-length: 6\r\ntransfer-encoding: chunked", "content-length: 0\r\ncontent-length: 60", "content-length: -1",
     "content-length: 1e3", "transfer-encoding: chunked\r\ntransfer-encoding: identity"],
)  # fmt: skip
def test_smuggling(hooks: str, lengths: str) -> None:
    smuggled = b"0\r\n\r\nGET /hooks/health HTTP/1.1\r\nhost: x\r\n\r\n"
    reply = raw(hooks, f"POST /hooks/trello HTTP/1.1\r\nhost: x\r\n{lengths}\r\n\r\n".encode() + smuggled)
    assert reply.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")), reply[:100]
    assert b'"status"' not in reply


@fault(91, "heads and bodies that come too slowly, or never end", "webhook", "the connection ends; others are served")
def test_slow_heads_and_bodies(hooks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_module, "_HEAD_S", 0.3)
    monkeypatch.setattr("rebuttal.inbox.asgi.BODY_S", 0.3)
    assert raw(hooks, b"POST /hooks/hubspot HTTP/1.1\r\nhost: x\r\nx-a: ", must_close=True) == b""
    assert raw(hooks, b"", must_close=True) == b""
    _, headers = signed(1)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    begun = f"POST /hooks/hubspot HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n{head}\r\n[".encode()
    slow = raw(hooks, begun, must_close=True)
    assert slow.startswith(b"HTTP/1.1 408 ")
    endless = raw(hooks, b"POST /hooks/hubspot HTTP/1.1\r\n" + b"x-a: " + b"a" * 200_000, must_close=True)
    assert endless.startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{hooks}/health").status_code == 200


@fault(91, "connections that say nothing", "webhook", "others are served")
def test_idle_connections_hold_nobody_up(hooks: str) -> None:
    parts = urlsplit(hooks)
    idle = [socket.create_connection((parts.hostname, parts.port)) for _ in range(400)]
    try:
        assert post(hooks, 9100) == 200
    finally:
        for connection in idle:
            connection.close()


@fault(99, "handshakes with hostile text", "webhook", "echoed as plain text, short, and only with the right token")
def test_handshakes(hooks: str) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "the token of the handshake", "hub.challenge": "1158201444"}
    reply = httpx.get(f"{hooks}/meta", params=asked)
    assert (reply.status_code, reply.text) == (200, "1158201444")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["x-content-type-options"] == "nosniff"
    for changed, status in (
        ({"hub.verify_token": "guessed"}, 401),
        ({"hub.verify_token": ""}, 401),
        ({"hub.mode": "unsubscribe"}, 401),
        ({"hub.challenge": "a b"}, 400),
        ({"hub.challenge": "x" * 5000}, 400),
        ({"hub.challenge": "\r\nset-cookie: a=b"}, 400),
        ({"hub.challenge": ""}, 400),
    ):
        assert httpx.get(f"{hooks}/meta", params=asked | changed).status_code == status, changed
    assert "<script>" in (reply := httpx.get(f"{hooks}/meta", params=asked | {"hub.challenge": "<script>"})).text
    assert reply.headers["content-type"].startswith("text/plain")
    assert httpx.get(f"{hooks}/hubspot", params=asked).status_code == 405
    assert httpx.head(f"{hooks}/trello").status_code == 200


def test_a_handshake_within_a_signed_body(hooks: str) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    right = signed_now("jira", body)
    reply = httpx.post(f"{hooks}/slack", content=body, headers=right)
    assert (reply.status_code, reply.text) == (200, "3eZbrw1aB")
    forged = right | {"x-hub-signature": "sha256=" + "0" * 64}
    assert httpx.post(f"{hooks}/slack", content=body, headers=forged).status_code == 401


def test_a_secret_address(hooks: str, home: Settings) -> None:
    told = {"company_id": 1, "resource": "record", "resource_id": 4711, "status": "create"}
    assert httpx.post(f"{hooks}/yclients/{YCLIENTS_SECRET}", json=told).status_code == 200
    for wrong in ("", "/", "/guess", f"/{YCLIENTS_SECRET}x", f"/{YCLIENTS_SECRET}/x"):
        assert httpx.post(f"{hooks}/yclients{wrong}", json=told).status_code == 401
    assert kept(home)["4711"].partner == "salon-01"


def test_no_secret_is_in_what_the_receiver_tells(hooks: str) -> None:
    told = httpx.get(f"{hooks}/metrics").text + httpx.get(f"{hooks}/health").text
    assert "rebuttal_inbox_store_writable 1" in told
    assert SECRET not in told
    assert YCLIENTS_SECRET not in told


@fault(88, "a captured delivery again within five minutes, and later", "webhook", "200 and one row; then 401")
def test_a_replay(hooks: str, home: Settings) -> None:
    body, headers = signed(88)
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=headers).status_code == 200
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=headers).status_code == 200
    old = signed_now("hubspot", body, datetime.now(UTC) - timedelta(minutes=6))
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=old).status_code == 401
    fresh = signed_now("hubspot", body)  # the vendor's own retry, days later: signed anew, and the same event
    assert httpx.post(f"{hooks}/hubspot", content=body, headers=fresh).status_code == 200
    assert kept(home)["88"].receipt_count == 3


@fault(91, "one partner brings more than its share", "webhook", "429 with Retry-After for it, 200 for the others")
def test_a_partner_that_floods(tmp_path: Path, settings: Settings) -> None:
    config = write_config(tmp_path / "config", "{partner_per_second: 0.01, partner_burst: 5}")
    mine = replace(settings, config=config)
    with in_a_thread(mine) as hooks, httpx.Client() as client:

        def tell(branch: int, number: int) -> httpx.Response:
            told = {"company_id": branch, "resource": "record", "resource_id": number, "status": "create"}
            return client.post(f"{hooks}/yclients/{YCLIENTS_SECRET}", json=told)

        replies = [tell(1, number) for number in range(20)]
        assert [reply.status_code for reply in replies] == [200] * 5 + [429] * 15
        assert int(replies[-1].headers["retry-after"]) >= 90
        assert [tell(2, 100 + number).status_code for number in range(5)] == [200] * 5
    assert len(kept(mine)) == 10
