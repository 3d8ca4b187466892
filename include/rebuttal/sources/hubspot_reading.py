"""How HubSpot is read: search for what changed, batches for what a search does not tell, the list for what is archived.

Changed objects are found by search on the last-modified time and walked by object id, so that neither the cap of 10,000
hits nor an object that changes meanwhile makes a gap. Associations and history, which a search does not give, are read
in batches; archived objects, which it does not find, by the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rebuttal.errors import CutBodyError
from rebuttal.sources.declare import Page, Request, Window, epoch_ms
from rebuttal.sources.paging import by_token, limit_pages
from rebuttal.sources.session import Session

SEARCH_ROWS, LIST_ROWS, HISTORY_ROWS = 200, 100, 50
SECONDS_BETWEEN_SEARCHES = 0.2  # five searches a second for a token


def search(session: Session, kind: str, window: Window, properties: list[str]) -> Iterator[Page]:
    """Pages of objects modified in the window, by ascending id: each page asks for ids above the last one."""
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    span = [("GTE", window.since), ("LT", window.until)]
    bounds = [{"propertyName": modified, "operator": word, "value": str(epoch_ms(at))} for word, at in span]
    last, number = "0", 0
    while True:
        above = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
        body = {
            "filterGroups": [{"filters": [*bounds, above]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": properties,
            "limit": SEARCH_ROWS,
        }
        request = Request(path=f"/crm/v3/objects/{kind}/search", method="POST", json=body, gap=SECONDS_BETWEEN_SEARCHES)
        page = session.fetch(request)
        results, total = page.data["results"], int(page.data["total"])
        if len(results) < min(SEARCH_ROWS, total):
            raise CutBodyError(f"{request.path} gave {len(results)} of {total} hits")
        yield page
        if total <= len(results):
            return
        last, before = str(max(int(item["id"]) for item in results if isinstance(item, dict))), last
        if int(last) <= int(before):
            raise CutBodyError(f"{request.path} gave a page twice")
        number += 1
        limit_pages(session, request, number)


def archived(session: Session, kind: str, window: Window, params: dict[str, str], limit: int) -> Iterator[Page]:
    """Pages of the archived objects, of which those count that were archived in the window."""
    request = Request(f"/crm/v3/objects/{kind}", params={**params, "archived": "true", "limit": str(limit)})
    for page in by_token(session, request, link="paging.next.after", into="after"):
        page.data["results"] = [item for item in page.data["results"] if _is_in(item, window)]
        yield page


def _is_in(item: Any, window: Window) -> bool:
    at = item.get("archivedAt") if isinstance(item, dict) else None
    return at is None or window.since <= datetime.fromisoformat(at) < window.until


def objects(
    kind: str, properties: list[str], links: tuple[str, ...] = ()
) -> Callable[[Session, Window], Iterator[Page]]:
    """How the pages of an object type come, each with the ids of its objects' associations."""

    def pages(session: Session, window: Window) -> Iterator[Page]:
        for page in search(session, kind, window, properties):
            _associate(session, kind, page, links)
            yield page
        params = {"properties": ",".join(properties)} | ({"associations": ",".join(links)} if links else {})
        yield from archived(session, kind, window, params, LIST_ROWS)

    return pages


def _associate(session: Session, kind: str, page: Page, links: tuple[str, ...]) -> None:
    items = {item["id"]: item for item in page.data["results"] if isinstance(item, dict)}
    for to in links if items else ():
        for number, ids in _links(session, kind, to, items).items():
            items[number].setdefault("associations", {})[to] = {"results": [{"id": id_} for id_ in ids]}


def _links(session: Session, kind: str, to: str, ids: Iterable[str]) -> dict[str, list[Any]]:
    """Object id -> ids of the associated objects of type `to`, as the vendor writes them."""
    request = Request(
        path=f"/crm/v4/associations/{kind}/{to}/batch/read",
        method="POST",
        json={"inputs": [{"id": number} for number in ids]},
        accept=(200, 207),  # 207: some have none
    )
    found = session.fetch(request).data["results"]
    return {str(one["from"]["id"]): [link["toObjectId"] for link in one["to"]] for one in found}


def named_objects(
    kind: str, properties: list[str], links: tuple[str, ...] = ()
) -> Callable[[Session, Sequence[str]], Iterator[Page]]:
    """How the pages of single objects come, in the same shape as in `objects`, archived ones included."""

    def pages(session: Session, ids: Sequence[str]) -> Iterator[Page]:
        for page in _read_named(session, kind, ids, {"properties": properties}, LIST_ROWS):
            _associate(session, kind, page, links)
            yield page

    return pages


