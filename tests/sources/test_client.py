"""The client against a hostile wire: waits right, detects what `requests` does not, and never tells a secret."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.sources.conftest import QUICK
from tests.sources.vendors import CANARY_EMAIL, CANARY_TOKEN
from tests.sources.wire import Call, Reply, Wire, cut, failure, served

from rebuttal.connections import Connection
from rebuttal.errors import ConfigError, ContractError, CredentialsError, CutBodyError, ThrottledError, UnavailableError
from rebuttal.sources.auth import TokenAuth
from rebuttal.sources.client import Client, ErrorPageError, WaitBudget, error_words, host_of, retry_after
from rebuttal.sources.config import Limits
from rebuttal.sources.declare import Page, Request, Source
from rebuttal.sources.decode import TOO_DEEP

GOOD = Reply.of({"results": [1]})
Fetch = Callable[..., Page]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with served(Wire(CANARY_TOKEN)) as wire:
        wire.on("GET", "/thing", lambda _: GOOD)
        yield wire


@pytest.fixture
def fetch(wire: Wire, tmp_path: Path) -> Fetch:
    def call(path: str = "/thing", *, budget: float = 3, extra: dict[str, str] | None = None, **limits: float) -> Page:
        connection = Connection("vendor", host=wire.base, password=CANARY_TOKEN, extra=extra or {})
        client = Client(
            Source("vendor", ()),
            connection.host,
            TokenAuth(connection, "Bearer", host_of(connection)),
            Limits.model_validate({**QUICK, **limits}),
            WaitBudget(budget),
        )
        try:
            return client.fetch(Request(path), tmp_path / "page")
        finally:
            client.close()

    return call


def chunked(pieces: list[bytes], *, ended: bool, headers: str = "", pause: float = 0) -> Reply:
    """A chunked body, written to the socket piece by piece."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
        handler.wfile.write(head.encode())
        try:
            for piece in pieces:
                handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                handler.wfile.flush()
                time.sleep(pause)
            if ended:
                handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass  # the client hung up: that is what is tested

    return Reply(send=send)


def test_a_page_is_spooled_as_it_came(fetch: Fetch) -> None:
    page = fetch()
    assert page.data == {"results": [1]}
    assert page.path.read_bytes() == GOOD.body
    assert page.size == len(GOOD.body)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("0.3", 0.3, 1.0), ("-5", 0.0, 0.3), ("soon", 0.0, 0.3), (None, 0.0, 0.3), ("0", 0.0, 0.3)],
)
def test_retry_after_is_honoured_and_nonsense_falls_back_to_backoff(
    wire: Wire, fetch: Fetch, header: str | None, low: float, high: float
) -> None:
    wire.faults.append(failure(429, **({"Retry-After": header} if header else {})))
    budget = time.monotonic()
    fetch()
    assert low <= time.monotonic() - budget < high + 2
    assert len(wire.calls) == 2


def test_retry_after_reads_seconds_and_dates() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)
    assert retry_after({"Retry-After": "7"}) == 7
    assert 80 < (retry_after({"Retry-After": format_datetime(moment, usegmt=True)}) or 0) <= 90
    assert retry_after({"Retry-After": format_datetime(moment - timedelta(days=1), usegmt=True)}) is None
    assert retry_after({}) is None


def test_ten_days_are_more_than_a_run_waits(wire: Wire, fetch: Fetch) -> None:
    wire.every = failure(429, **{"Retry-After": "864000"})
    with pytest.raises(ThrottledError) as caught:
        fetch()
    assert caught.value.retry_after == 864000
    assert len(wire.calls) == 1


def test_an_endless_throttle_ends_with_the_budget_and_is_no_tight_loop(wire: Wire, fetch: Fetch) -> None:
    wire.every = failure(429)
    with pytest.raises(ThrottledError):
        fetch(budget=0.5, backoff_seconds=0.1, backoff_cap_seconds=0.2)
    assert 2 <= len(wire.calls) <= 12


def test_failures_are_tried_as_often_as_configured(wire: Wire, fetch: Fetch) -> None:
    wire.every = failure(503)
    with pytest.raises(UnavailableError, match="answers 503"):
        fetch(attempts=3)
    assert len(wire.calls) == 3


@pytest.mark.parametrize(
    "reply",
    [
        cut(),
        chunked([b'{"results":', b" ["], ended=False),
        chunked([gzip.compress(b'{"results": [1]}')[:-6]], ended=True, headers="Content-Encoding: gzip\r\n"),
        chunked(
            [gzip.compress(b'{"results": [1]}')[:-8] + b"\0" * 8], ended=True, headers="Content-Encoding: gzip\r\n"
        ),
        Reply(b'{"results": [1'),
    ],
    ids=["short body", "chunked cut", "gzip cut", "gzip checksum", "json cut"],
)
def test_half_answers_are_detected_and_fetched_again(wire: Wire, fetch: Fetch, reply: Reply) -> None:
    wire.every = reply
    with pytest.raises(CutBodyError):
        fetch(attempts=2)
    assert len(wire.calls) == 2
    wire.every = None
    wire.faults.append(reply)
    assert fetch().data == {"results": [1]}


def test_gzip_is_unpacked(wire: Wire, fetch: Fetch) -> None:
    wire.on("GET", "/packed", lambda _: Reply(gzip.compress(GOOD.body), headers={"Content-Encoding": "gzip"}))
    assert fetch("/packed").path.read_bytes() == GOOD.body


