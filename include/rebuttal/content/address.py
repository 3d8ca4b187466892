"""One address for one piece: the same page is written with and without `www.`, a last slash, tags and fragments."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from rebuttal.errors import ConfigError

_TRACKING = ("utm_", "gclid", "yclid", "fbclid", "msclkid", "gbraid", "wbraid", "ysclid", "_openstat", "mc_")
_LONGEST = 2048  # what sitemaps.org allows
_SAFE = "/:@!$&'()*+,;=~-._"


def canonical(url: str) -> str:
    """`https://host/path`, host in lower case without `www.`, no last slash, no tracking tags, no fragment.

    Scheme and `www.` never tell two pages apart. Raises ConfigError for what is no web address.
    """
    parts = _split(url)
    query = urlencode(_telling(parts))
    return urlunsplit(("https", _host(parts), _path(parts), query, ""))


def host_and_path(url: str) -> tuple[str, str | None]:
    """What analytics can know a page by. The path has no last slash ('' is the front page); None where a query tells
    pages apart, which the paths of hits do not show."""
    parts = _split(url)
    return _host(parts), None if _telling(parts) else _path(parts)


def words_of(url: str) -> str:
    """`is-it-expensive` as `Is it expensive`: a title for who has none; the host for a front page."""
    parts = _split(url)
    last = unquote(_path(parts)).rsplit("/", 1)[-1].rsplit(".", 1)[0]
    words = " ".join(last.replace("-", " ").replace("_", " ").split())
    return words[:1].upper() + words[1:] if words else _host(parts)


def _split(url: str) -> SplitResult:
    text = url.strip()
    try:
        parts = urlsplit(text)
        is_address = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or len(text) > _LONGEST or any(c.isspace() or ord(c) < 32 for c in text):
        raise ConfigError("an address must be a whole http or https URL", next_step="Write https://host/path")
    if parts.username or parts.password:
        raise ConfigError("an address must not hold a user or password", next_step="Write https://host/path")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower().rstrip(".").removeprefix("www.")
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        raise ConfigError("the host of an address is not valid", next_step="Check its spelling") from None
    return host if parts.port in (None, 80, 443) else f"{host}:{parts.port}"


def _path(parts: SplitResult) -> str:
    return quote(unquote(parts.path), safe=_SAFE).rstrip("/")


def _telling(parts: SplitResult) -> list[tuple[str, str]]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    return sorted((name, value) for name, value in pairs if not name.lower().startswith(_TRACKING))
