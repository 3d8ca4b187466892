"""What is wrong with a visit's tags, judged against the registered links. A pure function over one tuple of tags.

A visit with a bad tag is still a visit. `*_norm` is the tag in its registered spelling when only case and spaces
differ or when a person has accepted it as an alias, else the tag as it came: a spelling variant is only suggested.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import permutations

from rebuttal.quality.spelling import suggestion
from rebuttal.quality.utm_registry import FIELDS, NAMED, Link, Registry, folded

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
    """The first fault that applies, from the most certain to the least; `ok`, `untagged`, `alias` (a person accepted
    the variant) and `ai_assistant` are no faults.
    """
    meant = accepted(tags, registry)
    link = _registered(meant.values, registry)
    status, detail = _status(meant, link, registry)
    if meant != tags and status in ("ok", "case_variant"):
        status, detail = "alias", f"accepted: {_changes(tags, meant)}"
    norms = [_spelled(value, registry.spelled[name]) for name, value in zip(FIELDS, meant.values, strict=True)]
    contents = {folded(content): content for content in link.utm_content} if link else {}
    source, medium, campaign = norms
    return Finding(status, detail, source, medium, campaign, _spelled(meant.utm_content, contents), tags.utm_term)


def accepted(tags: Tags, registry: Registry) -> Tags:
    """The tags with accepted aliases put in; what nobody decided about stays."""
    if not registry.aliases:
        return tags
    source, medium, campaign = (
        registry.accepted(name, value) or value for name, value in zip(FIELDS, tags.values, strict=True)
    )
    meant = replace(tags, utm_source=source, utm_medium=medium, utm_campaign=campaign)
    link = _registered(meant.values, registry)
    content = registry.accepted("utm_content", tags.utm_content)
    # Contents belong to their link: elsewhere the same letters may be meant.
    return replace(meant, utm_content=content) if link and content and content in link.utm_content else meant


def suggested(tags: Tags, registry: Registry) -> tuple[Link, dict[str, str]] | None:
    """The one link that misspelt tags are a slip of, and tag -> its registered value where they differ; else None."""
    meant = accepted(tags, registry)
    link = _registered(meant.values, registry)
    if link:
        close = _close_content(meant.utm_content, link, registry)
        return (link, {"utm_content": close}) if close else None
    link = _misspelt(meant, registry) if all(meant.values) else None
    if link is None:
        return None
    pairs = zip(FIELDS, meant.values, link.tags, strict=True)
    return link, {name: value for name, typed, value in pairs if folded(typed or "") != folded(value)}


def _status(tags: Tags, link: Link | None, registry: Registry) -> tuple[str, str | None]:
    assistant = registry.assistant(tags.utm_source or tags.referrer_host)
    if not any((*tags.values, tags.utm_content, tags.utm_term)):
        if tags.clicks:
            return "missing_on_paid_click", f"paid click of {_listed(tags.clicks)} without tags"
        return ("ai_assistant", f"came from {assistant}") if assistant else ("untagged", None)
    if assistant and tags.utm_source and not tags.utm_campaign:
        if tags.clicks:
            return "contradicts_click_id", f"click id of {_listed(tags.clicks)}, tags of the AI assistant {assistant}"
        return "ai_assistant", f"tagged by {assistant}"
    absent = [name for name, value in zip(FIELDS, tags.values, strict=True) if not value]
    if absent and tags.clicks:
        return "missing_on_paid_click", f"paid click of {_listed(tags.clicks)} without {_listed(absent)}"
    if link is None and (swapped := _swapped(tags, registry)):
        return "swapped_fields", f"meant: {swapped}"
    if contradiction := _contradicts_click(tags, link, registry):
        return "contradicts_click_id", contradiction
    if link is not None and (contradiction := _contradicts_referrer(tags)):
        return "contradicts_referrer", contradiction
    return _against_registry(tags, link, registry, absent)


def _against_registry(tags: Tags, link: Link | None, registry: Registry, absent: list[str]) -> tuple[str, str | None]:
    if link is None:
        if absent:
            return "unregistered", f"without {_listed(absent)}"
        if close := _misspelt(tags, registry):
            return "spelling_variant", f"suggested: {_told(close)}"
        unknown = [
            f"{name}={value}"
            for name, value in zip(FIELDS, tags.values, strict=True)
            if value and folded(value) not in registry.spelled[name]
        ]
        return "unregistered", ", ".join(unknown) or "no registered link has these tags together"
    content = _against_contents(tags.utm_content, link, registry)
    differing = [
        f"{name}={registered}"
        for name, value, registered in zip(FIELDS, tags.values, link.tags, strict=True)
        if value != registered
    ]
    if differing:
        also = f"; {content[0]}: {content[1]}" if content else ""
        return "case_variant", f"registered: {', '.join(differing)}{also}"
    return content or ("ok", None)


def _against_contents(content: str | None, link: Link, registry: Registry) -> tuple[str, str] | None:
    """What is wrong with the content of a registered link, if anything."""
    if not content or not link.utm_content:
        return None
    allowed = {folded(one): one for one in link.utm_content}
    if folded(content) in allowed:
        meant = allowed[folded(content)]
        return None if meant == content else ("case_variant", f"registered: utm_content={meant}")
    if close := _close_content(content, link, registry):
        return "spelling_variant", f"suggested: utm_content={close}"
    return "unregistered", f"utm_content={content}"


def _close_content(content: str | None, link: Link, registry: Registry) -> str | None:
    """The content of this link that `content` is a slip of; None also when it may be one of another link."""
    values = registry.spelled["utm_content"]
    if not content or not link.utm_content or folded(content) in {folded(one) for one in link.utm_content}:
        return None
    close = _slip_of("utm_content", folded(content), registry)
    return values[close] if close and values[close] in link.utm_content else None


def _slip_of(name: str, typed: str, registry: Registry) -> str | None:
    """The one registered value (folded) that a folded value may be a slip of, unless a person said that it is not."""
    values = registry.spelled[name]
    close = None if typed in values else suggestion(typed, values, is_code_free=name == "utm_medium")
    return None if close is None or (name, typed, close) in registry.rejected else close


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


def _misspelt(tags: Tags, registry: Registry) -> Link | None:
    """The one link that the tags are a slip of: each tag registered as it is, or a slip of one registered value."""
    typed = [folded(value or "") for value in tags.values]
    meant = tuple(_slip_of(name, one, registry) or one for name, one in zip(FIELDS, typed, strict=True))
    return registry.by_tags.get(meant)


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


def _changes(tags: Tags, meant: Tags) -> str:
    written = ((name, getattr(tags, name), getattr(meant, name)) for name in NAMED)
    return ", ".join(f"{name}={before} means {after}" for name, before, after in written if before != after)


def _told(link: Link) -> str:
    return ", ".join(f"{field}={value}" for field, value in zip(FIELDS, link.tags, strict=True))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