def test_a_gzip_bomb_stops_at_the_bound(wire: Wire, fetch: Fetch, tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(200)) + packer.flush()
    assert len(bomb) < 400_000
    wire.every = Reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ContractError, match="larger than"):
        fetch(max_page_bytes=2_000_000)
    assert (tmp_path / "page").stat().st_size <= 2_000_000


def test_an_encoding_that_was_not_asked_for_is_refused(wire: Wire, fetch: Fetch) -> None:
    wire.every = Reply(b"x", headers={"Content-Encoding": "br"})
    with pytest.raises(ContractError, match="packed as 'br'"):
        fetch()


def test_a_drip_of_bytes_cannot_hide_from_the_deadline(wire: Wire, fetch: Fetch) -> None:
    wire.every = chunked([b" "] * 100, ended=True, pause=0.1)
    with pytest.raises(UnavailableError, match="deadline"):
        fetch(total_seconds=0.4, attempts=1)


def test_silence_is_a_time_out(wire: Wire, fetch: Fetch) -> None:
    wire.every = chunked([b"{", b"}"], ended=True, pause=1.5)
    with pytest.raises(UnavailableError):
        fetch(read_seconds=0.2, attempts=1)


def test_a_server_that_is_not_there_is_unavailable(fetch: Fetch, wire: Wire) -> None:
    wire.base = "http://127.0.0.1:9"
    with pytest.raises(UnavailableError, match="cannot be reached"):
        fetch(attempts=2)


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "file:///etc/passwd", "/elsewhere"])
def test_redirects_are_refused(wire: Wire, fetch: Fetch, location: str) -> None:
    wire.every = Reply(b"", 302, headers={"Location": location})
    with pytest.raises(ContractError, match="redirects"):
        fetch()
    assert len(wire.calls) == 1


def test_a_path_cannot_lead_to_another_host(fetch: Fetch, wire: Wire) -> None:
    with pytest.raises(ContractError, match="another host"):
        fetch("@evil.example/thing")
    assert wire.calls == []


@pytest.mark.parametrize("host", ["", "ftp://files.example", "vendor.example"])
def test_a_host_must_be_an_address(host: str) -> None:
    with pytest.raises(ConfigError, match="'vendor'"):
        host_of(Connection("vendor", host=host))


def test_a_proxy_login_page_is_an_error_page(wire: Wire, fetch: Fetch) -> None:
    wire.every = Reply(b"\n <html><body>login</body></html>", content_type="application/json")
    with pytest.raises(ErrorPageError, match="web page"):
        fetch(attempts=2)
    assert len(wire.calls) == 2


def test_json_too_deep_is_cut_where_it_is_too_deep(wire: Wire, fetch: Fetch) -> None:
    wire.every = Reply(b'{"good": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    page = fetch()
    value = page.data["a"]
    for _ in range(99):
        [value] = value
    assert value.startswith(TOO_DEEP)
    assert page.data["good"] == "1"
    assert page.is_suspect
    wire.every = Reply(b"[" * 100_000)
    with pytest.raises(CutBodyError):
        fetch()


def test_a_body_of_several_gzip_parts_is_read_whole(wire: Wire, fetch: Fetch) -> None:
    half = len(GOOD.body) // 2
    wire.every = Reply(
        gzip.compress(GOOD.body[:half]) + gzip.compress(GOOD.body[half:]), headers={"Content-Encoding": "gzip"}
    )
    assert fetch().path.read_bytes() == GOOD.body


def test_error_texts_hold_codes_but_no_free_text_and_no_token(wire: Wire, fetch: Fetch) -> None:
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": f"{CANARY_EMAIL} is wrong, {CANARY_TOKEN}"}
    wire.every = Reply.of(body, 400)
    with pytest.raises(ContractError) as caught:
        fetch()
    assert "VALIDATION_ERROR" in str(caught.value)
    assert CANARY_EMAIL not in str(caught.value)
    assert CANARY_TOKEN not in str(caught.value)
    assert error_words({"status": "a\nb", "code": "OK_1"}) == "OK_1"


def test_a_refused_token_is_renewed_once(wire: Wire, fetch: Fetch) -> None:
    def renew(call: Call) -> Reply:
        assert b"grant_type=refresh_token" in call.body
        return Reply.of({"access_token": f"new {CANARY_TOKEN}"})

    wire.on("POST", "/token", renew)
    extra = {"token_url": f"{wire.base}/token", "refresh_token": "r", "client_id": "c", "client_secret": "s"}
    original = wire.reply_to

    def first_token_is_old(call: Call) -> Reply:
        if call.path == "/token":
            return renew(call)
        reply = original(call)
        return reply if "new" in call.headers["authorization"] else wire.refusal

    wire.reply_to = first_token_is_old  # type: ignore[method-assign]
    assert fetch(extra=extra).data == {"results": [1]}
    assert [call.headers["authorization"] for call in wire.calls] == [
        f"Bearer {CANARY_TOKEN}",
        f"Bearer new {CANARY_TOKEN}",
    ]


def test_a_refused_token_without_a_refresh_token_is_final(wire: Wire, fetch: Fetch) -> None:
    wire.every = wire.refusal
    with pytest.raises(CredentialsError, match="EXPIRED_AUTHENTICATION"):
        fetch()
    assert len(wire.calls) == 1


def test_a_refresh_token_goes_to_no_strange_host(wire: Wire, fetch: Fetch) -> None:
    wire.every = wire.refusal
    extra = {"token_url": "https://evil.example/token", "refresh_token": "r", "client_id": "c", "client_secret": "s"}
    with pytest.raises(ConfigError, match="token_url"):
        fetch(extra=extra)
