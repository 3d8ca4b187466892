"""What the brand's site tells of its content: `/site/sitemap.xml` (sitemaps.org 0.9) and `/site/feed.xml` (RSS 2.0).

The addresses in it are the brand's; the pages themselves are not served.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faces.wire import Site
from sandbox.world.links import SITE
from sandbox.world.site import PAGES

_NEWEST = 50  # feeds tell of new texts only


def routes(site: Site) -> Sequence[Route]:
    """The two documents, as of the world's now."""

    async def sitemap(_: Request) -> Response:
        root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
        for path in (path for paths in PAGES.values() for path in paths):
            _add(ElementTree.SubElement(root, "url"), loc=f"{SITE}{path}")
        for one in site.world.articles():
            _add(ElementTree.SubElement(root, "url"), loc=one.url, lastmod=one.published_at.isoformat())
        return _xml(root, "application/xml")

    async def feed(_: Request) -> Response:
        root = ElementTree.Element("rss", version="2.0")
        channel = ElementTree.SubElement(root, "channel")
        _add(channel, title="Blog", link=f"{SITE}/blog", description="Training and equipment for salons")
        for one in site.world.articles()[: -_NEWEST - 1 : -1]:
            entry = ElementTree.SubElement(channel, "item")
            _add(entry, title=one.title, link=one.url, guid=one.url, pubDate=format_datetime(one.published_at))
        return _xml(root, "application/rss+xml")

    return [Route("/site/sitemap.xml", sitemap), Route("/site/feed.xml", feed)]


def _add(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = text


def _xml(root: ElementTree.Element, kind: str) -> Response:
    return Response(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), media_type=kind)
