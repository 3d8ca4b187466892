"""HubSpot's webhooks: what an app may subscribe to, and the events that a change of an object is.

Notes and calls have no webhook of their own: who hears of a deal asks for what is associated with it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faces.hubspot_schema import SINGULAR, Refused, invalid
from sandbox.faces.wire import Site, answer, iso_ms
from sandbox.recorded import ACCOUNTS, CrmObject
from sandbox.webhooks import Event

HEARD = ("contacts", "companies", "deals")  # types that have webhooks
# What is told where somebody only gave an address: (eventType, propertyName).
USUAL: tuple[tuple[str, str], ...] = (
    *((f"{kind}.{what}", "") for kind in ("contact", "deal") for what in ("creation", "deletion")),
    ("contact.propertyChange", "lifecyclestage"),
    ("deal.propertyChange", "dealstage"),
    ("deal.propertyChange", "amount"),
    ("deal.propertyChange", "closed_lost_reason"),
)
FIRST_SUBSCRIPTION = 12
Handler = Callable[[Request], Awaitable[Response]]


class HubSpotHooks:
    """The app's settings and subscriptions, and the events that they ask for."""

    prefix = "hubspot"

    def __init__(self, site: Site) -> None:
        self.site = site
        self._url: str | None = None
        self._subscriptions: list[dict[str, Any]] = []
        self._count = 0

    def routes(self, route: Callable[[str, Handler, str], Route]) -> Sequence[Route]:
        """The webhooks API (v3) of an app."""
        base = "/webhooks/v3/{app}"
        return [
            route(f"{base}/settings", self._settings, "GET"),
            route(f"{base}/settings", self._point, "PUT"),
            route(f"{base}/subscriptions", self._list, "GET"),
            route(f"{base}/subscriptions", self._subscribe, "POST"),
            route(f"{base}/subscriptions/{{id}}", self._unsubscribe, "DELETE"),
        ]

    def apply(self, kind: str, at: datetime, data: Mapping[str, Any]) -> None:
        """A journalled change of the settings or the subscriptions."""
        if kind == "hooks_to":
            self._url = data["url"]
            self.site.hooks.subscribe(self.prefix, self._url)
        elif kind == "subscribe":
            number = FIRST_SUBSCRIPTION + len(self._subscriptions)
            made = {"id": str(number), "createdAt": iso_ms(at), "updatedAt": iso_ms(at), **data}
            self._subscriptions.append(made)
        else:
            self._subscriptions = [one for one in self._subscriptions if one["id"] != data["id"]]

    def tell(self, kind: str, before: CrmObject | None, after: CrmObject) -> None:
        """An object was made (`before` is None), changed or archived."""
        self.site.hooks.tell(self.prefix, self.events(kind, before, after))

    def events(self, kind: str, before: CrmObject | None, after: CrmObject) -> list[Event]:
        """What of the change somebody subscribed to."""
        if kind not in HEARD or after is before:
            return []
        name, found = SINGULAR[kind], []
        wanted = self._wanted()
        if before is None and (f"{name}.creation", "") in wanted:
            found.append(self._event(f"{name}.creation", wanted, after, "", {"changeFlag": "CREATED"}))
        if after.is_archived and not (before and before.is_archived) and (f"{name}.deletion", "") in wanted:
            found.append(self._event(f"{name}.deletion", wanted, after, "", {"changeFlag": "DELETED"}))
        for (event_type, changed), _ in wanted.items():
            old = before.properties.get(changed) if before else None
            if event_type != f"{name}.propertyChange" or after.is_archived or after.properties.get(changed) == old:
                continue
            value = {"propertyName": changed, "propertyValue": after.properties.get(changed) or ""}
            found.append(self._event(event_type, wanted, after, changed, value))
        return found

    def _wanted(self) -> dict[tuple[str, str], int]:
        active = [one for one in self._subscriptions if one.get("active")]
        if not self._subscriptions:
            return {pair: FIRST_SUBSCRIPTION + place for place, pair in enumerate(USUAL)}
        return {(one["eventType"], one.get("propertyName") or ""): int(one["id"]) for one in active}

    def _event(
        self, type_: str, wanted: Mapping[tuple[str, str], int], obj: CrmObject, name: str, more: dict[str, str]
    ) -> Event:
        self._count += 1
        return {
            "eventId": 100_000_000 + self._count + self.site.journal.written,
            "subscriptionId": wanted[type_, name],
            "portalId": int(ACCOUNTS["hubspot"]["portal"]),
            "appId": 54321,
            "occurredAt": int(obj.updated_at.timestamp() * 1000),
            "subscriptionType": type_,
            "objectId": int(obj.id),
            **more,
            "changeSource": "CRM_UI",
            "sourceId": "userId:5",
        }

    async def _settings(self, _: Request) -> Response:
        if self._url is None:
            raise Refused(404, "OBJECT_NOT_FOUND", "No webhook settings were found for this app")
        return answer({"targetUrl": self._url, "throttling": {"maxConcurrentRequests": 10, "period": "SECONDLY"}})

    async def _point(self, request: Request) -> Response:
        url = (await _object(request)).get("targetUrl")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise invalid("targetUrl must be an address")
        self._write("hooks_to", {"url": url})
        return await self._settings(request)

    async def _list(self, _: Request) -> Response:
        return answer({"results": self._subscriptions})

    async def _subscribe(self, request: Request) -> Response:
        data = await _object(request)
        kind, _, what = str(data.get("eventType")).partition(".")
        if kind not in {SINGULAR[name] for name in HEARD} or what not in ("creation", "deletion", "propertyChange"):
            raise invalid(f"Invalid eventType {data.get('eventType')}")
        if (what == "propertyChange") != bool(data.get("propertyName")):
            raise invalid("propertyName belongs to propertyChange, and to nothing else")
        kept = {name: data[name] for name in ("eventType", "propertyName") if data.get(name)}
        self._write("subscribe", {**kept, "active": bool(data.get("active", False))})
        return answer(self._subscriptions[-1], 201)

    async def _unsubscribe(self, request: Request) -> Response:
        self._write("unsubscribe", {"id": request.path_params["id"]})
        return Response(status_code=204)

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        self.apply(kind, self.site.write(self.prefix, kind, data).at, data)


async def _object(request: Request) -> dict[str, Any]:
    try:
        data = json.loads(await request.body())
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise invalid("Invalid input JSON")
    return data
