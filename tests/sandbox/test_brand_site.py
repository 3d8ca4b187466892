"""The brand's sitemap and feed: they show what is on the site by now, and the next text when it is out."""

from __future__ import annotations

from datetime import date
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import requests
from serving import Serve

from sandbox.world import build

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}url/{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def test_what_is_published_is_listed_and_nothing_of_the_future(serve: Serve) -> None:
    world = build(3, 1, date(2026, 11, 15), 0.02)
    served = serve(world)
    places = {}
    for days in (0, 60):
        if days:
            served.operate("advance", {"days": days})
        told = requests.get(f"{served.url}/site/sitemap.xml", timeout=30)
        assert told.headers["Content-Type"].startswith("application/xml")
        places[days] = [node.text for node in ElementTree.fromstring(told.content).findall(LOC)]
        feed = ElementTree.fromstring(requests.get(f"{served.url}/site/feed.xml", timeout=30).content)
        items = feed.findall("channel/item")
        dates = [parsedate_to_datetime(item.findtext("pubDate", "")) for item in items]
        assert dates == sorted(dates, reverse=True)
        assert len(dates) >= 12
        assert dates[0] <= world.now
        assert {item.findtext("link") for item in items} <= set(places[days])
    assert "https://brand.example/blog/is-it-expensive" in places[0]
    assert "https://brand.example/prices" in places[0]
    assert set(places[0]) < set(places[60])
