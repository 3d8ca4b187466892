"""The address a visit arrives with: tags as typed, click ids, and all that happens to them on the way."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sandbox.parameters import Parameters
from sandbox.world import site
from sandbox.world.life import Visit
from sandbox.world.links import LINKS, OLD_LINK, SITE, TWIN, Link, tags_of
from sandbox.world.outages import is_out
from sandbox.world.population import Person
from sandbox.world.slips import Slip, misspelt, relative, slip_of
from sandbox.world.streams import Part, number, unit

CLICK_PARAMETER = {"google-ads": "gclid", "yandex-direct": "yclid"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a visit arrives. `should` are the tags it ought to have, `fault` what went wrong (empty: nothing)."""

    url: str
    referrer: str
    tags: dict[str, str]
    should: dict[str, str]
    click: str  # gclid, yclid or empty
    click_id: str  # the id of the click, also where it was lost on the way
    has_click_id: bool
    fault: str
    slip: Slip | None = None  # with a misspelt tag


def click_id(platform: str, *name: Part) -> str:
    """The click id a platform gives; Google's is case-sensitive."""
    if platform == "google-ads":
        raw = b"".join(number(*name, index).to_bytes(8, "big") for index in range(6))
        return "Cj0KCQiA" + urlsafe_b64encode(raw).decode().rstrip("=") + "_wcB"
    return str(10**18 + number(*name, bits=62))


def _spoiled(tags: dict[str, str], fault: str, draw: int) -> dict[str, str]:
    field = ("utm_campaign", "utm_source", "utm_campaign", "utm_medium")[draw % 4]
    if fault == "misspelt":
        if draw % 5 == 0 and len(tags.get("utm_content", "")) > 2:
            field = "utm_content"
        return {**tags, field: misspelt(tags[field], draw // 4)}
    if fault == "case":
        value = tags[field]
        return {**tags, field: (value.title(), value.upper(), value.upper(), f"{value} ")[draw // 4 % 4]}
    if fault == "swapped":
        return {**tags, "utm_source": tags["utm_medium"], "utm_medium": tags["utm_source"]}
    return tags


def _fault(u: float, parameters: Parameters, link: Link, is_paid: bool, channel: str) -> str:
    rates = parameters.tags
    table = [
        ("misspelt", rates.misspelt),
        ("case", rates.case),
        ("swapped", rates.swapped),
        ("stripped", rates.stripped),
    ]
    if is_paid:
        table += [("missing", rates.missing), ("contradicts_click", rates.contradicts_click)]
    if channel in ("email", "social"):
        table.append(("contradicts_referrer", rates.contradicts_referrer * 2))
    if link.key in TWIN:
        table.append(("twin", rates.twin))
    if is_paid and link.is_registered:
        table.append(("relative", rates.relative))
    for fault, rate in table:
        u -= rate
        if u < 0:
            return fault
    return ""


def arrive(seed: int, who: Person, visit: Visit, parameters: Parameters) -> Arrival:
    """How the visit arrives at the site."""
    name = (seed, "arrival", who.key, visit.slot)
    link, ad = visit.link, visit.ad
    draw = number(*name, "draw", bits=40)
    referrer = site.referrer(visit.channel, who.language, link.utm_source if link else "", unit(*name, "referrer"))
    path = visit.pages[0][1]
    if link is None:
        return _unpaid(name, visit, referrer, path, parameters)
    platform = link.platform
    click = CLICK_PARAMETER.get(platform, "")
    identifier = click_id(platform, *name, "click") if ad else ""
    content = ad.content if ad else link.contents[draw % len(link.contents)] if link.contents else ""
    should = tags_of(link, content, as_typed=False)
    tags = tags_of(link, content) if link.is_tagged else {}
    has_click = bool(identifier) and unit(*name, "kept") < parameters.analytics.gclid_kept
    fault = ""
    if not link.is_tagged:
        fault = "missing"
    elif ad and is_out(seed, link, visit.at, parameters.tags):
        tags, fault = {}, "missing"
    elif link.typed:
        fault = "case" if link.typed[0][1].lower() == link.utm_source else "misspelt"
    elif fault := _fault(unit(*name, "fault"), parameters, link, bool(ad), visit.channel):
        if fault in ("missing", "stripped"):
            tags = {}
            has_click = has_click and fault == "missing"
            referrer = referrer if fault == "missing" else ""
        elif fault == "contradicts_click":
            others = [one for one in LINKS if one.platform and one.platform != platform and one.is_tagged]
            tags = tags_of(others[draw % len(others)], "")
        elif fault == "contradicts_referrer":
            referrer = "https://t.me/" if visit.channel == "email" else "https://beautyforum.example/"
        elif fault == "twin":
            twin = TWIN[link.key]
            tags = tags_of(twin, twin.contents[draw % len(twin.contents)] if twin.contents else "")
        elif fault == "relative":
            # A campaign in its own right that nobody registered: these tags are what they should be.
            tags = should = {**should, "utm_campaign": relative(link.utm_campaign, draw)}
        else:
            tags = _spoiled(tags, fault, draw)
    elif not link.is_registered:
        fault = "unregistered"
    query = dict(tags)
    if has_click:
        query[click] = identifier
    slip = slip_of(tags, should) if fault == "misspelt" else None
    return Arrival(
        _address(path, query), referrer, tags, should, click if identifier else "", identifier, has_click, fault, slip
    )


def _unpaid(name: tuple[Part, ...], visit: Visit, referrer: str, path: str, parameters: Parameters) -> Arrival:
    """A visit that followed none of the company's links; some still carry tags of somebody else's making."""
    tags: dict[str, str] = {}
    fault = ""
    if visit.channel == "referral" and unit(*name, "old") < parameters.tags.old_link * 5:
        tags, fault = tags_of(OLD_LINK, OLD_LINK.contents[0]), "old_link"
    elif visit.channel == "ai_assistant" and unit(*name, "assistant") < 0.6:
        source = site.ASSISTANT_TAGS.get(urlsplit(referrer).hostname or "")
        tags, fault = ({"utm_source": source}, "unregistered") if source else ({}, "")
    return Arrival(_address(path, tags), referrer, tags, {}, "", "", False, fault)


def _address(path: str, query: dict[str, str]) -> str:
    text = "&".join(f"{key}={quote(value, safe='-_.')}" for key, value in query.items())
    return SITE + path + ("?" + text if text else "")
