"""Signatures, vendor by vendor: what is believed, and the ways in which a delivery can be false."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from tests.faults.table import fault
from tests.inbox import signing
from tests.inbox.signing import Headers, mac

from rebuttal.inbox.hooks import Hook, Secret
from rebuttal.inbox.verify import Delivery, Refused, is_signed, verify

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
KEY, OTHER = b"the secret of this hook", b"the secret of another hook"
BODY = '[{"eventId": 1, "name": "Олена ✓"}]'.encode()
URL = "https://hooks.example/hooks/this"
VENDORS = ("hubspot", "typeform", "jira", "trello", "standard")
SIGNED_TIME = ("hubspot", "standard")


def a_hook(vendor: str, *secrets: Secret, url: str = URL) -> Hook:
    return Hook(name="this", vendor=vendor, source="this", url=url, secrets=secrets or (Secret(KEY),))  # type: ignore[arg-type]


def sign(vendor: str, body: bytes = BODY, key: bytes = KEY, at: datetime = NOW, url: str = URL) -> Headers:
    return signing.sign(vendor, body, key, at, url)


def a_delivery(headers: Headers, body: bytes = BODY) -> Delivery:
    return Delivery(list(headers.items()), body)


def is_believed(hook: Hook, delivery: Delivery, now: datetime = NOW) -> bool:
    try:
        verify(hook, delivery, now)
    except Refused:
        return False
    return True


def signature_of(headers: Headers) -> bytes:
    return next(name for name in headers if b"signature" in name or b"trello" in name)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_signed_is_believed(vendor: str) -> None:
    verify(a_hook(vendor), a_delivery(sign(vendor)), NOW)
    assert is_signed(a_hook(vendor), a_delivery(sign(vendor)))


def test_signatures_of_the_vendors_own_examples() -> None:
    """Trello's and Standard Webhooks' documentation give none that is whole; GitHub's documentation gives one of the
    scheme that Jira uses, Standard Webhooks' reference libraries test with one."""
    github = Hook("this", "jira", "this", URL, (Secret(b"It's a Secret to Everybody"),))
    signature = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify(github, Delivery([(b"x-hub-signature", signature)], b"Hello, World!"), NOW)
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    standard = Hook("this", "standard", "this", URL, (Secret(key),))
    headers = {
        b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
        b"webhook-timestamp": b"1614265330",
        b"webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    verify(standard, a_delivery(headers, b'{"test": 2432232314}'), datetime.fromtimestamp(1614265330, UTC))


Change = Callable[[Headers, bytes], tuple[Headers, bytes]]


def on_signature(change: Callable[[bytes], bytes]) -> Change:
    return lambda headers, body: (headers | {signature_of(headers): change(headers[signature_of(headers)])}, body)


def respaced(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    return headers, json.dumps(json.loads(body), separators=(",", ":")).encode()


FORGED: dict[str, Change] = {
    "another body": lambda headers, body: (headers, body + b" "),
    "the same JSON written by a proxy": respaced,
    "no body": lambda headers, _: (headers, b""),
    "no signature": lambda headers, body: ({k: v for k, v in headers.items() if k != signature_of(headers)}, body),
    "an empty signature": on_signature(lambda _: b""),
    "a signature cut short": on_signature(lambda value: value[:-4]),
    "a signature with more behind it": on_signature(lambda value: value + b"AAAA"),
    "a header of four thousand bytes": on_signature(lambda value: value + b" " + b"v1,A" * 1000),
    "not base64 nor hex": on_signature(lambda value: value[:10] + b"\xff\xfe!" + value[13:]),
    "digits of another script": on_signature(lambda _: "sha256=٠١٢٣٤٥٦٧٨٩".encode()),
    "the name of the scheme alone": on_signature(lambda _: b"sha256="),
    "in capitals": on_signature(bytes.upper),
}


@fault(86, "signatures cut, empty, too long, of other bytes, of other alphabets", "webhook", "not believed")
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("how", FORGED)
def test_what_was_changed_is_not_believed(vendor: str, how: str) -> None:
    headers, body = FORGED[how](sign(vendor), BODY)
    assert not is_believed(a_hook(vendor), a_delivery(headers, body))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_secret_of_another_hook_is_none_here(vendor: str) -> None:
    assert not is_believed(a_hook(vendor), a_delivery(sign(vendor, key=OTHER)))
    assert not is_believed(a_hook(vendor), a_delivery(sign(vendor, key=b"")))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_header_that_comes_twice_is_no_signature(vendor: str) -> None:
    headers = list(sign(vendor).items())
    name = signature_of(sign(vendor))
    assert not is_believed(a_hook(vendor), Delivery([*headers, (name, b"v1,AAAA")], BODY))


@pytest.mark.parametrize("vendor", SIGNED_TIME)
@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-4 - 59 / 60, True), (-5 - 1 / 60, False), (4 + 59 / 60, True), (5 + 1 / 60, False), (-3 * 1440, False)],
)
def test_a_signature_lives_five_minutes_both_ways(vendor: str, minutes: float, expected: bool) -> None:
    signed = sign(vendor, at=NOW + timedelta(minutes=minutes))
    assert is_believed(a_hook(vendor), a_delivery(signed)) is expected


