"""What is wrong with a visit's tags, judged against the registered links. A pure function over one tuple of tags.

A visit with a bad tag is still a visit. `*_norm` is the tag in its registered spelling when only case and spaces
differ, else the tag as it came: a spelling variant is suggested in the detail and applied only when a person has
accepted it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from rebuttal.quality.spelling import suggestion
from rebuttal.quality.utm_registry import FIELDS, Link, Registry, folded

# Whose pages a host is, and who sends visitors under a source's name; only pairs of two known, different families
# contradict one another. Display advertisements stand on anybody's pages.
_HOSTS = {
    "google": ("google.", "youtube.com", "youtu.be", "googleadservices.com", "doubleclick.net"),
    "yandex": ("yandex.", "ya.ru"),
    "meta": ("facebook.com", "instagram.com", "fb.com"),
    "telegram": ("t.me", "telegram.org", "telegram.me"),
    "vk": ("vk.com", "vk.ru"),
    "tiktok": ("tiktok.com",),
}
_SENDERS = {
    "google": ("google", "youtube", "adwords"),
    "yandex": ("yandex", "direct"),
    "meta": ("facebook", "instagram", "fb", "ig", "meta"),
    "telegram": ("telegram", "tg"),
    "vk": ("vk", "vkontakte"),
    "tiktok": ("tiktok",),
    "mail": ("newsletter", "email", "e-mail", "mail"),
}
_MAIL_HOSTS = ("mail.", "outlook.", "gmail.")
_ANYWHERE = ("display", "cpm", "banner")


@dataclass(frozen=True)
class Tags:
    """What a visit arrived with. `clicks` are the platforms whose click id is there."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    clicks: frozenset[str] = frozenset()
    referrer_host: str | None = None

    @property
    def values(self) -> tuple[str | None, str | None, str | None]:
        """Source, medium, campaign."""
        return self.utm_source, self.utm_medium, self.utm_campaign


@dataclass(frozen=True)
class Finding:
    """A visit's `utm_status`, its `utm_detail` (None when there is nothing to say), and what its tags mean."""

    status: str
    detail: str | None
    utm_source_norm: str | None
    utm_medium_norm: str | None
    utm_campaign_norm: str | None
    utm_content_norm: str | None
    utm_term_norm: str | None


def judge(tags: Tags, registry: Registry) -> Finding:
    """The first fault that applies, from the most certain to the least; `ok` and `untagged` are no faults."""
    link = _registered(tags.values, registry)
    status, detail = _status(tags, link, registry)
    norms = [_spelled(value, registry.spelled[field]) for field, value in zip(FIELDS, tags.values, strict=True)]
    contents = {folded(content): content for content in link.utm_content} if link else {}
    source, medium, campaign = norms
    return Finding(status, detail, source, medium, campaign, _spelled(tags.utm_content, contents), tags.utm_term)


def _status(tags: Tags, link: Link | None, registry: Registry) -> tuple[str, str | None]:
    if not any((*tags.values, tags.utm_content, tags.utm_term)):
        if tags.clicks:
            return "missing_on_paid_click", f"paid click of {_listed(tags.clicks)} without tags"
        return "untagged", None
    absent = [field for field, value in zip(FIELDS, tags.values, strict=True) if not value]
    if absent and tags.clicks:
        return "missing_on_paid_click", f"paid click of {_listed(tags.clicks)} without {_listed(absent)}"
    if link is None and (meant := _swapped(tags, registry)):
        return "swapped_fields", f"meant: {meant}"
    if contradiction := _contradicts_click(tags, link, registry):
        return "contradicts_click_id", contradiction
    if link is not None and (contradiction := _contradicts_referrer(tags)):
        return "contradicts_referrer", contradiction
    return _against_registry(tags, link, registry, absent)