def named_history(kind: str, name: str) -> Callable[[Session, Sequence[str]], Iterator[Page]]:
    """How single objects come with all versions of one property, archived ones included."""

    def pages(session: Session, ids: Sequence[str]) -> Iterator[Page]:
        asked = {"properties": [name], "propertiesWithHistory": [name]}
        yield from _read_named(session, kind, ids, asked, HISTORY_ROWS)

    return pages


def _read_named(
    session: Session, kind: str, ids: Sequence[str], asked: dict[str, list[str]], at_once: int
) -> Iterator[Page]:
    """The living ones, then of those that are missing the archived ones; what is neither is unknown."""
    path = f"/crm/v3/objects/{kind}/batch/read"
    missing = list(ids)
    for params in ({}, {"archived": "true"}):
        left: list[str] = []
        for start in range(0, len(missing), at_once):
            some = missing[start : start + at_once]
            body = {"inputs": [{"id": number} for number in some], **asked}
            page = session.fetch(Request(path, method="POST", params=params, json=body, accept=(200, 207)))
            left += _missing(page, some)
            yield page
        missing = left
    session.unknown.update(missing)


def _missing(page: Page, asked: Sequence[str]) -> list[str]:
    """An object that was merged answers under its survivor's id: what is missing is what the vendor says is."""
    told = {str(one) for error in page.data.get("errors") or [] for one in (error.get("context") or {}).get("ids", [])}
    return [number for number in asked if number in told]


def related(session: Session, named: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """A deal is heard in its notes and calls, which have no webhook of their own; its contact says who doubts."""
    found: dict[str, list[str]] = {}
    for to in ("notes", "calls", "contacts") if named.get("deals") else ():
        for linked_ids in _links(session, "deals", to, named["deals"]).values():
            found.setdefault(to, []).extend(linked_ids)
    return found


def history(kind: str, name: str) -> Callable[[Session, Window], Iterator[Page]]:
    """How the pages of objects modified in the window come with all versions of one property."""

    def pages(session: Session, window: Window) -> Iterator[Page]:
        for page in search(session, kind, window, ["hs_object_id"]):
            ids = [item["id"] for item in page.data["results"] if isinstance(item, dict)]
            for start in range(0, len(ids), HISTORY_ROWS):
                body = {
                    "inputs": [{"id": number} for number in ids[start : start + HISTORY_ROWS]],
                    "properties": [name],
                    "propertiesWithHistory": [name],
                }
                path = f"/crm/v3/objects/{kind}/batch/read"
                yield session.fetch(Request(path, method="POST", json=body, accept=(200, 207)))
        yield from archived(session, kind, window, {"propertiesWithHistory": name}, HISTORY_ROWS)

    return pages


def versions(name: str) -> Callable[[dict[str, Any]], Iterable[dict[str, Any]]]:
    """How an object gives one row per version of a property that says something."""

    def rows(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
        for version in item["propertiesWithHistory"][name]:
            if version["value"]:
                yield {"object": item["id"], **version}

    return rows


def linked(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Associations as lists of ids, in the vendor's order, each once."""
    found = item.pop("associations", None) or {}
    if found:
        item["links"] = {
            to: list(dict.fromkeys(str(link["id"]) for link in part["results"])) for to, part in found.items()
        }
    yield item


def owner_pages(session: Session, _: Window) -> Iterator[Page]:
    """Present and former owners."""
    for is_archived in ("false", "true"):
        request = Request("/crm/v3/owners", params={"limit": str(LIST_ROWS), "archived": is_archived})
        yield from by_token(session, request, link="paging.next.after", into="after")


def team_of(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The primary team's name."""
    teams = item.pop("teams", None) or []
    item["team"] = next((team["name"] for team in teams if team.get("primary")), teams[0]["name"] if teams else None)
    yield item


def pipeline_pages(session: Session, _: Window) -> Iterator[Page]:
    """The deal pipelines, in one answer."""
    yield session.fetch(Request("/crm/v3/pipelines/deals"))


def stages(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """One row per stage of a pipeline."""
    for stage in item["stages"]:
        yield {"pipeline": {"id": item["id"], "label": item["label"]}, **stage}
