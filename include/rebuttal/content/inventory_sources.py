"""Reading what is published: a sitemap (sitemaps.org 0.9), a feed (RSS 2.0, Atom 1.0) or a CSV, from a file or the web.

Nothing of a document is trusted: no DTD (so no entities of its own and none from elsewhere), bounded size and count,
and a sitemap index may name sitemaps of its own host only. Rows that are wrong are refused one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from rebuttal.configuration import Vocabulary
from rebuttal.content.address import host_and_path
from rebuttal.content.inventory_rows import Listing, Refused, collect, once, read_csv
from rebuttal.errors import ConfigError, ContractError
from rebuttal.outgoing import plain_line

LARGEST = 50_000_000  # bytes, unpacked: the most that sitemaps.org allows
MOST_SITEMAPS = 100
_CHUNK = 65_536
_NEWS_TITLE = "{http://www.google.com/schemas/sitemap-news/0.9}title"  # a plain sitemap tells no titles

Fetch = Callable[[str], bytes]


def read_listing(name: str, content: bytes, vocabulary: Vocabulary, fetch: Fetch) -> Listing:
    """Read a document of any of the three kinds. `fetch` gets the parts of a sitemap index.

    `name` is its path or address, for messages. Raises ContractError for a document that cannot be read as what it
    begins as.
    """
    content = _unpacked(name, content)
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<", b"\xfe\xff")):
        return read_csv(name, content, vocabulary)
    root = _xml(name, content)
    kind = _local(root)
    if kind == "sitemapindex":
        return _index(name, root, fetch)
    if kind == "urlset":
        return collect("sitemap", _sitemap(root))
    if kind in ("rss", "RDF", "feed"):
        return collect("feed", _feed(root))
    raise ContractError(
        f"{name} begins with <{plain_line(kind, 40)}>, which is no sitemap and no feed",
        next_step="Give a sitemap.xml, an RSS or Atom feed, or a CSV",
    )


class _NoDoctype(ElementTree.TreeBuilder):
    """A document type declares entities; no sitemap or feed needs one."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise _Forbidden


class _Forbidden(Exception):
    pass


def _xml(name: str, content: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        for start in range(0, len(content), _CHUNK):
            parser.feed(content[start : start + _CHUNK])
        root = parser.close()
    except _Forbidden:
        raise ContractError(
            f"{name} is an HTML page, or XML with a document type",
            next_step="Give the sitemap or feed, without <!DOCTYPE>",
        ) from None
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ContractError(
            f"{name} is not well-formed XML: {error}", next_step="Check what the address returns"
        ) from None
    assert isinstance(root, ElementTree.Element)
    return root


def _index(name: str, root: ElementTree.Element, fetch: Fetch) -> Listing:
    places = [_text(child, "loc") for child in root]
    if len(places) > MOST_SITEMAPS:
        raise ContractError(f"{name} names more than {MOST_SITEMAPS} sitemaps", next_step="Import them one by one")
    listing = Listing("sitemap")
    own = host_and_path(name)[0] if "://" in name else None
    for place in places:
        try:
            is_own = own is None or host_and_path(place)[0] == own
        except ConfigError as error:
            listing.refused.append(Refused(plain_line(place, 100), error.message))
            continue
        if not is_own:
            listing.refused.append(Refused(plain_line(place, 100), "a sitemap of another host"))
            continue
        part = _xml(place, _unpacked(place, fetch(place)))
        if _local(part) != "urlset":
            raise ContractError(f"{plain_line(place, 100)} is no sitemap", next_step="Check what the address returns")
        more = collect("sitemap", _sitemap(part))
        listing.found += more.found
        listing.refused += more.refused
    return once(listing)


def _sitemap(root: ElementTree.Element) -> Iterator[dict[str, str]]:
    for entry in root:
        if _local(entry) == "url":
            title = next((node.text or "" for node in entry.iter(_NEWS_TITLE)), "")
            yield {"url": _text(entry, "loc"), "title": title, "updated_at": _text(entry, "lastmod"), "kind": ""}


def _feed(root: ElementTree.Element) -> Iterator[dict[str, str]]:
    for entry in root.iter():
        if _local(entry) == "item":
            date = _text(entry, "pubDate") or _text(entry, "date")
            yield {"url": _text(entry, "link"), "title": _text(entry, "title"), "published_at": date, "kind": "article"}
        elif _local(entry) == "entry":
            links = [node for node in entry if _local(node) == "link" and node.get("rel", "alternate") == "alternate"]
            yield {
                "url": links[0].get("href", "") if links else "",
                "title": _text(entry, "title"),
                "published_at": _text(entry, "published"),
                "updated_at": _text(entry, "updated"),
                "kind": "article",
            }


def _unpacked(name: str, content: bytes) -> bytes:
    """The content, unpacked when it is gzip (sitemaps may be); never more than LARGEST."""
    if content[:2] == b"\x1f\x8b":
        unpack = zlib.decompressobj(wbits=31)
        try:
            content = unpack.decompress(content, LARGEST + 1)
        except zlib.error:
            raise ContractError(f"{name} is broken gzip", next_step="Fetch it again") from None
    if len(content) > LARGEST:
        raise ContractError(
            f"{name} is larger than {LARGEST:,} bytes", next_step="Split it; an index may name the parts"
        )
    return content


def _local(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _text(node: ElementTree.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in node if _local(child) == name), "")