def _against_registry(tags: Tags, link: Link | None, registry: Registry, absent: list[str]) -> tuple[str, str | None]:
    if link is None:
        if absent:
            return "unregistered", f"without {_listed(absent)}"
        meant = _misspelt(tags, registry)
        if meant:
            return "spelling_variant", f"suggested: {meant}"
        unknown = [
            f"{field}={value}"
            for field, value in zip(FIELDS, tags.values, strict=True)
            if value and folded(value) not in registry.spelled[field]
        ]
        return "unregistered", ", ".join(unknown) or "no registered link has these tags together"
    content = _against_contents(tags.utm_content, link)
    differing = [
        f"{field}={registered}"
        for field, value, registered in zip(FIELDS, tags.values, link.tags, strict=True)
        if value != registered
    ]
    if differing:
        also = f"; {content[0]}: {content[1]}" if content else ""
        return "case_variant", f"registered: {', '.join(differing)}{also}"
    return content or ("ok", None)


def _against_contents(content: str | None, link: Link) -> tuple[str, str] | None:
    """What is wrong with the content of a registered link, if anything."""
    if not content or not link.utm_content:
        return None
    allowed = {folded(one): one for one in link.utm_content}
    if folded(content) in allowed:
        meant = allowed[folded(content)]
        return None if meant == content else ("case_variant", f"registered: utm_content={meant}")
    close = suggestion(folded(content), allowed)
    if close:
        return "spelling_variant", f"suggested: utm_content={allowed[close]}"
    return "unregistered", f"utm_content={content}"


def _registered(values: Iterable[str | None], registry: Registry) -> Link | None:
    return registry.by_tags.get(tuple(folded(value or "") for value in values))


def _spelled(value: str | None, registered: dict[str, str]) -> str | None:
    return value if value is None else registered.get(folded(value), value)


def _swapped(tags: Tags, registry: Registry) -> str | None:
    for order in permutations(range(3)):
        link = _registered([tags.values[place] for place in order], registry)
        if link:
            return _told(link)
    return None


def _misspelt(tags: Tags, registry: Registry) -> str | None:
    """The one link that the tags are a slip of: each field registered as it is, or a slip of that link's value."""
    typed = [folded(value or "") for value in tags.values]
    close: dict[str, Link] = {}
    for link in registry.links:
        if all(
            one == folded(other) or suggestion(one, [folded(other)]) is not None
            for one, other in zip(typed, link.tags, strict=True)
        ):
            close[_told(link)] = link
    return next(iter(close)) if len(close) == 1 else None


def _contradicts_click(tags: Tags, link: Link | None, registry: Registry) -> str | None:
    expected = frozenset([link.platform]) if link else registry.platforms(tags.utm_source or "")
    if not tags.clicks or not expected or tags.clicks & expected:
        return None
    return f"click id of {_listed(tags.clicks)}, tags of {_listed(one or 'unpaid links' for one in expected)}"


def _contradicts_referrer(tags: Tags) -> str | None:
    if not tags.referrer_host or folded(tags.utm_medium or "") in _ANYWHERE:
        return None
    sender = next((family for family, names in _SENDERS.items() if folded(tags.utm_source or "") in names), None)
    host = tags.referrer_host.casefold()
    if host.startswith(_MAIL_HOSTS):
        page = "mail"
    else:
        page = next((family for family, names in _HOSTS.items() if _is_of(host, names)), "")
    if sender is None or not page or page == sender or (page == "mail" and sender != "telegram" and sender != "vk"):
        return None
    return f"tags say {folded(tags.utm_source or '')}, the visitor came from {host}"


def _is_of(host: str, names: tuple[str, ...]) -> bool:
    parts = host.split(".")
    tails = [".".join(parts[start:]) for start in range(len(parts))]
    return any(tail == name or (name.endswith(".") and tail.startswith(name)) for name in names for tail in tails)


def _told(link: Link) -> str:
    return ", ".join(f"{field}={value}" for field, value in zip(FIELDS, link.tags, strict=True))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
