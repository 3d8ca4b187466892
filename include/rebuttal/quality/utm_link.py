"""Building a correct link: registered tags in their registered spelling, put into an address without changing it."""

from __future__ import annotations

import difflib
import re
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit

from rebuttal.errors import ConfigError
from rebuttal.quality.utm_naming import unsafe
from rebuttal.quality.utm_registry import FIELDS, Registry, folded

# What an advertising platform fills in when somebody clicks: {keyword}, {campaignid}.
_PLACEHOLDER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_.:]*\}")


def build(
    registry: Registry,
    url: str,
    *,
    source: str,
    medium: str,
    campaign: str,
    content: str | None = None,
    term: str | None = None,
) -> str:
    """`url` with the tags of a registered link. Its path, query, click ids and fragment stay byte for byte.

    Raises ConfigError naming the tag that is not registered, breaks a rule, or stands in the address already with
    another value, with the registered value that may be meant.
    """
    link = registry.by_tags.get((folded(source), folded(medium), folded(campaign)))
    if link is None:
        raise _unregistered(registry, dict(zip(FIELDS, (source, medium, campaign), strict=True)))
    tags = dict(zip(FIELDS, link.tags, strict=True))
    if content:
        tags["utm_content"] = _content(link.utm_content, content)
    if term:
        tags["utm_term"] = term
    for name, value in tags.items():
        fault = None if _PLACEHOLDER.fullmatch(value) else registry.naming.broken_by(name, value)
        if name in ("utm_content", "utm_term") and not _PLACEHOLDER.fullmatch(value):
            fault = fault or (unsafe(name, value) if name == "utm_content" else None)
        if fault:
            raise ConfigError(fault, next_step="See `naming` in utm.yml")
    return _tagged(url, tags)


def _content(allowed: list[str], content: str) -> str:
    spelled = {folded(one): one for one in allowed}
    if not allowed or _PLACEHOLDER.fullmatch(content):
        return content
    if folded(content) not in spelled:
        raise ConfigError(
            f"utm_content {content!r} is not registered for this link", next_step=f"Use one of {', '.join(allowed)}"
        )
    return spelled[folded(content)]


def _unregistered(registry: Registry, tags: dict[str, str]) -> ConfigError:
    for name, value in tags.items():
        known = registry.spelled[name]
        if folded(value) not in known:
            near = difflib.get_close_matches(folded(value), list(known), 3)
            hint = f"Did you mean {' or '.join(repr(known[one]) for one in near)}? " if near else ""
            return ConfigError(
                f"{name} {value!r} is not registered", next_step=f"{hint}New links go into utm.yml first"
            )
    campaign = folded(tags["utm_campaign"])
    ways = [
        f"{link.utm_source} / {link.utm_medium}" for link in registry.links if folded(link.utm_campaign) == campaign
    ]
    return ConfigError(
        f"No registered link has {', '.join(f'{name}={value}' for name, value in tags.items())} together",
        next_step=f"{tags['utm_campaign']} is registered with {', '.join(ways)}",
    )


def _tagged(url: str, tags: dict[str, str]) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or re.search(r"[\x00-\x20\x7f]", url):
        raise ConfigError(f"{url!r} is not an address of a page", next_step="Give it as https://host/path")
    there = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    for name, value in tags.items():
        if name in there and there[name] != value:
            raise ConfigError(
                f"The address has {name}={there[name]} already, not {value}", next_step="Take that tag out of it first"
            )
    # A tag that nobody asked for would be counted with this link.
    strange = [name for name in there if name.startswith("utm_") and name not in tags and name != "utm_id"]
    if strange:
        raise ConfigError(
            f"The address has {strange[0]} already", next_step="Take it out, or say which value it should have"
        )
    added = "&".join(f"{name}={_encoded(value)}" for name, value in tags.items() if name not in there)
    head, mark, fragment = url.partition("#")
    if not added:
        return url
    joint = "" if head.endswith(("?", "&")) else "&" if "?" in head else "?"
    return f"{head}{joint}{added}{mark}{fragment}"


def _encoded(value: str) -> str:
    encoded = value if _PLACEHOLDER.fullmatch(value) else quote(value, safe="-_.~")
    assert unquote_plus(encoded) == value
    return encoded