@pytest.mark.parametrize("vendor", SIGNED_TIME)
@pytest.mark.parametrize("stamp", [b"", b"now", b"-1", "٣".encode(), b"9" * 40, b"1.5e3", b"0x10", b" 1"])
def test_a_time_that_is_none(vendor: str, stamp: bytes) -> None:
    signed = sign(vendor)
    name = next(name for name in signed if b"timestamp" in name)
    if vendor == "hubspot":  # signed with it, so that the time alone is wrong
        signature = base64.b64encode(mac(KEY, b"POST" + URL.encode() + BODY + stamp))
        signed |= {b"x-hubspot-signature-v3": signature}
    else:
        signed |= {b"webhook-signature": b"v1," + base64.b64encode(mac(KEY, b"msg_1." + stamp + b"." + BODY))}
    assert not is_believed(a_hook(vendor), a_delivery(signed | {name: stamp}))
    assert not is_believed(a_hook(vendor), a_delivery({key: value for key, value in signed.items() if key != name}))


@fault(89, "signed with the old secret, before its end and after", "webhook", "believed; then 401")
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_old_secret_counts_until_its_end(vendor: str) -> None:
    hook = a_hook(vendor, Secret(KEY), Secret(OTHER, NOW + timedelta(hours=1)))
    for at, key, expected in (
        (NOW, KEY, True),
        (NOW, OTHER, True),
        (NOW + timedelta(hours=2), KEY, True),
        (NOW + timedelta(hours=2), OTHER, False),
    ):
        assert is_believed(hook, a_delivery(sign(vendor, key=key, at=at)), at) is expected, (at, key)


def test_one_of_several_signatures_is_enough() -> None:
    """A sender of Standard Webhooks signs with both secrets while it changes them; other versions are not ours."""
    signed = sign("standard")
    right = signed[b"webhook-signature"]
    hook = a_hook("standard")
    assert is_believed(hook, a_delivery(signed | {b"webhook-signature": b"v1,AAAA " + right + b" v2,BBBB"}))
    assert not is_believed(hook, a_delivery(signed | {b"webhook-signature": right.replace(b"v1,", b"v1a,")}))
    assert not is_believed(hook, a_delivery(signed | {b"webhook-signature": right.removeprefix(b"v1,")}))
    assert not is_believed(hook, a_delivery(signed | {b"webhook-id": b"msg_2"}))


@pytest.mark.parametrize("vendor", ["hubspot", "trello"])
def test_the_address_is_the_configured_one_whatever_headers_say(vendor: str) -> None:
    spoofed = {b"host": b"evil.example", b"x-forwarded-proto": b"http", b"x-forwarded-host": b"evil.example"}
    assert is_believed(a_hook(vendor), a_delivery(sign(vendor) | spoofed))
    elsewhere = sign(vendor, url="http://evil.example/hooks/this")
    assert not is_believed(a_hook(vendor), a_delivery(elsewhere | spoofed))


def test_hubspot_signs_the_address_with_some_characters_decoded() -> None:
    hook = a_hook("hubspot", url="https://hooks.example/a%3Ab%2Fc%20d")
    assert is_believed(hook, a_delivery(sign("hubspot", url="https://hooks.example/a:b/c%20d")))


def test_a_secret_address_is_the_signature_of_those_who_have_none() -> None:
    hook = a_hook("yclients", Secret(KEY), Secret(OTHER, NOW))
    assert is_believed(hook, Delivery([], BODY, KEY))
    assert [is_believed(hook, Delivery([], BODY, told)) for told in (b"", OTHER, KEY[:-1], KEY + b"x")] == [False] * 4
    assert is_signed(hook, Delivery([], BODY, KEY))
    assert not is_signed(hook, Delivery([], BODY, b""))


@limits(max_examples=200)
@given(
    vendor=st.sampled_from(VENDORS), body=st.binary(max_size=300), place=st.integers(0, 10**6), bit=st.integers(0, 7)
)
def test_any_bytes_can_be_signed_and_no_bit_may_change(vendor: str, body: bytes, place: int, bit: int) -> None:
    hook, signed = a_hook(vendor), sign(vendor, body)
    assert is_believed(hook, a_delivery(signed, body))
    if body:
        changed = bytearray(body)
        changed[place % len(body)] ^= 1 << bit
        assert not is_believed(hook, a_delivery(signed, bytes(changed)))


@limits(max_examples=200)
@given(vendor=st.sampled_from(VENDORS), value=st.binary(max_size=120))
def test_no_header_makes_it_stumble(vendor: str, value: bytes) -> None:
    signed = sign(vendor)
    for name in signed:
        if value != signed[name]:
            assert not is_believed(a_hook(vendor), a_delivery(signed | {name: value}))


def test_what_is_refused_names_no_secret() -> None:
    with pytest.raises(Refused) as caught:
        verify(a_hook("jira"), a_delivery(sign("jira", key=OTHER)), NOW)
    assert caught.value.why == "forged"
    assert KEY.decode() not in repr(a_hook("jira"))
    assert hashlib.sha256(KEY).hexdigest() not in repr(a_hook("jira"))
