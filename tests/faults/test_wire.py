"""Faults of answers as a whole (74-78): what is refused, what is told, and that a token goes to one host only."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault
from tests.sources.conftest import Setup
from tests.sources.vendors import CANARY_TOKEN
from tests.sources.wire import Call, Reply, Wire, served

from rebuttal import quality

pytestmark = SECOND_ENGINE
Make = Callable[..., Setup]


def ads(setup: Setup) -> bytes:
    """A good answer of Google Ads, whole."""
    return json.dumps({"fieldMask": "x", "results": setup.vendor.data["rows"]}).encode()


def refused(setup: Setup, *words: str, calls: int | None = None) -> None:
    """The pull tells one problem with all the words, and lands nothing."""
    report = setup.pull()
    assert len(report.problems) == 1, report.problems
    for word in words:
        assert word in report.problems[0]
    assert setup.query("select count(*) from ops.batch") == [(0,)]
    assert calls is None or len(setup.wire.calls) == calls


def tables(setup: Setup, change: Callable[[bytes], bytes]) -> None:
    """Change every table that Metrica lets us download."""
    original = setup.wire.reply_to

    def reply(call: Call) -> Reply:
        found = original(call)
        return Reply(change(found.body), content_type=found.content_type) if "/download" in call.path else found

    setup.wire.reply_to = reply  # type: ignore[method-assign]


# --- 74: broken text -------------------------------------------------------------------------------------------------


@fault(74, "a byte order mark before a table", "wire", "read as if it were not there")
def test_a_table_with_a_byte_order_mark_is_read(vendor: Make) -> None:
    setup = vendor("yandex_metrica")
    tables(setup, lambda body: b"\xef\xbb\xbf" + body)
    assert setup.pull().problems == []
    assert {row[0] for row in setup.rows("hits", "watch_id")} == setup.vendor.expected["hits"]


@fault(74, "a byte order mark before JSON", "wire", "read as if it were not there")
def test_json_with_a_byte_order_mark_is_read(vendor: Make) -> None:
    setup = vendor("google_ads")
    setup.wire.every = Reply(b"\xef\xbb\xbf" + ads(setup))
    assert setup.pull().problems == []
    assert len(setup.rows("ad_performance")) == 7


@fault(74, "UTF-16 with its mark", "wire", "refused, naming the encoding; nothing landed, not asked again")
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused(make_setup: Make, encoding: str) -> None:
    setup = make_setup("google_ads")
    setup.wire.every = Reply(("\ufeff" + ads(setup).decode()).encode(encoding))
    refused(setup, "ContractError", "UTF-16", calls=1)


@fault(74, "a table in UTF-16", "wire", "refused, naming the encoding; nothing landed")
def test_a_table_in_utf_16_is_refused(make_setup: Make) -> None:
    setup = make_setup("yandex_metrica")
    tables(setup, lambda body: ("\ufeff" + body.decode()).encode("utf-16-le"))
    problems = setup.pull().problems
    assert ["UTF-16" in line for line in problems] == [True, True]
    assert setup.query("select count(*) from ops.batch") == [(0,)]


@fault(74, "bytes that are no UTF-8, and NUL, in a table", "wire", "those rows quarantined, the others admitted")
def test_bad_bytes_in_a_table_cost_their_rows_only(vendor: Make) -> None:
    setup = vendor("yandex_metrica")
    # Two parts of three lines: what makes a part suspect stands first in it, or all would be seen through by another.
    bad = iter([rb"a\0b", b"good", b"good", b"a\x00b", b"good", b"a\xd0\xff\xc3(b"])

    def spoil(body: bytes) -> bytes:
        lines = body.split(b"\n")
        return b"\n".join(line.replace(b"a\\tb", next(bad, b"")) if b"a\\tb" in line else line for line in lines)

    tables(setup, spoil)
    assert setup.pull().problems == []
    landed = setup.rows("hits", "_defect, title, _extra")
    told = [(defect, title, json.loads(extra)["title__escaped"]) for defect, title, extra in landed if defect]
    assert told == [
        ("encoding", "a\ufffdb", r"a\x00b"),
        ("encoding", "a\ufffdb", r"a\x00b"),
        ("encoding", "a\ufffd(b", r"a\xd0\xff\xc3(b"),
    ]
    quality.run(setup.context)
    checks = setup.query("select check_name, value from ops.quarantine where stream = 'hits'")
    assert checks == [("row_decoded", "encoding")] * 3
    assert setup.query("select count(*) from core.hit") == [(len(landed) - 3,)]


@fault(74, "NFC and NFD twins as keys", "wire", "keys are compared byte for byte: two facts, none lost, sums as told")
def test_twins_that_look_alike_stay_two_facts(vendor: Make) -> None:
    """The vendor counts them apart, so folding them would lose the sessions of one."""
    setup = vendor("ga4")
    rows = setup.vendor.data["rows"]
    twins = ("весня\u0439", "весня\u0438\u0306")  # the same letter, in one and in two code points
    for row, name in zip(rows, twins, strict=False):
        row[:] = [rows[0][0], "google", "cpc", name, "mobile"]
    setup.pull()
    quality.run(setup.context)
    found = setup.query("select session_campaign, sessions from core.traffic where session_campaign like 'весня%'")
    assert sorted(found) == sorted((name, 4) for name in twins)
    assert setup.query("select count(*) from ops.duplicate") == [(0,)]
    assert not setup.pull().changed


# --- 75: sizes -------------------------------------------------------------------------------------------------------


@fault(75, "a page above the limit", "wire", "refused before it is read to the end; the limit to raise is named")
@pytest.mark.parametrize("says_so", [True, False])
def test_a_page_above_the_limit_is_refused(make_setup: Make, says_so: bool) -> None:
    setup = make_setup("google_ads", limits={"max_page_bytes": 200_000, "backoff_seconds": 0.01})
    sent: list[int] = []

    def send(handler: Any) -> None:
        length = b"Content-Length: 500000000\r\n" if says_so else b""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + length + b"\r\n")
        try:
            for _ in range(500):
                handler.wfile.write(b" " * 1_000_000)
                sent.append(1_000_000)
        except OSError:
            pass  # the client hung up: that is what is tested

    setup.wire.every = Reply(send=send)
    refused(setup, "ContractError", "larger than 200000 bytes", "limits.max_page_bytes")
    assert sum(sent) < 50_000_000


@fault(75, "a million unknown names in one row", "wire", "quarantined for its size with hash and head; others flow")
def test_a_million_names_are_quarantined_for_size(vendor: Make) -> None:
    setup = vendor("google_ads")
    many = ",".join(f'"unknown{number}":1' for number in range(1_000_000))
    body = ads(setup).replace(b'"segments":', f'"wild":{{{many}}},"segments":'.encode(), 1)
    assert len(body) > 10_000_000
    setup.wire.every = Reply(body)
    assert setup.pull().problems == []
    [(defect, extra)] = [row for row in setup.rows("ad_performance", "_defect, _extra") if row[0]]
    assert defect == "oversize"
    assert len(extra) < 3_000
    assert len(json.loads(extra)["wild__sha256"]) == 64
    quality.run(setup.context)
    assert setup.query("select check_name, value from ops.quarantine") == [("row_decoded", "oversize")]
    assert setup.query("select count(*) from core.ad_performance") == [(6,)]


@fault(75, "very many names beside those we know", "wire", "quarantined for its size with hash and head; others flow")
def test_very_many_fields_are_quarantined_for_size(vendor: Make) -> None:
    setup = vendor("google_ads")
    many = ",".join(f'"unknown{number}":1' for number in range(100_000))
    setup.wire.every = Reply(ads(setup).replace(b'"segments":', f'{many},"segments":'.encode(), 1))
    report = setup.pull()
    assert report.problems == []
    assert len(report.details[0]["extra_fields"]) == 50
    [(defect, extra)] = [row for row in setup.rows("ad_performance", "_defect, _extra") if row[0]]
    assert defect == "oversize"
    assert json.loads(extra)["fields"] == 100_000
    assert len(extra) < 3_000
    quality.run(setup.context)
    assert setup.query("select check_name, value from ops.quarantine") == [("row_decoded", "oversize")]


# --- 76: bombs -------------------------------------------------------------------------------------------------------


def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(300)) + packer.flush()
    assert len(packed) * 900 < 300_000_000
    return packed


@fault(76, "gzip 1:1000", "wire", "stopped at the limit of unpacked bytes, with little memory")
def test_a_gzip_bomb_is_stopped(make_setup: Make) -> None:
    setup = make_setup("google_ads", limits={"max_page_bytes": 2_000_000, "backoff_seconds": 0.01})
    setup.wire.every = Reply(bomb(), headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    refused(setup, "ContractError", "larger than 2000000 bytes", calls=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000


@fault(76, "a gzip bomb in many small parts", "wire", "stopped at the limit of unpacked bytes")
def test_a_bomb_in_parts_is_stopped(make_setup: Make) -> None:
    setup = make_setup("google_ads", limits={"max_page_bytes": 2_000_000, "backoff_seconds": 0.01})
    setup.wire.every = Reply(gzip.compress(b"0" * 100_000) * 30, headers={"Content-Encoding": "gzip"})
    refused(setup, "ContractError", "larger than 2000000 bytes", calls=1)


@fault(76, "brotli, deflate, and gzip twice", "wire", "refused unread: only gzip was asked for")
@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "x-unknown"])
def test_other_packings_are_refused_unread(make_setup: Make, encoding: str) -> None:
    setup = make_setup("google_ads")
    setup.wire.every = Reply(gzip.compress(bomb()), headers={"Content-Encoding": encoding})
    refused(setup, "ContractError", f"packed as {encoding!r}", calls=1)


@fault(76, "gzip twice under one header", "wire", "unpacked once; what is inside is no JSON, nothing landed")
def test_a_packed_bomb_inside_is_not_unpacked(make_setup: Make) -> None:
    setup = make_setup("google_ads", limits={"max_page_bytes": 2_000_000, "attempts": 1})
    setup.wire.every = Reply(gzip.compress(bomb()), headers={"Content-Encoding": "gzip"})
    refused(setup, "CutBodyError", "not complete JSON")


# --- 77: other hosts -------------------------------------------------------------------------------------------------


@pytest.fixture
def stranger() -> Iterator[Wire]:
    """Another host (here: another port) that would take any token."""
    with served(Wire("")) as wire:
        wire.every = Reply.of({"results": [], "fieldMask": "x"})
        yield wire


@fault(77, "redirects: another host, metadata address, file, localhost, private", "wire", "refused, no call elsewhere")
@pytest.mark.long_form("one status stands for all: the place is what must be refused", status={301, 303, 307, 308})
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "{stranger}/x",
        "//{authority}/x",
        "http://169.254.169.254/latest/meta-data/iam",
        "http://[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "http://localhost:1/",
        "http://10.0.0.1/",
    ],
)
def test_no_redirect_is_followed(make_setup: Make, stranger: Wire, status: int, location: str) -> None:
    setup = make_setup("google_ads")
    place = location.format(stranger=stranger.base, authority=stranger.base.removeprefix("http://"))
    setup.wire.every = Reply(b"", status, headers={"Location": place})
    refused(setup, "ContractError", f"redirects elsewhere ({status})", calls=1)
    assert stranger.calls == []


@fault(77, "a next link to another host", "wire", "never followed: only its token is sent back to our own host")
def test_next_links_are_not_followed(make_setup: Make, stranger: Wire) -> None:
    setup = make_setup("hubspot")
    original = setup.wire.reply_to

    def lure(call: Call) -> Reply:
        reply = original(call)
        return Reply(reply.body.replace(b"https://evil.example", stranger.base.encode()), reply.status)

    setup.wire.reply_to = lure  # type: ignore[method-assign]
    assert setup.pull().problems == []
    assert {row[0] for row in setup.rows("owners", "owner_id")} == setup.vendor.expected["owners"]
    assert any("after" in call.query for call in setup.wire.calls)
    assert stranger.calls == []


@fault(77, "a page token that is an address", "wire", "sent back as a value, never called")
def test_a_token_that_is_an_address_stays_a_value(make_setup: Make, stranger: Wire) -> None:
    setup = make_setup("google_ads")
    pages = iter([f"{stranger.base}/next", None])

    def reply(call: Call) -> Reply:
        setup.wire.calls.append(call)
        token = next(pages)
        return Reply.of({"fieldMask": "x", "results": [], **({"nextPageToken": token} if token else {})})

    setup.wire.reply_to = reply  # type: ignore[method-assign]
    setup.pull()
    assert [call.json().get("pageToken") for call in setup.wire.calls] == [None, f"{stranger.base}/next"]
    assert {call.path for call in setup.wire.calls} == {"/v26/customers/111/googleAds:search"}
    assert stranger.calls == []


@fault(77, "every call of every stream", "wire", "the token is sent to the connection's own host only")
def test_the_token_goes_to_one_host(make_setup: Make) -> None:
    setup = make_setup("hubspot")
    setup.pull()
    hosts = {call.headers["host"] for call in setup.wire.calls if CANARY_TOKEN in call.headers["authorization"]}
    assert hosts == {setup.wire.base.removeprefix("http://")}
    assert len(setup.wire.calls) > 10


# --- 78: the end of an API -------------------------------------------------------------------------------------------


@fault(78, "Sunset and Deprecation headers", "wire", "the pull goes on and tells the date")
@pytest.mark.parametrize(
    ("header", "value"), [("Sunset", "Sat, 31 Jan 2027 23:59:59 GMT"), ("Deprecation", "@1798761599")]
)
def test_an_announced_end_is_told(make_setup: Make, header: str, value: str) -> None:
    setup = make_setup("google_ads")
    setup.wire.every = Reply(ads(setup), headers={header: value})
    report = setup.pull()
    assert report.problems == []
    assert len(setup.rows("ad_performance")) == 7
    assert [f"{header}: {value}" in note for note in report.details[0]["notes"]] == [True]


@fault(78, "410 Gone", "wire", "terminal at once, and says that the version has ended")
@pytest.mark.parametrize("source", ["google_ads", "ga4", "typeform"])
def test_an_endpoint_that_is_gone_is_final(make_setup: Make, source: str) -> None:
    setup = make_setup(source)
    setup.wire.every = Reply.of({"message": "gone"}, 410)
    refused(setup, "ContractError", "is gone (410)", "ended this version", calls=1)
