"""Reading sitemaps, feeds and tables: what is right is taken over once, what is wrong is refused with its reason."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.configuration import load_vocabulary
from rebuttal.content import inventory_sources
from rebuttal.content.address import canonical, host_and_path, words_of
from rebuttal.content.inventory_fetch import fetcher
from rebuttal.content.inventory_rows import Listing
from rebuttal.content.inventory_sources import read_listing
from rebuttal.errors import ConfigError, ContractError, RebuttalError, UnavailableError
from rebuttal.settings import PROJECT_ROOT

VOCABULARY = load_vocabulary(PROJECT_ROOT / "include" / "config")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
MAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def nothing(url: str) -> bytes:
    raise AssertionError(f"asked for {url}")


def read(text: str | bytes, fetch: Callable[[str], bytes] = nothing, name: str = "https://brand.example/x") -> Listing:
    return read_listing(name, text.encode() if isinstance(text, str) else text, VOCABULARY, fetch)


def sitemap(*urls: str) -> str:
    entries = "".join(f"<url><loc>{url}</loc><lastmod>2026-03-01</lastmod></url>" for url in urls)
    return f"{HEAD}<urlset {MAP}>{entries}</urlset>"


def test_a_sitemap_gives_addresses_and_titles_made_of_them() -> None:
    listing = read(sitemap("https://www.Brand.example/blog/is-it-expensive/?utm_source=x#top", "https://brand.example"))
    assert (listing.kind, listing.refused) == ("sitemap", [])
    first, second = listing.found
    assert (first.url, first.title) == ("https://brand.example/blog/is-it-expensive", "Is it expensive")
    assert (first.is_title_given, first.updated_at) == (False, datetime(2026, 3, 1, tzinfo=UTC))
    assert (second.url, second.title) == ("https://brand.example", "brand.example")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_gzip(packed: bool, encoding: str) -> None:
    declared = "UTF-16" if encoding == "utf-16" else "UTF-8"
    text = f'<?xml version="1.0" encoding="{declared}"?><rss><channel><item><title>Ціни й відгуки</title>'
    text += (
        "<link>https://brand.example/a</link><pubDate>Mon, 02 Mar 2026 10:00:00 +0200</pubDate></item></channel></rss>"
    )
    content = text.encode(encoding)
    (found,) = read(gzip.compress(content) if packed else content).found
    assert (found.title, found.is_title_given, found.kind) == ("Ціни й відгуки", True, "article")
    assert found.published_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_an_atom_feed_is_read_by_its_alternate_link() -> None:
    (found,) = read(
        f'{HEAD}<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry><title>One &amp; only</title>'
        '<link rel="edit" href="https://brand.example/edit/1"/><link href="https://brand.example/1"/>'
        "<published>2026-03-01T10:00:00Z</published></entry></feed>"
    ).found
    assert (found.url, found.title) == ("https://brand.example/1", "One & only")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
THIEF = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
AFAR = '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'


@pytest.mark.parametrize("doctype", [BOMB, THIEF, AFAR, "<!DOCTYPE html>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_any_of_its_entities(doctype: str, encoding: str) -> None:
    declared = "UTF-16" if encoding == "utf-16" else "UTF-8"
    body = f"<urlset {MAP}><url><loc>https://brand.example/&a;</loc></url></urlset>"
    with pytest.raises(ContractError, match="document type"):
        read(f'<?xml version="1.0" encoding="{declared}"?>{doctype}{body}'.encode(encoding))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}<urlset {MAP}><url>", "not well-formed"),
        (f"{HEAD}<urlset {MAP}><url><loc>&unknown;</loc></url></urlset>", "not well-formed"),
        ('<?xml version="1.0" encoding="no-such"?><urlset/>', "not well-formed"),
        ("<html><body>Not found</body></html>", "begins with <html>"),
        ("address;title\nx;y", "no column 'url'"),
        ("url;adress\nhttps://brand.example;y", "mean nothing: adress"),
        ("url;url\nhttps://brand.example;y", "mean nothing: one twice"),
        ('url\n"https://brand.example', "line"),
        (b"url\n\xff\xfe\xfd", "not UTF-8"),
        (b"\x1f\x8bnot gzip", "broken gzip"),
        (b"", "no column 'url'"),
    ],
)
def test_what_is_no_listing_is_refused_as_a_whole(text: str | bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        read(text)


def test_size_and_count_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_sources, "LARGEST", 10_000)
    with pytest.raises(ContractError, match="larger than 10,000 bytes"):
        read(gzip.compress(b"<" + b" " * 10_000_000))
    monkeypatch.undo()
    many = "".join(f"https://brand.example/{n}\n" for n in range(50_001))
    with pytest.raises(ContractError, match="more than 50000"):
        read("url\n" + many)


def test_a_deeply_nested_document_ends_in_words() -> None:
    text = f"<urlset {MAP}>" + "<url>" * 100_000 + "</url>" * 100_000 + "</urlset>"
    assert [one.reason for one in read(text).refused] == ["an address must be a whole http or https URL"]


def test_rows_of_a_csv_are_judged_one_by_one() -> None:
    listing = read(
        "url;title;id;kind;published_at;role;answers;share\n"
        "https://brand.example/prices;Prices;prices;page;2026-01-05;help decide;price; terms \n".replace(
            "; terms ", ";0,4"
        )
        + 'https://brand.example/a;"Pay; in parts";;;;;"terms;price/no_budget";\n'
        "ftp://brand.example/b;;;;;;;\n"
        "https://user:secret@brand.example/c;;;;;;;\n"
        "https://brand.example/d;;;;;help decid;;\n"
        "https://brand.example/e;;;;;;pricee;\n"
        "https://brand.example/f;;;;;;price/unheard;\n"
        "https://brand.example/g;;;;;;price;2\n"
        "https://brand.example/h;Call +380 67 123 45 67;;;;;;\n"
        "https://brand.example/i;;;;someday;;;\n"
        "https://brand.example/j;;../../x;;;;;\n"
        "https://brand.example/k;too;few\n"
        "\n"
        "https://www.brand.example/prices/;again;;;;;;\n"
    )
    assert [one.url.rsplit("/", 1)[1] for one in listing.found] == ["prices", "a"]
    prices, parts = listing.found
    assert (prices.item_id, prices.role, prices.answers, prices.share) == ("prices", "help decide", ("price",), 0.4)
    assert (parts.title, parts.answers) == ("Pay; in parts", ("terms", "price/no_budget"))
    reasons = {one.place: one.reason for one in listing.refused}
    assert len(reasons) == 11
    assert "http or https" in reasons["row 4"]
    assert "user or password" in reasons["row 5"]
    assert "secret" not in str(reasons)
    assert "role must be one of" in reasons["row 6"]
    assert "did you mean 'price'?" in reasons["row 7"]
    assert "no category and no theme" in reasons["row 8"]
    assert "0 to 1" in reasons["row 9"]
    assert "phone" in reasons["row 10"]
    assert "67 123" not in reasons["row 10"]
    assert "no date" in reasons["row 11"]
    assert "id is" in reasons["row 12"]
    assert "fewer values" in reasons["row 13"]
    assert reasons["https://brand.example/prices"] == "the address is there twice"


def test_an_index_leads_to_sitemaps_of_its_own_host_only() -> None:
    one, other = "https://brand.example/a", "https://brand.example/b"
    parts = {"https://brand.example/1.xml": sitemap(one), "https://www.brand.example/2.xml": sitemap(one, other)}
    places = [*parts, "http://169.254.169.254/latest", "file:///etc/passwd"]
    index = f"{HEAD}<sitemapindex {MAP}>" + "".join(f"<sitemap><loc>{p}</loc></sitemap>" for p in places)
    listing = read(index + "</sitemapindex>", lambda url: parts[url].encode())
    assert [one.url for one in listing.found] == ["https://brand.example/a", "https://brand.example/b"]
    assert [one.reason for one in listing.refused] == [
        "a sitemap of another host",
        "an address must be a whole http or https URL",
    ]


@given(st.sampled_from(["http", "https", "HTTPS"]), st.sampled_from(["", "www.", "WWW."]),
       st.lists(st.text("abcäї %-_~2", min_size=1, max_size=6), max_size=3), st.booleans(),
       st.sampled_from(["", "?utm_source=a&gclid=B", "?fbclid=1"]), st.sampled_from(["", "#top"]))  # fmt: skip
def test_one_page_has_one_address_however_it_is_written(
    scheme: str, www: str, parts: list[str], slash: bool, tags: str, fragment: str
) -> None:
    from urllib.parse import quote

    path = "".join(f"/{quote(part)}" for part in parts)
    plain = f"https://brand.example{path}"
    written = f"{scheme}://{www}Brand.Example{path}{'/' if slash else ''}{tags}{fragment}"
    assert canonical(written) == canonical(plain)
    assert canonical(canonical(written)) == canonical(written)
    assert host_and_path(written) == host_and_path(plain)


def test_a_query_that_tells_pages_apart_stays_and_hides_them_from_paths() -> None:
    assert canonical("https://b.example/?p=12&utm_source=x") == "https://b.example?p=12"
    assert host_and_path("https://b.example/?p=12") == ("b.example", None)
    assert words_of("https://b.example/blog/who_trains-you.html") == "Who trains you"


@pytest.mark.parametrize(
    "url", ["", "brand.example", "javascript:alert(1)", "https://", "https://a b.example",
            "https://b.example/" + "x" * 3000, "https://b.example:99999/", "https://[::1", "//b.example/x", "https://b.example/\nx"]
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        canonical(url)


class _Site(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        if self.path == "/good":
            self._send(200, sitemap(f"http://127.0.0.1:{port}/a").encode())
        elif self.path == "/cut":
            self._send(200, b"<urlset", length=500)
        elif self.path == "/busy":
            self._send(503, b"")
        elif self.path == "/moved":
            self._send(301, b"", location="/good")
        elif self.path == "/away":
            self._send(302, b"", location="http://localhost.example:1/x")
        elif self.path == "/round":
            self._send(302, b"", location="/round")
        elif self.path == "/endless":
            self._send(200, b"<" + b" " * 2_000_000)
        else:
            self._send(404, b"<html>no</html>")

    def _send(self, status: int, body: bytes, length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_site_is_read_and_followed_within_its_host(site: str) -> None:
    for path in ("/good", "/moved"):
        assert len(read(fetcher(site + path)(site + path), name=site + path).found) == 1


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("/none", ContractError, "answers 404"),
        ("/busy", UnavailableError, "answers 503"),
        ("/cut", UnavailableError, "cannot be read|was cut"),
        ("/away", ContractError, "another host"),
        ("/round", ContractError, "without end"),
        ("/endless", ContractError, "larger than"),
    ],
)
def test_a_site_that_misbehaves_is_told_in_words(
    site: str, path: str, error: type[RebuttalError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rebuttal.content.inventory_fetch.LARGEST", 1_000_000)
    with pytest.raises(error, match=message):
        fetcher(site + path)(site + path)
