"""Ways through pages: by token, by offset; and reading one page ahead. Each ends, and none goes in circles."""

from __future__ import annotations

import filecmp
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from rebuttal.errors import ContractError, CutBodyError, RetryError
from rebuttal.sources.declare import Page, Request
from rebuttal.sources.session import Session


class ExpiredPagesError(RetryError):
    """The vendor forgot where we were: the slice starts anew."""


def at(data: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def ahead(pages: Iterator[Page]) -> Generator[Page, None, None]:
    """The same pages, each fetched (in a thread) while the one before is made rows of; at most one is waiting.

    Raises what `pages` raises, at the page where it was raised. Left early, it waits for the page on its way.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="pages") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


def by_token(session: Session, request: Request, *, link: str, into: str, in_body: bool = False) -> Iterator[Page]:
    """Pages linked by the token at path `link` of each answer, sent back as `into` (a parameter, or a body key).

    Raises ContractError when a token comes back a second time or the pages do not end.
    """
    seen: set[str] = set()
    guard = _Repeats(session)
    while True:
        page = guard.fetch(request)
        value = at(page.data, link)
        yield page
        if value in (None, ""):
            return
        if value in seen:
            raise ContractError(
                f"{request.path} pages in a circle", next_step="The vendor's paging is broken; ask them"
            )
        seen.add(value)
        limit_pages(session, request, len(seen))
        if in_body:
            request = replace(request, json={**request.json, into: str(value)})
        else:
            request = replace(request, params={**request.params, into: str(value)})


def by_offset(session: Session, request: Request, *, limit: int, rows: str, total: str) -> Iterator[Page]:
    """Pages by `offset` and `limit` in the body until the `total` of the answer is reached.

    A page shorter than `limit` is no end: the next request starts where it stopped. Raises CutBodyError when a page is
    empty before the total is reached.
    """
    offset = 0
    guard = _Repeats(session)
    while True:
        page = guard.fetch(replace(request, json={**request.json, "offset": str(offset), "limit": str(limit)}))
        count, expected = len(at(page.data, rows) or ()), int(at(page.data, total) or 0)
        if not count and offset < expected:
            raise CutBodyError(f"{request.path} gave {offset + count} of {expected} rows")
        yield page
        offset += count
        if offset >= expected:
            return
        limit_pages(session, request, offset // limit)


def limit_pages(session: Session, request: Request, count: int) -> None:
    """Raise ContractError above `limits.max_pages`."""
    if count > session.limits.max_pages:
        raise ContractError(
            f"{request.path} has more than {session.limits.max_pages} pages",
            next_step="Raise limits.max_pages, or pull shorter windows with --from and --to",
        )


def _is_same(page: Page, other: Page) -> bool:
    return page.size == other.size and filecmp.cmp(page.path, other.path, shallow=False)


class _Repeats:
    """Asks again when the page before comes once more in place of the next one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last: Page | None = None

    def fetch(self, request: Request) -> Page:
        for _ in range(self._session.limits.attempts):
            page = self._session.fetch(request)
            if self._last is None or not _is_same(page, self._last):
                # Only its file and size: what it held is read and can go.
                self._last = replace(page, data=None)
                return page
        raise ContractError(f"{request.path} gives the same page again and again", next_step="Ask the vendor")
