"""Getting a sitemap or feed: from a file, or from the web with bounds on time, size and where a redirect may lead."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import requests

from rebuttal.content.address import host_and_path
from rebuttal.content.inventory_sources import LARGEST, Fetch
from rebuttal.errors import ConfigError, ContractError, UnavailableError
from rebuttal.hosts import Reach

_TIMEOUT = (5.0, 30.0)  # connect, read; seconds
_MOST_REDIRECTS = 5
_CHUNK = 65_536


def fetcher(source: str) -> Fetch:
    """How to get `source` and, if it is an index on the web, its parts. A file leads nowhere else."""
    if source.lower().startswith(("http://", "https://")):
        own = host_and_path(source)[0]
        return lambda url: _fetch(url, own)
    return lambda path: _read(path, source)


def _read(path: str, source: str) -> bytes:
    if path != source:
        raise ConfigError(f"{source} is an index of sitemaps elsewhere", next_step="Give the address of the index")
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise ContractError(f"{path} is larger than {LARGEST:,} bytes", next_step="Split it")
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", next_step="Check the path") from None


def _fetch(url: str, own: str) -> bytes:
    """The body at `url`, following redirects within the host `own` (with or without `www.`)."""
    with Reach([]) as session:
        for _ in range(_MOST_REDIRECTS + 1):
            if host_and_path(url)[0] != own:
                raise ContractError(f"{own} sends us to another host", next_step="Give the address where it leads")
            session.allow(url)
            try:
                with session.get(url, timeout=_TIMEOUT, stream=True, allow_redirects=False) as answer:
                    if not answer.is_redirect:
                        return _body(url, answer)
                    url = urljoin(url, answer.headers["Location"])
            except requests.RequestException as error:
                raise UnavailableError(
                    f"{own} cannot be read ({type(error).__name__})", next_step="Try later"
                ) from None
    raise ContractError(f"{own} redirects without end", next_step="Give the address where it leads")


def _body(url: str, answer: requests.Response) -> bytes:
    if answer.status_code >= 500:
        raise UnavailableError(f"{url} answers {answer.status_code}", next_step="Try later")
    if answer.status_code != 200:
        raise ContractError(f"{url} answers {answer.status_code}", next_step="Check the address")
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > LARGEST:
            raise ContractError(f"{url} is larger than {LARGEST:,} bytes", next_step="Give a smaller part of it")
    announced = answer.headers.get("Content-Length")
    if announced and not answer.headers.get("Content-Encoding") and len(body) != int(announced):
        raise UnavailableError(f"The answer of {url} was cut", next_step="Try again")
    return bytes(body)
