"""HubSpot CRM: objects with history and associations, search, pipelines, owners, properties; v3, v4 and date paths."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faces import hubspot_requests as parse
from sandbox.faces.hubspot_hooks import HEARD, HubSpotHooks
from sandbox.faces.hubspot_objects import Objects, shown_object, written_links
from sandbox.faces.hubspot_schema import (
    SINGULAR,
    Refused,
    association_types,
    error_answer,
    object_type,
    property_definition,
    property_names,
)
from sandbox.faces.hubspot_search import found_objects, page_of
from sandbox.faces.wire import Call, Face, Rate, Site, answer, call_of, iso_ms
from sandbox.journal import Entry
from sandbox.recorded import ACCOUNTS, CrmObject, Recorded

MAX_PAGE, MAX_PAGE_WITH_HISTORY, MAX_BATCH_LINKS, MAX_URL = 100, 50, 1000, 16_000
_NO_TOKEN = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_POLICIES = {
    "account": ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."),
    "search": ("SECONDLY", "You have reached your secondly limit."),
}
Handler = Callable[[Request], Awaitable[Response]]


def face(site: Site) -> Face:
    """The face."""
    return HubSpotFace(site)


class HubSpotFace(Face):
    """See the module."""

    prefix = "hubspot"
    rates: ClassVar[Mapping[str, Rate]] = {"account": Rate(19, 190), "search": Rate(5, 5)}

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.objects = Objects(site)
        self.hooks = HubSpotHooks(site)
        self._hits: tuple[str, list[CrmObject]] = ("", [])

    def routes(self) -> Sequence[Route]:
        """HubSpot's paths; a type is a plural, a singular or a numeric name."""
        routes = []
        for base in ("/crm/v3/objects", "/crm/objects/2025-09", "/crm/objects/2026-03"):
            routes += [
                self._route(f"{base}/{{type}}", self._list, "GET"),
                self._route(f"{base}/{{type}}", self._create, "POST"),
                self._route(f"{base}/{{type}}/search", self._search, "POST"),
                self._route(f"{base}/{{type}}/batch/read", self._batch_read, "POST"),
                self._route(f"{base}/{{type}}/{{id}}", self._read, "GET"),
                self._route(f"{base}/{{type}}/{{id}}", self._update, "PATCH"),
                self._route(f"{base}/{{type}}/{{id}}", self._archive, "DELETE"),
            ]
        return [
            *routes,
            *self.hooks.routes(self._route),
            self._route("/crm/v4/objects/{type}/{id}/associations/{to}", self._links, "GET"),
            self._route("/crm/v4/associations/{type}/{to}/batch/read", self._batch_links, "POST"),
            self._route("/crm/v3/pipelines/{type}", self._pipelines, "GET"),
            self._route("/crm/v3/pipelines/{type}/{id}", self._pipeline, "GET"),
            self._route("/crm/v3/owners", self._owners, "GET"),
            self._route("/crm/v3/owners/", self._owners, "GET"),
            self._route("/crm/v3/properties/{type}", self._properties, "GET"),
        ]

    def unauthorized(self, call: Call) -> Response | None:
        """401 in HubSpot's words without the portal's token."""
        token = call.bearer()
        if token == ACCOUNTS["hubspot"]["access_token"]:
            return None
        message = _NO_TOKEN if token is None else "The OAuth token used to make this call is invalid or expired"
        category = "INVALID_AUTHENTICATION" if token is None else "EXPIRED_AUTHENTICATION"
        return error_answer(call.number, Refused(401, category, message))

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> Response:
        """429 with the policy's name; HubSpot does not always say when."""
        policy, message = _POLICIES[bucket]
        refused = Refused(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)
        refused.body["requestId"] = f"{call.number:032x}"
        return error_answer(call.number, refused, {"Retry-After": str(max(1, round(wait_s)))} if says_when else None)

    def broken(self, call: Call, status: int) -> Response:
        """500 as JSON; 502 and 503 come from the proxy in front."""
        if status == 500:
            return error_answer(call.number, Refused(500, "INTERNAL_ERROR", "internal error"))
        return Response(f"<html><body><h1>{status}</h1></body></html>", status, media_type="text/html")

    def bucket_of(self, call: Call) -> str:
        """Searches have a limit of their own."""
        return "search" if call.path.endswith("/search") else "account"

    def is_write(self, call: Call) -> bool:
        """Everything that is no read, search or batch read."""
        return call.method in ("PATCH", "DELETE") or (
            call.method == "POST" and not call.path.endswith(("/search", "/batch/read"))
        )

    def marks(self, call: Call, headers: dict[str, str], left: Mapping[str, int]) -> None:
        """Rate limit headers; searches have none."""
        if self.bucket_of(call) == "account":
            headers["X-HubSpot-RateLimit-Max"] = "190"
            headers["X-HubSpot-RateLimit-Remaining"] = str(left["account"])
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
            headers["X-HubSpot-RateLimit-Daily"] = "650000"
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(650_000 - call.number)

    def replay(self, entry: Entry) -> None:
        """Writes are journalled as create, update and archive, or in the words of `HubSpotHooks.apply`."""
        if entry.kind in ("create", "update", "archive"):
            self._apply(entry.kind, entry.at, entry.data)
        else:
            self.hooks.apply(entry.kind, entry.at, entry.data)

    def moved(self, before: Recorded) -> None:
        """Contacts, companies and deals that are new or another than they were."""
        for kind in HEARD:
            old = {obj.id: obj for obj in before.crm.get(kind, [])}
            for obj in self.site.recorded().crm.get(kind, []):
                if obj.id not in old or obj.updated_at != old[obj.id].updated_at:
                    after = self.objects.get(kind, obj.id)
                    self.hooks.tell(kind, old.get(obj.id), after or obj)

    def _apply(self, kind: str, at: datetime, data: Mapping[str, Any]) -> CrmObject:
        if kind == "create":
            return self.objects.create(data["type"], at, data["properties"], data["associations"])
        return self.objects.update(data["type"], data["id"], at, data.get("properties"))

    def _write(self, kind: str, data: Mapping[str, Any]) -> CrmObject:
        before = self.objects.get(data["type"], data["id"]) if "id" in data else None
        made = self._apply(kind, self.site.write(self.prefix, kind, data).at, data)
        self.hooks.tell(data["type"], before, made)
        return made

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                if len(str(request.url)) > MAX_URL:
                    return Response("<html><h1>414 Request-URI Too Large</h1></html>", 414, media_type="text/html")
                return await handler(request)
            except Refused as refused:
                return error_answer(call_of(request).number, refused)

        return Route(path, guarded, methods=[method])

    async def _list(self, request: Request) -> Response:
        kind, query = object_type(request.path_params["type"]), request.query_params
        history = parse.names(query.getlist("propertiesWithHistory"))
        limit = parse.limit_of(query.get("limit"), MAX_PAGE_WITH_HISTORY if history else MAX_PAGE)
        after = parse.offset_of(query.get("after"))
        found = self.objects.listed(kind, parse.is_true(query.get("archived")))
        start = bisect_left(found, after, key=lambda obj: int(obj.id))
        names = parse.asked_properties(kind, query.getlist("properties"))
        links = parse.names(query.getlist("associations"))
        page = [shown_object(self.objects, kind, obj, names, history, links) for obj in found[start : start + limit]]
        data: dict[str, Any] = {"results": page}
        if len(found) > start + limit:
            data["paging"] = parse.next_page(request, found[start + limit].id)
        return answer(data)

    async def _read(self, request: Request) -> Response:
        kind, query = object_type(request.path_params["type"]), request.query_params
        archived = parse.is_true(query.get("archived"))
        obj = self._existing(kind, request.path_params["id"], query.get("idProperty"), archived)
        names = parse.asked_properties(kind, query.getlist("properties"))
        links = parse.names(query.getlist("associations"))
        history = parse.names(query.getlist("propertiesWithHistory"))
        return answer(shown_object(self.objects, kind, obj, names, history, links))

    async def _batch_read(self, request: Request) -> Response:
        kind, data = object_type(request.path_params["type"]), await parse.read_json(request)
        history = list(data.get("propertiesWithHistory") or [])
        inputs = parse.inputs(data, MAX_PAGE_WITH_HISTORY if history else MAX_PAGE)
        names, id_property = parse.asked_properties(kind, data.get("properties") or []), data.get("idProperty")
        archived = parse.is_true(request.query_params.get("archived"))
        found, missing = [], []
        for id_ in dict.fromkeys(inputs):
            obj = self.objects.get(kind, id_, id_property)
            if obj is None or obj.is_archived != archived:
                missing.append(id_)
            else:
                found.append(shown_object(self.objects, kind, obj, names, history))
        message = "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
        return self._batch_answer(found, [_batch_error(message, "", {"ids": missing})] if missing else [])

    async def _search(self, request: Request) -> Response:
        kind, data = object_type(request.path_params["type"]), await parse.read_json(request)
        after, limit = page_of(data)
        lag = self.site.faults.values["hubspot_index_lag_s"]
        shape = json.dumps([kind, self.objects.version, {**data, "after": None, "limit": None}], sort_keys=True)
        # The pages of one search share the work, unless the index may be catching up meanwhile.
        if lag or self._hits[0] != shape:
            self._hits = ("" if lag else shape, found_objects(kind, self.objects.indexed(kind, lag), data))
        hits, names = self._hits[1], parse.asked_properties(kind, data.get("properties") or [])
        page = [shown_object(self.objects, kind, obj, names) for obj in hits[after : after + limit]]
        result: dict[str, Any] = {"total": len(hits), "results": page}
        if after + limit < len(hits):
            result["paging"] = {"next": {"after": str(after + limit)}}
        return answer(result)

    async def _create(self, request: Request) -> Response:
        kind, data = object_type(request.path_params["type"]), await parse.read_json(request)
        properties = parse.written_properties(kind, data)
        email = properties.get("email")
        twin = self.objects.get(kind, email, "email") if kind == "contacts" and email else None
        if twin is not None:
            raise Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {twin.id}")
        links = written_links(self.objects, data.get("associations"))
        made = self._write("create", {"type": kind, "properties": properties, "associations": links})
        return answer(shown_object(self.objects, kind, made, list(properties)), 201)

    async def _update(self, request: Request) -> Response:
        kind, properties = object_type(request.path_params["type"]), await parse.read_json(request)
        obj = self._existing(kind, request.path_params["id"], request.query_params.get("idProperty"))
        written = parse.written_properties(kind, properties)
        changed = self._write("update", {"type": kind, "id": obj.id, "properties": written})
        return answer(shown_object(self.objects, kind, changed, list(written)))

    async def _archive(self, request: Request) -> Response:
        kind = object_type(request.path_params["type"])
        obj = self.objects.get(kind, request.path_params["id"])
        if obj is not None and not obj.is_archived:
            self._write("archive", {"type": kind, "id": obj.id})
        return Response(status_code=204)

    async def _links(self, request: Request) -> Response:
        start, end = object_type(request.path_params["type"]), object_type(request.path_params["to"])
        obj = self._existing(start, request.path_params["id"])
        ids, limit = (
            self.objects.linked(start, obj.id, end),
            parse.limit_of(request.query_params.get("limit"), 500, 500),
        )
        after = parse.offset_of(request.query_params.get("after"))
        data: dict[str, Any] = {"results": _linked(start, end, ids[after : after + limit])}
        if after + limit < len(ids):
            data["paging"] = parse.next_page(request, str(after + limit))
        return answer(data)

    async def _batch_links(self, request: Request) -> Response:
        start, end = object_type(request.path_params["type"]), object_type(request.path_params["to"])
        found, errors = [], []
        for id_ in dict.fromkeys(parse.inputs(await parse.read_json(request), MAX_BATCH_LINKS)):
            ids = self.objects.linked(start, id_, end)
            if ids:
                found.append({"from": {"id": id_}, "to": _linked(start, end, ids)})
            else:
                message = f"No {SINGULAR[end]} is associated with {SINGULAR[start]} {id_}."
                context = {"fromObjectId": [id_], "fromObjectType": [SINGULAR[start]], "toObjectType": [SINGULAR[end]]}
                errors.append(_batch_error(message, "crm.associations.NO_ASSOCIATIONS_FOUND", context))
        return self._batch_answer(found, errors)

    async def _pipelines(self, request: Request) -> Response:
        kind = object_type(request.path_params["type"])
        return answer({"results": self.site.recorded().pipelines if kind == "deals" else []})

    async def _pipeline(self, request: Request) -> Response:
        for pipeline in self.site.recorded().pipelines:
            if pipeline["id"] == request.path_params["id"]:
                return answer(pipeline)
        raise Refused(404, "OBJECT_NOT_FOUND", "Pipeline not found")

    async def _owners(self, request: Request) -> Response:
        query = request.query_params
        limit, after = parse.limit_of(query.get("limit"), 500, 100), parse.offset_of(query.get("after"))
        archived, email = parse.is_true(query.get("archived")), query.get("email")
        found = [
            owner
            for owner in sorted(self.site.recorded().owners, key=lambda owner: int(owner["id"]))
            if bool(owner.get("archived")) == archived and (not email or owner.get("email") == email)
        ]
        data: dict[str, Any] = {"results": found[after : after + limit]}
        if after + limit < len(found):
            data["paging"] = parse.next_page(request, str(after + limit))
        return answer(data)

    async def _properties(self, request: Request) -> Response:
        kind = object_type(request.path_params["type"])
        return answer({"results": [property_definition(kind, name) for name in property_names(kind)]})

    def _existing(self, kind: str, id_: str, id_property: str | None = None, archived: bool = False) -> CrmObject:
        obj = self.objects.get(kind, id_, id_property)
        if obj is None or obj.is_archived != archived:
            raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
        return obj

    def _batch_answer(self, found: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Response:
        now = iso_ms(self.site.now())
        data: dict[str, Any] = {"status": "COMPLETE", "results": found, "startedAt": now, "completedAt": now}
        if errors:
            data |= {"numErrors": len(errors), "errors": errors}
        return answer(data, 207 if errors else 200)


def _batch_error(message: str, sub_category: str, context: dict[str, list[str]]) -> dict[str, Any]:
    error: dict[str, Any] = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": context}
    return {**error, "links": {}, "errors": [], **({"subCategory": sub_category} if sub_category else {})}


def _linked(start: str, end: str, ids: list[str]) -> list[dict[str, Any]]:
    return [{"toObjectId": id_, "associationTypes": association_types(start, end)} for id_ in ids]
