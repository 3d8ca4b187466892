"""E-mail addresses and phone numbers never land: they become keyed hashes of their normalised form, and a kind.

The same function makes the hashes that erasure looks for. The key is `Context.identity_key`; without it the hashes can
neither be made nor guessed from lists of addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Container, Sequence
from typing import Any

import phonenumbers

_EMAIL = re.compile(r"[^@\s\"<>(),;:\\\[\]]{1,64}@(?:[\w-]{1,63}\.)+[\w-]{2,63}")
_PHONE = re.compile(r"\+?\d[\d\s().-]{7,}\d")
# Mailboxes that belong to a desk, not to a person (RFC 2142 and what salons use).
_ROLES = re.compile(
    r"""abuse|account(?:s|ing)|admin(?:istrator)?|admissions|billing|bookings?|buh|care|clients?|company|contacts?|
    customers?|desk|director|enquiries|finance|frontdesk|hello|help(?:desk)?|hostmaster|hr|info|inquiries|invoice|jobs|
    mail(?:box)?|manager|marketing|media|news(?:letter)?|no-?reply|office|orders?|partners?|post(?:master)?|pr|press|
    privacy|rece(?:ption|pcia)|registration|reservations?|sales|salon|secretary|security|service|shop|studio|subscribe|
    support|team|training|webmaster|welcome|work|zakaz""",
    re.VERBOSE,
)
_TEST_LOCALS = re.compile(
    r"(?:qa|test|tester|testing|dev|demo|fake|asdf|qwerty|aaa+|xxx+|тест)(?:[._+\-]\w+|\d*)", re.I
)
_TEST_DOMAINS = re.compile(r"(?:.*\.)?(?:example\.(?:com|org|net)|test|invalid|localhost|mailinator\.com)")
_TEST_PHONES = re.compile(r"(\d)\1{6,}$|1234567\d*$|^\+1\d{3}55501\d\d$")
_GMAIL = ("gmail.com", "googlemail.com")
BLOT = "[erased]"  # stands where a person asked to be forgotten


def email_identity(value: str | None, key: bytes) -> tuple[str | None, str | None]:
    """(hash, kind) of an e-mail address; kind is personal, role, test or invalid; (None, None) for none at all.

    Normalised: trimmed, NFKC, lower case, the domain in IDNA; for Gmail also without dots and `+tag` in the local part,
    as ad platforms match them. Invalid values have no hash.
    """
    if value is None or not value.strip():
        return None, None
    normal = normal_email(value)
    if normal is None:
        return None, "invalid"
    local, _, domain = normal.partition("@")
    if _TEST_DOMAINS.fullmatch(domain) or _TEST_LOCALS.fullmatch(local):
        kind = "test"
    else:
        kind = "role" if _ROLES.fullmatch(local.split("+")[0]) else "personal"
    return keyed("email", normal, key), kind


def phone_identity(value: str | None, key: bytes, regions: Sequence[str]) -> tuple[str | None, str | None]:
    """(hash, kind) of a phone number; kind is personal, test or invalid. `regions` are for numbers without +code."""
    if value is None or not value.strip():
        return None, None
    number = _phone_number(value, regions)
    if number is None:
        return None, "invalid"
    number.extension = None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return keyed("phone", e164, key), "test" if _TEST_PHONES.search(e164) else "personal"


def _phone_number(value: str, regions: Sequence[str]) -> phonenumbers.PhoneNumber | None:
    """The reading that is a number in use; else one that could be. The plus of a country code may be missing."""
    text = unicodedata.normalize("NFKC", value).strip()
    ways = [(text, None)] if text.startswith("+") else [*((text, one) for one in regions), (f"+{text}", None)]
    readings = []
    for written, region in ways:
        try:
            readings.append(phonenumbers.parse(written, region))
        except phonenumbers.NumberParseException:
            continue
    for is_good in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for number in readings:
            if is_good(number):
                return number
    return None


def normal_email(value: str) -> str | None:
    """The address in its one normal form, or None when it is none."""
    text = unicodedata.normalize("NFKC", value).strip().lower().removeprefix("mailto:")
    if not _EMAIL.fullmatch(text):
        return None
    local, _, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    if domain in _GMAIL:
        local, domain = local.split("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def without_people(text: str, regions: Sequence[str], key: bytes, people: Container[str]) -> str:
    """`text` with the addresses and numbers blotted out whose keyed hash is among `people`."""

    def mail(match: re.Match[str]) -> str:
        return BLOT if email_identity(match[0], key)[0] in people else match[0]

    text = _EMAIL.sub(mail, text)
    if _PHONE.search(text):
        for region in (*regions, None):
            for match in reversed(list(phonenumbers.PhoneNumberMatcher(text, region))):
                if phone_identity(match.raw_string, key, regions)[0] in people:
                    text = f"{text[: match.start]}{BLOT}{text[match.end :]}"
    return text


def scrub(value: Any, regions: Sequence[str]) -> Any:
    """A decoded value with e-mail addresses and phone numbers blotted out: for fields that nobody declared."""
    if isinstance(value, dict):
        return {name: part if name.endswith("__sha256") else scrub(part, regions) for name, part in value.items()}
    if isinstance(value, list):
        return [scrub(part, regions) for part in value]
    if type(value) is not str:  # a number's literal is no text
        return value
    text = _EMAIL.sub("[email]", value)
    if _PHONE.search(text):
        for region in (*regions, None):
            for match in reversed(list(phonenumbers.PhoneNumberMatcher(text, region))):
                text = f"{text[: match.start]}[phone]{text[match.end :]}"
    return text


def keyed(kind: str, normal: str, key: bytes) -> str:
    """The keyed hash (HMAC-SHA-256, hex) that stands for an identifier: nobody makes it without the key."""
    return hmac.new(key, f"{kind}:{normal}".encode(), hashlib.sha256).hexdigest()
